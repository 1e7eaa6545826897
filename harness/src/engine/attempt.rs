use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Instant;

use plumbline_record::{Case, Level, Miss, ScenarioFinished, Taken, Verdict};
use serde_json::json;
use tokio::time::timeout;

use super::exchange::micros;
use super::gated::Gated;
use super::observing::Watched;
use super::sending::Answer;
use super::step_value::step_value;
use super::upstream::Watch;
use super::verdicts;
use super::{Cancel, Client, Plan, Services, Simulator, Sink, Stage, isolation, providers};
use crate::check::Decided;
use crate::observe::{Expected, Outcome, Requirements, Wanted};
use crate::scenario::{Action, BillExpectation, Contract, OBSERVERS, Scenario, Step};
use crate::target::Secrets;

/// One attempt at one scenario.
pub(super) struct Attempt<'a> {
    pub(super) plan: &'a Plan,
    pub(super) client: &'a Client,
    pub(super) sink: &'a dyn Sink,
    pub(super) cancel: &'a Cancel,
    pub(super) scenario: &'a Scenario,
    pub(super) number: u32,
}

/// What was seen so far.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) misses: Vec<Miss>,
    pub(super) checks: u32,
    /// The requirements of all checks that were decided on answers.
    pub(super) reached: BTreeSet<Arc<str>>,
    pub(super) broken: Option<String>,
    pub(super) taken: Vec<Taken>,
    pub(super) bills: Vec<Expected>,
    /// Successes that are billed and belong to a step that failed: their events still come, and are nobody else's.
    pub(super) unjudged_bills: usize,
    pub(super) billing: Outcome,
    pub(super) keys: Outcome,
    pub(super) logs: Outcome,
    pub(super) upstream: Outcome,
    /// How far calls to providers were looked at, where they are.
    pub(super) watch: Option<Watch>,
    /// What became of the gate of the step at hand.
    pub(super) gated: Option<Gated>,
}

impl Seen {
    /// Notes that a step is billed whose bill is not judged, as the step failed.
    pub(super) fn leave_bill(&mut self, step: &Step, refused: bool) {
        self.unjudged_bills +=
            usize::from(!refused && matches!(step.bills, Some(BillExpectation::One { .. })));
    }

    /// Leaves the bills that were noted, or could not be told, since there were so many: a burst that failed has others that
    /// are not judged, and their events come between those of its answers that were right.
    pub(super) fn leave_bills_since(&mut self, (bills, misses): (usize, usize)) {
        let left = self.bills.split_off(bills);
        self.unjudged_bills += left.iter().filter(|bill| bill.wanted != Wanted::None).count();
        self.unjudged_bills += self.billing.misses.split_off(misses).len();
    }

    /// Adds what was decided about an answer.
    pub(super) fn add(&mut self, decided: Decided) {
        self.misses.extend(decided.misses);
        self.checks += decided.checks;
        self.reached.extend(decided.reached);
    }

    /// Notes which of the allowed answers came; a burst may get the same one often.
    pub(super) fn take(&mut self, step: &Step, alternative: &str) {
        let taken = Taken { step: step.name.to_string(), alternative: alternative.to_owned() };
        if !self.taken.contains(&taken) {
            self.taken.push(taken);
        }
    }

    pub(super) fn failed(&self) -> bool {
        self.broken.is_some() || self.misses.iter().any(|miss| miss.level == Level::Must)
    }
}

impl<'a> Attempt<'a> {
    pub(super) async fn run(&self) -> ScenarioFinished {
        let begun = Instant::now();
        let (cases, taken) = match self.obstacle() {
            Some((verdict, reason)) => {
                (verdicts::all(self.scenario, self.contract(), verdict, &reason), Vec::new())
            }
            None => self.on_stage().await,
        };
        ScenarioFinished {
            scenario: self.scenario.id.to_string(),
            title: self.scenario.title.to_string(),
            contract: self.scenario.contract.to_string(),
            group: self.scenario.group.to_string(),
            location: self.scenario.location.clone(),
            tags: self.scenario.tags.clone(),
            covers: self.scenario.covers.clone(),
            step_covers: self.scenario.step_covers(),
            attempt: self.number,
            last: false,
            cases,
            taken,
            duration_us: micros(begun.elapsed()),
        }
    }

