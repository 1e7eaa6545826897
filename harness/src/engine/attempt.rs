use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use plumbline_record::{Case, Event, Level, Miss, ScenarioFinished, Taken, Verdict};
use serde_json::json;
use tokio::time::timeout;

use super::client::{NoReply, Outgoing, whole};
use super::exchange::{exchange, micros};
use super::gated::Gated;
use super::observing::Watched;
use super::step_value::step_value;
use super::upstream::Watch;
use super::verdicts;
use super::{Cancel, Client, Plan, Services, Simulator, Sink, Stage, isolation, providers, request};
use crate::check::{Decided, Reply};
use crate::observe::{Expected, Outcome, Requirements};
use crate::scenario::{Action, BillExpectation, Contract, OBSERVERS, Poll, Scenario, Step};
use crate::target::Secrets;

/// Time for taking down what an attempt made.
const CLEANUP: Duration = Duration::from_secs(10);

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

impl Seen {
    /// Notes that a step is billed whose bill is not judged, as the step failed.
    pub(super) fn leave_bill(&mut self, step: &Step, refused: bool) {
        self.unjudged_bills +=
            usize::from(!refused && matches!(step.bills, Some(BillExpectation::One { .. })));
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
        let mut stage = match isolation::set_up(self.services(), self.scenario, self.contract()).await {
            Ok(stage) => stage,
            Err(error) => {
                let reason = format!("the scenario could not be set up: {error}");
                let reason = self.plan.target.secrets.redact(&reason);
                return (verdicts::all(self.scenario, self.contract(), Verdict::Error, &reason), Vec::new());
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
            self.settle_calls(&stage, &mut seen).await;
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
        let time = self.scenario.timeout.unwrap_or(self.plan.target.limits.scenario);
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
            seen.broken = Some(format!("step `{}`: the gate could not be opened: {error}", step.name));
        }
    }

    async fn act(&self, step: &Step, stage: &mut Stage, watched: &Watched<'_>, seen: &mut Seen) {
        match &step.action {
            Action::Call(call) => match call.burst {
                Some(times) => self.burst(step, times, stage, watched, seen).await,
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
        self.note_bill(step, refused, stage, seen);
        if let Some(before) = before {
            self.key_after(step, stage, &before, seen).await;
        }
        self.look_at_logs(step, stage, watched, seen).await;
        self.look_at_calls(step, stage, seen).await;
    }

    /// Sends a step's request; what comes of it goes to the record.
    async fn exchange(&self, step: &Step, stage: &mut Stage, seen: &mut Seen) -> Answer {
        let Some(outgoing) = self.prepare(step, stage, seen) else { return Answer::Missing };
        let delivery = match &step.gate {
            None => self.deliver(step, &outgoing, self.plan.target.limits.response_bytes).await,
            Some(gate) => match self.deliver_gated(step, gate, &outgoing, stage).await {
                Ok((delivery, gated)) => {
                    seen.gated = gated;
                    delivery
                }
                Err(error) => {
                    seen.broken = Some(format!("step `{}`: the gate could not be used: {error}", step.name));
                    return Answer::Missing;
                }
            },
        };
        self.take_in(step, &outgoing, delivery, stage, seen)
    }

    /// The request of a step, ready to be sent.
    pub(super) fn prepare(&self, step: &Step, stage: &Stage, seen: &mut Seen) -> Option<Outgoing> {
        let (url, templates) = (&self.plan.target.url, &self.plan.suite.templates);
        let outgoing = match &step.action {
            Action::Call(call) | Action::Poll(Poll { call, .. }) => {
                request::outgoing(call, stage, url, templates)
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
        let sent = Instant::now();
        let result = self.client.send(outgoing, self.time(step), most_bytes).await;
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
        let Delivery { result, took } = delivery;
        // Only a stream is judged by its beginning.
        let result = if step.expect.stream_kind().is_some() { result } else { result.and_then(whole) };
        if let Ok(reply) = &result {
            self.note_secrets(step, reply, stage);
        }
        let event =
            exchange(&self.scenario.id, self.number, &step.name, outgoing, &result, took, &stage.secrets);
        self.sink.event(Event::Exchange(Box::new(event)));
        match result {
            Ok(reply) => return Answer::Reply(reply),
            Err(NoReply::Closed(_)) if seen.allow_closed(step) => return Answer::Closed,
            Err(NoReply::Gateway(why) | NoReply::Closed(why)) => {
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

    /// Plays the `always` steps and takes down the stage, also after a failure or Ctrl-C.
    async fn clean_up(&self, stage: &mut Stage, seen: &mut Seen) {
        let mut aside = Seen::default();
        for step in &self.scenario.always {
            self.step(step, stage, &Watched::default(), &mut aside).await;
            // Each of them runs, whatever became of the one before.
            aside = Seen::default();
        }
        let left = match timeout(CLEANUP, isolation::tear_down(self.services(), stage)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("not done within {}", humantime::format_duration(CLEANUP)),
        };
        let words = ("nothing left behind".to_owned(), left);
        let miss = self.requirements().miss(None, "cleanup", "target", words, &self.scenario.location);
        seen.misses.push(Miss { level: Level::May, ..miss });
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
