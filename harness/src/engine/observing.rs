//! What an attempt has its observers look at, and when.

use serde_json::Value;

use super::attempt::{Attempt, Seen};
use super::isolation::needs_key_id;
use super::upstream::Watch;
use super::verdicts;
use super::{Key, Stage};
use crate::observe::{self, Expected, Lines, Wanted};
use crate::scenario::{BillExpectation, Shape, Step};

/// The lines that observers read, from the attempt's beginning.
#[derive(Default)]
pub(super) struct Watched<'w> {
    pub(super) billing: Option<Lines<'w>>,
    pub(super) logs: Option<Lines<'w>>,
}

impl<'a> Attempt<'a> {
    pub(super) async fn watch(&self, stage: &Stage, seen: &mut Seen) -> Watched<'a> {
        let target = &self.plan.target;
        let alone = target.worlds.is_some();
        let needs = |observer| verdicts::needs(self.scenario, observer);
        let mut watched = Watched { billing: None, logs: None };
        if let Some(observer) = target.billing.as_ref().filter(|_| needs("billing")) {
            let lines =
                Lines::from_now(&observer.source, self.services(), &stage.service_variables, alone).await;
            match lines {
                Ok(lines) => watched.billing = Some(lines),
                Err(error) => seen.billing.broken = Some(error.told(&stage.secrets)),
            }
        }
        if let Some(observer) = target.logs.as_ref().filter(|_| needs("logs")) {
            // A request's lines are told apart by its id, wherever they begin.
            let lines =
                Lines::from_now(&observer.source, self.services(), &stage.service_variables, true).await;
            match lines {
                Ok(lines) => watched.logs = Some(lines),
                Err(error) => seen.logs.broken = Some(error.told(&stage.secrets)),
            }
        }
        seen.watch = (needs("upstream") && stage.providers.is_some()).then(Watch::default);
        watched
    }

    /// Notes what a step that passed must have been billed, while its names are what they are.
    ///
    /// What was `refused` is never billed: where several answers are allowed, `bills` speaks of the one that is a success.
    /// A request with its `own` key is billed to that one.
    pub(super) fn note_bill(
        &self,
        step: &Step,
        own: Option<&Key>,
        refused: bool,
        stage: &Stage,
        seen: &mut Seen,
    ) {
        let Some(bill) = &step.bills else { return };
        let wanted = match bill {
            _ if refused => Ok(Wanted::None),
            BillExpectation::None { .. } => Ok(Wanted::None),
            BillExpectation::One { model, usage, role, .. } => {
                let fill = |shape: &Option<Shape>| {
                    let fill = |shape: &Shape| {
                        shape
                            .fill(&self.plan.suite.templates, &stage.variables)
                            .map_err(|error| error.to_string())
                    };
                    shape.as_ref().map(fill).transpose()
                };
                let key = own.or_else(|| stage.keys.get(role.as_ref()?));
                let key = key.and_then(|key| key.id.as_deref()).map(str::to_owned);
                observe::one(fill(model), fill(usage), key)
            }
        };
        let location = bill.location().clone();
        match wanted {
            Ok(wanted) => seen.bills.push(Expected { step: step.name.to_string(), location, wanted }),
            Err(why) => {
                let ids = self.requirements().billing();
                let id = ids.map(|ids| &*ids.usage);
                let words = ("what the client was told".to_owned(), why);
                let miss = self.requirements().miss(id, &step.name, "billing event", words, &location);
                seen.billing.misses.push(miss);
            }
        }
    }

    pub(super) async fn settle_bills(&self, stage: &Stage, watched: &Watched<'_>, seen: &mut Seen) {
        let (Some(observer), Some(lines)) = (&self.plan.target.billing, &watched.billing) else { return };
        // With keys that the next scenario uses too, a late event would be taken for that one's.
        let shared = stage.keys.values().any(|key| !key.own);
        if seen.bills.is_empty() && (!shared || seen.unjudged_bills == 0) {
            return;
        }
        let outcome = observe::judge_bills(
            self.services(),
            stage,
            observer,
            lines,
            (&seen.bills, seen.unjudged_bills),
            seen.failed(),
            self.requirements(),
        )
        .await;
        seen.billing.merge(outcome);
    }

    pub(super) async fn key_before(&self, step: &Step, stage: &Stage, seen: &mut Seen) -> Option<Value> {
        step.key_used.as_ref()?;
        let observer = self.plan.target.key_observer.as_ref()?;
        let key = stage.keys.get(step.action.role()?)?;
        if key.id.is_none() && needs_key_id(&observer.call) {
            seen.keys.undecided = Some("the id of a credential from the environment is not known".to_owned());
            return None;
        }
        match observe::last_used(self.services(), stage, observer, key).await {
            Ok(before) => Some(before),
            Err(error) => {
                seen.keys.broken = Some(error.told(&stage.secrets));
                None
            }
        }
    }

    pub(super) async fn key_after(&self, step: &Step, stage: &Stage, before: &Value, seen: &mut Seen) {
        let observer = self.plan.target.key_observer.as_ref();
        let key = step.action.role().and_then(|role| stage.keys.get(role));
        if let (Some(used), Some(observer), Some(key)) = (&step.key_used, observer, key) {
            let requirements = self.requirements();
            let what = (&*step.name, used);
            let outcome =
                observe::moved(self.services(), stage, observer, key, before, what, requirements).await;
            seen.keys.merge(outcome);
        }
    }

    pub(super) async fn look_at_logs(
        &self,
        step: &Step,
        stage: &Stage,
        watched: &Watched<'_>,
        seen: &mut Seen,
    ) {
        if let (Some(wanted), Some(observer), Some(lines)) =
            (&step.logs, &self.plan.target.logs, &watched.logs)
        {
            let context = self.context(stage);
            let what = (&*step.name, wanted);
            let outcome = observe::judge_logs(
                self.services(),
                stage,
                observer,
                lines,
                what,
                &context,
                self.requirements(),
            )
            .await;
            seen.logs.merge(outcome);
        }
    }
}
