//! Holds what a gateway must have asked of its providers against what it asked. Pure.

use plumbline_record::{Level, Miss};
use serde_json::Value;

use super::Outcome;
use super::lacking::place;
use super::upstream::is_open;
use crate::check::{Context, Reply, decide, is_filled, shorten};
use crate::scenario::{CallOutcome, Check, Clause, Lacking, UpstreamExpectation};

/// Most calls that are told of.
const TOLD: usize = 10;

/// A call as checks see it, and its number among those of its step.
type Call = (usize, Reply);

/// Decides what is expected of the calls of a step.
///
/// Where their number is not right, nothing is said of single calls: nobody knows which one is too many.
pub(crate) fn judge(
    expected: &UpstreamExpectation,
    calls: Vec<Value>,
    context: &Context<'_>,
    step: &str,
) -> Outcome {
    let calls = numbered(1, calls);
    let mut judge = Judge { context, step, outcome: Outcome::default() };
    let is_right = expected.calls.allows(calls.len() as u64);
    let missed = (!is_right).then(|| (expected.calls.to_string(), told(&calls, context)));
    judge.decide(&expected.count, CALLS, missed);
    if is_right {
        for (call, checks) in calls.iter().zip(&expected.each) {
            for check in checks {
                judge.check(check, std::slice::from_ref(call));
            }
        }
    }
    judge.all(expected, &calls);
    if let Some((outcome, clause)) = &expected.outcome {
        judge.ended(*outcome, clause, calls.last());
    }
    judge.outcome
}

/// Decides on the calls of a step whose client was told something else than it had to be.
///
/// What was asked was asked, whatever came of it. What was not asked says nothing, for a gateway that is broken asks
/// nobody; nor does how the last call ended, which may be the client's doing, nor what is held against a value that is not
/// there. Where that leaves anything open, calls may be wrong all the same, but nothing makes them right.
pub(crate) fn judge_behind_miss(
    expected: &UpstreamExpectation,
    calls: Vec<Value>,
    context: &Context<'_>,
    step: &str,
) -> Outcome {
    if calls.is_empty() || calls.iter().any(is_open) {
        return Outcome::default();
    }
    let mut judged = UpstreamExpectation { outcome: None, ..expected.clone() };
    let mut is_all = expected.outcome.is_none();
    if (calls.len() as u64) < expected.calls.least {
        is_all = false;
        judged.calls.least = 0;
        judged.each.clear();
    }
    let mut keep = |is_known: bool| {
        is_all &= is_known;
        is_known
    };
    for checks in judged.each.iter_mut().chain([&mut judged.every]) {
        checks.retain(|check| keep(is_filled(check, context)));
    }
    judged.lacks.retain(|lacking| keep(lacking.text.text(context.templates, context.variables).is_ok()));
    let outcome = judge(&judged, calls, context, step);
    let is_wrong = outcome.misses.iter().any(|miss| miss.level == Level::Must);
    if is_all || is_wrong { outcome } else { Outcome::default() }
}

/// Decides on calls that came after a step's answer and after what was decided about those `before`.
pub(crate) fn judge_late(
    expected: &UpstreamExpectation,
    before: u64,
    late: Vec<Value>,
    context: &Context<'_>,
    step: &str,
) -> Outcome {
    let first = usize::try_from(before).unwrap_or(usize::MAX).saturating_add(1);
    let late = numbered(first, late);
    let mut judge = Judge { context, step, outcome: Outcome::default() };
    if expected.calls.is_exceeded_by(before.saturating_add(late.len() as u64)) {
        let found = format!("besides the {before} before, later ones: {}", told(&late, context));
        judge.decide(&expected.count, CALLS, Some((expected.calls.to_string(), found)));
    }
    judge.all(expected, &late);
    judge.outcome
}

/// What misses are told under that are of no single call.
const CALLS: &str = "calls to providers";

