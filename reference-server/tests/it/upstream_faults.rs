//! Providers that fail on command, as their clients meet it.

use std::io::ErrorKind;

use axum::http::Request;
use bytes::Bytes;
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Gateway, raw_chat, request, with_header};
use crate::upstream_support::{PROVIDERS, arm, last_call, open, question, simulator, token};

/// A streamed answer on OpenAI's wire: its text, and whether it came to its end.
async fn stream(simulator: &Gateway) -> (String, bool) {
    streamed(simulator, question("openai", true, "")).await
}

async fn streamed(simulator: &Gateway, asked: Request<Full<Bytes>>) -> (String, bool) {
    let answer = open(simulator, asked).await.unwrap();
    assert_eq!(answer.status, 200);
    let (bytes, is_whole) = answer.rest().await;
    (String::from_utf8_lossy(&bytes).into_owned(), is_whole)
}

#[tokio::test]
async fn an_error_has_the_shape_of_its_provider() {
    let simulator = simulator();
    let token = token(&simulator).await;
    for (provider, place, kind) in [
        ("openai", "/error/code", "rate_limit_exceeded"),
        ("anthropic", "/error/type", "rate_limit_error"),
        ("gemini", "/error/status", "RESOURCE_EXHAUSTED"),
        ("bedrock", "/message", "not so fast"),
        ("vertex", "/error/status", "RESOURCE_EXHAUSTED"),
    ] {
        for streamed in [false, true] {
            let fault =
                json!({ "kind": "status", "status": 429, "retry_after": 7, "message": "not so fast" });
            arm(&simulator, fault).await;
            let reply = simulator.send(question(provider, streamed, &token)).await;
            assert_eq!((reply.status, reply.header("retry-after")), (429, Some("7")), "{provider}");
            let in_milliseconds = reply.header("x-amz-retry-after");
            assert_eq!(in_milliseconds, (provider == "bedrock").then_some("7000"), "{provider}");
            assert_eq!(reply.json().pointer(place), Some(&json!(kind)), "{provider}: {}", reply.text());
            assert!(reply.text().contains("not so fast"));
            let call = last_call(&simulator).await;
            assert_eq!((&call["fault"], &call["refused"]), (&json!("status"), &Value::Null));
        }
        assert_eq!(simulator.send(question(provider, false, &token)).await.status, 200, "{provider}");
    }
}

#[tokio::test]
async fn a_caller_can_ask_for_a_fault_itself() {
    let simulator = simulator();
    let asked = |fault: &str| with_header(question("openai", false, ""), "x-plumbline-fault", fault);
    let limited = simulator.send(asked("rate-limited; retry-after=3; message=slow%20down")).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("3")));
    assert_eq!(limited.json()["error"]["message"], "slow down");
    for (fault, status) in [("rejected", 400), ("unavailable", 503), ("unmapped-error; status=451", 451)] {
        assert_eq!(simulator.send(asked(fault)).await.status, status, "{fault}");
    }
    assert_eq!(last_call(&simulator).await["headers"]["x-plumbline-fault"], "unmapped-error; status=451");
    // What only happens to streams leaves others whole, and what there is not is refused.
    assert_eq!(simulator.send(asked("truncated-stream")).await.status, 200);
    assert_eq!(simulator.send(asked("gremlins")).await.status, 400);
}

#[tokio::test]
async fn a_success_can_be_spoiled() {
    let simulator = simulator();
    let spoiled = async |fault: Value| {
        arm(&simulator, fault).await;
        let reply = simulator.send(question("openai", false, "")).await;
        assert_eq!(reply.status, 200);
        reply
    };
    let whole = simulator.send(question("openai", false, "")).await;
    let half = spoiled(json!({ "kind": "truncated-json" })).await;
    assert!(half.body.len() < whole.body.len() && half.text().starts_with('{'));
    assert!(serde_json::from_slice::<Value>(&half.body).is_err());
    let missing = spoiled(json!({ "kind": "missing-fields" })).await.json();
    assert_eq!((missing.get("choices"), &missing["usage"]), (None, &whole.json()["usage"]));
    assert_eq!(spoiled(json!({ "kind": "empty-success" })).await.json(), json!({}));
    let page = spoiled(json!({ "kind": "html" })).await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let large = spoiled(json!({ "kind": "oversized-body", "bytes": 100_000 })).await;
    assert!(large.body.len() > 100_000);
    assert!(large.json()["choices"].is_array());
    for slow in ["slow-chunks", "slow-drip"] {
        let slow = spoiled(json!({ "kind": slow, "delay": "0s", "bytes": 7 })).await.json();
        assert_eq!(slow["choices"], whole.json()["choices"]);
    }
    let late = spoiled(json!({ "kind": "delay", "delay": "1ms" })).await;
    assert_eq!(late.json()["choices"], whole.json()["choices"]);
}

