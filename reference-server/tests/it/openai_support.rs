//! The OpenAI wire's own addresses and questions.

use serde_json::{Value, json};

use crate::support::{Gateway, Reply};

pub(crate) const CHAT: &str = "/~openai/v1/chat/completions";
pub(crate) const COMPLETIONS: &str = "/~openai/v1/completions";
pub(crate) const EMBEDDINGS: &str = "/~openai/v1/embeddings";
pub(crate) const MODELS: &str = "/~openai/v1/models";

/// A chat of one message, with further members.
pub(crate) fn say(text: &str, members: &Value) -> Value {
    let mut body = json!({ "model": "gpt-4.1-mini", "messages": [{ "role": "user", "content": text }] });
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// A tool that tells the weather of a place.
pub(crate) fn weather() -> Value {
    json!({ "type": "function", "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": { "city": { "type": "string" } },
            "required": ["city"],
            "additionalProperties": false,
        },
        "strict": true,
    } })
}

/// Asks with all scopes.
pub(crate) async fn ask(gateway: &Gateway, path: &str, body: &Value) -> Reply {
    gateway.post(path, &gateway.key("all_scopes"), body).await
}

/// The data of a stream's events, and whether the end was marked.
pub(crate) fn events(reply: &Reply) -> (Vec<Value>, bool) {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let mut events: Vec<_> = reply.text().split_terminator("\n\n").collect();
    let done = events.last() == Some(&"data: [DONE]");
    if done {
        events.pop();
    }
    let read = |event: &&str| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
    (events.iter().map(read).collect(), done)
}

/// The status, `type`, `param` and `code` of an error, after a look at its form.
pub(crate) fn error(reply: &Reply) -> (u16, Value, Value, Value) {
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let body = reply.json();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["error"]);
    let error = body["error"].as_object().unwrap();
    assert_eq!(error.keys().collect::<Vec<_>>(), ["message", "type", "param", "code"]);
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
    (reply.status, error["type"].clone(), error["param"].clone(), error["code"].clone())
}