fn numbered(first: usize, calls: Vec<Value>) -> Vec<Call> {
    (first..).zip(calls.into_iter().map(Reply::of_json)).collect()
}

/// What the journal tells of a call.
fn document((_, reply): &Call) -> &Value {
    reply.json.as_deref().unwrap_or(&Value::Null)
}

/// Collects what is decided.
struct Judge<'j> {
    context: &'j Context<'j>,
    step: &'j str,
    outcome: Outcome,
}

impl Judge<'_> {
    /// What is right of every call.
    fn all(&mut self, expected: &UpstreamExpectation, calls: &[Call]) {
        for check in &expected.every {
            self.check(check, calls);
        }
        for lacking in &expected.lacks {
            self.lacks(lacking, calls);
        }
    }

    /// Decides a check on some calls; the first that misses is told of.
    fn check(&mut self, check: &Check, calls: &[Call]) {
        self.outcome.checks += 1;
        self.outcome.reached.extend(check.verifies.clone());
        let miss = calls.iter().find_map(|(number, call)| {
            let miss = decide(check, call, self.context, self.step)?;
            Some(Miss { subject: format!("call {number}, {}", miss.subject), ..miss })
        });
        self.outcome.misses.extend(miss);
    }

    fn lacks(&mut self, lacking: &Lacking, calls: &[Call]) {
        let Lacking { text, clause } = lacking;
        let text = match text.text(self.context.templates, self.context.variables) {
            Ok(text) if text.is_empty() => Err("the empty text, which stands everywhere".to_owned()),
            other => other.map_err(|error| error.to_string()),
        };
        let text = match text {
            Ok(text) => text,
            Err(why) => return self.decide(clause, CALLS, Some(("a text to look for".to_owned(), why))),
        };
        let found = calls.iter().find_map(|call| Some((call.0, place(document(call), &text)?)));
        let Some((number, place)) = found else { return self.decide(clause, CALLS, None) };
        let shown = shorten(&text, self.context.secrets);
        let missed = (format!("no `{shown}` anywhere in it"), "it is there".to_owned());
        self.decide(clause, &format!("call {number}, {place}"), Some(missed));
    }

    fn ended(&mut self, outcome: CallOutcome, clause: &Clause, last: Option<&Call>) {
        let found = last.map_or("no call", |call| text(document(call), "outcome").unwrap_or("nothing"));
        let missed = (found != outcome.name()).then(|| (outcome.name().to_owned(), found.to_owned()));
        self.decide(clause, "the last call's outcome", missed);
    }

    fn decide(&mut self, clause: &Clause, subject: &str, missed: Option<(String, String)>) {
        self.outcome.checks += 1;
        self.outcome.reached.extend(clause.verifies.clone());
        self.outcome.misses.extend(missed.map(|(expected, actual)| Miss {
            level: clause.level.on(self.context.scripted),
            requirement: clause.verifies.as_deref().map(str::to_owned),
            step: self.step.to_owned(),
            subject: subject.to_owned(),
            expected,
            actual,
            difference: None,
            location: clause.location.clone(),
        }));
    }
}

