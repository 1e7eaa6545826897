//! How a run goes: attempts, order, stopping, side by side.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use plumbline_harness::engine::{Cancel, Settings};
use plumbline_record::{Event, Verdict};
use tokio::sync::Barrier;

use crate::gateway::{Answer, Gateway, Then};
use crate::support::{Events, Setup, one_step, settings};

/// So many scenarios of one step: `GET /0` and so on.
fn many(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        let step = format!("{{ name: one, call: GET /{number}, expect: {{ status: 200 }} }}");
        write!(text, "\n  - {{ id: S{number}, title: One of many, steps: [{step}] }}").unwrap();
        text
    })
}

/// The ids of the scenarios in the order in which they began.
fn order(events: &Events) -> Vec<&str> {
    let started = events.0.iter().filter_map(|event| match event {
        Event::ScenarioStarted(started) => Some(started.scenario.as_str()),
        _ => None,
    });
    started.collect()
}

/// Fails so many requests, then answers.
async fn flaky(failures: usize) -> Gateway {
    let calls = AtomicUsize::new(0);
    Gateway::start(move |_| {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        Answer::whole(if call < failures { 500 } else { 200 }, "{}")
    })
    .await
}

#[tokio::test]
async fn no_connection_is_used_again_after_an_error_of_the_server() {
    let gateway =
        Gateway::start(|request| Answer::whole(if request.path == "/500" { 500 } else { 200 }, "{}")).await;
    let scenarios = "
  - id: ONE
    title: Before and after an error
    steps:
      - { name: one, call: GET /a, expect: { status: 200 } }
      - { name: two, call: GET /b, expect: { status: 200 } }
      - { name: three, call: GET /500, expect: { status: 500 } }
      - { name: four, call: GET /c, expect: { status: 200 } }";
    let events = Setup::new(&gateway.url, scenarios).run().await;
    assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""));
    let ports: Vec<_> = gateway.received().iter().map(|request| request.port).collect();
    assert_eq!(ports[0], ports[1]);
    assert_eq!(ports[1], ports[2]);
    assert_ne!(ports[2], ports[3]);
}

