//! Streams that are withheld piece by piece.

use serde_json::{Value, json};

use crate::support::Gateway;
use crate::upstream_support::{Answer, PROVIDERS, journal, open, question, simulator, token};

async fn gate(simulator: &Gateway, filter: Value) -> u64 {
    let reply = simulator.control("POST", "/worlds/root/gates", Some(filter)).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()["id"].as_u64().unwrap()
}

async fn state(simulator: &Gateway, gate: u64, query: &str) -> Value {
    let reply = simulator.control("GET", &format!("/worlds/root/gates/{gate}?{query}"), None).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

async fn release(simulator: &Gateway, gate: u64, through: u64) {
    let path = format!("/worlds/root/gates/{gate}/release");
    let reply = simulator.control("POST", &path, Some(json!({ "through": through }))).await;
    assert_eq!(reply.status, 204, "{}", reply.text());
}

/// Reads until a text has come.
async fn read_until(answer: &mut Answer, text: &str) {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(text) {
        read.extend_from_slice(&answer.next().await.expect("the stream has not ended"));
    }
}

#[tokio::test]
async fn a_piece_of_text_comes_only_when_it_is_let_through() {
    let simulator = simulator();
    let token = token(&simulator).await;
    for provider in PROVIDERS {
        let gate = gate(&simulator, json!({ "provider": provider })).await;
        let mut answer = open(&simulator, question(provider, true, &token)).await.unwrap();
        for number in 1..=3 {
            let before = state(&simulator, gate, "").await;
            assert_eq!((&before["sent"], &before["met"]), (&json!(number - 1), &json!(true)), "{provider}");
            release(&simulator, gate, number).await;
            let sent = state(&simulator, gate, &format!("after={}&wait_ms=5000", number - 1)).await;
            assert_eq!(sent["sent"], number);
            // What was let through is there before anything more is.
            read_until(&mut answer, sent["text"].as_str().unwrap().trim()).await;
        }
        assert_eq!(journal(&simulator, "root", "until=arrived").await.last().unwrap()["outcome"], "open");
        release(&simulator, gate, 1_000).await;
        assert!(answer.rest().await.1, "{provider}");
        let over = state(&simulator, gate, "after=1000&wait_ms=5000").await;
        assert_eq!((&over["whole"], &over["left"]), (&json!(true), &json!(false)), "{provider}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_a_gate_is_noticed() {
    let simulator = simulator();
    let gate = gate(&simulator, json!({ "contains": "capital of France", "model": "gpt-4.1-mini" })).await;
    let answer = open(&simulator, question("openai", true, "")).await.unwrap();
    assert_eq!(state(&simulator, gate, "").await["left"], false);
    drop(answer);
    let left = state(&simulator, gate, "wait_ms=5000").await;
    assert_eq!((&left["left"], &left["whole"], &left["sent"]), (&json!(true), &json!(false), &json!(0)));
    assert_eq!(journal(&simulator, "root", "wait_ms=5000").await[0]["outcome"], "left");
}

#[tokio::test]
async fn a_gate_is_for_one_stream_and_opens_when_it_or_its_world_is_deleted() {
    let simulator = simulator();
    let one = gate(&simulator, json!({})).await;
    // What does not come in parts meets none.
    assert_eq!(simulator.send(question("openai", false, "")).await.status, 200);
    let withheld = open(&simulator, question("openai", true, "")).await.unwrap();
    let other = open(&simulator, question("openai", true, "")).await.unwrap();
    assert!(other.rest().await.1);
    assert_eq!(state(&simulator, one, "").await["whole"], false);
    let path = format!("/worlds/root/gates/{one}");
    assert_eq!(simulator.control("DELETE", &path, None).await.status, 204);
    assert!(withheld.rest().await.1);
    assert_eq!(simulator.control("GET", &path, None).await.status, 404);

    let world = simulator.control("POST", "/worlds", None).await.json();
    let path = format!("/worlds/{}", world["id"].as_str().unwrap());
    assert_eq!(simulator.control("POST", &format!("{path}/gates"), Some(json!({}))).await.status, 201);
    let asked =
        crate::upstream_support::in_world(question("openai", true, ""), world["base_path"].as_str().unwrap());
    let withheld = open(&simulator, asked).await.unwrap();
    assert_eq!(simulator.control("DELETE", &path, None).await.status, 204);
    assert!(withheld.rest().await.1);
}

#[tokio::test]
async fn what_is_no_gate_is_refused() {
    let simulator = simulator();
    for (filter, told) in [
        (json!({ "provider": "opnai" }), "did you mean \"openai\""),
        (json!({ "modle": "x" }), "unknown field `modle`"),
    ] {
        let reply = simulator.control("POST", "/worlds/root/gates", Some(filter)).await;
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains(&told.replace('"', "\\\"")), "{}", reply.text());
    }
    let reply =
        simulator.control("POST", "/worlds/root/gates/1/release", Some(json!({ "through": 1 }))).await;
    assert_eq!(reply.status, 404);
    for _ in 0..100 {
        gate(&simulator, json!({})).await;
    }
    assert_eq!(simulator.control("POST", "/worlds/root/gates", None).await.status, 409);
}
