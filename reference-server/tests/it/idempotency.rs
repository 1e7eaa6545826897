//! Requests that come again under one idempotency key.

use std::time::{Duration, Instant};

use axum::http::Request;
use bytes::Bytes;
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use crate::openai_support::{self, error};
use crate::routed_support::{question, routed};
use crate::support::{CHAT, EMBEDDINGS, Gateway, Reply, hello, request, with_header};
use crate::upstream_support::{arm, journal, open};

/// A request under a key.
fn under(key: &str, path: &str, secret: &str, body: &Value) -> Request<Full<Bytes>> {
    let asked = with_header(request("POST", path, Some(secret), body.to_string()), "idempotency-key", key);
    with_header(asked, "anthropic-version", "2023-06-01")
}

async fn ask(gateway: &Gateway, key: &str, path: &str, body: &Value) -> Reply {
    gateway.send(under(key, path, &gateway.key("all_scopes"), body)).await
}

fn is_replayed(reply: &Reply) -> bool {
    reply.header("idempotency-replayed") == Some("true")
}

#[tokio::test]
async fn in_every_dialect_the_same_request_has_one_answer_and_one_bill() {
    let message = |text: &str| json!([{ "role": "user", "content": text }]);
    let vertex =
        "/~vertex/v1/projects/p/locations/l/publishers/google/models/gemini-2.0-flash:generateContent";
    let contents = |text: &str| json!({ "contents": [{ "role": "user", "parts": [{ "text": text }] }] });
    let body = |dialect: &str, text: &str| match dialect {
        "openai" => json!({ "model": "gpt-4.1-mini", "messages": message(text) }),
        "anthropic" => json!({ "model": "claude-sonnet-4-5", "max_tokens": 50, "messages": message(text) }),
        "gsai" => json!({ "model": "claude_3_haiku", "messages": message(text) }),
        "embeddings" => json!({ "model": "cohere_english_v3", "input": text }),
        "bedrock" => json!({ "messages": [{ "role": "user", "content": [{ "text": text }] }] }),
        _ => contents(text),
    };
    for (dialect, path, reused) in [
        ("openai", openai_support::CHAT, 422),
        ("anthropic", "/~anthropic/v1/messages", 422),
        ("gemini", "/~gemini/v1beta/models/gemini-2.5-flash:generateContent", 409),
        ("gsai", CHAT, 422),
        ("embeddings", EMBEDDINGS, 422),
        ("bedrock", "/~bedrock/model/claude_3_haiku/converse", 409),
        ("vertex", vertex, 409),
    ] {
        let gateway = Gateway::start();
        let first = ask(&gateway, "one", path, &body(dialect, "Hello")).await;
        assert_eq!((first.status, is_replayed(&first)), (200, false), "{dialect}: {}", first.text());
        let again = ask(&gateway, "one", path, &body(dialect, "Hello")).await;
        assert_eq!((again.status, is_replayed(&again)), (200, true), "{dialect}: {}", again.text());
        assert_eq!(again.body, first.body, "{dialect}");
        assert_eq!(again.header("content-type"), first.header("content-type"), "{dialect}");
        let other = ask(&gateway, "one", path, &body(dialect, "Bye")).await;
        assert_eq!(other.status, reused, "{dialect}: {}", other.text());
        assert!(other.text().contains("idempotency key"), "{dialect}: {}", other.text());
        let keyless = ask(&gateway, "", path, &body(dialect, "Hello")).await;
        assert_eq!(keyless.status, 400, "{dialect}: {}", keyless.text());
        assert_eq!(gateway.ledger("root").await.len(), 1, "{dialect}");
        // Under another key it is another request.
        let new = ask(&gateway, "two", path, &body(dialect, "Hello")).await;
        assert_eq!((new.status, is_replayed(&new)), (200, false), "{dialect}");
        assert_eq!(gateway.ledger("root").await.len(), 2, "{dialect}");
    }
}

#[tokio::test]
async fn a_key_is_its_callers_and_its_worlds_for_a_day() {
    let gateway = Gateway::start();
    let (body, all) = (hello("claude_3_haiku"), gateway.key("all_scopes"));
    let first = gateway.send(under("one", CHAT, &all, &body)).await;
    assert_eq!(first.status, 200);
    let theirs = gateway.send(under("one", CHAT, &gateway.key("chat_only"), &body)).await;
    assert_eq!((theirs.status, is_replayed(&theirs)), (200, false));
    // Whoever is not let in is told nothing.
    assert_eq!(gateway.send(under("one", CHAT, "sk-nobody", &body)).await.status, 401);
    let advance = async |by: &str| {
        let moved = gateway.control("POST", "/worlds/root/clock", Some(json!({ "advance": by }))).await;
        assert_eq!(moved.status, 200, "{}", moved.text());
    };
    advance("23h").await;
    assert!(is_replayed(&gateway.send(under("one", CHAT, &all, &body)).await));
    advance("1h").await;
    let late = gateway.send(under("one", CHAT, &all, &body)).await;
    assert_eq!((late.status, is_replayed(&late)), (200, false));
    assert_ne!(late.body, first.body);
}

