//! A small record, built by hand; a test changes what it is about.

use std::collections::BTreeMap;

use plumbline_record::{
    Body, Case, ContractRef, Difference, Event, Exchange, Expectation, ExpectationKind, Level, Location,
    Miss, Outcome, Request, RequirementRef, Response, RunFinished, RunStarted, ScenarioFinished, Tally,
    TargetRef, Verdict, Verified,
};
use plumbline_reports::Summary;

pub(crate) fn started() -> RunStarted {
    RunStarted {
        format: 1,
        plumbline: "0.1.0".into(),
        started_at: "2026-01-02T03:04:05Z".into(),
        contracts: vec![ContractRef {
            name: "gsai".into(),
            version: "1.2".into(),
            digest: "d".into(),
            requirements: vec![requirement()],
        }],
        target: TargetRef {
            name: "reference".into(),
            url: "http://127.0.0.1:4000".into(),
            digest: "d".into(),
            configuration: None,
        },
        selected: 3,
        seed: Some(7),
        jobs: 2,
        retries: 1,
        expectations: None,
        shard: None,
        arguments: Vec::new(),
    }
}

/// What [`miss`] is a miss of.
pub(crate) fn requirement() -> RequirementRef {
    RequirementRef {
        id: "chat.model-echoed".into(),
        level: Level::Must,
        text: "An answer names the model".into(),
        source: "API reference, Chat".into(),
    }
}

pub(crate) fn ended() -> RunFinished {
    RunFinished { tally: Tally::default(), interrupted: false, duration_us: 1_500_000 }
}

pub(crate) fn body(text: &str) -> Body {
    Body { text: text.into(), bytes: text.len() as u64, cut: false }
}

pub(crate) fn request(body: Option<Body>) -> Request {
    Request {
        method: "POST".into(),
        url: "http://127.0.0.1:4000/api/v1/chat".into(),
        headers: vec![
            ("content-type".into(), "application/json".into()),
            ("authorization".into(), "Bearer [redacted:all-scopes]".into()),
        ],
        body,
    }
}

pub(crate) fn exchange(scenario: &str, attempt: u32, step: &str) -> Exchange {
    Exchange {
        scenario: scenario.into(),
        attempt,
        step: step.into(),
        request: request(Some(body(r#"{"model":"m"}"#))),
        outcome: Outcome::Response(Response {
            status: 200,
            headers: vec![("content-type".into(), "application/json".into())],
            body: body(r#"{"model":"other"}"#),
            first_event_us: None,
        }),
        duration_us: 12_300,
        left_out: None,
    }
}

pub(crate) fn miss(level: Level) -> Miss {
    Miss {
        level,
        requirement: Some("chat.model-echoed".into()),
        step: "chat".into(),
        subject: "$.model".into(),
        expected: "\"gpt-mini\"".into(),
        actual: "\"gpt-maxi\"".into(),
        difference: Some(Difference { at: 5, expected: "gpt-mini".into(), actual: "gpt-maxi".into() }),
        location: Location { file: "gsai/sequence.yaml".into(), line: 31, column: 17 },
    }
}

pub(crate) fn case(name: &str, verdict: Verdict) -> Case {
    Case {
        name: name.into(),
        observer: None,
        verdict,
        reason: None,
        misses: Vec::new(),
        verifies: vec![
            Verified { requirement: "chat.model-echoed".into(), level: Level::Must },
            Verified { requirement: "chat.polite".into(), level: Level::Should },
        ],
        unreached: Vec::new(),
        checks: 4,
        expectation: None,
    }
}

pub(crate) fn failed(name: &str) -> Case {
    Case { misses: vec![miss(Level::Must)], ..case(name, Verdict::Failed) }
}

/// A case that was not decided, with its reason.
pub(crate) fn undecided(name: &str, verdict: Verdict, reason: &str) -> Case {
    Case { reason: Some(reason.into()), ..case(name, verdict) }
}

/// A case that the user lists, in the third line of their file.
pub(crate) fn listed(kind: ExpectationKind, case: Case) -> Case {
    let expectation = Expectation {
        kind,
        reason: "Known since May".into(),
        link: Some("https://tracker.example/42".into()),
        pattern: "?".into(),
        location: Location { file: "expected.yaml".into(), line: 3, column: 12 },
    };
    Case { expectation: Some(expectation), ..case }
}

/// What an observer saw of scenario `A`.
pub(crate) fn billing(case: Case) -> Case {
    Case { name: "A[billing]".into(), observer: Some("billing".into()), ..case }
}

pub(crate) fn finished(scenario: &str, attempt: u32, cases: Vec<Case>) -> ScenarioFinished {
    ScenarioFinished {
        scenario: scenario.into(),
        title: "The chosen model answers".into(),
        contract: "gsai".into(),
        group: "SEQ_CHAT".into(),
        location: Location { file: "gsai/sequence.yaml".into(), line: 12, column: 5 },
        tags: vec!["p0".into()],
        covers: vec!["TC-1".into()],
        step_covers: BTreeMap::new(),
        attempt,
        last: true,
        cases,
        taken: Vec::new(),
        duration_us: 20_000,
    }
}

/// An attempt with one exchange in a step `chat`.
pub(crate) fn attempt(finished: ScenarioFinished) -> [Event; 2] {
    let exchange = exchange(&finished.scenario, finished.attempt, "chat");
    [Event::Exchange(Box::new(exchange)), Event::ScenarioFinished(Box::new(finished))]
}

/// A whole record of these attempts.
pub(crate) fn record(attempts: impl IntoIterator<Item = ScenarioFinished>) -> Vec<Event> {
    let mut events = vec![Event::RunStarted(started())];
    events.extend(attempts.into_iter().flat_map(attempt));
    events.push(Event::RunFinished(ended()));
    events
}

pub(crate) fn fold(events: impl IntoIterator<Item = Event>) -> Summary {
    let mut summary = Summary::default();
    for event in events {
        summary.add(event);
    }
    summary
}

pub(crate) fn summary(attempts: impl IntoIterator<Item = ScenarioFinished>) -> Summary {
    fold(record(attempts))
}

/// Scenario `A`, which passed in its second attempt.
pub(crate) fn flaky() -> Summary {
    summary([
        ScenarioFinished { last: false, ..finished("A", 1, vec![failed("A")]) },
        finished("A", 2, vec![case("A", Verdict::Passed)]),
    ])
}
