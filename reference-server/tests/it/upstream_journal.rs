//! What the simulator notes of calls.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::http::Request;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use plumbline_reference_server::upstream::{UpstreamSettings, bind};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Gateway, chunked, raw_chat, request, with_header};
use crate::upstream_support::{PROVIDERS, arm, journal, open, question, simulator, token};

#[tokio::test]
async fn a_call_is_noted_with_all_that_came_and_what_became_of_it() {
    let simulator = simulator();
    let asked = with_header(question("openai", true, ""), "x-tenant", "a");
    let (_, is_whole) = open(&simulator, asked).await.unwrap().rest().await;
    assert!(is_whole);
    let calls = journal(&simulator, "root", "wait_ms=5000").await;
    let [call] = &calls[..] else { panic!("{calls:?}") };
    for (member, value) in [
        ("number", json!(1)),
        ("provider", json!("openai")),
        ("model", json!("gpt-4.1-mini")),
        ("method", json!("POST")),
        ("path", json!("/v1/chat/completions")),
        ("query", json!("")),
        ("streamed", json!(true)),
        ("status", json!(200)),
        ("outcome", json!("whole")),
        ("fault", Value::Null),
        ("refused", Value::Null),
    ] {
        assert_eq!(call[member], value, "{member}");
    }
    assert_eq!(call["headers"]["x-tenant"], "a");
    assert_eq!(call["headers"]["authorization"], "Bearer sk-upstream-openai");
    assert_eq!(call["body"]["messages"][0]["content"], "What is the capital of France?");
    assert!(call["arrived_us"].as_u64().unwrap() <= call["ended_us"].as_u64().unwrap());
    assert!(call["arrived"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn every_wire_tells_its_model_and_its_manner() {
    let simulator = simulator();
    let token = token(&simulator).await;
    for provider in PROVIDERS {
        for streamed in [false, true] {
            let (_, is_whole) =
                open(&simulator, question(provider, streamed, &token)).await.unwrap().rest().await;
            assert!(is_whole, "{provider}");
        }
    }
    let calls = journal(&simulator, "root", "wait_ms=5000").await;
    let text = |call: &Value, member| call[member].as_str().unwrap().to_owned();
    let told: Vec<_> = calls
        .iter()
        .map(|call| (text(call, "provider"), text(call, "model"), call["streamed"].as_bool().unwrap()))
        .collect();
    let models = [
        "gpt-4.1-mini",
        "claude-haiku-4-5",
        "gemini-2.5-flash",
        "anthropic.claude-3-haiku-20240307-v1:0",
        "gemini-2.0-flash-001",
    ];
    let expected: Vec<_> = PROVIDERS
        .into_iter()
        .zip(models)
        .flat_map(|(provider, model)| {
            [false, true].map(|streamed| (provider.to_owned(), model.to_owned(), streamed))
        })
        .collect();
    assert_eq!(told, expected);
    assert!(calls.iter().all(|call| call["outcome"] == "whole" && call["status"] == 200));
}

#[tokio::test]
async fn a_refusal_is_noted_in_the_providers_words() {
    let simulator = simulator();
    let wrong = with_header(question("anthropic", false, ""), "x-api-key", "wrong");
    assert_eq!(simulator.send(wrong).await.status, 401);
    let body = request("POST", "/openai/v1/chat/completions", Some("sk-upstream-openai"), "{\"model\":");
    assert_eq!(simulator.send(body).await.status, 400);
    let calls = journal(&simulator, "root", "wait_ms=5000").await;
    assert_eq!((&calls[0]["status"], &calls[0]["refused"]), (&json!(401), &json!("invalid x-api-key")));
    assert_eq!((&calls[1]["body"], &calls[1]["model"]), (&json!("{\"model\":"), &Value::Null));
    assert!(calls[1]["refused"].as_str().unwrap().contains("parse the JSON body"));
}

#[tokio::test]
async fn calls_are_found_by_number_and_text_and_can_be_forgotten() {
    let simulator = simulator();
    for tenant in ["one", "two", "three"] {
        simulator.send(with_header(question("openai", false, ""), "x-tenant", tenant)).await;
    }
    let numbers = async |query: &str| -> Vec<u64> {
        let calls = journal(&simulator, "root", query).await;
        calls.iter().map(|call| call["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers("after=1").await, [2, 3]);
    assert_eq!(numbers("limit=1").await, [1]);
    assert_eq!(numbers("contains=tw%6F").await, [2]);
    assert_eq!(numbers("contains=capital+of+France&after=2").await, [3]);
    assert_eq!(simulator.control("DELETE", "/worlds/root/journal", None).await.status, 204);
    let emptied = simulator.control("GET", "/worlds/root/journal", None).await.json();
    assert_eq!(emptied, json!({ "calls": [], "last": 3 }));
    for (query, told) in
        [("wait_ms=40000", "30000"), ("until=soon", "arrived, ended"), ("before=1", "no parameter")]
    {
        let reply = simulator.control("GET", &format!("/worlds/root/journal?{query}"), None).await;
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains(told), "{}", reply.text());
    }
}

/// Sends a question, and says whether it is answered before the connection ends.
async fn answered(address: SocketAddr, question: Request<Full<Bytes>>) -> bool {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let (_, answer) = tokio::join!(connection, sender.send_request(question));
    answer.is_ok()
}

/// Sends a question and leaves once the journal has it.
async fn leave(simulator: &Gateway, streamed: bool) -> Value {
    let call = tokio::spawn(answered(simulator.address, question("openai", streamed, "")));
    assert_eq!(journal(simulator, "root", "until=arrived&wait_ms=5000").await[0]["outcome"], "open");
    call.abort();
    let _ = call.await;
    journal(simulator, "root", "wait_ms=5000").await[0].clone()
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed_while_nothing_is_being_sent() {
    for fault in [json!({ "kind": "hang" }), json!({ "kind": "delay", "delay": "10m" })] {
        let simulator = simulator();
        arm(&simulator, fault.clone()).await;
        let left = leave(&simulator, false).await;
        assert_eq!((&left["outcome"], &left["status"]), (&json!("left"), &Value::Null));
        assert_eq!(left["fault"], fault["kind"]);
    }
    // In mid-stream, too.
    let simulator = simulator();
    arm(&simulator, json!({ "kind": "slow-chunks", "delay": "10m" })).await;
    let left = leave(&simulator, true).await;
    assert_eq!((&left["outcome"], &left["status"]), (&json!("left"), &json!(200)));
}

/// A request of which no more than its beginning is sent, once the journal has it.
async fn upload(simulator: &Gateway, lines: &str, beginning: &str) -> TcpStream {
    let mut stream = TcpStream::connect(simulator.address).await.unwrap();
    let begun = raw_chat("/openai/v1/chat/completions", "sk-upstream-openai", lines, beginning);
    stream.write_all(begun.as_bytes()).await.unwrap();
    let has_arrived = async { while journal(simulator, "root", "").await.is_empty() {} };
    timeout(Duration::from_secs(5), has_arrived).await.unwrap();
    stream
}

#[tokio::test]
async fn calls_are_numbered_as_they_arrive_and_an_upload_that_breaks_off_is_left() {
    let beginning = "{\"model\":\"gpt-4.1-mini\",";
    let chunk = format!("{:x}\r\n{beginning}\r\n", beginning.len());
    for (lines, sent) in
        [("content-length: 1000\r\n", beginning), ("transfer-encoding: chunked\r\n", chunk.as_str())]
    {
        let simulator = simulator();
        let slow = upload(&simulator, lines, sent).await;
        let open = journal(&simulator, "root", "").await[0].clone();
        assert_eq!((&open["outcome"], &open["path"]), (&json!("open"), &json!("/v1/chat/completions")));
        assert_eq!((&open["body"], &open["ended_us"]), (&Value::Null, &Value::Null));
        assert_eq!(simulator.send(question("openai", false, "")).await.status, 200);
        drop(slow);
        let calls = journal(&simulator, "root", "wait_ms=5000").await;
        let told: Vec<_> =
            calls.iter().map(|call| (&call["number"], &call["outcome"], &call["status"])).collect();
        assert_eq!(
            told,
            [(&json!(1), &json!("left"), &Value::Null), (&json!(2), &json!("whole"), &json!(200))]
        );
        assert_eq!(calls[0]["body"], beginning);
        assert_eq!((&calls[0]["asked"], &calls[0]["fault"]), (&Value::Null, &Value::Null));
        assert!(calls[0]["arrived_us"].as_u64().unwrap() <= calls[1]["arrived_us"].as_u64().unwrap());
    }
}

#[tokio::test]
async fn an_upload_that_breaks_off_meets_no_fault() {
    let simulator = simulator();
    arm(&simulator, json!({ "kind": "status" })).await;
    drop(upload(&simulator, "content-length: 1000\r\n", "{").await);
    assert_eq!(journal(&simulator, "root", "wait_ms=5000").await[0]["outcome"], "left");
    assert_eq!(simulator.send(question("openai", false, "")).await.status, 503);
}

#[tokio::test]
async fn what_is_too_large_is_noted_with_its_beginning() {
    let settings = UpstreamSettings { body_limit: 1024, ..UpstreamSettings::default() };
    let simulator = Gateway::of(bind(settings).map_err(|error| error.to_string()).unwrap());
    for length in [2_000, 20_000] {
        let body = json!({ "user": "the-nonce", "zzz": "x".repeat(length) }).to_string();
        let asked = request("POST", "/openai/v1/chat/completions", Some("sk-upstream-openai"), body.clone());
        assert_eq!(simulator.send(asked).await.status, 413);
        let calls = journal(&simulator, "root", "contains=the-nonce&wait_ms=5000").await;
        let call = calls.last().unwrap();
        assert_eq!(call["status"], 413);
        if length < 8_192 {
            assert_eq!(call["body"], serde_json::from_str::<Value>(&body).unwrap());
        } else {
            assert_eq!(call["body"], body[..8_192]);
        }
    }
    assert_eq!(journal(&simulator, "root", "").await.len(), 2);
    // One that does not say beforehand how large it is.
    let body = json!({ "user": "another-nonce", "zzz": "x".repeat(20_000) }).to_string();
    let lines = "transfer-encoding: chunked\r\n";
    let asked = raw_chat("/openai/v1/chat/completions", "sk-upstream-openai", lines, &chunked(&body));
    let told = simulator.raw(asked).await;
    assert!(told.starts_with("HTTP/1.1 413 "), "{told}");
    let calls = journal(&simulator, "root", "contains=another-nonce&wait_ms=5000").await;
    assert_eq!((calls.len(), &calls[0]["status"]), (1, &json!(413)));
}

/// A simulator that keeps its journal in a file.
fn writing_to(file: &Path) -> Gateway {
    let settings = UpstreamSettings { journal: Some(file.to_owned()), ..UpstreamSettings::default() };
    Gateway::of(bind(settings).map_err(|error| error.to_string()).unwrap())
}

fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn whom_the_simulator_breaks_off_at_its_end_has_not_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("calls.jsonl");
    let simulator = writing_to(&file);
    arm(&simulator, json!({ "kind": "hang" })).await;
    let asking = tokio::spawn(answered(simulator.address, question("openai", false, "")));
    assert_eq!(journal(&simulator, "root", "until=arrived&wait_ms=5000").await[0]["fault"], "hang");
    simulator.stop().await;
    assert!(!asking.await.unwrap());
    let told = lines(&file);
    assert_eq!((told.len(), &told[0]["outcome"], &told[0]["status"]), (1, &json!("cut"), &Value::Null));
}

#[tokio::test]
async fn calls_that_have_ended_go_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("calls.jsonl");
    let simulator = writing_to(&file);
    for provider in ["openai", "anthropic"] {
        simulator.send(question(provider, false, "")).await;
    }
    journal(&simulator, "root", "after=1&wait_ms=5000").await;
    simulator.stop().await;
    let lines = lines(&file);
    let told: Vec<_> =
        lines.iter().map(|line| (&line["world"], &line["provider"], &line["outcome"])).collect();
    let (root, whole) = (json!("root"), json!("whole"));
    assert_eq!(told, [(&root, &json!("openai"), &whole), (&root, &json!("anthropic"), &whole)]);
}
