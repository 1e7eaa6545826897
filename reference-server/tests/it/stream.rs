//! Streamed completions.

use serde_json::{Value, json};

use crate::support::{CHAT, Gateway, Reply, hello, raw_chat, request, with_header};

fn streamed(model: &str) -> Value {
    let mut body = hello(model);
    body["stream"] = json!(true);
    body
}

/// The data of the events, and whether the end was marked.
fn events(reply: &Reply) -> (Vec<Value>, bool) {
    let mut events: Vec<_> = reply.text().split_terminator("\n\n").collect();
    let done = events.last() == Some(&"data: [DONE]");
    if done {
        events.pop();
    }
    let read = |event: &&str| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
    (events.iter().map(read).collect(), done)
}

#[tokio::test]
async fn a_stream_tells_the_same_as_a_whole_answer() {
    let gateway = Gateway::start();
    let key = gateway.key("chat_only");
    let whole = gateway.post(CHAT, &key, &hello("claude_3_5_sonnet")).await.json();
    let reply = gateway.post(CHAT, &key, &streamed("claude_3_5_sonnet")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(reply.header("cache-control"), Some("no-cache"));
    assert_eq!(reply.header("x-accel-buffering"), Some("no"));
    let (chunks, done) = events(&reply);
    assert!(done);
    let id = chunks[0]["id"].as_str().unwrap();
    assert_eq!(id.len(), "chatcmpl-".len() + 36);
    for chunk in &chunks {
        assert_eq!(chunk["id"], id);
        assert_eq!(chunk["model"], "claude_3_5_sonnet");
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(chunk["system_fingerprint"], "123");
    }
    let [opening, deltas @ .., finish, usage] = &chunks[..] else { panic!("{chunks:?}") };
    assert_eq!(opening["choices"], json!([{ "delta": { "content": "", "role": "assistant" }, "index": 0 }]));
    assert_eq!(finish["choices"], json!([{ "delta": {}, "finish_reason": "stop", "index": 0 }]));
    assert_eq!((&usage["choices"], &usage["usage"]), (&json!([]), &whole["usage"]));
    let text: String =
        deltas.iter().map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().unwrap()).collect();
    assert_eq!(text, whole["choices"][0]["message"]["content"]);
    assert!(deltas.len() > 1);
}

#[tokio::test]
async fn a_stream_is_billed_once_and_before_its_end_is_read() {
    let gateway = Gateway::start();
    let reply = gateway.post(CHAT, &gateway.key("chat_only"), &streamed("gemini-2.0-flash")).await;
    let (chunks, _) = events(&reply);
    let usage = &chunks.last().unwrap()["usage"];
    let ledger = gateway.ledger("root").await;
    assert_eq!(ledger.len(), 1);
    assert_eq!(ledger[0]["input_tokens"], usage["prompt_tokens"]);
    assert_eq!(ledger[0]["output_tokens"], usage["completion_tokens"]);
    let lines = gateway.lines(ledger[0]["request_id"].as_str().unwrap()).await;
    let names: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["Request started", "billing", "Request completed"]);
}

#[tokio::test]
async fn a_stream_whose_provider_fails_breaks_off_without_a_bill() {
    let gateway = Gateway::start();
    let body = streamed("claude_3_5_sonnet").to_string();
    let fault = "x-plumbline-fault: truncated-stream\r\nconnection: close\r\n";
    let lines = format!("content-length: {}\r\n{fault}", body.len());
    let reply = gateway.raw(raw_chat(CHAT, &gateway.key("chat_only"), &lines, &body)).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.matches("chat.completion.chunk").count() > 1, "{reply}");
    // Neither the stream comes to its end nor its body.
    for end in ["finish_reason", "usage", "[DONE]", "\r\n0\r\n"] {
        assert!(!reply.contains(end), "{end}: {reply}");
    }
    assert!(gateway.ledger("root").await.is_empty());
}

#[tokio::test]
async fn errors_before_a_stream_are_ordinary_errors() {
    let gateway = Gateway::start();
    let reply = gateway.post(CHAT, &gateway.key("chat_only"), &streamed("no-such")).await;
    assert_eq!((reply.status, reply.header("content-type")), (422, Some("application/json")));
    let body = streamed("claude_3_5_sonnet").to_string();
    let request = request("POST", CHAT, Some(&gateway.key("chat_only")), body);
    let reply = gateway.send(with_header(request, "x-plumbline-fault", "malformed-body")).await;
    assert_eq!((reply.status, &reply.json()["detail"]), (500, &json!("Internal Server Error")));
}