#[tokio::test]
async fn what_passes_only_when_repeated_is_flaky() {
    let gateway = flaky(1).await;
    let scenarios = one_step("{ status: 200 }");
    let settings = Settings { retries: 2, ..settings() };
    let events = Setup { settings, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    let attempts: Vec<_> = events
        .attempts()
        .iter()
        .map(|attempt| (attempt.attempt, attempt.last, attempt.cases[0].verdict))
        .collect();
    assert_eq!(attempts, [(1, false, Verdict::Failed), (2, true, Verdict::Passed)]);
    let tally = events.finished().tally;
    assert_eq!((tally.passed, tally.failed, tally.flaky, tally.total()), (1, 0, 1, 1));
    let exchanges: Vec<_> = events.exchanges().iter().map(|exchange| exchange.attempt).collect();
    assert_eq!(exchanges, [1, 2]);
}

#[tokio::test]
async fn what_fails_every_time_has_failed_once() {
    let gateway = flaky(usize::MAX).await;
    let scenarios = one_step("{ status: 200 }");
    let settings = Settings { retries: 2, ..settings() };
    let events = Setup { settings, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    let last: Vec<_> = events.attempts().iter().map(|attempt| attempt.last).collect();
    assert_eq!(last, [false, false, true]);
    let tally = events.finished().tally;
    assert_eq!((tally.failed, tally.flaky, tally.total()), (1, 0, 1));
    assert!(!events.finished().interrupted);
}

#[tokio::test]
async fn what_passes_is_not_repeated() {
    let gateway = flaky(0).await;
    let scenarios = one_step("{ status: 200 }");
    let settings = Settings { retries: 2, ..settings() };
    let events = Setup { settings, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    assert_eq!((events.attempts().len(), gateway.calls().len()), (1, 1));
    assert_eq!(events.finished().tally.flaky, 0);
}

#[tokio::test]
async fn a_seed_gives_its_order_again_and_another_seed_another() {
    let gateway = flaky(0).await;
    let scenarios = many(12);
    let mut orders = Vec::new();
    for seed in [None, None, Some(7), Some(7), Some(8)] {
        let settings = Settings { seed, ..settings() };
        let events = Setup { settings, ..Setup::new(&gateway.url, &scenarios) }.run().await;
        assert_eq!(events.finished().tally.passed, 12);
        orders.push(order(&events).into_iter().map(str::to_owned).collect::<Vec<_>>());
    }
    let written: Vec<_> = (0..12).map(|number| format!("S{number}")).collect();
    assert_eq!((&orders[0], &orders[1]), (&written, &written));
    assert_eq!(orders[2], orders[3]);
    assert_ne!(orders[2], written);
    assert_ne!(orders[2], orders[4]);
}

#[tokio::test]
async fn fail_fast_begins_nothing_after_a_failure() {
    let gateway =
        Gateway::start(|request| Answer::whole(if request.path == "/2" { 500 } else { 200 }, "{}")).await;
    let scenarios = many(6);
    let settings = Settings { fail_fast: true, ..settings() };
    let events = Setup { settings, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    assert_eq!(gateway.calls(), ["GET /0", "GET /1", "GET /2"]);
    let finished = events.finished();
    assert!(finished.interrupted);
    assert_eq!((finished.tally.passed, finished.tally.failed), (2, 1));
    // Without it the run goes on.
    let gateway = Gateway::start(|_| Answer::whole(500, "{}")).await;
    let events = Setup::new(&gateway.url, &scenarios).run().await;
    assert_eq!(events.finished().tally.failed, 6);
    assert!(!events.finished().interrupted);
}

#[tokio::test]
async fn a_cancelled_run_cleans_up_and_says_so() {
    let cancel = Cancel::default();
    let asked = cancel.clone();
    let gateway = Gateway::start(move |request| match request.path.as_str() {
        "/hang" => {
            asked.cancel();
            Answer::raw("", Then::Silence)
        }
        _ => Answer::json(200, &serde_json::json!({ "id": "t-1" })),
    })
    .await;
    let scenarios = "
  - id: HANGING
    title: Ctrl-C comes in the middle
    steps:
      - { name: make, call: POST /things, expect: { status: 200 } }
      - { name: hang, call: GET /hang, expect: { status: 200 }, timeout: 50s }
      - { name: after, call: GET /after, expect: { status: 200 } }
    always:
      - { name: tidy, call: \"DELETE /things/{{ make.json.id }}\" }
  - id: NEXT
    title: Is not begun
    steps: [{ name: one, call: GET /next, expect: { status: 200 } }]
";
    let settings = Settings { retries: 3, ..settings() };
    let events = Setup { settings, cancel, ..Setup::new(&gateway.url, scenarios) }.run().await;
    assert_eq!(gateway.calls(), ["POST /things", "GET /hang", "DELETE /things/t-1"]);
    assert_eq!(order(&events), ["HANGING"]);
    // What was under way shows nothing of the gateway: it has begun and has no end.
    assert!(events.attempts().is_empty(), "{:#?}", events.attempts());
    assert!(events.finished().interrupted);
    assert_eq!(events.finished().tally.total(), 0);
}

#[tokio::test]
async fn what_was_decided_before_a_run_is_cancelled_stays_decided() {
    let cancel = Cancel::default();
    let asked = cancel.clone();
    let gateway = Gateway::start(move |request| match request.path.as_str() {
        "/hang" => {
            asked.cancel();
            Answer::raw("", Then::Silence)
        }
        "/fail" => Answer::whole(500, "{}"),
        _ => Answer::whole(200, "{}"),
    })
    .await;
    let scenarios = "
  - id: PASSING
    title: Is over before Ctrl-C comes
    steps: [{ name: one, call: GET /one, expect: { status: 200 } }]
  - id: FAILING
    title: Is over too
    steps: [{ name: one, call: GET /fail, expect: { status: 200 } }]
  - id: HANGING
    title: Ctrl-C comes in the middle
    steps: [{ name: hang, call: GET /hang, expect: { status: 200 }, timeout: 50s }]
";
    let events = Setup { cancel, ..Setup::new(&gateway.url, scenarios) }.run().await;
    let ended: Vec<_> = events.attempts().iter().map(|attempt| attempt.scenario.as_str()).collect();
    assert_eq!(ended, ["PASSING", "FAILING"]);
    let finished = events.finished();
    assert!(finished.interrupted);
    assert_eq!((finished.tally.passed, finished.tally.failed, finished.tally.total()), (1, 1, 2));
}

#[tokio::test]
async fn a_failure_that_was_to_be_tried_again_is_not_the_last_word() {
    let cancel = Cancel::default();
    let asked = cancel.clone();
    let calls = AtomicUsize::new(0);
    let gateway = Gateway::start(move |_| {
        if calls.fetch_add(1, Ordering::SeqCst) == 0 {
            return Answer::whole(500, "{}");
        }
        asked.cancel();
        Answer::raw("", Then::Silence)
    })
    .await;
    let scenarios = one_step("{ status: 200 }");
    let settings = Settings { retries: 3, ..settings() };
    let events = Setup { settings, cancel, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    let ended: Vec<_> = events.attempts().iter().map(|attempt| (attempt.attempt, attempt.last)).collect();
    assert_eq!((ended.as_slice(), gateway.calls().len()), (&[(1, false)][..], 2));
    assert!(events.finished().interrupted);
    assert_eq!(events.finished().tally.total(), 0);
}

#[tokio::test]
async fn a_run_that_is_cancelled_before_it_begins_sends_nothing() {
    let gateway = flaky(0).await;
    let scenarios = many(3);
    let cancel = Cancel::default();
    cancel.cancel();
    let events = Setup { cancel, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    assert_eq!((events.0.len(), gateway.calls().len()), (2, 0));
    assert!(events.finished().interrupted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_jobs_run_every_scenario_once_side_by_side() {
    // Four requests at a time are answered, and never fewer: one after the other they would not be.
    let barrier = Arc::new(Barrier::new(4));
    let gateway = Gateway::start(move |_| Answer::whole(200, "{}").together(&barrier)).await;
    let scenarios = many(40);
    let settings = Settings { jobs: 4, seed: Some(3), ..settings() };
    let events = Setup { settings, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    assert_eq!(events.finished().tally.passed, 40);
    let began = order(&events);
    assert_eq!((began.len(), began.iter().collect::<BTreeSet<_>>().len()), (40, 40));
    let calls = gateway.calls();
    assert_eq!((calls.len(), calls.iter().collect::<BTreeSet<_>>().len()), (40, 40));
    assert_in_order(&events);
    let Some(Event::RunStarted(started)) = events.0.first() else { panic!("no beginning") };
    assert_eq!((started.jobs, started.selected, started.seed), (4, 40, Some(3)));
}

/// Of each scenario: started, exchanges, finished.
fn assert_in_order(events: &Events) {
    for id in order(events) {
        let kinds: Vec<_> = events
            .0
            .iter()
            .filter_map(|event| match event {
                Event::ScenarioStarted(started) if started.scenario == id => Some("started"),
                Event::Exchange(exchange) if exchange.scenario == id => Some("exchange"),
                Event::ScenarioFinished(finished) if finished.scenario == id => Some("finished"),
                _ => None,
            })
            .collect();
        assert_eq!(kinds, ["started", "exchange", "finished"], "{id}");
    }
}
