//! Which wire answers where, and the edits that defects make around one.

use plumbline_reference_server::{Dialect, Settings, bind};
use serde_json::{Value, json};

use crate::support::{Gateway, request, with_header};

#[test]
fn the_root_speaks_openai_unless_told_otherwise() {
    assert_eq!(Settings::default().dialect, Dialect::Openai);
    assert!(bind(Settings::default()).is_ok());
}

#[tokio::test]
async fn beside_openai_at_the_root_stands_what_is_anthropics_alone() {
    let gateway = Gateway::start_at_root(Dialect::Openai);
    let key = gateway.key("all_scopes");
    let versioned = |path: &str| {
        let request = with_header(request("GET", path, None, ""), "x-api-key", &key);
        with_header(request, "anthropic-version", "2023-06-01")
    };
    let models = gateway.get("/v1/models", Some(&key)).await.json();
    assert_eq!(models["object"], "list");
    let models = gateway.send(versioned("/v1/models")).await.json();
    assert_eq!(models["data"][0]["type"], "model");
    let body = json!({ "model": "claude-haiku-4-5", "max_tokens": 50, "messages": [{ "role": "user", "content": "Hi" }] });
    let message = request("POST", "/v1/messages", Some(&key), body.to_string());
    let message = gateway.send(with_header(message, "anthropic-version", "2023-06-01")).await;
    assert_eq!(message.json()["type"], "message");
    let chat = json!({ "model": "gpt-4.1", "messages": [{ "role": "user", "content": "Hi" }] });
    assert_eq!(gateway.post("/v1/chat/completions", &key, &chat).await.status, 200);
    assert_eq!(gateway.get("/v1/messagesandmore", Some(&key)).await.json()["error"]["code"], "unknown_url");
}

#[tokio::test]
async fn an_edit_strikes_its_own_wire_and_what_it_names_there() {
    let gateway = Gateway::start();
    let key = gateway.key("all_scopes");
    let body = json!({ "model": "gpt-4.1", "messages": [{ "role": "user", "content": "Hi" }] });
    let usage = async || -> Value {
        gateway.post("/~openai/v1/chat/completions", &key, &body).await.json()["usage"].clone()
    };
    assert!(usage().await.is_object());
    let defects = json!({ "defects": ["openai-usage-total-wrong"] });
    let put = gateway.control("PUT", "/worlds/root/defects", Some(defects)).await;
    assert_eq!(put.status, 200, "{}", put.text());
    let wrong = usage().await;
    let sum = wrong["prompt_tokens"].as_u64().unwrap() + wrong["completion_tokens"].as_u64().unwrap();
    assert_ne!(wrong["total_tokens"], sum);
    let listed = gateway.get("/~openai/v1/models", Some(&key)).await;
    assert_eq!(listed.json()["object"], "list");
}
