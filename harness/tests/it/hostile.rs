//! Gateways that are none: nothing passes that was not earned, nothing hangs, and every run comes to its end.

use std::time::Duration;

use plumbline_harness::engine::Settings;
use plumbline_record::{Outcome, Verdict};
use tokio::net::TcpListener;

use crate::gateway::{Answer, Gateway, Then};
use crate::support::{Events, Setup, TARGET, one_step, settings};

/// What a gateway must answer; none of it holds for an answer that says nothing.
const SCENARIOS: &str = r#"
  - id: CONTENT
    title: Models are listed
    steps:
      - name: list
        call: GET /v1/models
        as: user
        expect: { status: 200, body: [{ each: "$.data[*].id", is: not-empty }] }
        capture: { model: { first: "$.data[*].id" } }
      - name: chat
        call: POST /v1/chat
        as: user
        json: { model: "{{ model }}" }
        expect: { status: 200, schema: demo/chat }
  - id: ABSENCE
    title: An answer has an id and no error
    steps:
      - name: chat
        call: POST /v1/chat
        as: user
        json: { model: "{{ models.chat }}" }
        expect: { status: 200, body: [{ at: $.error, absent: true }, { at: $.id, differs_from: "" }] }
  - id: CHOICE
    title: Two answers are allowed
    steps:
      - name: chat
        call: POST /v1/chat
        json: {}
        expect:
          any_of:
            - { name: refused, status: 401, body: [{ at: $.detail, is: not-empty }] }
            - { name: failed, status: [500, 502], body: [{ at: $.request_id, is: uuid }] }
            - { name: accepted, status: 200, headers: { x-model: { is: not-empty } } }
  - id: TEXT
    title: A page says that all is well
    steps:
      - { name: page, call: GET /health, expect: { text: { matches: "^ok$" } } }
"#;

/// Limits a step for servers that say nothing more.
fn impatient() -> Settings {
    Settings { step_timeout: Some(Duration::from_millis(200)), ..settings() }
}

async fn against(
    answer: impl Fn() -> Answer + Send + Sync + 'static,
    target: &str,
    settings: Settings,
) -> Events {
    let gateway = Gateway::start(move |_| answer()).await;
    Setup { target, settings, ..Setup::new(&gateway.url, SCENARIOS) }.run().await
}

/// Every scenario was run, and each has failed.
fn assert_all_failed(events: &Events, what: &str) {
    let verdicts: Vec<_> =
        events.cases().iter().map(|case| (case.name.as_str(), case.verdict, &case.reason)).collect();
    assert_eq!(verdicts.len(), 4, "{what}: {verdicts:#?}");
    assert!(verdicts.iter().all(|(_, verdict, _)| *verdict == Verdict::Failed), "{what}: {verdicts:#?}");
    let finished = events.finished();
    assert!(!finished.interrupted, "{what}");
    assert_eq!((finished.tally.passed, finished.tally.failed), (0, 4), "{what}");
}

/// Why there was no response, for each exchange.
fn failures(events: &Events) -> Vec<&str> {
    let outcomes = events.exchanges().into_iter().map(|exchange| &exchange.outcome);
    outcomes
        .map(|outcome| match outcome {
            Outcome::Failure(why) => why.as_str(),
            Outcome::Response(response) => panic!("{response:?}"),
        })
        .collect()
}