#[tokio::test]
async fn a_length_can_be_announced_that_is_not_sent() {
    let simulator = simulator();
    for streamed in [false, true] {
        arm(&simulator, json!({ "kind": "wrong-content-length", "bytes": 10 })).await;
        let answer = open(&simulator, question("openai", streamed, "")).await.unwrap();
        let announced: usize = answer.headers["content-length"].to_str().unwrap().parse().unwrap();
        let (bytes, is_whole) = answer.rest().await;
        assert_eq!((bytes.len() + 10, is_whole), (announced, false));
        assert_eq!(last_call(&simulator).await["outcome"], "cut");
    }
}

#[tokio::test]
async fn a_stream_can_be_cut_or_told_to_fail_on_every_wire() {
    let simulator = simulator();
    let token = token(&simulator).await;
    for (provider, terminator, error) in [
        ("openai", "[DONE]", "\"type\":\"server_error\""),
        ("anthropic", "message_stop", "event: error\ndata: {\"type\":\"error\""),
        ("gemini", "finishReason", "\"status\":\"UNAVAILABLE\""),
        ("bedrock", "messageStop", "serviceUnavailableException"),
        ("vertex", "finishReason", "\"status\":\"UNAVAILABLE\""),
    ] {
        let answer = async || streamed(&simulator, question(provider, true, &token)).await;
        let (whole, is_whole) = answer().await;
        assert!(is_whole && whole.contains(terminator), "{provider}: {whole}");

        arm(&simulator, json!({ "kind": "cut-stream" })).await;
        let (cut, is_whole) = answer().await;
        assert!(!is_whole && !cut.is_empty() && !cut.contains(terminator), "{provider}: {cut}");
        assert_eq!(last_call(&simulator).await["outcome"], "cut");

        arm(&simulator, json!({ "kind": "error-event", "message": "no more" })).await;
        let (failed, is_whole) = answer().await;
        assert!(is_whole && !failed.contains(terminator), "{provider}: {failed}");
        assert!(failed.contains(error) && failed.contains("no more"), "{provider}: {failed}");
        assert_eq!(last_call(&simulator).await["fault"], "error-event");
    }
}

#[tokio::test]
async fn an_error_in_a_stream_of_bedrocks_is_one_that_such_streams_have() {
    let simulator = simulator();
    for (status, name) in [
        (400, "validationException"),
        (403, "internalServerException"),
        (424, "modelStreamErrorException"),
        (429, "throttlingException"),
        (503, "serviceUnavailableException"),
    ] {
        arm(&simulator, json!({ "kind": "error-event", "status": status, "message": "no more" })).await;
        let (failed, is_whole) = streamed(&simulator, question("bedrock", true, "")).await;
        assert!(is_whole && failed.contains(name) && failed.contains("no more"), "{status}: {failed}");
    }
}

#[tokio::test]
async fn an_error_in_a_streamed_response_goes_on_with_its_numbers() {
    let simulator = simulator();
    for events in [0, 3, 4] {
        let fault =
            json!({ "kind": "error-event", "status": 500, "after_events": events, "message": "no more" });
        arm(&simulator, fault).await;
        let body =
            json!({ "model": "gpt-4.1-mini", "input": "What is the capital of France?", "stream": true });
        let asked = request("POST", "/openai/v1/responses", Some("sk-upstream-openai"), body.to_string());
        let (failed, is_whole) = streamed(&simulator, asked).await;
        assert!(is_whole, "{failed}");
        let sent: Vec<_> = failed.split_terminator("\n\n").collect();
        let numbers: Vec<Value> = sent
            .iter()
            .map(|event| serde_json::from_str::<Value>(event.split_once("\ndata: ").unwrap().1).unwrap())
            .map(|event| event["sequence_number"].clone())
            .collect();
        assert_eq!(numbers, (0..=events).map(Value::from).collect::<Vec<_>>());
        let error = sent.last().unwrap().strip_prefix("event: error\ndata: ").unwrap();
        let expected = json!({
            "type": "error", "code": "server_error", "message": "no more", "param": null,
            "sequence_number": events,
        });
        assert_eq!(serde_json::from_str::<Value>(error).unwrap(), expected);
    }
}

