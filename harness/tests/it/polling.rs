//! What is asked again and again, and what single steps cover.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicUsize, Ordering};

use plumbline_harness::engine::Cancel;
use plumbline_harness::source::Mistake;
use plumbline_record::{Exchange, Level, Outcome, Verdict};
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
        "every: 30ms, capture: { result: { only: $.result } },
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
    let events = Setup::new(&gateway.url, &steps(&polling("every: 30ms"))).run().await;
    assert_eq!(missed(events.case("ONE")), ["chat.answers"]);
    assert_eq!(events.case("ONE").misses[0].subject, "status");
}

#[tokio::test]
async fn an_end_that_will_not_come_is_not_waited_for() {
    let failed = json!({ "status": "failed", "said": USER_KEY });
    let gateway = job(vec![(202, status("pending")), (200, failed)]).await;
    let done = polling("every: 30ms, stop_when: [{ at: $.status, equals: failed }]");
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
    let done = polling("every: 50ms, at_most: 500ms, meanwhile: { status: 202, verifies: stream.text }");
    let events = Setup::new(&gateway.url, &steps(&done)).run().await;
    let case = events.case("ONE");
    assert_eq!((case.verdict, missed(case)), (Verdict::Failed, vec!["chat.answers"]));
    let miss = &case.misses[0];
    assert_eq!((miss.subject.as_str(), miss.level), ("poll", Level::Must));
    assert!(miss.expected.ends_with("within 500ms"), "{miss:?}");
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
    let done = polling("every: 30ms, meanwhile: { status: 202, verifies: chat.polite }");
    let events = Setup::new(&gateway.url, &steps(&done)).run().await;
    assert_eq!((events.verdict("ONE").0, missed(events.case("ONE"))), (Verdict::Passed, vec!["chat.polite"]));
    assert_eq!(gateway.calls().len(), 2);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_missed() {
    let gateway = Gateway::start(|_| Answer::raw("", Then::Close)).await;
    let expect = "{ status: 200, verifies: chat.answers }";
    let done = format!("{{ name: done, poll: GET /job, until: {{ status: 200 }}, expect: {expect} }}");
    let events = Setup::new(&gateway.url, &steps(&done)).run().await;
    assert_eq!(missed(events.case("ONE")), ["chat.answers"]);
}

#[tokio::test]
async fn nothing_is_asked_when_the_time_is_up() {
    let gateway = job(vec![(202, status("pending"))]).await;
    let events = Setup::new(&gateway.url, &steps(&polling("every: 1m, at_most: 50ms"))).run().await;
    assert_eq!(missed(events.case("ONE")), ["chat.answers"]);
    assert_eq!(gateway.calls().len(), 1);
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_not_waited_for() {
    let calls = AtomicUsize::new(0);
    let gateway = Gateway::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::json(202, &status("pending")),
        _ => Answer::raw("", Then::Silence),
    })
    .await;
    let events = Setup::new(&gateway.url, &steps(&polling("every: 10ms, at_most: 500ms"))).run().await;
    let miss = &events.case("ONE").misses[0];
    assert_eq!((miss.subject.as_str(), miss.requirement.as_deref()), ("poll", Some("chat.answers")));
    assert!(miss.expected.ends_with("within 500ms"), "{miss:?}");
    assert!(miss.actual.starts_with("after 1 request status 202 and "), "{miss:?}");
    assert_eq!(gateway.calls().len(), 2);
}

#[tokio::test]
async fn what_rules_the_end_out_goes_before_the_end() {
    let gateway = job(vec![(200, status("failed"))]).await;
    let done = "{ name: done, poll: GET /job, until: [{ at: $.status, one_of: [completed, failed] }],
        stop_when: [{ at: $.status, equals: failed }], expect: { status: 200, verifies: chat.answers } }";
    let events = Setup::new(&gateway.url, &steps(done)).run().await;
    let case = events.case("ONE");
    assert_eq!((case.verdict, missed(case)), (Verdict::Failed, vec!["chat.answers"]));
    assert!(case.misses[0].expected.contains("`stop_when`"), "{case:?}");
    assert!(case.misses[0].actual.starts_with("stopped: status 200"), "{case:?}");
}

#[tokio::test]
async fn a_warning_is_told_once_however_many_answers_there_were() {
    let mut counts = Vec::new();
    for pending in [1, 5] {
        let mut answers = vec![(200, status("pending")); pending];
        answers.push((200, status("completed")));
        let gateway = job(answers).await;
        let done = polling(
            "every: 30ms,
             meanwhile: { body: [{ at: $.late, is: string, verifies: chat.polite }, { at: $.status, is: string }] }",
        );
        let events = Setup::new(&gateway.url, &steps(&done)).run().await;
        let case = events.case("ONE");
        assert_eq!((case.verdict, missed(case)), (Verdict::Passed, vec!["chat.polite"]));
        counts.push(case.checks);
    }
    assert_eq!(counts[0], counts[1]);
}

/// What the record has of a poll with these answers: of each exchange, what is left out before it, and its body.
async fn recorded(answers: Vec<Value>) -> Vec<(u64, String)> {
    let answers = answers.into_iter().map(|answer| (200, answer)).collect();
    let gateway = job(answers).await;
    let done = polling("every: 10ms, at_most: 10s");
    let events = Setup::new(&gateway.url, &steps(&done)).run().await;
    assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""));
    let body = |exchange: &Exchange| match &exchange.outcome {
        Outcome::Response(response) => response.body.text.clone(),
        Outcome::Failure(why) => why.clone(),
    };
    let left_out = |exchange: &Exchange| exchange.left_out.map_or(0, NonZeroU64::get);
    events.exchanges().into_iter().map(|exchange| (left_out(exchange), body(exchange))).collect()
}

