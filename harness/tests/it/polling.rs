//! What is asked again and again, and what single steps cover.

use std::sync::atomic::{AtomicUsize, Ordering};

use plumbline_harness::engine::Cancel;
use plumbline_harness::source::Mistake;
use plumbline_record::{Level, Verdict};
use serde_json::{Value, json};

use crate::gateway::{Answer, Gateway, Received, Then};
use crate::lint::assert_told;
use crate::support::{Setup, USER_KEY, missed, read_files, suite};
use crate::twins::{read, without_places};

/// One scenario `ONE` with these steps, each a flow mapping.
fn steps(steps: &str) -> String {
    format!("\n  - {{ id: ONE, title: One, steps: [{steps}] }}")
}

/// A step `done` that polls a job until it is completed, with these fields besides.
fn polling(fields: &str) -> String {
    format!(
        "{{ name: done, poll: GET /job, as: user, until: [{{ at: $.status, one_of: [completed] }}],
            expect: {{ status: 200, verifies: chat.answers }}, {fields} }}"
    )
}

/// Answers a job's first requests with these, and all that follow with the last.
async fn job(answers: Vec<(u16, Value)>) -> Gateway {
    let calls = AtomicUsize::new(0);
    Gateway::start(move |request: &Received| {
        if request.path != "/job" {
            return Answer::json(200, &json!({}));
        }
        let call = calls.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        Answer::json(answers[call].0, &answers[call].1)
    })
    .await
}

fn status(status: &str) -> Value {
    json!({ "status": status })
}

#[tokio::test]
async fn it_is_asked_until_the_answer_is_there() {
    let completed = json!({ "status": "completed", "result": "Oslo" });
    let gateway = job(vec![(202, status("pending")), (202, status("processing")), (200, completed)]).await;
    let done = polling(
        "every: 10ms, capture: { result: { only: $.result } },
         meanwhile:
           { status: 202, verifies: stream.text, body: [{ at: $.status, one_of: [pending, processing] }] }",
    );
    let path = "/{{ done.polls }}/{{ done.status }}/{{ result }}";
    let after = format!("{{ name: after, call: \"GET {path}\", expect: {{ status: 200 }} }}");
    let events = Setup::new(&gateway.url, &steps(&format!("{done}, {after}"))).run().await;
    assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""));
    assert_eq!(gateway.calls(), ["GET /job", "GET /job", "GET /job", "GET /3/200/Oslo"]);
    assert_eq!(gateway.received()[0].header("authorization"), Some(&*format!("Bearer {USER_KEY}")));
    let asked: Vec<_> = events.exchanges().iter().map(|exchange| exchange.step.as_str()).collect();
    assert_eq!(asked, ["done", "done", "done", "after"]);
    let case = events.case("ONE");
    let requirements: Vec<_> = case.verifies.iter().map(|verified| verified.requirement.as_str()).collect();
    assert_eq!(requirements, ["chat.answers", "stream.text"]);
}

#[tokio::test]
async fn an_answer_that_is_there_at_once_is_asked_for_once() {
    let gateway = job(vec![(200, status("completed"))]).await;
    let done = polling("every: 1m, meanwhile: { status: 202, verifies: stream.text }");
    let events = Setup::new(&gateway.url, &steps(&done)).run().await;
    assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""));
    assert_eq!(gateway.calls().len(), 1);
    // Nothing was seen of what must hold before.
    assert_eq!(events.case("ONE").verifies.len(), 1);
}

#[tokio::test]
async fn the_last_answer_is_judged() {
    let gateway = job(vec![(202, status("completed"))]).await;
    let events = Setup::new(&gateway.url, &steps(&polling("every: 10ms"))).run().await;
    assert_eq!(missed(events.case("ONE")), ["chat.answers"]);
    assert_eq!(events.case("ONE").misses[0].subject, "status");
}

#[tokio::test]
async fn an_end_that_will_not_come_is_not_waited_for() {
    let failed = json!({ "status": "failed", "said": USER_KEY });
    let gateway = job(vec![(202, status("pending")), (200, failed)]).await;
    let done = polling("every: 10ms, stop_when: [{ at: $.status, equals: failed }]");
    let events = Setup::new(&gateway.url, &steps(&done)).run().await;
    let case = events.case("ONE");
    assert_eq!((case.verdict, missed(case)), (Verdict::Failed, vec!["chat.answers"]));
    let miss = &case.misses[0];
    assert_eq!((miss.subject.as_str(), miss.step.as_str()), ("poll", "done"));
    assert!(miss.expected.contains("completed"), "{miss:?}");
    assert!(miss.actual.starts_with("stopped: status 200 and {"), "{miss:?}");
    assert_eq!(gateway.calls().len(), 2);
    assert!(!events.written().contains(USER_KEY));
}

