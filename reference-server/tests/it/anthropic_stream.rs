//! Streamed messages on Anthropic's wire.

use serde_json::{Value, json};

use crate::anthropic_support::{MESSAGES, answered, call, events, post, question_with, tools};
use crate::support::{Gateway, Reply, with_header};

async fn streamed(gateway: &Gateway, body: &Value) -> Vec<(String, Value)> {
    let mut body = body.clone();
    body["stream"] = json!(true);
    let reply: Reply = post(gateway, "chat_only", MESSAGES, &body).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/event-stream; charset=utf-8")));
    assert!(reply.header("request-id").is_some());
    let events = events(&reply);
    for (name, data) in &events {
        assert_eq!(data["type"], **name);
    }
    events
}

/// The message that a stream makes, put together as the official clients do it.
fn joined(events: &[(String, Value)]) -> Value {
    let mut message = Value::Null;
    let mut texts: Vec<String> = Vec::new();
    for (name, data) in events {
        let index = data["index"].as_u64().map(|index| usize::try_from(index).unwrap());
        match name.as_str() {
            "message_start" => message = data["message"].clone(),
            "content_block_start" => {
                let content = message["content"].as_array_mut().unwrap();
                assert_eq!(index, Some(content.len()));
                content.push(data["content_block"].clone());
                texts.push(String::new());
            }
            "content_block_delta" => {
                assert_eq!(index, Some(texts.len() - 1));
                let delta = &data["delta"];
                if let Some(signature) = delta.get("signature") {
                    message["content"][index.unwrap()]["signature"] = signature.clone();
                }
                for member in ["text", "thinking", "partial_json"] {
                    texts.last_mut().unwrap().push_str(delta[member].as_str().unwrap_or_default());
                }
            }
            "content_block_stop" => {
                let block = &mut message["content"][index.unwrap()];
                let text = texts.last().unwrap();
                match block["type"].as_str().unwrap() {
                    "tool_use" => block["input"] = serde_json::from_str(text).unwrap(),
                    kind => {
                        let member = kind.to_owned();
                        block[member] = json!(text);
                    }
                }
            }
            "message_delta" => {
                message["stop_reason"] = data["delta"]["stop_reason"].clone();
                message["stop_sequence"] = data["delta"]["stop_sequence"].clone();
                for (name, tokens) in data["usage"].as_object().unwrap() {
                    message["usage"][name] = tokens.clone();
                }
            }
            "ping" | "message_stop" => {}
            other => panic!("{other}"),
        }
    }
    message
}

/// A message without its ids, which are new in each.
fn anonymous(mut message: Value) -> Value {
    message["id"].take();
    for block in message["content"].as_array_mut().unwrap() {
        if block["type"] == "tool_use" {
            block["id"].take();
        }
    }
    message
}

#[tokio::test]
async fn a_stream_adds_up_to_the_whole_answer() {
    let gateway = Gateway::start();
    let thinking = json!({ "thinking": { "type": "enabled", "budget_tokens": 1_024 }, "max_tokens": 2_048 });
    for body in [
        question_with("Hello test", &json!({})),
        question_with("Hello test", &json!({ "max_tokens": 3 })),
        question_with("alpha gamma", &json!({ "stop_sequences": ["gamma"] })),
        question_with("What is the weather in Paris and in London?", &json!({ "tools": tools() })),
        question_with("Hello test", &thinking),
    ] {
        let whole = answered(&gateway, &body).await;
        let events = streamed(&gateway, &body).await;
        assert_eq!(anonymous(joined(&events)), anonymous(whole));
    }
}

#[tokio::test]
async fn events_come_in_the_documented_order_with_the_usage_at_both_ends() {
    let gateway = Gateway::start();
    let events = streamed(&gateway, &question_with("Hello test", &json!({}))).await;
    let mut names: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    assert_eq!(
        names,
        [
            "message_start",
            "ping",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    let begun = &events[0].1["message"];
    assert_eq!((&begun["content"], &begun["stop_reason"]), (&json!([]), &Value::Null));
    let ended = &events[events.len() - 2].1["usage"];
    assert_eq!(begun["usage"]["input_tokens"], ended["input_tokens"]);
    let ledger = gateway.ledger("root").await;
    assert_eq!(ledger.len(), 1);
    assert_eq!(ledger[0]["output_tokens"], ended["output_tokens"]);
}

#[tokio::test]
async fn the_arguments_of_a_call_begin_with_nothing() {
    let gateway = Gateway::start();
    let body = question_with("What is the weather in Paris?", &json!({ "tools": tools() }));
    let events = streamed(&gateway, &body).await;
    let deltas: Vec<_> =
        events.iter().filter_map(|(_, data)| data["delta"]["partial_json"].as_str()).collect();
    assert_eq!(deltas.first(), Some(&""));
    let input: Value = serde_json::from_str(&deltas.concat()).unwrap();
    assert_eq!(input, json!({ "city": "Paris" }));
}

#[tokio::test]
async fn a_failure_in_the_middle_is_an_event_and_the_end() {
    let gateway = Gateway::start();
    let body = question_with("Hello test", &json!({ "stream": true })).to_string();
    let request = call("POST", MESSAGES, &gateway.key("chat_only"), body);
    let reply = gateway.send(with_header(request, "x-plumbline-fault", "truncated-stream")).await;
    assert_eq!(reply.status, 200);
    let events = events(&reply);
    let (name, data) = events.last().unwrap();
    assert_eq!((name.as_str(), &data["type"]), ("error", &json!("error")));
    assert_eq!(data["error"], json!({ "type": "api_error", "message": "Internal server error" }));
    assert_eq!(data["request_id"].as_str(), reply.header("request-id"));
    assert!(events.len() > 3 && events.iter().all(|(name, _)| name != "message_stop"));
    assert!(gateway.ledger("root").await.is_empty());
}

#[tokio::test]
async fn a_failure_before_a_stream_is_an_ordinary_error() {
    let gateway = Gateway::start();
    let body = question_with("Hello test", &json!({ "stream": true })).to_string();
    let request = call("POST", MESSAGES, &gateway.key("chat_only"), body);
    let reply = gateway.send(with_header(request, "x-plumbline-fault", "unavailable")).await;
    assert_eq!((reply.status, reply.header("content-type")), (529, Some("application/json")));
    assert_eq!(reply.json()["error"]["type"], "overloaded_error");
}