#[tokio::test]
async fn the_same_answer_to_everything_earns_nothing() {
    for (status, body) in [
        (200, "{}"),
        (200, "[]"),
        (200, "null"),
        (200, "true"),
        (200, ""),
        (200, "OK"),
        (200, r#"{ "data": [] }"#),
        (204, ""),
        (401, "{}"),
        (401, r#"{ "detail": "" }"#),
        (429, ""),
        (500, "{}"),
        (500, r#"{ "request_id": "none" }"#),
        (502, "<html>"),
    ] {
        let events = against(move || Answer::whole(status, body), TARGET, settings()).await;
        assert_all_failed(&events, &format!("{status} {body}"));
    }
}

#[tokio::test]
async fn a_body_that_is_not_utf_8_is_no_json_and_no_text() {
    let body = b"{ \"id\": \"\xff\xfe\", \"model\": \"\xc3\x28\", \"data\": [{ \"id\": \"\xf0\x28\" }] }";
    let answer = move || Answer::whole(200, body);
    assert_all_failed(&against(answer, TARGET, settings()).await, "invalid UTF-8");
}

#[tokio::test]
async fn a_body_that_never_ends_costs_its_step() {
    let heads = [
        "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
        "HTTP/1.1 200 OK\r\n\r\n{}",
    ];
    for head in heads {
        let events = against(move || Answer::raw(head, Then::Silence), TARGET, impatient()).await;
        assert_all_failed(&events, head);
        for why in failures(&events) {
            assert_eq!(why, "the response was not complete within 200ms", "{head}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_never_begins_costs_its_step() {
    for head in ["", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"] {
        let events = against(move || Answer::raw(head, Then::Silence), TARGET, impatient()).await;
        assert_all_failed(&events, head);
        assert!(failures(&events).iter().all(|why| why.contains("not complete within 200ms")), "{head}");
    }
}

#[tokio::test]
async fn headers_without_end_are_cut_off() {
    for (head, more) in [
        ("HTTP/1.1 200 OK\r\n", "x-more: and more\r\n"),
        ("HTTP/1.1 200 OK\r\nx-long: ", "long and longer "),
        ("", "HTTP/1.1 100 Continue\r\n\r\n"),
        ("HTTP/1.1 ", "2"),
    ] {
        let repeat = move || Answer::raw(head, Then::Repeat(more.repeat(64).into_bytes()));
        assert_all_failed(&against(repeat, TARGET, impatient()).await, more);
    }
}

#[tokio::test]
async fn a_response_beyond_the_limit_is_cut_off() {
    let target = format!("{TARGET}limits: {{ response_bytes: 1000 }}");
    let endless = || {
        let chunk = b"100\r\n".iter().copied().chain([b'x'; 256]).chain(*b"\r\n").collect();
        Answer::raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", Then::Repeat(chunk))
    };
    let announced = || {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n";
        Answer::raw(head, Then::Repeat(vec![b'x'; 64 * 1024]))
    };
    for events in [against(endless, &target, settings()).await, against(announced, &target, settings()).await]
    {
        assert_all_failed(&events, "more than the limit");
        for why in failures(&events) {
            assert_eq!(why, "the response is longer than 1000 bytes");
        }
    }
}

#[tokio::test]
async fn the_limit_itself_is_allowed() {
    let target = format!("{TARGET}limits: {{ response_bytes: 1000 }}");
    let scenarios = one_step("{ status: 200 }");
    for (length, verdict) in [(1000, Verdict::Passed), (1001, Verdict::Failed)] {
        let gateway = Gateway::start(move |_| Answer::whole(200, "x".repeat(length))).await;
        let events = Setup { target: &target, ..Setup::new(&gateway.url, &scenarios) }.run().await;
        assert_eq!(events.case("ONE").verdict, verdict, "{length}");
    }
}

#[tokio::test]
async fn the_answers_of_a_burst_share_a_limit() {
    let target = format!("{TARGET}limits: {{ response_bytes: 1000 }}");
    let scenarios = one_step("{ status: 200 }") + "        burst: 8\n";
    for (length, verdict) in [(500, Verdict::Passed), (501, Verdict::Failed)] {
        let gateway = Gateway::start(move |_| Answer::whole(200, "x".repeat(length))).await;
        let events = Setup { target: &target, ..Setup::new(&gateway.url, &scenarios) }.run().await;
        assert_eq!(events.case("ONE").verdict, verdict, "{length}");
    }
}

#[tokio::test]
async fn a_connection_that_closes_early_is_no_answer() {
    for head in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\n{}",
    ] {
        let events = against(move || Answer::raw(head, Then::Close), TARGET, settings()).await;
        assert_all_failed(&events, head);
        assert_eq!(failures(&events).len(), 4, "{head}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_no_answer() {
    for garbage in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\0\0\0\0",
        "220 ready\r\n",
        "{}",
        "HTTP/9.9 200 OK\r\n\r\n{}",
        "HTTP/1.1 abc OK\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n{}",
    ] {
        let events = against(move || Answer::raw(garbage, Then::Close), TARGET, settings()).await;
        assert_all_failed(&events, garbage);
    }
}

#[tokio::test]
async fn where_nothing_listens_nothing_is_decided() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let events = Setup::new(&url, SCENARIOS).run().await;
    assert_eq!(events.cases().len(), 4);
    for case in events.cases() {
        assert_eq!(case.verdict, Verdict::Error, "{case:#?}");
        assert!(case.misses.is_empty(), "the gateway is blamed for what it never saw: {case:#?}");
    }
    assert_eq!(events.finished().tally.error, 4);
}

#[tokio::test]
async fn a_scenario_that_takes_too_long_fails_and_is_cleaned_up() {
    let gateway = Gateway::start(|request| match request.method.as_str() {
        "GET" => Answer::raw("", Then::Silence),
        _ => Answer::whole(204, ""),
    })
    .await;
    let scenarios = "
  - id: SLOW
    title: Nothing comes
    timeout: 200ms
    steps:
      - { name: wait, call: GET /, expect: { status: 200 } }
      - { name: never, call: PUT /, expect: { status: 204 } }
    always:
      - { name: tidy, call: DELETE / }
";
    let events = Setup::new(&gateway.url, scenarios).run().await;
    let (verdict, reason) = events.verdict("SLOW");
    assert_eq!(verdict, Verdict::Failed);
    assert!(reason.contains("not finished within 200ms"), "{reason}");
    assert_eq!(gateway.calls(), ["GET /", "DELETE /"]);
}

#[tokio::test]
async fn a_cleanup_that_hangs_costs_its_step_as_well() {
    let gateway = Gateway::start(|request| match request.method.as_str() {
        "GET" => Answer::whole(200, "{}"),
        _ => Answer::raw("", Then::Silence),
    })
    .await;
    let scenarios = one_step("{ status: 200 }") + "    always: [{ name: tidy, call: DELETE / }]\n";
    let settings = Settings { step_timeout: Some(Duration::from_secs(1)), ..settings() };
    let events = Setup { settings, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""));
    assert_eq!(gateway.calls(), ["GET /", "DELETE /"]);
}
