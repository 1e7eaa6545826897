//! Defects of a gateway between callers and providers, where it refuses a request and where an answer leaves it.

use serde_json::{Value, json};

use crate::openai_support::CHAT;
use crate::routed_support::routed;
use crate::support::{Gateway, Reply, request};
use crate::upstream_support::{arm, journal, last_call};

async fn break_with(gateway: &Gateway, defect: &str) {
    let defects = Some(json!({ "defects": [defect] }));
    assert_eq!(gateway.control("PUT", "/worlds/root/defects", defects).await.status, 200, "{defect}");
}

fn body(more: &Value) -> Value {
    let mut body = json!({ "model": "gpt-4.1-mini", "messages": [{ "role": "user", "content": "Hello" }] });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn ask(gateway: &Gateway, more: Value) -> Reply {
    gateway.post(CHAT, &gateway.key("all_scopes"), &body(&more)).await
}

/// The statuses of what the gateway refuses by itself: a caller, a scope, a model, a limit, an input, no JSON.
async fn refusals(gateway: &Gateway) -> [u16; 6] {
    let (all, limited) = (gateway.key("all_scopes"), gateway.key("rate_limited"));
    for _ in 0..3 {
        assert_eq!(gateway.get("/~openai/v1/models", Some(&limited)).await.status, 200);
    }
    let sound = || body(&json!({})).to_string();
    let sent = [
        (None, sound()),
        (Some(gateway.key("embedding_only")), sound()),
        (Some(all.clone()), body(&json!({ "model": "no-such-model" })).to_string()),
        (Some(limited), sound()),
        (Some(all.clone()), body(&json!({ "messages": "Hello" })).to_string()),
        (Some(all), "{".to_owned()),
    ];
    let mut statuses = [0; 6];
    for (status, (key, body)) in statuses.iter_mut().zip(sent) {
        *status = gateway.send(request("POST", CHAT, key.as_deref(), body)).await.status;
    }
    statuses
}

#[tokio::test]
async fn a_refusal_asks_nobody_and_is_one_unless_a_defect_says_otherwise() {
    let sound = [401, 403, 404, 429, 400, 400];
    for (defect, statuses, calls) in [
        ("empty-answer", sound, 0),
        ("refused-caller-asks", sound, 1),
        ("refused-scope-asks", sound, 1),
        ("unknown-model-asks", sound, 1),
        ("refused-limit-asks", sound, 1),
        ("refused-input-asks", sound, 2),
        ("invalid-input-fails", [401, 403, 404, 429, 500, 400], 0),
        ("malformed-input-fails", [401, 403, 404, 429, 400, 500], 0),
    ] {
        let (simulator, gateway) = routed("");
        break_with(&gateway, defect).await;
        assert_eq!(refusals(&gateway).await, statuses, "{defect}");
        assert_eq!(journal(&simulator, "root", "").await.len(), calls, "{defect}");
    }
}

#[tokio::test]
async fn what_a_provider_says_of_its_failure_is_told_only_by_a_defect() {
    let (simulator, gateway) = routed("");
    for (defect, words, media_type) in [
        ("empty-answer", None, "application/json"),
        ("provider-words-shown", Some("out of GPUs on node-7"), "application/json"),
        ("failures-in-html", None, "text/html"),
    ] {
        break_with(&gateway, defect).await;
        arm(&simulator, json!({ "kind": "status", "status": 503, "message": "out of GPUs on node-7" })).await;
        let reply = ask(&gateway, json!({})).await;
        assert_eq!((reply.status, reply.header("content-type")), (503, Some(media_type)), "{defect}");
        let told = reply.header("x-provider-error");
        assert_eq!(told.is_some_and(|told| told.contains("node-7")), words.is_some(), "{defect}: {told:?}");
        assert!(!reply.text().contains("node-7"), "{defect}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_quoted_only_by_a_defect() {
    let (simulator, gateway) = routed("");
    for (defect, is_quoted) in [("empty-answer", false), ("malformed-quoted", true)] {
        break_with(&gateway, defect).await;
        arm(&simulator, json!({ "kind": "html" })).await;
        let reply = ask(&gateway, json!({})).await;
        let quoted = reply.header("x-provider-answer");
        assert_eq!((reply.status, quoted.is_some_and(|quoted| quoted.contains("<html>"))), (500, is_quoted));
        assert!(!reply.text().contains("html"), "{defect}");
    }
}

#[tokio::test]
async fn the_callers_key_goes_along_only_by_a_defect() {
    let (simulator, gateway) = routed("");
    for (defect, forwarded) in [("empty-answer", false), ("caller-key-forwarded", true)] {
        break_with(&gateway, defect).await;
        assert_eq!(ask(&gateway, json!({})).await.status, 200, "{defect}");
        let call = last_call(&simulator).await;
        assert_eq!(call.to_string().contains(&gateway.key("all_scopes")), forwarded, "{defect}: {call}");
        assert_eq!(call["headers"]["authorization"], "Bearer sk-upstream-openai");
    }
}

#[tokio::test]
async fn answers_lose_their_shape_by_their_own_defects() {
    let (_simulator, gateway) = routed("");
    for (defect, wrapped, goes_on) in
        [("empty-answer", false, false), ("cut-answer-wrapped", true, false), ("stream-goes-on", false, true)]
    {
        break_with(&gateway, defect).await;
        assert!(ask(&gateway, json!({})).await.json()["choices"].is_array(), "{defect}");
        let cut = ask(&gateway, json!({ "max_tokens": 1 })).await.json();
        assert_eq!(cut["answer"]["choices"].is_array(), wrapped, "{defect}: {cut}");
        let stream = ask(&gateway, json!({ "stream": true })).await;
        let end = stream.text().rsplit("data: [DONE]\n\n").next().unwrap();
        assert_eq!(end.starts_with("event: gateway"), goes_on, "{defect}: {end}");
    }
}
