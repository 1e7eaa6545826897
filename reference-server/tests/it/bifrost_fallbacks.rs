//! What a call that has gone on to a fallback tells, and whom it is charged to.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::bifrost_support::{api, dollars, key, make_key, settings, simulated, started};
use crate::support::{request, with_header};

const CLAUDE: &str = "claude-3-5-sonnet-20241022";

#[tokio::test]
async fn an_answer_names_the_model_that_has_given_it() {
    let gateway = started(settings());
    let turns = json!([{ "role": "user", "content": "Hello" }]);
    for (path, body, fallback, member) in [
        ("/v1/chat/completions", json!({ "messages": turns }), CLAUDE, "model"),
        ("/v1/chat/completions", json!({ "messages": turns, "stream": true }), CLAUDE, "model"),
        ("/v1/completions", json!({ "prompt": ["One", "Two"] }), CLAUDE, "model"),
        ("/v1/completions", json!({ "prompt": "One", "stream": true }), CLAUDE, "model"),
        ("/v1/responses", json!({ "input": "Hello" }), CLAUDE, "model"),
        ("/v1/responses", json!({ "input": "Hello", "stream": true }), CLAUDE, "model"),
        ("/v1/embeddings", json!({ "input": "Hello" }), "text-embedding-3-small", "model"),
        ("/anthropic/v1/messages", json!({ "messages": turns, "max_tokens": 9 }), "gpt-4o", "model"),
        (
            "/genai/v1beta/models/nothing:generateContent",
            json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hello" }] }] }),
            "gpt-4o",
            "modelVersion",
        ),
    ] {
        let mut body = body;
        let provider = if fallback == CLAUDE { "anthropic" } else { "openai" };
        body["fallbacks"] = json!([format!("{provider}/{fallback}")]);
        if path.starts_with("/v1") {
            body["model"] = json!("openai/nothing");
        } else if path.starts_with("/anthropic") {
            body["model"] = json!("nothing");
        }
        let reply = api(&gateway, "POST", path, &body).await;
        let told = reply.text();
        assert_eq!(reply.status, 200, "{path}: {told}");
        assert!(told.contains(&format!("\"{member}\":\"{fallback}\"")), "{path}: {told}");
        assert!(!told.contains(&format!("\"{member}\":\"nothing\"")), "{path}: {told}");
    }
}

#[tokio::test]
async fn each_of_several_prompts_is_charged_to_the_leg_that_has_answered_it() {
    let (simulator, gateway) = simulated();
    // The first prompt is answered, the others are not.
    let fault = json!({ "kind": "status", "status": 503 });
    let rule = json!({ "provider": "openai", "after": 1, "fault": fault });
    let armed = simulator.control("POST", "/worlds/root/faults", Some(rule)).await;
    assert_eq!(armed.status, 201, "{}", armed.text());
    let limit = json!({
        "request_max_limit": 9, "request_reset_duration": "1h",
        "token_max_limit": 1_000_000, "token_reset_duration": "1h",
    });
    let config = |provider: &str| json!({ "provider": provider, "rate_limit": limit });
    let governed = json!({
        "name": "prompts",
        "budget": { "max_limit": 10, "reset_duration": "1h" },
        "provider_configs": [config("openai"), config("anthropic")],
    });
    let (id, value) = make_key(&gateway, &governed).await;
    let body = json!({
        "model": "openai/gpt-4o", "prompt": ["One.", "Two.", "Three."], "max_tokens": 3,
        "fallbacks": [format!("anthropic/{CLAUDE}")],
    });
    let asked = request("POST", "/v1/completions", None, body.to_string());
    let reply = gateway.send(with_header(asked, "x-bf-vk", &value)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let answer = reply.json();
    assert_eq!((&answer["model"], &answer["extra_fields"]["provider"]), (&json!("gpt-4o"), &json!("openai")));

    let events = gateway.ledger("root").await;
    let models: Vec<_> = events.iter().map(|event| event["model"].as_str().unwrap()).collect();
    assert_eq!(models, ["openai/gpt-4o".to_owned(), format!("anthropic/{CLAUDE}")]);
    let tokens = |event: &Value| ["input_tokens", "output_tokens"].map(|name| event[name].as_u64().unwrap());
    let used: Vec<u64> = events.iter().map(|event| tokens(event).iter().sum()).collect();
    assert_eq!(used.iter().sum::<u64>(), answer["usage"]["total_tokens"].as_u64().unwrap());
    let told = key(&gateway, &id).await;
    for (place, used) in used.iter().enumerate() {
        let limit = &told["provider_configs"][place]["rate_limit"];
        assert_eq!(limit["token_current_usage"].as_u64(), Some(*used), "{limit}");
        assert_eq!(limit["request_current_usage"], 1, "{limit}");
    }
    let spent: Decimal = events.iter().map(|event| dollars(&event["cost"])).sum();
    assert_eq!(dollars(&told["budget"]["current_usage"]), spent);
    let logs = api(&gateway, "GET", &format!("/api/logs?virtual_key_ids={id}"), &Value::Null).await.json();
    assert_eq!(logs["pagination"]["total_count"], 1, "{logs}");
    assert_eq!(dollars(&logs["logs"][0]["cost"]), spent, "{logs}");
}