    pub(super) fn contract(&self) -> Option<&'a Contract> {
        self.plan.suite.contracts.get(&self.scenario.contract)
    }

    pub(super) fn services(&self) -> Services<'a> {
        Services { client: self.client, target: &self.plan.target }
    }

    pub(super) fn requirements(&self) -> Requirements<'a> {
        Requirements { contract: self.contract() }
    }

    async fn on_stage(&self) -> (Vec<Case>, Vec<Taken>) {
        let (scenario, contract) = (self.scenario, self.contract());
        let mut stage = match isolation::set_up(self.services(), scenario, contract, self.cancel).await {
            Ok(stage) => stage,
            Err(why) => {
                let reason = format!("the scenario could not be set up: {why}");
                return (verdicts::all(scenario, contract, Verdict::Error, &reason), Vec::new());
            }
        };
        let mut seen = Seen::default();
        let watched = self.watch(&stage, &mut seen).await;
        self.play(&mut stage, &watched, &mut seen).await;
        if self.cancel.is_cancelled() {
            // Nobody has looked at all of it, so nothing is decided.
            seen.broken = Some("interrupted".to_owned());
        } else {
            self.settle_bills(&stage, &watched, &mut seen).await;
            // Of the last step's providers more may have been asked after its answer.
            self.look_at_late_calls(&stage, &mut seen).await;
        }
        self.clean_up(&mut stage, &mut seen).await;
        let (mut cases, taken) = self.cases(seen);
        for case in &mut cases {
            redact(case, &stage.secrets);
        }
        (cases, taken)
    }

    /// Plays the steps until one fails, time is up, or the run is cancelled.
    async fn play(&self, stage: &mut Stage, watched: &Watched<'_>, seen: &mut Seen) {
        let limit = self.scenario.timeout.unwrap_or(self.plan.target.limits.scenario);
        // What is waited for a clock is none of the gateway's time.
        let time = limit.saturating_add(self.waiting());
        let ended = tokio::select! {
            ended = timeout(time, self.steps(stage, watched, seen)) => ended.map_err(|_| {
                format!("the scenario was not finished within {}", humantime::format_duration(time))
            }),
            () = self.cancel.cancelled() => Ok(()),
        };
        if let Err(late) = ended {
            let expected = "an end in time".to_owned();
            let location = &self.scenario.location;
            seen.misses.push(self.requirements().miss(
                None,
                "scenario",
                "duration",
                (expected, late),
                location,
            ));
        }
    }

    async fn steps(&self, stage: &mut Stage, watched: &Watched<'_>, seen: &mut Seen) {
        for step in &self.scenario.steps {
            self.step(step, stage, watched, seen).await;
            if seen.failed() {
                break;
            }
        }
    }

    async fn step(&self, step: &Step, stage: &mut Stage, watched: &Watched<'_>, seen: &mut Seen) {
        self.act(step, stage, watched, seen).await;
        // It stands until everything was seen that a withheld answer shows.
        if let Err(error) = providers::open_gate(self.services(), stage).await {
            let why = error.told(&stage.secrets);
            seen.broken = Some(format!("step `{}`: the gate could not be opened: {why}", step.name));
        }
        if seen.broken.is_none() && seen.failed() {
            self.look_at_calls_behind_miss(step, stage, seen).await;
        }
    }

    async fn act(&self, step: &Step, stage: &mut Stage, watched: &Watched<'_>, seen: &mut Seen) {
        match &step.action {
            Action::Call(call) => match call.burst {
                Some(times) => self.burst(step, (call, times), stage, watched, seen).await,
                None => self.request(step, stage, watched, seen).await,
            },
            Action::Poll(poll) => self.poll(step, poll, stage, watched, seen).await,
            Action::Raw(_) => self.request(step, stage, watched, seen).await,
            Action::RevokeKey { role } => self.revoke(role, stage, seen).await,
            Action::ArmFault(rule) | Action::ArmUpstreamFault(rule) => {
                match rule.fill(&self.plan.suite.templates, &stage.variables) {
                    Ok(rule) => self.fault(step, Some(rule), stage, seen).await,
                    Err(error) => seen.broken = Some(format!("step `{}`: {error}", step.name)),
                }
            }
            Action::ClearFaults => self.fault(step, None, stage, seen).await,
            Action::Advance { by, text } => self.advance(step, (*by, text), stage, seen).await,
        }
    }

    /// Sends one request and judges what comes of it.
    async fn request(&self, step: &Step, stage: &mut Stage, watched: &Watched<'_>, seen: &mut Seen) {
        self.look_at_late_calls(stage, seen).await;
        let before = self.key_before(step, stage, seen).await;
        let refused = match self.exchange(step, stage, seen).await {
            Answer::Reply(mut reply) => {
                let mut stream = self.stream(step, &reply, stage);
                let value = step_value(&mut reply, stream.as_mut(), &step.answer, &self.context(stage));
                stage.variables.set(Arc::clone(&step.name), value);
                self.check(step, (&reply, stream.as_ref()), stage, seen);
                self.check_gate(step, &reply, stage, seen);
                if seen.failed() {
                    return seen.leave_bill(step, reply.is_refusal());
                }
                self.capture(step, &reply, stage, seen);
                reply.is_refusal()
            }
            Answer::Closed => {
                stage.variables.set(Arc::clone(&step.name), json!({ "closed": true }));
                true
            }
            Answer::Missing => return,
        };
        if seen.failed() {
            return;
        }
        self.note_bill(step, None, refused, stage, seen);
        if let Some(before) = before {
            self.key_after(step, stage, &before, seen).await;
        }
        self.look_at_logs(step, stage, watched, seen).await;
        self.look_at_calls(step, stage, seen).await;
    }

    /// Plays the `always` steps and takes down the stage, also after a failure or Ctrl-C.
    async fn clean_up(&self, stage: &mut Stage, seen: &mut Seen) {
        let mut aside = Seen::default();
        for step in &self.scenario.always {
            self.step(step, stage, &Watched::default(), &mut aside).await;
            // Each of them runs, whatever became of the one before.
            aside = Seen::default();
        }
        if let Err(left) = isolation::tear_down(self.services(), stage).await {
            let words = ("nothing left behind".to_owned(), left);
            let miss = self.requirements().miss(None, "cleanup", "target", words, &self.scenario.location);
            seen.misses.push(Miss { level: Level::May, ..miss });
        }
    }

    fn cases(&self, seen: Seen) -> (Vec<Case>, Vec<Taken>) {
        let target = &self.plan.target;
        let (scenario, contract) = (self.scenario, self.contract());
        let Seen { misses, broken, checks, reached, .. } = seen;
        let mut cases = vec![verdicts::own(scenario, contract, misses, broken, checks, &reached)];
        let observers: HashSet<_> = [
            target.billing.is_some().then_some("billing"),
            target.key_observer.is_some().then_some("keys"),
            target.logs.is_some().then_some("logs"),
            Simulator::of(self.services()).map(|_| "upstream"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let outcomes = [seen.billing, seen.keys, seen.logs, seen.upstream];
        for (observer, mut outcome) in OBSERVERS.into_iter().zip(outcomes) {
            if !verdicts::needs(scenario, observer) {
                continue;
            }
            if !observers.contains(observer) {
                outcome.undecided = Some(format!("the target has no {observer} observer"));
            }
            cases.push(verdicts::observed(scenario, contract, observer, outcome));
        }
        (cases, seen.taken)
    }
}

/// Takes the credentials out of everything that a case says.
fn redact(case: &mut Case, secrets: &Secrets) {
    let redact = |text: &mut String| {
        if let Cow::Owned(redacted) = secrets.redact(text) {
            *text = redacted;
        }
    };
    case.reason.iter_mut().for_each(redact);
    for miss in &mut case.misses {
        redact(&mut miss.subject);
        redact(&mut miss.expected);
        redact(&mut miss.actual);
        if let Some(difference) = &mut miss.difference {
            redact(&mut difference.expected);
            redact(&mut difference.actual);
        }
    }
}