#[tokio::test]
async fn the_record_has_what_changes_and_counts_the_rest() {
    let [pending, processing, completed] = ["pending", "processing", "completed"].map(status);
    let mut answers = vec![pending.clone(); 6];
    answers.extend(vec![processing.clone(); 4]);
    answers.push(completed.clone());
    let [pending, processing, completed] = [pending, processing, completed].map(|answer| answer.to_string());
    let expected = [(0, &pending), (0, &pending), (0, &pending), (3, &processing), (3, &completed)];
    assert_eq!(recorded(answers).await, expected.map(|(left_out, body)| (left_out, body.clone())));

    // Where each differs from the one before, that has an end as well.
    let mut answers: Vec<_> =
        (0..60).map(|number| json!({ "status": "pending", "number": number })).collect();
    answers.push(status("completed"));
    let recorded = recorded(answers).await;
    assert_eq!(recorded.len(), 51);
    assert_eq!(recorded.last(), Some(&(10, completed)));
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
    When again polls GET /jobs every 10ms for at most 1s
    Then the polling ends with one of the statuses 200, 201 or 204
    And the polling fails with one of the statuses 400, 500
    And meanwhile the status is one of 202, 206
    And meanwhile the headers satisfy these checks
      | name        | is        |
      | retry-after | not-empty |
    And meanwhile the body satisfies the schema demo/chat
    And meanwhile the text of the body satisfies this check
      | contains |
      | pending  |
    And meanwhile these texts stand nowhere in the answer
      | text   | verifies    |
      | secret | chat.polite |
    And meanwhile this verifies stream.text
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
      - name: again
        poll: GET /jobs
        every: 10ms
        at_most: 1s
        until: { status: [200, 201, 204] }
        stop_when: { status: [400, 500] }
        meanwhile:
          status: [202, 206]
          headers: { retry-after: { is: not-empty } }
          schema: demo/chat
          text: { contains: pending }
          nowhere: [{ text: secret, verifies: chat.polite }]
          verifies: stream.text
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

const HOPELESS: &str = r"contract: demo
scenarios:
  - id: HOPELESS
    title: Polling that cannot work
    steps:
      - name: often
        poll: GET /job
        every: 10ms
        until: { status: 200 }
      - name: briefly
        poll: GET /job
        at_most: 5m
        every: 1s
        until: { status: 200 }
      - name: stopped
        poll: GET /job
        until: { status: 200, body: [{ at: $.status, equals: done }] }
        stop_when: [{ at: $.status, equals: done }]
      - name: silent
        poll: GET /job
        until: { status: 200 }
        expect: { any_of: [{ name: a, status: 200 }, { name: b, closed: true }] }
      - name: bare
        poll: GET /job
        until: 200
  - id: SHORT
    title: Less time than its polling has
    timeout: 30s
    steps:
      - name: slow
        poll: GET /job
        until: { status: 200 }
      - name: quick
        poll: GET /job
        at_most: 29s
        until: { status: 200 }
        stop_when: { status: 200, body: [{ at: $.a, equals: 1 }] }
    always:
      - name: last
        poll: GET /job
        at_most: 5m
        every: 1s
        until: { status: 200 }
  - id: LONG
    title: More time
    timeout: 6m
    steps:
      - name: slow
        poll: GET /job
        at_most: 5m
        every: 300ms
        until: { status: 200 }
";

#[test]
fn polling_that_cannot_work_is_told() {
    let file = "demo/a.yaml";
    assert_told(
        &mistakes_in(HOPELESS),
        &[
            (file, 8, "more than 1000 requests", "write `every: 30ms` or more"),
            (file, 12, "the scenario has 2m for all of it", "give the scenario `timeout: …`"),
            (file, 18, "nothing ends the polling well", "it is decided first"),
            (file, 22, "what is polled is an answer", "take `closed` out"),
            (file, 25, "write `{ status: 200 }`", ""),
            (file, 31, "the scenario has 30s for all of it", "more than 30s"),
        ],
    );
}

const COVERING: &str = r"contract: demo
scenarios:
  - id: COVERING
    title: Ids that are none, and steps that show nothing
    steps:
      - name: one
        covers: ['', 'A, B', 'C D', E, E]
        call: GET /
        expect: { status: 200 }
      - name: later
        covers: [F]
        advance: 1s
      - name: fail
        covers: [G]
        fault: { kind: html }
      - name: bare
        covers: [H]
        call: GET /
      - name: kept
        covers: [I]
        call: GET /
        capture: { a: { only: $.a } }
";

#[test]
fn a_step_covers_ids_and_only_where_it_checks_something() {
    let file = "demo/a.yaml";
    let nothing = ("a step that checks nothing covers nothing", "write it at the step that does");
    assert_told(
        &mistakes_in(COVERING),
        &[
            (file, 7, "`` is not an id of a catalogue", "write a list"),
            (file, 7, "`A, B` is not an id of a catalogue", "write a list"),
            (file, 7, "`C D` is not an id of a catalogue", "write a list"),
            (file, 7, "the step covers `E` twice", "take one of them out"),
            (file, 11, nothing.0, nothing.1),
            (file, 14, nothing.0, nothing.1),
            (file, 17, nothing.0, nothing.1),
        ],
    );
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