#[tokio::test]
async fn what_failed_and_what_is_streamed_is_answered_anew() {
    let gateway = Gateway::start();
    let rule = json!({ "kind": "unavailable", "times": 1 });
    assert_eq!(gateway.control("POST", "/worlds/root/faults", Some(rule)).await.status, 201);
    let body = hello("claude_3_haiku");
    assert_eq!(ask(&gateway, "one", CHAT, &body).await.status, 503);
    let answered = ask(&gateway, "one", CHAT, &body).await;
    assert_eq!((answered.status, is_replayed(&answered)), (200, false));
    let mut streamed = body;
    streamed["stream"] = true.into();
    for events in [2, 3] {
        let stream = ask(&gateway, "two", CHAT, &streamed).await;
        assert_eq!((stream.status, is_replayed(&stream)), (200, false));
        assert_eq!(gateway.ledger("root").await.len(), events);
    }
}

#[tokio::test]
async fn while_a_stream_comes_its_key_is_taken() {
    let (simulator, gateway) = routed("");
    assert_eq!(simulator.control("POST", "/worlds/root/gates", Some(json!({}))).await.status, 201);
    let release = async |through: u64| {
        let through = Some(json!({ "through": through }));
        assert_eq!(simulator.control("POST", "/worlds/root/gates/1/release", through).await.status, 204);
    };
    let body = |text: &str| {
        let messages = json!([{ "role": "user", "content": text }]);
        json!({ "model": "gpt-4.1-mini", "stream": true, "messages": messages })
    };
    let (path, question) = (openai_support::CHAT, body("one two three four five six seven eight"));
    release(3).await;
    let asked = under("one", path, &gateway.key("all_scopes"), &question);
    let stream = open(&gateway, asked).await.unwrap();
    assert_eq!(stream.status, 200);
    assert_eq!(ask(&gateway, "one", path, &question).await.status, 409);
    assert_eq!(ask(&gateway, "one", path, &body("Bye")).await.status, 422);
    assert_eq!(journal(&simulator, "root", "until=arrived").await.len(), 1);
    release(1_000).await;
    assert!(stream.rest().await.1);
    // Once it has ended it can be asked for again.
    assert_eq!(ask(&gateway, "one", path, &question).await.status, 200);
    assert_eq!(gateway.ledger("root").await.len(), 2);
}

#[tokio::test]
async fn whose_key_is_not_known_has_no_body_read() {
    let gateway = Gateway::start();
    let lines = "POST /~bedrock/model/claude_3_haiku/converse HTTP/1.1\r\nhost: h\r\nidempotency-key: one\r\n\
        authorization: Bearer sk-nobody\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n";
    let mut stream = gateway.sent(lines.as_bytes()).await;
    let mut status = [0; 12];
    // The body never comes.
    timeout(Duration::from_secs(10), stream.read_exact(&mut status)).await.unwrap().unwrap();
    assert_eq!(&status, b"HTTP/1.1 403");
}

#[tokio::test]
async fn while_a_request_is_answered_its_key_is_taken() {
    let (simulator, gateway) = routed("");
    arm(&simulator, json!({ "kind": "hang" })).await;
    let lines = "idempotency-key: one\r\nconnection: close\r\n";
    let caller = gateway.sent(&question(&gateway, "Hello", false, lines)).await;
    assert_eq!(journal(&simulator, "root", "until=arrived&wait_ms=10000").await.len(), 1);
    let messages = |text: &str| json!([{ "role": "user", "content": text }]);
    let body = |text: &str| json!({ "model": "gpt-4.1-mini", "stream": false, "messages": messages(text) });
    let (status, _, _, code) = error(&ask(&gateway, "one", openai_support::CHAT, &body("Hello")).await);
    assert_eq!((status, code), (409, json!("idempotency_error")));
    let other = ask(&gateway, "one", openai_support::CHAT, &body("Bye")).await;
    assert_eq!(other.status, 422);
    assert_eq!(journal(&simulator, "root", "until=arrived").await.len(), 1);
    // Once its caller has left it, it is free again.
    drop(caller);
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let reply = ask(&gateway, "one", openai_support::CHAT, &body("Hello")).await;
        if reply.status == 200 {
            break;
        }
        assert!(reply.status == 409 && Instant::now() < deadline, "{}", reply.text());
    }
    assert_eq!(gateway.ledger("root").await.len(), 1);
}
