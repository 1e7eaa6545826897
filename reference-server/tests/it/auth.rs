//! Credentials, scopes, and in which order things are checked.

use serde_json::{Value, json};

use crate::support::{
    CHAT, EMBEDDINGS, Gateway, MODELS, hello, refused, request, with_header, without_header,
};

async fn listed_with(gateway: &Gateway, authorization: &str) -> (u16, Value) {
    let request = with_header(request("GET", MODELS, None, ""), "authorization", authorization);
    gateway.send(request).await.outcome()
}

#[tokio::test]
async fn each_wrong_credential_has_its_observed_answer() {
    let gateway = Gateway::start();
    let missing = refused(403, "Not authenticated");
    assert_eq!(gateway.get(MODELS, None).await.outcome(), missing);
    for malformed in ["Bearer", "sk-plumbline-all-scopes"] {
        assert_eq!(listed_with(&gateway, malformed).await, missing, "{malformed}");
    }
    let x_api_key = with_header(request("GET", MODELS, None, ""), "x-api-key", "sk-plumbline-all-scopes");
    assert_eq!(gateway.send(x_api_key).await.outcome(), missing);

    let scheme = refused(403, "Invalid authentication credentials");
    assert_eq!(listed_with(&gateway, "Basic c2s6c2s=").await, scheme);

    let unknown = refused(401, "Missing or invalid API key");
    for secret in ["sk-nobody", "' OR 1=1 --", &"x".repeat(5_000)] {
        assert_eq!(listed_with(&gateway, &format!("Bearer {secret}")).await, unknown);
    }
    assert_eq!(gateway.get(MODELS, Some(&gateway.key("inactive"))).await.outcome(), unknown);
    assert_eq!(
        gateway.get(MODELS, Some(&gateway.key("expired"))).await.outcome(),
        refused(401, "API key is expired")
    );
    assert_eq!(listed_with(&gateway, "bearer sk-plumbline-chat-only").await.0, 200);
}

#[tokio::test]
async fn scopes_are_enforced_with_401() {
    let gateway = Gateway::start();
    let chat = hello("claude_3_5_sonnet");
    let embedding = json!({ "model": "cohere_english_v3", "input": "Test embedding" });
    for (role, chats, embeds) in [
        ("all_scopes", true, true),
        ("chat_only", true, false),
        ("embedding_only", false, true),
        ("no_model_scopes", false, false),
        ("admin_only", false, false),
    ] {
        let key = gateway.key(role);
        assert_eq!(gateway.get(MODELS, Some(&key)).await.status, 200, "{role}");
        for (path, body, allowed) in [(CHAT, &chat, chats), (EMBEDDINGS, &embedding, embeds)] {
            let reply = gateway.post(path, &key, body).await;
            if allowed {
                assert_eq!(reply.status, 200, "{role} {path}");
            } else {
                assert_eq!(reply.outcome(), refused(401, "Not Authorized"), "{role} {path}");
            }
        }
    }
}

#[tokio::test]
async fn checks_come_in_the_observed_order() {
    let gateway = Gateway::start();
    let all = gateway.key("all_scopes");
    let embedding_only = gateway.key("embedding_only");
    // Unparsable JSON before authentication.
    let reply = gateway.send(request("POST", CHAT, None, "{")).await;
    assert_eq!((reply.status, &reply.json()["detail"][0]["type"]), (422, &json!("json_invalid")));
    // Authentication before the shape of the body.
    let reply = gateway.send(request("POST", CHAT, None, "{}")).await;
    assert_eq!(reply.outcome(), refused(403, "Not authenticated"));
    // Scope before shape and model.
    let reply = gateway.post(CHAT, &embedding_only, &json!({})).await;
    assert_eq!(reply.outcome(), refused(401, "Not Authorized"));
    let reply = gateway.post(CHAT, &embedding_only, &hello("no-such")).await;
    assert_eq!(reply.outcome(), refused(401, "Not Authorized"));
    // Shape before model.
    let reply = gateway.post(CHAT, &all, &json!({ "model": "no-such" })).await;
    assert_eq!((reply.status, reply.json()["detail"].is_array()), (422, true));
    // Model before the contents of its messages.
    let image = json!({ "type": "image_url", "image_url": { "url": "https://example.com/a.png" } });
    let body = json!({ "model": "no-such", "messages": [{ "role": "user", "content": [image] }] });
    let reply = gateway.post(CHAT, &all, &body).await;
    assert_eq!(reply.outcome(), refused(422, "Model 'no-such' is not supported by this API."));
}

#[tokio::test]
async fn a_key_revoked_in_mid_sequence_is_refused_from_then_on() {
    let gateway = Gateway::start();
    let key = gateway.key("chat_only");
    assert_eq!(gateway.post(CHAT, &key, &hello("claude_3_5_sonnet")).await.status, 200);
    let path = format!("/worlds/root/keys/{}", gateway.key_id("chat_only").await);
    let reply = gateway.control("PATCH", &path, Some(json!({ "active": false }))).await;
    assert_eq!((reply.status, &reply.json()["active"]), (200, &json!(false)));
    let reply = gateway.post(CHAT, &key, &hello("claude_3_5_sonnet")).await;
    assert_eq!(reply.outcome(), refused(401, "Missing or invalid API key"));
    gateway.control("PATCH", &path, Some(json!({ "active": true }))).await;
    assert_eq!(gateway.post(CHAT, &key, &hello("claude_3_5_sonnet")).await.status, 200);
    gateway.control("PATCH", &path, Some(json!({ "expires_at": "2020-01-01T00:00:00Z" }))).await;
    let reply = gateway.post(CHAT, &key, &hello("claude_3_5_sonnet")).await;
    assert_eq!(reply.outcome(), refused(401, "API key is expired"));
}

#[tokio::test]
async fn a_use_moves_last_used_at_and_a_refusal_does_not() {
    let gateway = Gateway::start();
    let path = format!("/worlds/root/keys/{}", gateway.key_id("chat_only").await);
    let last_used = async || gateway.control("GET", &path, None).await.json()["last_used_at"].clone();
    assert_eq!(last_used().await, json!(null));
    gateway.get(MODELS, Some("sk-nobody")).await;
    assert_eq!(last_used().await, json!(null));
    gateway.get(MODELS, Some(&gateway.key("chat_only"))).await;
    let first = last_used().await;
    assert!(first.is_string());
    gateway.get(MODELS, Some(&gateway.key("chat_only"))).await;
    let second = last_used().await;
    assert!(second.as_str() > first.as_str(), "{first} {second}");
}

#[tokio::test]
async fn a_body_without_content_type_needs_a_key_like_any_other() {
    let gateway = Gateway::start();
    let bare = without_header(request("POST", CHAT, None, "{}"), "content-type");
    assert_eq!(gateway.send(bare).await.outcome(), refused(403, "Not authenticated"));
}

#[tokio::test]
async fn a_key_past_its_limit_is_told_when_to_come_back_and_comes_back() {
    let gateway = Gateway::start();
    let ask = async || gateway.post(CHAT, &gateway.key("rate_limited"), &hello("claude_3_haiku")).await;
    for _ in 0..3 {
        assert_eq!(ask().await.status, 200);
    }
    let limited = ask().await;
    assert_eq!(limited.outcome(), refused(429, "Rate limit exceeded"));
    let seconds: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(gateway.ledger("root").await.len(), 3);
    let moved = gateway.control("POST", "/worlds/root/clock", Some(json!({ "advance": "1m" }))).await;
    assert_eq!((moved.status, ask().await.status), (200, 200));
}