#[tokio::test]
async fn a_ping_is_spared_and_counts_for_no_event() {
    let simulator = simulator();
    let answer = async || streamed(&simulator, question("anthropic", true, "")).await;
    let names = |answer: &str| -> Vec<String> {
        let names = answer.lines().filter_map(|line| line.strip_prefix("event: "));
        names.map(str::to_owned).collect()
    };
    let (whole, _) = answer().await;
    assert_eq!(names(&whole)[..3], ["message_start", "ping", "content_block_start"]);
    // The second event that says something breaks off, where nothing else is asked for.
    arm(&simulator, json!({ "kind": "truncated-json" })).await;
    let (broken, _) = answer().await;
    let is_json =
        |event: &str| serde_json::from_str::<Value>(event.split_once("\ndata: ").unwrap().1).is_ok();
    let good: Vec<_> = broken.split_terminator("\n\n").map(is_json).collect();
    assert_eq!(good[..4], [true, true, false, true], "{broken}");
    arm(&simulator, json!({ "kind": "cut-stream", "after_events": 3 })).await;
    let (cut, is_whole) = answer().await;
    assert!(!is_whole);
    assert_eq!(names(&cut), ["message_start", "ping", "content_block_start", "content_block_delta"]);
}

#[tokio::test]
async fn events_come_before_a_fault_as_told() {
    let simulator = simulator();
    let (whole, _) = stream(&simulator).await;
    let count = |text: &str| text.matches("\n\n").count();
    for events in [0, 1, 3] {
        arm(&simulator, json!({ "kind": "cut-stream", "after_events": events })).await;
        let (cut, is_whole) = stream(&simulator).await;
        assert_eq!((count(&cut), is_whole), (events, false));
    }
    arm(&simulator, json!({ "kind": "malformed-sse", "after_events": 2 })).await;
    let (garbled, is_whole) = stream(&simulator).await;
    assert_eq!((count(&garbled), is_whole), (count(&whole), true));
    assert!(garbled.split("\n\n").nth(2).unwrap().ends_with("{\"\u{fffd}\u{fffd}"), "{garbled}");
    arm(&simulator, json!({ "kind": "missing-fields" })).await;
    assert!(!stream(&simulator).await.0.contains("choices"));
    arm(&simulator, json!({ "kind": "empty-success" })).await;
    assert_eq!(stream(&simulator).await, (String::new(), true));
    arm(&simulator, json!({ "kind": "oversized-body", "bytes": 100_000 })).await;
    let (large, is_whole) = stream(&simulator).await;
    assert!(is_whole && large.len() > 100_000 && large.ends_with("data: [DONE]\n\n"));
    arm(&simulator, json!({ "kind": "slow-drip", "delay": "0s", "bytes": 5 })).await;
    let (slow, is_whole) = stream(&simulator).await;
    assert_eq!((count(&slow), is_whole), (count(&whole), true));
}

