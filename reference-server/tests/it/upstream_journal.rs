//! What the simulator notes of calls.

use std::fs;

use plumbline_reference_server::upstream::{UpstreamSettings, bind};
use serde_json::{Value, json};

use crate::support::{Gateway, request, with_header};
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

/// Sends a question and leaves once the journal has it.
async fn leave(simulator: &Gateway, streamed: bool) -> Value {
    let call = tokio::spawn({
        let (address, question) = (simulator.address, question("openai", streamed, ""));
        async move {
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let io = hyper_util::rt::TokioIo::new(stream);
            let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
            let asking = sender.send_request(question);
            let _ = tokio::join!(connection, asking);
        }
    });
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

#[tokio::test]
async fn calls_that_have_ended_go_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("calls.jsonl");
    let settings = UpstreamSettings { journal: Some(file.clone()), ..UpstreamSettings::default() };
    let simulator = Gateway::of(bind(settings).map_err(|error| error.to_string()).unwrap());
    for provider in ["openai", "anthropic"] {
        simulator.send(question(provider, false, "")).await;
    }
    journal(&simulator, "root", "after=1&wait_ms=5000").await;
    simulator.stop().await;
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> =
        lines.iter().map(|line| (&line["world"], &line["provider"], &line["outcome"])).collect();
    let (root, whole) = (json!("root"), json!("whole"));
    assert_eq!(told, [(&root, &json!("openai"), &whole), (&root, &json!("anthropic"), &whole)]);
}
