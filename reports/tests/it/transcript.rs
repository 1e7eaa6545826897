use std::num::NonZeroU64;

use plumbline_record::{Body, Exchange, Outcome, Response};
use plumbline_reports::Transcript;

use crate::events::{body, exchange, request};

#[test]
fn shows_request_and_response_of_each_step() {
    let mut lost = exchange("A", 1, "list");
    lost.request = request(None);
    lost.request.headers.clear();
    lost.outcome = Outcome::Failure("connection reset".into());
    let text = Transcript::new(&[exchange("A", 1, "chat"), lost]).to_string();
    let expected = r#"* chat (12.3 ms)
> POST http://127.0.0.1:4000/api/v1/chat
> content-type: application/json
> authorization: Bearer [redacted:all-scopes]

{"model":"m"}

< 200
< content-type: application/json

{"model":"other"}

* list (12.3 ms)
> POST http://127.0.0.1:4000/api/v1/chat

! no response: connection reset
"#;
    assert_eq!(text, expected);
}

#[test]
fn says_how_many_requests_of_a_poll_are_left_out() {
    let last = Exchange { left_out: NonZeroU64::new(37), ..exchange("A", 1, "poll") };
    let text = Transcript::new(&[exchange("A", 1, "poll"), last]).to_string();
    let between = "\n[… requests of this step that run.jsonl does not have: 37]\n\n* poll (12.3 ms)\n";
    assert!(text.contains(between), "{text}");
}

fn answered(body: Body) -> String {
    let mut exchange = exchange("A", 1, "chat");
    let headers = Vec::new();
    exchange.outcome = Outcome::Response(Response { status: 200, headers, body, first_event_us: None });
    Transcript::new(&[exchange]).to_string()
}

#[test]
fn says_how_much_of_a_body_is_missing() {
    let text = answered(body(&"ä".repeat(4_010)));
    let end = "[… 20 bytes left out; run.jsonl has all of it]";
    assert!(text.ends_with(&format!("\n{}\n{end}\n", "ä".repeat(4_000))), "{text}");

    let text = answered(Body { text: "begin".into(), bytes: 105, cut: true });
    assert!(text.ends_with("\nbegin\n[… 100 bytes left out]\n"), "{text}");

    let text = answered(Body { text: "x".repeat(4_001), bytes: 5_000, cut: true });
    assert!(text.ends_with("x\n[… 1000 bytes left out; run.jsonl has the first 4001]\n"), "{text}");

    let text = answered(body(&"x".repeat(4_000)));
    assert!(text.ends_with("x\n"), "{text}");
}

#[test]
fn shows_fewer_characters_when_asked() {
    let exchanges = [exchange("A", 1, "chat")];
    let text = Transcript::new(&exchanges).body_limit(4).to_string();
    assert!(text.contains("\n{\"mo\n[… 9 bytes left out; run.jsonl has all of it]\n"), "{text}");
}

#[test]
fn an_empty_body_leaves_no_blank_lines() {
    assert!(answered(Body::default()).ends_with("\n\n< 200\n"));
}
