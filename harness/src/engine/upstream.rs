//! What an attempt sees of what the gateway asked of its providers.

use std::mem;
use std::sync::Arc;

use plumbline_record::Level;

use super::attempt::{Attempt, Seen};
use super::client::{NoReply, Outgoing};
use super::service::ServiceError;
use super::simulator::{Journal, Simulator, Until, Wanted};
use super::stage::Stage;
use crate::check::{Context, Cut, Reply};
use crate::observe::{await_calls, judge_calls, judge_calls_behind_miss, judge_late_calls};
use crate::scenario::{CallCount, Step};

/// How far calls to providers were looked at.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The number of the last call so far.
    last: u64,
    /// The step that was looked at last, and how many calls it had made by then, as long as none has begun since that is
    /// not looked at.
    step: Option<(Arc<str>, u64)>,
    /// Whether a request of the step at hand cannot be told from others' by what it holds.
    unmarked: bool,
    /// Whether an exchange of the step at hand was given up here before it had ended.
    given_up: bool,
}

impl Watch {
    /// Takes note of a request before it is sent, whose calls are told by a mark where others' come to the same place.
    pub(super) fn note(&mut self, outgoing: &Outgoing, mark: Option<&str>) {
        let holds = |mark: &str| {
            let finds = |bytes: &[u8]| bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
            finds(outgoing.url.as_str().as_bytes())
                || outgoing.body.as_deref().is_some_and(finds)
                || outgoing.headers.iter().any(|(_, value)| finds(value.as_bytes()))
        };
        self.unmarked |= mark.is_some_and(|mark| !holds(mark));
    }

    /// Takes note of whether an exchange came to its end, with an answer or with that of its connection.
    pub(super) fn note_end(&mut self, result: &Result<Reply, NoReply>) {
        let has_ended = match result {
            Ok(reply) => matches!(reply.cut, None | Some(Cut::Closed(_))),
            Err(no_reply) => matches!(no_reply, NoReply::Closed(_) | NoReply::BrokenOff(_)),
        };
        self.given_up |= !has_ended;
    }
}

impl Attempt<'_> {
    /// Looks at calls that came since the last look, before a step makes further ones. They can only be those of the step
    /// that was looked at last, unless there were others since.
    pub(super) async fn look_at_late_calls(&self, stage: &Stage, seen: &mut Seen) {
        let (Some(simulator), Some(providers), Some(watch)) =
            (Simulator::of(self.services()), &stage.providers, &mut seen.watch)
        else {
            return;
        };
        let wanted = Wanted { after: watch.last, mark: stage.mark(), until: Until::Now };
        let journal = match simulator.journal(&providers.world, wanted).await {
            Ok(journal) => journal,
            Err(error) => {
                seen.upstream.broken = Some(error.told(&stage.secrets));
                return;
            }
        };
        let before = mem::replace(watch, Watch { last: journal.last, ..Watch::default() });
        let Some((name, calls)) = before.step.filter(|_| !journal.calls.is_empty()) else { return };
        let step = self.scenario.steps.iter().find(|step| step.name == name);
        if let Some(expected) = step.and_then(|step| step.upstream.as_ref()) {
            let outcome = judge_late_calls(expected, calls, journal.calls, &self.context(stage), &name);
            seen.upstream.merge(outcome);
        }
    }

    /// Looks at the calls of a step whose answer is here.
    pub(super) async fn look_at_calls(&self, step: &Step, stage: &Stage, seen: &mut Seen) {
        let (Some(watch), Some(expected)) = (&mut seen.watch, &step.upstream) else { return };
        if watch.unmarked {
            let why = "the simulator has others' calls too, and the request does not hold the nonce";
            seen.upstream.undecided = Some(format!("step `{}`: {why}", step.name));
            return;
        }
        match self.calls(watch, expected.calls, stage).await {
            Ok(journal) => {
                watch.last = journal.last;
                watch.step = Some((Arc::clone(&step.name), journal.calls.len() as u64));
                let context = self.context(stage);
                seen.upstream.merge(judge_calls(expected, journal.calls, &context, &step.name));
            }
            Err(error) => seen.upstream.broken = Some(error.told(&stage.secrets)),
        }
    }

    /// Looks at the calls of a step that missed: what was asked of providers does not depend on what the client was told
    /// afterwards. Nothing is said where the exchange did not end by itself. Where all of it is right, what comes later may
    /// be too much all the same.
    pub(super) async fn look_at_calls_behind_miss(&self, step: &Step, stage: &Stage, seen: &mut Seen) {
        let (Some(watch), Some(expected)) = (&mut seen.watch, &step.upstream) else { return };
        if watch.unmarked || watch.given_up {
            return;
        }
        // Calls that a gateway has not made by now are not waited for: that they are missing says nothing.
        let count = CallCount { least: 0, ..expected.calls };
        match self.calls(watch, count, stage).await {
            Ok(journal) => {
                // What the step's answer is to later templates is not what it had to be, and what an earlier step has
                // kept by the same name is not this one's.
                let mut variables = stage.variables.clone();
                let captured = step.captures.iter().map(|capture| &capture.name);
                for name in captured.chain([&step.name]) {
                    variables.unset(name);
                }
                let context = Context { variables: &variables, ..self.context(stage) };
                let (last, calls) = (journal.last, journal.calls.len() as u64);
                let outcome = judge_calls_behind_miss(expected, journal.calls, &context, &step.name);
                if outcome.checks > 0 && outcome.misses.iter().all(|miss| miss.level != Level::Must) {
                    (watch.last, watch.step) = (last, Some((Arc::clone(&step.name), calls)));
                }
                seen.upstream.merge(outcome);
            }
            Err(error) => seen.upstream.broken = Some(error.told(&stage.secrets)),
        }
    }

    /// The calls of the step at hand, once nothing is to come any more of which it is known.
    async fn calls(&self, watch: &Watch, count: CallCount, stage: &Stage) -> Result<Journal, ServiceError> {
        let (Some(simulator), Some(providers)) = (Simulator::of(self.services()), &stage.providers) else {
            return Err(ServiceError::NoSimulator);
        };
        let wanted = Wanted { after: watch.last, mark: stage.mark(), until: Until::Now };
        let time = self.plan.target.upstream.as_ref().map(|upstream| upstream.deadline).unwrap_or_default();
        await_calls(simulator, &providers.world, wanted, count, time).await
    }
}
