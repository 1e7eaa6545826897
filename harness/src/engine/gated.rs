//! Whether a gateway passes on each piece of a text before it has the next: the simulator lets them go one by one, each
//! once the one before it has been read here.

use std::sync::Arc;
use std::time::Instant;

use plumbline_record::Miss;
use tokio::sync::watch;
use tokio::time::timeout;

use super::arriving::Arriving;
use super::attempt::{Attempt, Seen};
use super::client::{NoReply, Outgoing};
use super::providers;
use super::sending::Delivery;
use super::service::ServiceError;
use super::simulator::Simulator;
use super::stage::Stage;
use crate::check::{Decided, Reply, Stream, shorten};
use crate::scenario::{Gate, Step, StreamKind};

/// What became of the pieces of a text.
#[derive(Debug)]
pub(super) enum Gated {
    /// Each was read here before the next was sent, but perhaps the last, behind which the provider broke off.
    Passed,
    /// This one was sent, and did not come in time.
    HeldBack(String),
    /// The answer came to its end without this one.
    Lost(String),
    /// The answer came to its end before the provider's.
    Early,
    /// Not all of them were asked for in time.
    Slow,
    /// No provider was asked for a stream.
    Unmet,
}

/// The pieces that were let go.
#[derive(Debug, Default)]
struct Pieces {
    /// How many were sent, as far as that is known.
    sent: u64,
    /// All that they say.
    text: String,
    /// The last of them, while it has not come.
    awaited: Option<String>,
}

/// A gate that stands, and what is expected behind it.
#[derive(Clone, Copy)]
struct Standing<'g> {
    simulator: Simulator<'g>,
    world: &'g str,
    id: u64,
    gate: &'g Gate,
    kind: &'g StreamKind,
}

