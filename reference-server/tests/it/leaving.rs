//! Callers who leave: whoever works for them is left with them, also while nothing is being sent.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::bifrost_support::{self, api, billed, chat, make_key, simulated};
use crate::openai_support::CHAT;
use crate::routed_support::{question, routed};
use crate::support::{Gateway, raw_chat, request};
use crate::upstream_support::{arm, journal, open};

/// Puts a gate up in front of the next streamed answer.
async fn gate(simulator: &Gateway) {
    assert_eq!(simulator.control("POST", "/worlds/root/gates", Some(json!({}))).await.status, 201);
}

/// What has come of the gate once its answer is over.
async fn passed(simulator: &Gateway) -> Value {
    simulator.control("GET", "/worlds/root/gates/1?after=1000&wait_ms=10000", None).await.json()
}

/// The line with which the only request of a gateway ends in its log.
async fn end(gateway: &Gateway) -> Value {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let told = gateway.control("GET", "/worlds/root/logs", None).await.json();
        let lines = told["lines"].as_array().unwrap();
        if let Some(line) = lines.iter().find(|line| line["event"] == "Request completed") {
            return line.clone();
        }
        assert!(Instant::now() < deadline, "the request never ended: {told}");
    }
}

#[tokio::test]
async fn who_leaves_before_there_is_an_answer_leaves_the_provider_too() {
    for streamed in [true, false] {
        let (simulator, gateway) = routed("");
        // A stream is withheld from its first piece on, and a whole answer never comes.
        if streamed {
            gate(&simulator).await;
        } else {
            arm(&simulator, json!({ "kind": "hang" })).await;
        }
        let caller = gateway.sent(&question(&gateway, "Hello", streamed, "")).await;
        let asked = journal(&simulator, "root", "until=arrived&wait_ms=10000").await;
        assert_eq!((asked.len(), &asked[0]["outcome"]), (1, &json!("open")), "streamed: {streamed}");
        drop(caller);
        let left = journal(&simulator, "root", "wait_ms=10000").await;
        assert_eq!((left.len(), &left[0]["outcome"]), (1, &json!("left")), "streamed: {streamed}");
        if streamed {
            let passed = passed(&simulator).await;
            assert_eq!((&passed["sent"], &passed["left"]), (&json!(0), &json!(true)));
        }
        assert_eq!(end(&gateway).await["status_code"], 499);
        assert!(gateway.ledger("root").await.is_empty());
    }
}

#[tokio::test]
async fn a_governed_call_that_is_left_is_no_success() {
    let (simulator, gateway) = simulated();
    let (id, value) = make_key(&gateway, &json!({ "name": "left" })).await;
    arm(&simulator, json!({ "kind": "hang" })).await;
    let body = chat("openai/gpt-4o", "Hello").to_string();
    let lines = format!("content-length: {}\r\n", body.len());
    let caller = gateway.sent(raw_chat(bifrost_support::CHAT, &value, &lines, &body).as_bytes()).await;
    assert_eq!(journal(&simulator, "root", "until=arrived&wait_ms=10000").await.len(), 1);
    drop(caller);
    let path = format!("/api/logs?virtual_key_ids={id}");
    let deadline = Instant::now() + Duration::from_secs(10);
    let call = loop {
        let told = api(&gateway, "GET", &path, &Value::Null).await.json();
        match told["logs"].as_array().unwrap().as_slice() {
            [] => assert!(Instant::now() < deadline, "the call was never logged"),
            [call] => break call.clone(),
            calls => panic!("{calls:?}"),
        }
    };
    assert_eq!((&call["status"], &call["status_code"]), (&json!("error"), &json!(499)), "{call}");
    assert!(billed(&gateway, &id).await.is_empty());
}

#[tokio::test]
async fn who_leaves_a_withheld_stream_pays_for_what_came_before() {
    let (simulator, gateway) = routed("");
    gate(&simulator).await;
    let release =
        simulator.control("POST", "/worlds/root/gates/1/release", Some(json!({ "through": 1 }))).await;
    assert_eq!(release.status, 204);
    let body = json!({
        "model": "gpt-4.1-mini", "stream": true, "messages": [{ "role": "user", "content": "Hello" }],
    });
    let asked = request("POST", CHAT, Some(&gateway.key("all_scopes")), body.to_string());
    let mut answer = open(&gateway, asked).await.unwrap();
    assert!(answer.next().await.is_some());
    drop(answer);
    let passed = passed(&simulator).await;
    assert_eq!((&passed["sent"], &passed["left"]), (&json!(1), &json!(true)));
    assert_eq!(journal(&simulator, "root", "wait_ms=10000").await[0]["outcome"], "left");
    let deadline = Instant::now() + Duration::from_secs(10);
    let billed = loop {
        match gateway.ledger("root").await.as_slice() {
            [] => assert!(Instant::now() < deadline, "what came was never billed"),
            [event] => break event.clone(),
            events => panic!("{events:?}"),
        }
    };
    assert!(billed["output_tokens"].as_u64().is_some_and(|tokens| tokens > 0), "{billed}");
}

#[tokio::test]
async fn who_leaves_in_the_pause_before_another_attempt_is_noticed() {
    let (simulator, gateway) = routed(", retries: { attempts: 2, most: 10m }, deadline: 1h");
    arm(&simulator, json!({ "kind": "status", "status": 429, "retry_after": 600 })).await;
    let caller = gateway.sent(&question(&gateway, "Hello", false, "")).await;
    assert_eq!(journal(&simulator, "root", "wait_ms=10000").await[0]["outcome"], "whole");
    drop(caller);
    let end = end(&gateway).await;
    assert_eq!(end["status_code"], 499);
    assert_eq!(journal(&simulator, "root", "").await.len(), 1);
}

#[tokio::test]
async fn who_closes_its_side_of_the_connection_has_left() {
    let (simulator, gateway) = routed("");
    arm(&simulator, json!({ "kind": "hang" })).await;
    let mut caller = gateway.sent(&question(&gateway, "Hello", false, "")).await;
    assert_eq!(journal(&simulator, "root", "until=arrived&wait_ms=10000").await[0]["outcome"], "open");
    caller.shutdown().await.unwrap();
    assert_eq!(journal(&simulator, "root", "wait_ms=10000").await[0]["outcome"], "left");
    let mut answer = Vec::new();
    caller.read_to_end(&mut answer).await.unwrap();
    assert!(answer.is_empty());
}
