//! The wires of providers under their prefixes.

use serde_json::{Value, json};

use super::testing::{Got, billed, get, hello, post, with};
use crate::domain::testing;

#[tokio::test]
async fn providers_own_wires_answer_below_their_prefixes() {
    let world = testing::world();
    let turn = json!([{ "role": "user", "content": [{ "text": "Hello" }] }]);
    let parts = json!([{ "role": "user", "parts": [{ "text": "Hello" }] }]);
    for (path, body, answer) in [
        ("/openai/v1/chat/completions", hello("gpt-4o"), "/choices/0/message/content"),
        ("/openai/deployments/gpt-4o/chat/completions", hello("gpt-4o"), "/choices/0/message/content"),
        (
            "/anthropic/v1/messages",
            with(hello("claude-3-5-sonnet-20241022"), "max_tokens", json!(32)),
            "/content/0/text",
        ),
        (
            "/bedrock/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse",
            json!({ "messages": turn }),
            "/output/message/content/0/text",
        ),
        (
            "/genai/v1beta/models/openai/gpt-4o:generateContent",
            json!({ "contents": parts }),
            "/candidates/0/content/parts/0/text",
        ),
    ] {
        let got = post(&world, path, &[], &body).await;
        let told = got.json();
        assert_eq!((got.status, told.get("extra_fields")), (200, None), "{path} {told}");
        assert!(told.pointer(answer).is_some_and(Value::is_string), "{path} {told}");
    }
    assert_eq!(billed(&world).await.len(), 5);
    assert_eq!(get(&world, "/openai/v1/models", &[]).await.json()["object"], "list");
    assert_eq!(get(&world, "/openai/v1/nothing", &[]).await.status, 404);
}

/// The ids that a listing has on whatever wire.
fn listed(got: &Got) -> Vec<String> {
    assert_eq!(got.status, 200, "{}", got.text);
    let told = got.json();
    let models = told.get("data").or(told.get("models")).and_then(Value::as_array).unwrap();
    let id = |model: &Value| model.get("id").or(model.get("name")).and_then(Value::as_str).map(str::to_owned);
    models.iter().map(|model| id(model).unwrap()).collect()
}

#[tokio::test]
async fn a_listing_below_a_prefix_holds_what_its_caller_may_use() {
    let narrow = json!([{ "provider": "openai", "weight": 1, "allowed_models": ["gpt-4o"] }]);
    for (defect, is_told_all) in [(None, false), (Some("dropin-models-unfiltered"), true)] {
        let world = testing::world();
        world.break_with(defect);
        let made = json!({ "name": "narrow", "provider_configs": narrow });
        let made = post(&world, "/api/governance/virtual-keys", &[], &made).await.json();
        let key = [("x-bf-vk", made["virtual_key"]["value"].as_str().unwrap())];
        for (path, id) in [
            ("/openai/v1/models", "gpt-4.1"),
            ("/anthropic/v1/models?limit=1000", "claude-sonnet-4-5"),
            ("/genai/v1beta/models?pageSize=1000", "models/gemini-2.5-flash"),
        ] {
            let told = listed(&get(&world, path, &[]).await);
            assert!(told.iter().any(|told| told == id), "{path}: {told:?}");
            let told = listed(&get(&world, path, &key).await);
            assert_eq!(told.iter().any(|told| told == id), is_told_all, "{path}: {told:?}");
        }
        // What is listed nowhere else can be asked for here.
        assert!(listed(&get(&world, "/openai/v1/models", &key).await).contains(&"gpt-4o".to_owned()));
        assert_eq!(get(&world, "/openai/v1/models/gpt-4o", &key).await.status, 200);
        let status = if is_told_all { 200 } else { 404 };
        assert_eq!(get(&world, "/openai/v1/models/gpt-4.1", &key).await.status, status);
    }
}

#[tokio::test]
async fn the_limits_of_another_wire_are_not_told_below_its_prefix() {
    let world = testing::world();
    for (path, model) in
        [("/openai/v1/chat/completions", "gpt-4o"), ("/anthropic/v1/messages", "claude-3-5-sonnet-20241022")]
    {
        let got = post(&world, path, &[], &with(hello(model), "max_tokens", json!(32))).await;
        assert_eq!(got.status, 200, "{}", got.text);
        assert!(!got.headers.keys().any(|name| name.as_str().contains("ratelimit")), "{:?}", got.headers);
    }
}
