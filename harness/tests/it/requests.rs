//! What a step can send besides one ordinary request, and how a connection that just ends is judged.

use std::sync::Arc;

use plumbline_record::Verdict;
use serde_json::json;
use tokio::sync::Barrier;

use crate::gateway::{Answer, Gateway, Then};
use crate::support::{Setup, TARGET, USER_KEY, missed, one_step};

/// One scenario `ONE` with these steps, each a flow mapping.
fn steps(steps: &str) -> String {
    format!("\n  - {{ id: ONE, title: One, steps: [{steps}] }}")
}

#[tokio::test]
async fn a_burst_is_sent_at_once_and_each_reply_is_judged() {
    let together = Arc::new(Barrier::new(5));
    let gateway = Gateway::start(move |request| {
        let number = request.body.trim_start_matches("{\"n\":").trim_end_matches('}').to_owned();
        let status = if number == "3" { 429 } else { 200 };
        Answer::json(status, &json!({ "n": number.parse::<u32>().unwrap() })).together(&together)
    })
    .await;
    let one = r#"{ name: rush, call: POST /, burst: 5, json: { n: "{{ index }}" },
        expect: { body: [{ at: $.n, equals: "{{ index }}" }],
                  any_of: [{ name: served, status: 200 }, { name: throttled, status: 429 }] },
        replies: [{ at: $, length: 5 }, { any: "$[*].status", equals: 429 }, { any: "$[*].status", equals: 500 }] }"#;
    let events = Setup::new(&gateway.url, &steps(one)).run().await;
    let (verdict, reason) = events.verdict("ONE");
    assert_eq!(verdict, Verdict::Failed);
    assert!(reason.contains("among the values: 500"), "{reason}");
    let mut taken: Vec<_> = events.attempts()[0].taken.iter().map(|taken| &*taken.alternative).collect();
    taken.sort_unstable();
    assert_eq!(taken, ["served", "throttled"]);
    assert_eq!(events.exchanges().len(), 5);
}

#[tokio::test]
async fn one_wrong_reply_of_a_burst_fails_it() {
    let gateway =
        Gateway::start(|request| Answer::whole(if request.body.contains("\"1\"") { 500 } else { 200 }, "{}"))
            .await;
    let one = r#"{ name: rush, call: POST /, burst: 3, json: { n: "a {{ index }}", m: "1" },
        expect: { status: 200, verifies: chat.answers } }"#;
    let events = Setup::new(&gateway.url, &steps(one)).run().await;
    assert_eq!(events.verdict("ONE").0, Verdict::Failed);
}

#[tokio::test]
async fn a_header_of_all_requests_gives_way_to_that_of_a_step_and_to_its_role() {
    let gateway = Gateway::start(|_| Answer::json(200, &json!({}))).await;
    let target = format!(
        "{TARGET}contracts: {{ demo: {{ headers: {{ Authorization: nobody, host: inner, x-a: all }} }} }}"
    );
    let each = "{ name: one, call: GET /, as: user, expect: { status: 200 } },
        { name: two, call: GET /, headers: { X-A: own }, expect: { status: 200 } },
        { name: three, raw: 'GET / HTTP/1.1', as: user, expect: { status: 200 } }";
    let events = Setup { target: &target, ..Setup::new(&gateway.url, &steps(each)) }.run().await;
    assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""));
    let key = format!("Bearer {USER_KEY}");
    let received = gateway.received();
    let header = |name: &str| -> Vec<_> { received.iter().map(|request| request.header(name)).collect() };
    assert_eq!(header("authorization"), [Some(&*key), Some("nobody"), Some(&*key)]);
    assert_eq!(header("x-a"), [Some("all"), Some("own"), Some("all")]);
    assert_eq!(received[2].header("host"), Some("inner"));
}

#[tokio::test]
async fn raw_bytes_arrive_as_they_are_written() {
    let gateway = Gateway::start(|_| Answer::json(400, &json!({ "detail": "no" }))).await;
    let one = r#"{ name: odd, raw: "POST /a?b HTTP/1.1", as: user, headers: { X-Odd: "1", content-length: "2" },
        body: "{}", expect: { status: 400, body: [{ at: $.detail, equals: no }] } }"#;
    let events = Setup::new(&gateway.url, &steps(one)).run().await;
    assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""));
    let received = gateway.received();
    assert_eq!(gateway.calls(), ["POST /a?b"]);
    assert_eq!(received[0].header("x-odd"), Some("1"));
    assert_eq!(received[0].header("host").map(|host| format!("http://{host}")).as_ref(), Some(&gateway.url));
    assert_eq!(received[0].header("authorization"), Some(&*format!("Bearer {USER_KEY}")));
    assert_eq!(received[0].header("user-agent"), None);
    assert_eq!(received[0].body, "{}");
    assert!(!events.written().contains(USER_KEY));
}