/// How the connection of a question on OpenAI's wire ends, as the system tells it.
async fn end_of_connection(simulator: &Gateway, streamed: bool) -> Result<(), ErrorKind> {
    let body = json!({
        "model": "gpt-4.1-mini", "stream": streamed,
        "messages": [{ "role": "user", "content": "What is the capital of France?" }],
    })
    .to_string();
    let lines = format!("content-length: {}\r\nconnection: close\r\n", body.len());
    let request = raw_chat("/openai/v1/chat/completions", "sk-upstream-openai", &lines, &body);
    let mut stream = TcpStream::connect(simulator.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let ended = stream.read_to_end(&mut Vec::new()).await;
    ended.map(drop).map_err(|error| error.kind())
}

#[tokio::test]
async fn a_connection_can_be_reset_before_an_answer_and_in_it() {
    let simulator = simulator();
    arm(&simulator, json!({ "kind": "reset" })).await;
    assert_eq!(end_of_connection(&simulator, false).await, Err(ErrorKind::ConnectionReset));
    let call = last_call(&simulator).await;
    assert_eq!(
        (&call["outcome"], &call["status"], &call["fault"]),
        (&json!("cut"), &Value::Null, &json!("reset"))
    );
    arm(&simulator, json!({ "kind": "reset", "after_events": 2 })).await;
    assert_eq!(end_of_connection(&simulator, true).await, Err(ErrorKind::ConnectionReset));
    assert_eq!(last_call(&simulator).await["outcome"], "cut");
    // Unlike one that is only closed.
    arm(&simulator, json!({ "kind": "cut-stream" })).await;
    assert_eq!(end_of_connection(&simulator, true).await, Ok(()));
    assert_eq!(end_of_connection(&simulator, false).await, Ok(()));
}

#[tokio::test]
async fn what_asks_no_model_or_is_refused_leaves_a_fault_to_the_next_call() {
    let simulator = simulator();
    arm(&simulator, json!({ "kind": "status", "status": 503 })).await;
    let key = Some("sk-upstream-openai");
    let chat = |key, body: &'static str| request("POST", "/openai/v1/chat/completions", key, body);
    let counted = json!({
        "model": "claude-haiku-4-5", "messages": [{ "role": "user", "content": "Hello" }],
    });
    let counted = request("POST", "/anthropic/v1/messages/count_tokens", None, counted.to_string());
    let counted = with_header(counted, "x-api-key", "sk-ant-upstream");
    for (request, status) in [
        (request("GET", "/openai/v1/models", key, ""), 200),
        (with_header(counted, "anthropic-version", "2023-06-01"), 200),
        (with_header(question("openai", false, ""), "authorization", "Bearer wrong"), 401),
        (chat(key, "{\"model\":"), 400),
        (chat(key, r#"{"model":"gpt-4.1-mini","messages":[]}"#), 400),
        (chat(key, r#"{"model":"no-such","messages":[{"role":"user","content":"Hi"}]}"#), 404),
        (question("openai", false, ""), 503),
        (question("openai", false, ""), 200),
    ] {
        let path = request.uri().clone();
        let reply = simulator.send(request).await;
        assert_eq!(reply.status, status, "{path}: {}", reply.text());
        let fault = if status == 503 { json!("status") } else { Value::Null };
        assert_eq!(last_call(&simulator).await["fault"], fault, "{path}");
    }
    let listed = simulator.control("GET", "/worlds/root/faults", None).await.json();
    assert_eq!((&listed["faults"][0]["passed"], &listed["faults"][0]["struck"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn a_rule_can_name_a_path_that_asks_no_model() {
    let simulator = simulator();
    let rule = json!({ "path": "/v1/models", "fault": { "kind": "status", "status": 500 } });
    assert_eq!(simulator.control("POST", "/worlds/root/faults", Some(rule)).await.status, 201);
    assert_eq!(simulator.get("/openai/v1/models", Some("sk-upstream-openai")).await.status, 500);
    assert_eq!(simulator.get("/openai/v1/models", Some("wrong")).await.status, 401);
    assert_eq!(simulator.send(question("openai", false, "")).await.status, 200);
}

#[tokio::test]
async fn rules_are_armed_for_some_calls_listed_and_taken_away() {
    let simulator = simulator();
    let arm = async |rule: Value| {
        let reply = simulator.control("POST", "/worlds/root/faults", Some(rule)).await;
        (reply.status, reply.json())
    };
    let rule = json!({
        "provider": "anthropic", "header": { "name": "x-tenant", "value": "a" }, "after": 1, "times": 1,
        "fault": { "kind": "status", "status": 529 },
    });
    let (status, armed) = arm(rule).await;
    assert_eq!((status, &armed["id"], &armed["struck"]), (201, &json!(1), &json!(0)));
    let mut statuses = Vec::new();
    for (provider, tenant) in
        [("anthropic", "a"), ("openai", "a"), ("anthropic", "b"), ("anthropic", "a"), ("anthropic", "a")]
    {
        let asked = with_header(question(provider, false, ""), "x-tenant", tenant);
        statuses.push(simulator.send(asked).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 529, 200]);
    let listed = simulator.control("GET", "/worlds/root/faults", None).await.json();
    assert_eq!((&listed["faults"][0]["passed"], &listed["faults"][0]["struck"]), (&json!(1), &json!(1)));
    assert_eq!(simulator.control("DELETE", "/worlds/root/faults/1", None).await.status, 204);
    arm(json!({ "fault": { "kind": "status" } })).await;
    assert_eq!(simulator.send(question("openai", false, "")).await.status, 503);
    assert_eq!(simulator.control("DELETE", "/worlds/root/faults", None).await.status, 204);
    assert_eq!(simulator.send(question("openai", false, "")).await.status, 200);
    let (status, refused) = arm(json!({ "fault": { "kind": "cut" } })).await;
    assert_eq!(status, 400);
    assert!(refused["error"].as_str().unwrap().contains("cut-stream"), "{refused}");
}

#[tokio::test]
async fn every_kind_can_strike_every_provider() {
    let simulator = simulator();
    let token = token(&simulator).await;
    for provider in PROVIDERS {
        for kind in
            ["truncated-json", "missing-fields", "malformed-sse", "oversized-body", "wrong-content-length"]
        {
            for streamed in [false, true] {
                let mut fault = json!({ "kind": kind });
                if kind == "oversized-body" {
                    fault["bytes"] = json!(1_000);
                }
                arm(&simulator, fault).await;
                let answer = open(&simulator, question(provider, streamed, &token)).await.unwrap();
                assert_eq!(answer.status, 200, "{provider} {kind}");
                answer.rest().await;
                simulator.control("DELETE", "/worlds/root/faults", None).await;
            }
        }
    }
}
