//! What an attempt sees of what the gateway asked of its providers.

use std::mem;
use std::sync::Arc;

use super::attempt::{Attempt, Seen};
use super::client::Outgoing;
use super::simulator::{Simulator, Until, Wanted};
use super::stage::Stage;
use crate::observe::{await_calls, judge_calls, judge_late_calls};
use crate::scenario::Step;

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
                seen.upstream.broken = Some(error.to_string());
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
        let (Some(simulator), Some(providers), Some(watch), Some(expected)) =
            (Simulator::of(self.services()), &stage.providers, &mut seen.watch, &step.upstream)
        else {
            return;
        };
        if watch.unmarked {
            let why = "the simulator has others' calls too, and the request does not hold the nonce";
            seen.upstream.undecided = Some(format!("step `{}`: {why}", step.name));
            return;
        }
        let wanted = Wanted { after: watch.last, mark: stage.mark(), until: Until::Now };
        let time = self.plan.target.upstream.as_ref().map(|upstream| upstream.deadline).unwrap_or_default();
        match await_calls(simulator, &providers.world, wanted, expected.calls, time).await {
            Ok(journal) => {
                watch.last = journal.last;
                watch.step = Some((Arc::clone(&step.name), journal.calls.len() as u64));
                let context = self.context(stage);
                seen.upstream.merge(judge_calls(expected, journal.calls, &context, &step.name));
            }
            Err(error) => seen.upstream.broken = Some(error.to_string()),
        }
    }
}