#[tokio::test]
async fn a_chunked_body_states_no_length() {
    let gateway =
        Gateway::start(|_| Answer::raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", Then::Close)).await;
    let one = "{ name: one, call: POST /, chunked: true, json: { a: 1 }, expect: { status: 200 } }";
    let events = Setup::new(&gateway.url, &steps(one)).run().await;
    assert_eq!(events.verdict("ONE").0, Verdict::Passed);
    let received = gateway.received();
    assert_eq!(received[0].header("transfer-encoding"), Some("chunked"));
    assert_eq!(received[0].header("content-length"), None);
}

#[tokio::test]
async fn an_end_without_an_answer_is_allowed_only_where_it_is_written() {
    let gateway = Gateway::start(|_| Answer::raw("", Then::Close)).await;
    for (expect, verdict) in [
        ("{ closed: true }", Verdict::Passed),
        ("{ any_of: [{ name: refused, status: 400 }, { name: dropped, closed: true }] }", Verdict::Passed),
        ("{ any_of: [{ name: refused, status: 400 }] }", Verdict::Failed),
        ("{ status: 200 }", Verdict::Failed),
        // Nothing stands in nothing, and that alone allows no end.
        (
            "{ nowhere: [a], any_of: [{ name: refused, status: 400 }, { name: dropped, closed: true }] }",
            Verdict::Passed,
        ),
        (
            "{ nowhere: [a], any_of: [{ name: refused, status: 400 }, { name: other, nowhere: [b] }] }",
            Verdict::Failed,
        ),
        ("{ nowhere: [a] }", Verdict::Failed),
    ] {
        let events = Setup::new(&gateway.url, &one_step(expect)).run().await;
        assert_eq!(events.verdict("ONE").0, verdict, "{expect}");
    }
    let raw = "{ name: odd, raw: GARBAGE, expect: { closed: true } }";
    let gateway = Gateway::start(|_| Answer::json(200, &json!({}))).await;
    let events = Setup::new(&gateway.url, &one_step("{ closed: true }")).run().await;
    assert_eq!(events.verdict("ONE").0, Verdict::Failed);
    // The server here cannot read such a line, and leaves.
    let events = Setup::new(&gateway.url, &steps(raw)).run().await;
    assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""));
}

#[tokio::test]
async fn silence_is_no_end() {
    let gateway = Gateway::start(|_| Answer::raw("", Then::Silence)).await;
    let one = "{ name: one, call: GET /, timeout: 50ms, expect: { closed: true } }";
    let events = Setup::new(&gateway.url, &steps(one)).run().await;
    assert_eq!(events.verdict("ONE").0, Verdict::Failed);
}

#[tokio::test]
async fn what_must_be_lacking_must_be_seen_to_be_lacking() {
    let gateway = Gateway::start(|_| Answer::json(200, &json!({ "a": "a stack trace", "b": "fine" }))).await;
    for (path, verdict) in [("$.a", Verdict::Failed), ("$.b", Verdict::Passed), ("$.c", Verdict::Failed)] {
        let expect = format!("{{ body: [{{ at: {path}, lacks: stack }}] }}");
        let events = Setup::new(&gateway.url, &one_step(&expect)).run().await;
        assert_eq!(events.verdict("ONE").0, verdict, "{path}");
    }
}

#[tokio::test]
async fn faults_are_armed_and_taken_away_through_the_target() {
    let gateway = Gateway::start(|_| Answer::json(200, &json!({}))).await;
    let scenarios = steps(
        "{ name: break, fault: { kind: html, times: 2 } }, { name: one, call: GET /, expect: { status: 200 } }",
    );
    let events = Setup::new(&gateway.url, &scenarios).run().await;
    assert_eq!(events.verdict("ONE").0, Verdict::NotTestable);
    assert!(gateway.calls().is_empty());
    let target = format!(
        "{TARGET}faults: {{ arm: {{ call: POST /faults, json: \"{{{{ fault }}}}\" }}, clear: {{ call: DELETE /faults }} }}\n"
    );
    let events = Setup { target: &target, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""));
    // What the scenario left armed is taken away with it.
    assert_eq!(gateway.calls(), ["POST /faults", "GET /", "DELETE /faults"]);
    assert_eq!(gateway.received()[0].body, r#"{"kind":"html","times":2}"#);
}

#[tokio::test]
async fn a_lost_answer_is_held_against_what_the_step_verifies() {
    let gateway = Gateway::start(|_| Answer::raw("", Then::Close)).await;
    let expect = "{ any_of: [{ name: refused, status: 400, verifies: chat.answers }] }";
    let events = Setup::new(&gateway.url, &one_step(expect)).run().await;
    assert_eq!(missed(events.case("ONE")), ["chat.answers"]);
}