#[tokio::test]
async fn an_end_that_does_not_come_in_time_is_missed() {
    let gateway = job(vec![(202, status("pending"))]).await;
    let done = polling("every: 10ms, at_most: 20ms, meanwhile: { status: 202, verifies: stream.text }");
    let events = Setup::new(&gateway.url, &steps(&done)).run().await;
    let case = events.case("ONE");
    assert_eq!((case.verdict, missed(case)), (Verdict::Failed, vec!["chat.answers"]));
    let miss = &case.misses[0];
    assert_eq!((miss.subject.as_str(), miss.level), ("poll", Level::Must));
    assert!(miss.expected.ends_with("within 20ms"), "{miss:?}");
    assert!(miss.actual.contains("status 202") && miss.actual.contains("pending"), "{miss:?}");
}

#[tokio::test]
async fn what_must_hold_meanwhile_ends_it_where_it_does_not() {
    let gateway = job(vec![(200, status("pending"))]).await;
    let done = polling("every: 1m, meanwhile: { status: 202, verifies: stream.text }");
    let events = Setup::new(&gateway.url, &steps(&done)).run().await;
    assert_eq!(missed(events.case("ONE")), ["stream.text"]);
    assert_eq!(gateway.calls().len(), 1);
    // A warning ends nothing.
    let gateway = job(vec![(200, status("pending")), (200, status("completed"))]).await;
    let done = polling("every: 10ms, meanwhile: { status: 202, verifies: chat.polite }");
    let events = Setup::new(&gateway.url, &steps(&done)).run().await;
    assert_eq!((events.verdict("ONE").0, missed(events.case("ONE"))), (Verdict::Passed, vec!["chat.polite"]));
    assert_eq!(gateway.calls().len(), 2);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_missed() {
    for expect in ["{ status: 200, verifies: chat.answers }", "{ closed: true, verifies: chat.answers }"] {
        let gateway = Gateway::start(|_| Answer::raw("", Then::Close)).await;
        let done = format!("{{ name: done, poll: GET /job, until: {{ status: 200 }}, expect: {expect} }}");
        let events = Setup::new(&gateway.url, &steps(&done)).run().await;
        assert_eq!(missed(events.case("ONE")), ["chat.answers"], "{expect}");
    }
}

#[tokio::test]
async fn whoever_presses_ctrl_c_does_not_wait_for_a_job() {
    let cancel = Cancel::default();
    let asked = cancel.clone();
    let gateway = Gateway::start(move |request| {
        if request.path == "/job" {
            asked.cancel();
        }
        Answer::json(202, &status("pending"))
    })
    .await;
    // What cleans up runs whatever happened, but not for ten minutes.
    let one = "{ name: one, call: GET /, expect: { status: 202 } }";
    let last = polling("every: 1m, at_most: 10m");
    let scenarios = format!("\n  - {{ id: ONE, title: One, steps: [{one}], always: [{last}] }}");
    Setup { cancel, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    assert_eq!(gateway.calls(), ["GET /", "GET /job"]);
}

const WRONG: &str = r"contract: demo
scenarios:
  - id: WRONG
    title: Polling that says too little or too much
    covers: [A]
    steps:
      - name: endless
        poll: GET /job
        covers: [A]
      - name: quick
        poll: job
        every: 5ms
        at_most: 1h
        until: []
        burst: 3
        json: {}
        bills: none
      - name: binding
        poll: GET /job
        until: [{ at: $.a, equals: 1, verifies: chat.answers }, { at: $.a, equals: 1, wording: true }]
        stop_when: { status: 99, body: [{ at: $.a }] }
        meanwhile: { any_of: [{ name: a, status: 200 }] }
        expect: { stream: { of: chat } }
      - name: other
        call: GET /job
        every: 1s
        until: [{ at: $.a, equals: 1 }]
      - name: both
        poll: GET /job
        advance: 1s
      - name: later
        advance: soon
      - name: long
        advance: 1s
        expect: { status: 200 }
      - name: unread
        poll: GET /job
        until: { stauts: 200 }
    always:
      - name: last
        call: GET /job
        covers: [B]
";

/// The mistakes in a file, in the order of its lines.
fn mistakes_in(text: &str) -> Vec<Mistake> {
    let (_, mut mistakes) = read_files(&[("demo/a.yaml", text)]);
    mistakes.sort_by_key(|mistake| mistake.span.line);
    mistakes
}

#[test]
fn polling_that_says_too_little_or_too_much_is_told() {
    let file = "demo/a.yaml";
    assert_told(
        &mistakes_in(WRONG),
        &[
            (file, 8, "nothing ends the polling", "add `until: "),
            (file, 9, "the scenario covers `A` as a whole already", "take it out of the scenario's `covers`"),
            (file, 11, "`job` is not a call", "write a method and a path"),
            (file, 12, "`5ms` is too short", "from 10ms to 1m"),
            (file, 13, "`1h` is too long", "to 10m"),
            (file, 15, "`burst` does not go with `poll`", "it goes with `call`"),
            (file, 16, "`json` does not go with `poll`", "it goes with `call`"),
            (file, 17, "`bills` does not go with `poll`", "it goes with `call`"),
            (file, 20, "a condition verifies nothing", "say under `expect`"),
            (file, 20, "a condition verifies nothing", "say under `expect`"),
            (file, 21, "99 is not a status code", "from 100 to 599"),
            (file, 21, "says nothing about the value", ""),
            (file, 22, "`any_of` does not go with `meanwhile`", "write `status`"),
            (file, 23, "what is polled is no stream", "make a `call`"),
            (file, 26, "`every` does not go with `call`", "it goes with `poll`"),
            (file, 27, "`until` does not go with `call`", "it goes with `poll`"),
            (file, 30, "a step does one thing", "make `advance` a step of its own"),
            (file, 32, "`soon` is not a duration", "write, for example, `5s`"),
            (file, 35, "`expect` does not go with `advance`", "it goes with `call`"),
            (file, 38, "no field `stauts` here", "did you mean `status`?"),
            (file, 42, "a step that is not judged covers nothing", "write it at a step under `steps`"),
        ],
    );
    let empty = steps("{ name: one, poll: GET /, until: [] }");
    let empty = format!("contract: demo\nscenarios:{empty}");
    assert_told(&mistakes_in(&empty), &[(file, 3, "this holds of every answer", "add a check")]);
}

const IN_GHERKIN: &str = "
@contract:demo
Feature: Jobs
  Scenario: E1 A job and its end
    When done polls GET /jobs/{{ nonce }} as user every 100ms for at most 1m 30s
    And the request has the header x-a: b
    And this step covers J-2, J-3
    Then the polling ends when
      | at       | one_of              |
      | $.status | [completed, failed] |
    And the polling ends with the status 200
    And the polling fails when
      | at      | is        |
      | $.error | not-empty |
    And the polling fails with the status 500
    And meanwhile the status is 202, which verifies stream.text
    And meanwhile the body has
      | at       | equals  | verifies    |
      | $.status | pending | chat.polite |
    And the status is 200
    When later lets 61s pass
    When plain polls GET /jobs every 10ms for at most 1s
    Then the polling ends with the status 200
    And meanwhile the status is 202
";

const IN_YAML: &str = "
contract: demo
scenarios:
  - id: E1
    title: A job and its end
    steps:
      - name: done
        covers: [J-2, J-3]
        poll: GET /jobs/{{ nonce }}
        as: user
        every: 100ms
        at_most: 1m 30s
        headers: { x-a: b }
        until: { status: 200, body: [{ at: $.status, one_of: [completed, failed] }] }
        stop_when: { status: 500, body: [{ at: $.error, is: not-empty }] }
        meanwhile:
          status: 202
          verifies: stream.text
          body: [{ at: $.status, equals: pending, verifies: chat.polite }]
        expect: { status: 200 }
      - { name: later, advance: 61s }
      - { name: plain, poll: GET /jobs, every: 10ms, at_most: 1s, until: { status: 200 }, meanwhile: { status: 202 } }
";

#[test]
fn polling_can_be_said() {
    let (feature, yaml) = (read("a.feature", IN_GHERKIN), read("a.yaml", IN_YAML));
    assert_eq!(without_places(&feature), without_places(&yaml));
    for (name, text) in [("demo/a.feature", IN_GHERKIN), ("demo/a.yaml", IN_YAML)] {
        let (_, mistakes) = read_files(&[(name, text)]);
        assert!(mistakes.is_empty(), "{mistakes:?}");
    }
}

#[tokio::test]
async fn what_steps_cover_is_in_the_record() {
    let gateway = job(vec![(200, json!({}))]).await;
    let one = "{ name: one, call: GET /job, expect: { status: 200 } }";
    let covering = "{ name: one, call: GET /job, covers: [B], expect: { status: 200 } }";
    let two = "{ name: two, call: GET /job, covers: [B, C], expect: { status: 200 } }";
    for (own, steps, covers, by_steps) in [
        ("", one.to_owned(), vec!["ONE"], json!({})),
        ("covers: [A], ", one.to_owned(), vec!["A"], json!({})),
        // Where a step covers something, the scenario covers nothing that it does not say.
        ("", format!("{covering}, {two}"), vec!["B", "C"], json!({ "one": ["B"], "two": ["B", "C"] })),
        ("covers: [A], ", format!("{one}, {two}"), vec!["A", "B", "C"], json!({ "two": ["B", "C"] })),
    ] {
        let scenarios = format!("\n  - {{ id: ONE, title: One, {own}steps: [{steps}] }}");
        let events = Setup::new(&gateway.url, &scenarios).run().await;
        let attempt = events.attempts()[0];
        assert_eq!(attempt.covers, covers, "{scenarios}");
        assert_eq!(json!(attempt.step_covers), by_steps, "{scenarios}");
        assert_eq!(suite(&scenarios).scenarios[0].covers, covers);
        // A record that says nothing of steps is what it was before they could cover anything.
        assert_eq!(events.written().contains("step_covers"), by_steps != json!({}));
    }
}