impl Attempt<'_> {
    /// Sends a request whose provider's answer meets a gate, and lets its text through piece by piece.
    ///
    /// A gateway that holds a piece back has all of the step's time for it, and as much again for the rest, so that its
    /// answer can still be judged.
    pub(super) async fn deliver_gated(
        &self,
        step: &Step,
        gate: &Gate,
        outgoing: &Outgoing,
        stage: &mut Stage,
    ) -> Result<(Delivery, Option<Gated>), ServiceError> {
        let (Some(simulator), Some(providers)) = (Simulator::of(self.services()), &stage.providers) else {
            return Err(ServiceError::NoSimulator);
        };
        let world = Arc::clone(&providers.world);
        let id = simulator.put_up_gate(&world, stage.mark()).await?;
        if let Some(providers) = &mut stage.providers {
            providers.gate = Some(id);
        }
        simulator.release(&world, id, 1).await?;
        let most_bytes = self.plan.target.limits.response_bytes;
        let Some(kind) = step.expect.stream_kind().filter(|_| !outgoing.leaves).map(|kind| &**kind) else {
            // Nobody waits for more than the first piece.
            return Ok((self.deliver(step, outgoing, most_bytes).await, None));
        };

        let standing = Standing { simulator, world: &world, id, gate, kind };
        let time = self.time(step);
        let (shown, mut coming) = watch::channel(None);
        let look = |arriving: &Arriving| {
            shown.send_replace(Some(arriving.so_far()));
        };
        let mut pieces = Pieces::default();
        let sent = Instant::now();
        let sending = self.client.send_watched(outgoing, time.saturating_mul(2), most_bytes, &look);
        tokio::pin!(sending);
        let first = tokio::select! {
            result = &mut sending => Ok(result),
            passed = timeout(time, self.let_through(standing, stage, &mut coming, &mut pieces)) => Err(passed),
        };
        let (result, gated) = match first {
            Ok(result) => {
                let gated = self.after_the_end(standing, stage, &result, pieces).await?;
                (result, gated)
            }
            Err(passed) => {
                let gated = match passed {
                    Ok(passed) => {
                        passed?;
                        Gated::Passed
                    }
                    Err(_) => {
                        let is_cut = simulator.gate(&world, id, 0, false).await?.is_cut();
                        providers::open_gate(self.services(), stage).await?;
                        match pieces.awaited {
                            // What is awaited then is the last piece.
                            _ if is_cut => Gated::Passed,
                            None => Gated::Slow,
                            Some(text) => Gated::HeldBack(text),
                        }
                    }
                };
                (sending.await, Some(gated))
            }
        };
        Ok((Delivery { result, took: sent.elapsed() }, gated))
    }

    /// Lets pieces through, each once the one before it has come, until the provider's answer is over.
    async fn let_through(
        &self,
        standing: Standing<'_>,
        stage: &Stage,
        coming: &mut watch::Receiver<Option<Reply>>,
        pieces: &mut Pieces,
    ) -> Result<(), ServiceError> {
        let Standing { simulator, world, id, .. } = standing;
        loop {
            let shown = simulator.gate(world, id, pieces.sent, true).await?;
            if shown.sent > pieces.sent {
                pieces.take(shown.sent, shown.text);
                let has_come = |reply: &Option<Reply>| {
                    reply.as_ref().is_some_and(|reply| self.has_come(standing, stage, reply, &pieces.text))
                };
                // Whoever shows what comes is there as long as this.
                let _ = coming.wait_for(has_come).await;
                pieces.awaited = None;
                simulator.release(world, id, pieces.sent + 1).await?;
            } else if shown.is_over() {
                return Ok(());
            }
        }
    }

    /// What is to be said of a gate where the gateway's answer has come to its end before all was let through.
    async fn after_the_end(
        &self,
        standing: Standing<'_>,
        stage: &Stage,
        result: &Result<Reply, NoReply>,
        mut pieces: Pieces,
    ) -> Result<Option<Gated>, ServiceError> {
        let Ok(reply) = result else { return Ok(None) };
        let Standing { simulator, world, id, .. } = standing;
        if !simulator.gate(world, id, 0, false).await?.met {
            return Ok(Some(Gated::Unmet));
        }
        // Its own end comes after the last that it says.
        let mut shown = simulator.gate(world, id, pieces.sent, true).await?;
        if shown.sent > pieces.sent {
            pieces.take(shown.sent, shown.text.take());
            shown = simulator.gate(world, id, pieces.sent, true).await?;
        }
        if shown.is_cut() {
            pieces.leave_out_the_last();
        }
        if !self.has_come(standing, stage, reply, &pieces.text) {
            return Ok(Some(Gated::Lost(pieces.awaited.unwrap_or(pieces.text))));
        }
        Ok(Some(if shown.is_over() { Gated::Passed } else { Gated::Early }))
    }

    /// Whether a text has come, as far as the stream that it is a part of has.
    fn has_come(&self, standing: Standing<'_>, stage: &Stage, reply: &Reply, text: &str) -> bool {
        let stream = Stream::read(standing.kind, reply, &self.context(stage));
        stream.is_some_and(|stream| stream.joined_text(&standing.gate.joined).contains(text))
    }

    /// Decides on a gate, once the answer behind it was judged: what follows from that is not told again.
    pub(super) fn check_gate(&self, step: &Step, reply: &Reply, stage: &Stage, seen: &mut Seen) {
        let (Some(Gate { clause, .. }), Some(gated)) = (&step.gate, seen.gated.take()) else { return };
        let shown = |text: &str| shorten(text, &stage.secrets);
        let time = humantime::format_duration(self.time(step));
        let found = match gated {
            Gated::Passed => None,
            Gated::HeldBack(text) => Some(format!(
                "the gateway held back `{}` for {time}, while nothing else was sent",
                shown(&text)
            )),
            Gated::Slow => Some(format!("within {time} not all of it was taken from the provider")),
            Gated::Lost(_) | Gated::Early | Gated::Unmet if seen.failed() || !reply.is_event_stream() => {
                return;
            }
            Gated::Lost(text) => Some(format!("the answer ended without `{}`", shown(&text))),
            Gated::Early => Some("the answer ended before that of the provider".to_owned()),
            Gated::Unmet => Some("the gateway asked no provider for a stream".to_owned()),
        };
        let mut decided = Decided::default();
        let miss = found.map(|actual| Miss {
            level: clause.level.on(self.plan.target.scripted),
            requirement: clause.verifies.as_deref().map(str::to_owned),
            step: step.name.to_string(),
            subject: "gate".to_owned(),
            expected: "each piece of the text before the next is sent".to_owned(),
            actual,
            difference: None,
            location: clause.location.clone(),
        });
        decided.add(clause.verifies.as_ref(), miss);
        seen.add(decided);
    }
}

impl Pieces {
    /// Takes note of the last piece that was sent.
    fn take(&mut self, sent: u64, text: Option<String>) {
        let text = text.unwrap_or_default();
        self.sent = sent;
        self.text.push_str(&text);
        self.awaited = Some(text);
    }

    /// Demands no more of the last piece, if it has not come. Where the provider breaks its answer off right behind it, a
    /// gateway may see the end before it has passed the piece on.
    fn leave_out_the_last(&mut self) {
        if let Some(last) = self.awaited.take() {
            self.text.truncate(self.text.len().saturating_sub(last.len()));
        }
    }
}
