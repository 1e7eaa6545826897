use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plumbline_record::{Case, Event, Level, Miss, ScenarioFinished, Taken, Verdict};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::client::NoReply;
use super::exchange::{exchange, micros};
use super::isolation::{self, needs_key_id};
use super::request::outgoing;
use super::verdicts::{self, OBSERVERS};
use super::{Cancel, Client, Plan, Services, Sink, Stage};
use crate::check::{Context, Reply, decide};
use crate::observe::{self, Expected, Lines, Outcome, Requirements, Wanted};
use crate::scenario::{
    Action, BillExpectation, Call, CaptureShape, Contract, Expect, PathError, Scenario, Step,
};
use crate::target::Role;

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
struct Seen {
    misses: Vec<Miss>,
    checks: u32,
    broken: Option<String>,
    taken: Vec<Taken>,
    bills: Vec<Expected>,
    billing: Outcome,
    keys: Outcome,
    logs: Outcome,
}

impl Seen {
    fn failed(&self) -> bool {
        self.broken.is_some() || self.misses.iter().any(|miss| miss.level == Level::Must)
    }
}

/// The lines that observers read, from the attempt's beginning.
struct Watched<'w> {
    billing: Option<Lines<'w>>,
    logs: Option<Lines<'w>>,
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
            attempt: self.number,
            last: false,
            cases,
            taken,
            duration_us: micros(begun.elapsed()),
        }
    }

    fn contract(&self) -> Option<&'a Contract> {
        self.plan.suite.contracts.get(&self.scenario.contract)
    }

    fn services(&self) -> Services<'a> {
        Services { client: self.client, target: &self.plan.target }
    }

    fn requirements(&self) -> Requirements<'a> {
        Requirements { contract: self.contract() }
    }

    /// What keeps the scenario from being run on this target, if anything.
    fn obstacle(&self) -> Option<(Verdict, String)> {
        let target = &self.plan.target;
        let missing = |capability: &&Arc<str>| !target.capabilities.contains(&***capability);
        if let Some(capability) = self.scenario.requires.iter().find(missing) {
            return Some((Verdict::Unsupported, format!("the target does not declare `{capability}`")));
        }
        if let Some(model) = self.scenario.models.iter().find(|model| !target.models.contains_key(&***model))
        {
            return Some((Verdict::NotTestable, format!("the target binds no model `{model}`")));
        }
        // In a world of its own the scenario gets its keys with the world.
        if target.worlds.is_none() {
            for role in self.scenario.roles() {
                let reason = match target.roles.get(role) {
                    Some(Role::Environment { variable, secret: None }) => {
                        format!("role `{role}` has no credential: set {variable}")
                    }
                    None => format!("the target has no role `{role}`"),
                    Some(Role::Environment { .. } | Role::Minted(_)) => continue,
                };
                return Some((Verdict::NotTestable, reason));
            }
        }
        self.scenario.steps.iter().find_map(|step| {
            let Action::RevokeKey { role } = &step.action else { return None };
            let own = target.worlds.is_some() || matches!(target.roles.get(role), Some(Role::Minted(_)));
            if target.keys.revoke.is_none() {
                Some((Verdict::NotTestable, "the target can't revoke keys".to_owned()))
            } else if own {
                None
            } else {
                let reason =
                    format!("the key of `{role}` is shared: only a key minted for the scenario is revoked");
                Some((Verdict::NotTestable, reason))
            }
        })
    }

    async fn on_stage(&self) -> (Vec<Case>, Vec<Taken>) {
        let mut stage = match isolation::set_up(self.services(), self.scenario).await {
            Ok(stage) => stage,
            Err(error) => {
                let reason = format!("the scenario could not be set up: {error}");
                return (verdicts::all(self.scenario, self.contract(), Verdict::Error, &reason), Vec::new());
            }
        };
        let mut seen = Seen::default();
        match self.watch(&stage).await {
            Ok(watched) => {
                self.play(&mut stage, &watched, &mut seen).await;
                if !self.cancel.is_cancelled() {
                    self.settle_bills(&stage, &watched, &mut seen).await;
                }
            }
            Err(reason) => seen.broken = Some(reason),
        }
        self.clean_up(&mut stage, &mut seen).await;
        self.cases(seen)
    }

    async fn watch(&self, stage: &Stage) -> Result<Watched<'a>, String> {
        let target = &self.plan.target;
        let alone = target.worlds.is_some();
        let needs = |observer| verdicts::needs(self.scenario, observer);
        let mut watched = Watched { billing: None, logs: None };
        if let Some(observer) = target.billing.as_ref().filter(|_| needs("billing")) {
            let lines =
                Lines::from_now(&observer.source, self.services(), &stage.service_variables, alone).await;
            watched.billing = Some(lines.map_err(|error| format!("billing observer: {error}"))?);
        }
        if let Some(observer) = target.logs.as_ref().filter(|_| needs("logs")) {
            // A request's lines are told apart by its id, wherever they begin.
            let lines =
                Lines::from_now(&observer.source, self.services(), &stage.service_variables, true).await;
            watched.logs = Some(lines.map_err(|error| format!("log observer: {error}"))?);
        }
        Ok(watched)
    }

    /// Plays the steps until one fails, time is up, or the run is cancelled.
    async fn play(&self, stage: &mut Stage, watched: &Watched<'_>, seen: &mut Seen) {
        let time = self.scenario.timeout.unwrap_or(self.plan.target.limits.scenario);
        let ended = tokio::select! {
            ended = timeout(time, self.steps(stage, watched, seen)) => ended.map_err(|_| {
                format!("the scenario was not finished within {}", humantime::format_duration(time))
            }),
            () = self.cancel.cancelled() => {
                seen.broken = Some("interrupted".to_owned());
                Ok(())
            }
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
            match &step.action {
                Action::Call(call) => self.call(step, call, stage, watched, seen).await,
                Action::RevokeKey { role } => self.revoke(role, stage, seen).await,
            }
            if seen.failed() {
                break;
            }
        }
    }

    async fn revoke(&self, role: &Arc<str>, stage: &mut Stage, seen: &mut Seen) {
        match isolation::revoke(self.services(), stage, role).await {
            Ok(()) => stage.revoked.push(Arc::clone(role)),
            Err(error) => seen.broken = Some(format!("the key of `{role}` could not be revoked: {error}")),
        }
    }

    async fn call(
        &self,
        step: &Step,
        call: &Call,
        stage: &mut Stage,
        watched: &Watched<'_>,
        seen: &mut Seen,
    ) {
        let before = self.key_before(step, call, stage, seen).await;
        let Some(reply) = self.exchange(step, call, stage, seen).await else { return };
        let reply = Arc::new(reply);
        stage.variables.set(Arc::clone(&step.name), step_value(&reply));
        self.check(step, &reply, stage, seen);
        if seen.failed() {
            return;
        }
        self.capture(step, &reply, stage, seen);
        if seen.failed() {
            return;
        }
        self.note_bill(step, stage, seen);
        if let Some(before) = before {
            self.key_after(step, call, stage, &before, seen).await;
        }
        self.look_at_logs(step, stage, watched, seen).await;
    }

    /// Sends a step's request; what comes of it goes to the record.
    async fn exchange(&self, step: &Step, call: &Call, stage: &Stage, seen: &mut Seen) -> Option<Reply> {
        let limits = &self.plan.target.limits;
        let templates = &self.plan.suite.templates;
        let outgoing = match outgoing(call, stage, &self.plan.target.url, templates) {
            Ok(outgoing) => outgoing,
            Err(NoReply::Unsendable(why) | NoReply::Gateway(why) | NoReply::Unreachable(why)) => {
                seen.broken = Some(format!("step `{}` could not be sent: {why}", step.name));
                return None;
            }
        };
        let time = step.timeout.or(self.plan.settings.step_timeout).unwrap_or(limits.step);
        let sent = Instant::now();
        let result = self.client.send(&outgoing, time, limits.response_bytes).await;
        let event = exchange(
            &self.scenario.id,
            self.number,
            &step.name,
            &outgoing,
            &result,
            sent.elapsed(),
            &stage.secrets,
        );
        self.sink.event(Event::Exchange(Box::new(event)));
        match result {
            Ok(reply) => Some(reply),
            Err(NoReply::Gateway(why)) => {
                let words = ("a complete response".to_owned(), why);
                // What the step would have verified is what the gateway did not do.
                let requirement = step.expect.checks.iter().find_map(|check| check.verifies.as_deref());
                seen.checks += 1;
                let miss =
                    self.requirements().miss(requirement, &step.name, "response", words, &step.location);
                seen.misses.push(Miss { level: Level::Must, ..miss });
                None
            }
            Err(NoReply::Unreachable(why) | NoReply::Unsendable(why)) => {
                seen.broken = Some(format!("step `{}`: {why}", step.name));
                None
            }
        }
    }

    fn context<'c>(&'c self, stage: &'c Stage) -> Context<'c> {
        Context {
            templates: &self.plan.suite.templates,
            variables: &stage.variables,
            schemas: &self.plan.schemas,
            scripted: self.plan.target.scripted,
        }
    }

    fn check(&self, step: &Step, reply: &Reply, stage: &Stage, seen: &mut Seen) {
        let context = self.context(stage);
        let (misses, checks) = self.decide_all(&step.expect.checks, reply, &context, step);
        seen.checks += checks;
        let failed = misses.iter().any(|miss| miss.level == Level::Must);
        seen.misses.extend(misses);
        if !failed && !step.expect.alternatives.is_empty() {
            self.alternatives(&step.expect, reply, &context, step, seen);
        }
    }

    /// Decides checks in order. After a wrong status nothing else is looked at: the body is that of another answer.
    fn decide_all(
        &self,
        checks: &[crate::scenario::Check],
        reply: &Reply,
        context: &Context<'_>,
        step: &Step,
    ) -> (Vec<Miss>, u32) {
        let mut misses = Vec::new();
        let mut decided = 0;
        for check in checks {
            decided += 1;
            if let Some(miss) = decide(check, reply, context, &step.name) {
                let of_status = matches!(check.subject, crate::scenario::Subject::Status);
                misses.push(miss);
                if of_status {
                    break;
                }
            }
        }
        (misses, decided)
    }

    /// Takes the first alternative that holds; where none does, says how the nearest missed.
    fn alternatives(
        &self,
        expect: &Expect,
        reply: &Reply,
        context: &Context<'_>,
        step: &Step,
        seen: &mut Seen,
    ) {
        let must = |misses: &[Miss]| misses.iter().filter(|miss| miss.level == Level::Must).count();
        let mut nearest: Option<(Vec<Miss>, &str)> = None;
        for alternative in &expect.alternatives {
            let (misses, checks) = self.decide_all(&alternative.checks, reply, context, step);
            seen.checks += checks;
            if must(&misses) == 0 {
                seen.misses.extend(misses);
                let alternative = alternative.name.to_string();
                seen.taken.push(Taken { step: step.name.to_string(), alternative });
                return;
            }
            if nearest.as_ref().is_none_or(|(other, _)| must(&misses) < must(other)) {
                nearest = Some((misses, &alternative.name));
            }
        }
        let names: Vec<_> = expect.alternatives.iter().map(|alternative| &*alternative.name).collect();
        if let Some((misses, name)) = nearest {
            seen.misses.extend(misses.into_iter().map(|miss| Miss {
                expected: format!("{} (as `{name}`, the nearest of {})", miss.expected, names.join(", ")),
                ..miss
            }));
        }
    }

    fn capture(&self, step: &Step, reply: &Reply, stage: &mut Stage, seen: &mut Seen) {
        for capture in &step.captures {
            let taken = self.captured(&capture.shape, reply, stage);
            match taken {
                Ok(value) => stage.variables.set(Arc::clone(&capture.name), value),
                Err(why) => {
                    let words = (format!("a value for `{}`", capture.name), why);
                    seen.checks += 1;
                    let miss =
                        self.requirements().miss(None, &step.name, "capture", words, &capture.location);
                    seen.misses.push(miss);
                }
            }
        }
    }

    fn captured(&self, shape: &CaptureShape, reply: &Reply, stage: &Stage) -> Result<Value, String> {
        let path = match shape {
            CaptureShape::Header(name) => {
                return reply
                    .header(name)
                    .map(Value::from)
                    .ok_or_else(|| format!("there is no header {name}"));
            }
            CaptureShape::Only(path) | CaptureShape::First(path) | CaptureShape::All(path) => path,
        };
        let json = reply.json.as_deref().ok_or("the body is not JSON")?;
        let compiled = path
            .fill(&self.plan.suite.templates, &stage.variables)
            .map_err(|error: PathError| error.to_string())?;
        let found = compiled.find(json);
        match (shape, found.as_slice()) {
            (CaptureShape::All(_), found) => Ok(found.iter().map(|value| (*value).clone()).collect()),
            (_, []) => Err(format!("{} finds nothing", compiled.text)),
            (CaptureShape::First(_), [first, ..]) | (_, [first]) => Ok((*first).clone()),
            (_, many) => Err(format!("{} finds {} values", compiled.text, many.len())),
        }
    }

    /// Notes what a step that passed must have been billed, while its names are what they are.
    fn note_bill(&self, step: &Step, stage: &Stage, seen: &mut Seen) {
        let Some(bill) = &step.bills else { return };
        let wanted = match bill {
            BillExpectation::None { .. } => Ok(Wanted::None),
            BillExpectation::One { model, usage, role, .. } => {
                let fill = |shape: &Option<crate::scenario::Shape>| {
                    let fill = |shape: &crate::scenario::Shape| {
                        shape
                            .fill(&self.plan.suite.templates, &stage.variables)
                            .map_err(|error| error.to_string())
                    };
                    shape.as_ref().map(fill).transpose()
                };
                let key =
                    role.as_ref().and_then(|role| stage.keys.get(role)?.id.as_deref()).map(str::to_owned);
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

    async fn settle_bills(&self, stage: &Stage, watched: &Watched<'_>, seen: &mut Seen) {
        if let (Some(observer), Some(lines)) = (&self.plan.target.billing, &watched.billing)
            && !seen.bills.is_empty()
        {
            let outcome = observe::judge_bills(
                self.services(),
                stage,
                observer,
                lines,
                &seen.bills,
                seen.failed(),
                self.requirements(),
            )
            .await;
            seen.billing.merge(outcome);
        }
    }

    async fn key_before(&self, step: &Step, call: &Call, stage: &Stage, seen: &mut Seen) -> Option<Value> {
        step.key_used.as_ref()?;
        let observer = self.plan.target.key_observer.as_ref()?;
        let key = stage.keys.get(call.role.as_ref()?)?;
        if key.id.is_none() && needs_key_id(&observer.call) {
            seen.keys.undecided = Some("the id of a credential from the environment is not known".to_owned());
            return None;
        }
        match observe::last_used(self.services(), stage, observer, key).await {
            Ok(before) => Some(before),
            Err(error) => {
                seen.keys.broken = Some(error.to_string());
                None
            }
        }
    }

    async fn key_after(&self, step: &Step, call: &Call, stage: &Stage, before: &Value, seen: &mut Seen) {
        let observer = self.plan.target.key_observer.as_ref();
        let key = call.role.as_ref().and_then(|role| stage.keys.get(role));
        if let (Some(used), Some(observer), Some(key)) = (&step.key_used, observer, key) {
            let requirements = self.requirements();
            let what = (&*step.name, used);
            let outcome =
                observe::moved(self.services(), stage, observer, key, before, what, requirements).await;
            seen.keys.merge(outcome);
        }
    }

    async fn look_at_logs(&self, step: &Step, stage: &Stage, watched: &Watched<'_>, seen: &mut Seen) {
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

    /// Plays the `always` steps and takes down the stage, also after a failure or Ctrl-C.
    async fn clean_up(&self, stage: &mut Stage, seen: &mut Seen) {
        let mut aside = Seen::default();
        for step in &self.scenario.always {
            match &step.action {
                Action::Call(call) => {
                    if let Some(reply) = self.exchange(step, call, stage, &mut aside).await {
                        stage.variables.set(Arc::clone(&step.name), step_value(&reply));
                        self.capture(step, &reply, stage, &mut aside);
                    }
                }
                Action::RevokeKey { role } => self.revoke(role, stage, &mut aside).await,
            }
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
        let mut cases = vec![verdicts::own(scenario, contract, seen.misses, seen.broken, seen.checks)];
        let observers: HashSet<_> = [
            target.billing.is_some().then_some("billing"),
            target.key_observer.is_some().then_some("keys"),
            target.logs.is_some().then_some("logs"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let outcomes = [seen.billing, seen.keys, seen.logs];
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

/// A step's answer as later templates name it: `chat.status`, `chat.json`, `chat.text`.
fn step_value(reply: &Reply) -> Value {
    let mut value = Map::new();
    value.insert("status".to_owned(), reply.status.into());
    match &reply.json {
        Some(json) => value.insert("json".to_owned(), Value::clone(json)),
        None => value.insert("text".to_owned(), (*reply.text).into()),
    };
    value.into()
}
