//! The control API.

use serde_json::{Value, json};

use crate::support::{CHAT, EMBEDDINGS, Gateway, hello, request};

fn error(reply: &Value) -> &str {
    assert_eq!(reply.as_object().unwrap().len(), 1);
    reply["error"].as_str().unwrap()
}

#[tokio::test]
async fn nothing_is_told_without_the_token() {
    let gateway = Gateway::start();
    for path in ["/~control/worlds", "/~control/worlds/root/keys", "/~control/nothing", "/~control"] {
        for token in [None, Some("wrong"), Some("sk-plumbline-all-scopes")] {
            let reply = gateway.send(request("GET", path, token, "")).await;
            assert_eq!(reply.status, 401, "{path}");
            assert!(error(&reply.json()).contains("token"));
        }
    }
    assert_eq!(gateway.control("GET", "/worlds", None).await.status, 200);
}

#[tokio::test]
async fn keys_are_minted_by_role_or_by_scope_and_shown_without_their_secret() {
    let gateway = Gateway::start();
    let path = "/worlds/root/keys";
    let reply = gateway.control("POST", path, Some(json!({ "role": "chat_only" }))).await;
    assert_eq!(reply.status, 201);
    let minted = reply.json();
    assert_eq!((&minted["role"], &minted["scopes"]), (&json!("chat_only"), &json!(["models:inference"])));
    let secret = minted["secret"].as_str().unwrap();
    assert_eq!(gateway.post(CHAT, secret, &hello("claude_3_haiku")).await.status, 200);

    let custom = json!({ "scopes": ["models:embedding"], "expires_at": "2020-01-01T00:00:00Z" });
    let expired = gateway.control("POST", path, Some(custom)).await.json();
    assert_eq!(expired["expires_at"], "2020-01-01T00:00:00.000000Z");
    let body = json!({ "model": "cohere_english_v3", "input": "x" });
    let reply = gateway.post(EMBEDDINGS, expired["secret"].as_str().unwrap(), &body).await;
    assert_eq!(reply.json()["detail"], "API key is expired");

    let listed = gateway.control("GET", path, None).await.json();
    let listed = listed["keys"].as_array().unwrap();
    assert_eq!(listed.len(), 10);
    assert!(listed.iter().all(|key| key.get("secret").is_none()));
    assert_eq!((&listed[8]["id"], &listed[9]["id"]), (&minted["id"], &expired["id"]));

    let one = format!("{path}/{}", minted["id"].as_str().unwrap());
    assert_eq!(gateway.control("DELETE", &one, None).await.status, 204);
    assert_eq!(gateway.control("GET", &one, None).await.status, 404);
    assert_eq!(gateway.post(CHAT, secret, &hello("claude_3_haiku")).await.status, 401);
}

#[tokio::test]
async fn mistakes_are_answered_with_what_to_do() {
    let gateway = Gateway::start();
    let some_key = format!("/worlds/root/keys/{}", gateway.key_id("chat_only").await);
    for (method, path, body, status, told) in [
        ("GET", "/nothing", None, 404, "/~control/worlds"),
        ("PUT", "/worlds", None, 405, "allow"),
        ("POST", "/worlds", Some(json!({ "defect": [] })), 400, "unknown field `defect`"),
        ("POST", "/worlds", Some(json!({ "defects": ["history-droped"] })), 400, "did you mean"),
        ("GET", "/worlds/nowhere/keys", None, 404, "lists them"),
        ("POST", "/worlds/root/keys", Some(json!({ "role": "chat" })), 400, "chat_only"),
        ("POST", "/worlds/root/keys", Some(json!({ "scopes": ["chat"] })), 400, "models:inference"),
        ("POST", "/worlds/root/keys", Some(json!({})), 400, "either"),
        ("GET", "/worlds/root/keys/5", None, 400, "UUID"),
        ("PATCH", some_key.as_str(), Some(json!({ "actve": false })), 400, "actve"),
        ("GET", "/worlds/root/ledger?befor=1", None, 400, "after"),
        ("GET", "/worlds/root/ledger?after=x", None, 400, "whole number"),
        ("GET", "/worlds/root/logs?request_id=x", None, 400, "UUID"),
        ("PUT", "/worlds/root/defects", Some(json!({ "defects": ["none"] })), 400, "lists them"),
    ] {
        let reply = gateway.control(method, path, body).await;
        assert_eq!(reply.status, status, "{method} {path}");
        let body = reply.json();
        assert!(error(&body).contains(told), "{method} {path}: {body}");
    }
}

#[tokio::test]
async fn defects_are_listed_put_on_and_taken_off() {
    let gateway = Gateway::start();
    let catalogue = gateway.control("GET", "/defects", None).await.json();
    let missing =
        catalogue["defects"].as_array().unwrap().iter().find(|info| info["id"] == "billing-event-missing");
    let missing = missing.unwrap();
    assert_eq!(
        missing["breaks"],
        json!(["billing.event-per-success", "gateway.billing.one", "bifrost.billing.one"])
    );
    assert_eq!(missing["seen_in_the_wild"], true);
    assert!(missing["text"].is_string());

    let path = "/worlds/root/defects";
    assert_eq!(gateway.control("GET", path, None).await.json(), json!({ "defects": [] }));
    let on = json!({ "defects": ["empty-answer"] });
    assert_eq!(gateway.control("PUT", path, Some(on.clone())).await.json(), on);
    let answer = gateway.post(CHAT, &gateway.key("chat_only"), &hello("claude_3_haiku")).await.json();
    assert_eq!(answer["choices"][0]["message"]["content"], "");
    gateway.control("PUT", path, Some(json!({ "defects": [] }))).await;
    let answer = gateway.post(CHAT, &gateway.key("chat_only"), &hello("claude_3_haiku")).await.json();
    assert_ne!(answer["choices"][0]["message"]["content"], "");
}
