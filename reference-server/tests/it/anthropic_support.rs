//! A client of Anthropic's wire.

use axum::http::Request;
use bytes::Bytes;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::support::{Gateway, Reply, request, with_header};

pub(crate) const MESSAGES: &str = "/~anthropic/v1/messages";
pub(crate) const COUNT: &str = "/~anthropic/v1/messages/count_tokens";
pub(crate) const MODELS: &str = "/~anthropic/v1/models";

/// A request as the official clients send it.
pub(crate) fn call(method: &str, path: &str, key: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = with_header(request(method, path, None, body), "x-api-key", key);
    with_header(request, "anthropic-version", "2023-06-01")
}

/// Posts as a role.
pub(crate) async fn post(gateway: &Gateway, role: &str, path: &str, body: &Value) -> Reply {
    gateway.send(call("POST", path, &gateway.key(role), body.to_string())).await
}

/// Posts a message, which must be answered.
pub(crate) async fn answered(gateway: &Gateway, body: &Value) -> Value {
    let reply = post(gateway, "chat_only", MESSAGES, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

/// A question.
pub(crate) fn question(text: &str) -> Value {
    json!({ "model": "claude-sonnet-4-5", "max_tokens": 500, "messages": [{ "role": "user", "content": text }] })
}

/// A question with further members.
pub(crate) fn question_with(text: &str, members: &Value) -> Value {
    let mut body = question(text);
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// Two tools, of which one is for the weather.
pub(crate) fn tools() -> Value {
    json!([
        {
            "name": "get_weather",
            "description": "The weather of a city",
            "input_schema": {
                "type": "object",
                "properties": { "city": { "type": "string" } },
                "required": ["city"],
                "additionalProperties": false,
            },
        },
        { "name": "send_letter", "input_schema": { "type": "object", "properties": {} } },
    ])
}

/// The names and the data of a stream's events.
pub(crate) fn events(reply: &Reply) -> Vec<(String, Value)> {
    let read = |event: &str| {
        let (name, data) = event.split_once('\n').unwrap();
        let data = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        (name.strip_prefix("event: ").unwrap().to_owned(), data)
    };
    reply.text().split_terminator("\n\n").map(read).collect()
}