/// How many calls there are, and which.
fn told(calls: &[Call], context: &Context<'_>) -> String {
    if calls.is_empty() {
        return "none".to_owned();
    }
    let one = |call: &Call| {
        let call = document(call);
        let status = call.get("status").filter(|status| !status.is_null());
        let parts = [
            text(call, "provider").map(str::to_owned),
            text(call, "model").map(str::to_owned),
            status.map(ToString::to_string),
            text(call, "outcome").filter(|outcome| *outcome != "whole").map(str::to_owned),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    let shown: Vec<_> = calls.iter().take(TOLD).map(one).collect();
    let more = if calls.len() > TOLD { ", …" } else { "" };
    shorten(&format!("{}: {}{more}", calls.len(), shown.join(", ")), context.secrets)
}

fn text<'c>(call: &'c Value, member: &str) -> Option<&'c str> {
    call.get(member)?.as_str()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use plumbline_record::Location;
    use serde_json::json;

    use super::*;
    use crate::check::Schemas;
    use crate::scenario::{
        CallCount, CheckLevel, Matcher, Path, Quantifier, Shape, Subject, Templates, Variables,
    };
    use crate::target::{Secret, Secrets};

    /// The requirement, subject and finding of a miss.
    type Told = (String, String, String);

    struct Bench {
        templates: Templates,
        variables: Variables,
        secrets: Secrets,
    }

    fn clause(verifies: &str) -> Clause {
        let verifies = Some(verifies.into());
        Clause { level: CheckLevel::Fixed(Level::Must), verifies, location: Location::default() }
    }

    /// So many calls, of which nothing else is said.
    fn calls(least: u64, most: Option<u64>) -> UpstreamExpectation {
        UpstreamExpectation {
            calls: CallCount { least, most },
            count: clause("count"),
            each: Vec::new(),
            every: Vec::new(),
            lacks: Vec::new(),
            outcome: None,
        }
    }

    fn call(provider: &str, status: u16, outcome: &str) -> Value {
        json!({
            "number": 1, "provider": provider, "model": "m", "path": "/v1/chat", "query": "a=b", "status": status,
            "outcome": outcome, "headers": { "authorization": "Bearer sk-provider" }, "body": { "user": "me" },
        })
    }

    impl Bench {
        fn new() -> Self {
            let templates = Templates::new(Arc::new(|_: &str| None::<Vec<u8>>));
            let mut variables = Variables::default();
            variables.set("key", json!("sk-gateway-key"));
            let mut secrets = Secrets::default();
            secrets.add(Secret::new("KEY", "sk-gateway-key"));
            Self { templates, variables, secrets }
        }

        fn check(&mut self, path: &str, equals: Value, verifies: &str) -> Check {
            Check {
                subject: Subject::Body(Path::parse(path, &mut self.templates).unwrap(), Quantifier::One),
                matcher: Matcher::Equals(Shape::fixed(equals)),
                level: CheckLevel::Fixed(Level::Must),
                verifies: Some(verifies.into()),
                location: Location::default(),
            }
        }

        fn lacking(&mut self, text: &str) -> Lacking {
            Lacking { text: self.templates.parse(text).unwrap(), clause: clause("lacks") }
        }

        fn with_context<T>(&self, decide: impl FnOnce(&Context<'_>) -> T) -> T {
            let schemas = Schemas::new([("anything", "{}")]).unwrap();
            decide(&Context {
                templates: &self.templates,
                variables: &self.variables,
                schemas: &schemas,
                scripted: true,
                secrets: &self.secrets,
            })
        }

        /// The requirement, subject and finding of each miss.
        fn misses(&self, expected: &UpstreamExpectation, calls: &[Value]) -> Vec<Told> {
            let outcome = self.with_context(|context| judge(expected, calls.to_vec(), context, "one"));
            assert!(outcome.checks > 0);
            told_of(outcome)
        }
    }

    fn told_of(outcome: Outcome) -> Vec<Told> {
        let told = |miss: Miss| (miss.requirement.unwrap(), miss.subject, miss.actual);
        outcome.misses.into_iter().map(told).collect()
    }

    fn miss(requirement: &str, subject: &str, actual: &str) -> Told {
        (requirement.to_owned(), subject.to_owned(), actual.to_owned())
    }

    #[test]
    fn the_number_of_calls_is_right_or_they_are_told() {
        let bench = Bench::new();
        let two = [call("openai", 503, "whole"), call("anthropic", 200, "left")];
        let found = "2: openai m 503, anthropic m 200 left";
        for (least, most, right) in
            [(2, Some(2), true), (1, None, true), (0, Some(0), false), (3, None, false)]
        {
            let missed = if right { Vec::new() } else { vec![miss("count", CALLS, found)] };
            assert_eq!(bench.misses(&calls(least, most), &two), missed, "{least} {most:?}");
        }
        assert_eq!(bench.misses(&calls(0, Some(0)), &[]), Vec::<Told>::new());
        assert_eq!(bench.misses(&calls(1, None), &[]), [miss("count", CALLS, "none")]);
    }

    #[test]
    fn calls_are_looked_at_one_by_one_where_their_number_is_right() {
        let mut bench = Bench::new();
        let each = vec![
            vec![bench.check("$.provider", json!("openai"), "first")],
            vec![bench.check("$.provider", json!("anthropic"), "second")],
        ];
        let every = vec![bench.check("$.status", json!(200), "every")];
        let expected = UpstreamExpectation { each, every, ..calls(2, Some(2)) };
        let (one, other) = (call("openai", 200, "whole"), call("anthropic", 200, "whole"));
        assert_eq!(bench.misses(&expected, &[one.clone(), other.clone()]), Vec::<Told>::new());
        assert_eq!(
            bench.misses(&expected, &[other.clone(), one.clone()]),
            [
                miss("first", "call 1, $.provider", "\"anthropic\""),
                miss("second", "call 2, $.provider", "\"openai\"")
            ]
        );
        let late = call("anthropic", 503, "whole");
        assert_eq!(bench.misses(&expected, &[one, late]), [miss("every", "call 2, $.status", "503")]);
        assert_eq!(
            bench.misses(&expected, std::slice::from_ref(&other)),
            [miss("count", CALLS, "1: anthropic m 200")]
        );
    }

    #[test]
    fn what_must_stand_nowhere_is_found_wherever_it_stands_and_not_told() {
        let mut bench = Bench::new();
        let lacks =
            vec![bench.lacking("{{ key }}"), bench.lacking("another"), bench.lacking("{{ unknown }}")];
        let expected = UpstreamExpectation { lacks, ..calls(1, None) };
        let mut leaking = call("openai", 200, "whole");
        leaking["body"]["messages"] = json!([{ "content": "my key is sk-gateway-key" }]);
        let right = call("openai", 200, "whole");
        let unknown = miss("lacks", CALLS, "`unknown` is not defined");
        assert_eq!(bench.misses(&expected, std::slice::from_ref(&right)), std::slice::from_ref(&unknown));
        let outcome = bench.with_context(|context| judge(&expected, vec![right, leaking], context, "one"));
        assert!(!format!("{:?}", outcome.misses).contains("sk-gateway-key"));
        let found = miss("lacks", "call 2, body at $['messages'][0]['content']", "it is there");
        assert_eq!(told_of(outcome), [found, unknown]);
    }

    #[test]
    fn the_last_call_has_an_outcome() {
        let bench = Bench::new();
        let outcome = Some((CallOutcome::Left, clause("outcome")));
        let expected = UpstreamExpectation { outcome, ..calls(0, None) };
        let (whole, left) = (call("openai", 200, "whole"), call("openai", 200, "left"));
        assert_eq!(bench.misses(&expected, &[whole.clone(), left.clone()]), Vec::<Told>::new());
        let missed = |found| [miss("outcome", "the last call's outcome", found)];
        assert_eq!(bench.misses(&expected, &[left, whole]), missed("whole"));
        assert_eq!(bench.misses(&expected, &[]), missed("no call"));
    }

    #[test]
    fn a_late_call_counts_with_those_before_it() {
        let mut bench = Bench::new();
        let lacks = vec![bench.lacking("me")];
        let expected = UpstreamExpectation { lacks, ..calls(1, Some(2)) };
        let late = |before: u64| {
            let calls = vec![call("openai", 200, "whole")];
            told_of(bench.with_context(|context| judge_late(&expected, before, calls, context, "one")))
        };
        let held = miss("lacks", "call 2, body at $['user']", "it is there");
        assert_eq!(late(1), [held]);
        let more = miss("count", CALLS, "besides the 2 before, later ones: 1: openai m 200");
        assert_eq!(late(2)[0], more);
    }
}
