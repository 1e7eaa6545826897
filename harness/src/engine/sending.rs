//! How a step's request is sent, and what is noted of what comes of it.

use std::time::{Duration, Instant};

use plumbline_record::{Event, Exchange, Level, Miss};

use super::attempt::{Attempt, Seen};
use super::client::{NoReply, Outgoing, whole};
use super::exchange::exchange;
use super::{Key, Stage, request};
use crate::check::Reply;
use crate::scenario::{Action, Poll, Step};

/// What came of a request.
pub(super) enum Answer {
    /// A complete reply.
    Reply(Reply),
    /// The end of the connection, where the step allows that.
    Closed,
    /// None; that has been judged.
    Missing,
}

/// What came back, and how long it took.
pub(super) struct Delivery {
    pub(super) result: Result<Reply, NoReply>,
    pub(super) took: Duration,
}

impl Attempt<'_> {
    /// Sends a step's request; what comes of it goes to the record.
    pub(super) async fn exchange(&self, step: &Step, stage: &mut Stage, seen: &mut Seen) -> Answer {
        let Some(outgoing) = self.prepare(step, None, stage, seen) else { return Answer::Missing };
        let delivery = match &step.gate {
            None => self.deliver(step, &outgoing, self.plan.target.limits.response_bytes).await,
            Some(gate) => match self.deliver_gated(step, gate, &outgoing, stage).await {
                Ok((delivery, gated)) => {
                    seen.gated = gated;
                    delivery
                }
                Err(error) => {
                    let why = error.told(&stage.secrets);
                    seen.broken = Some(format!("step `{}`: the gate could not be used: {why}", step.name));
                    return Answer::Missing;
                }
            },
        };
        self.take_in(step, &outgoing, delivery, stage, seen)
    }

    /// The request of a step, ready to be sent: with its own key, or that of its role.
    pub(super) fn prepare(
        &self,
        step: &Step,
        own: Option<&Key>,
        stage: &Stage,
        seen: &mut Seen,
    ) -> Option<Outgoing> {
        let (url, templates) = (&self.plan.target.url, &self.plan.suite.templates);
        let outgoing = match &step.action {
            Action::Call(call) | Action::Poll(Poll { call, .. }) => {
                request::outgoing(call, own, stage, url, templates)
            }
            Action::Raw(raw) => request::bytes(raw, stage, url, templates),
            _ => return None,
        };
        match outgoing {
            Ok(outgoing) => {
                if let Some(watch) = &mut seen.watch {
                    watch.note(&outgoing, stage.mark());
                }
                Some(outgoing)
            }
            Err(error) => {
                seen.broken = Some(format!("step `{}` could not be sent: {}", step.name, error.why()));
                None
            }
        }
    }

    /// The time that a step has.
    pub(super) fn time(&self, step: &Step) -> Duration {
        let limit = self.plan.target.limits.step;
        step.timeout.or(self.plan.settings.step_timeout).unwrap_or(limit)
    }

    /// Sends a request and waits for its answer, of no more than so many bytes.
    pub(super) async fn deliver(&self, step: &Step, outgoing: &Outgoing, most_bytes: u64) -> Delivery {
        self.deliver_within(self.time(step), outgoing, most_bytes).await
    }

    /// The same, within another time than the step's.
    pub(super) async fn deliver_within(
        &self,
        time: Duration,
        outgoing: &Outgoing,
        most_bytes: u64,
    ) -> Delivery {
        let sent = Instant::now();
        let result = self.client.send(outgoing, time, most_bytes).await;
        Delivery { result, took: sent.elapsed() }
    }

    /// Records what was sent and what came of it, and judges the absence of a reply.
    pub(super) fn take_in(
        &self,
        step: &Step,
        outgoing: &Outgoing,
        delivery: Delivery,
        stage: &mut Stage,
        seen: &mut Seen,
    ) -> Answer {
        let (event, result) = self.note(step, outgoing, delivery, stage, seen);
        self.sink.event(Event::Exchange(Box::new(event)));
        self.answer(step, result, seen)
    }

    /// Takes note of what came of a request; what the record would say of it is returned with it.
    pub(super) fn note(
        &self,
        step: &Step,
        outgoing: &Outgoing,
        delivery: Delivery,
        stage: &mut Stage,
        seen: &mut Seen,
    ) -> (Exchange, Result<Reply, NoReply>) {
        let Delivery { result, took } = delivery;
        // Only a stream is judged by its beginning.
        let result = if step.expect.stream_kind().is_some() { result } else { result.and_then(whole) };
        if let Ok(reply) = &result {
            self.note_secrets(step, reply, stage);
        }
        if let Some(watch) = &mut seen.watch {
            watch.note_end(&result);
        }
        let event =
            exchange(&self.scenario.id, self.number, &step.name, outgoing, &result, took, &stage.secrets);
        (event, result)
    }

    /// The reply that came, or that it did not, which is judged.
    pub(super) fn answer(&self, step: &Step, result: Result<Reply, NoReply>, seen: &mut Seen) -> Answer {
        match result {
            Ok(reply) => return Answer::Reply(reply),
            Err(NoReply::Closed(_)) if seen.allow_closed(step) => return Answer::Closed,
            Err(NoReply::Gateway(why) | NoReply::Closed(why) | NoReply::BrokenOff(why)) => {
                let words = ("a complete response".to_owned(), why);
                // What the step would have verified is what the gateway did not do.
                let requirement = step.verifies().next();
                seen.checks += 1;
                let miss =
                    self.requirements().miss(requirement, &step.name, "response", words, &step.location);
                seen.misses.push(Miss { level: Level::Must, ..miss });
            }
            Err(NoReply::Unreachable(why) | NoReply::Unsendable(why)) => {
                seen.broken = Some(format!("step `{}`: {why}", step.name));
            }
        }
        Answer::Missing
    }
}
