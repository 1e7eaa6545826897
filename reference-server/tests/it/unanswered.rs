//! What callers are told where a provider has no answer for them, and what more the log knows.

use plumbline_reference_server::{Config, Settings};
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

use crate::openai_support::{CHAT, say};
use crate::provider_support::{KEY, answering};
use crate::support::{Gateway, Reply, request, with_header};

/// What a provider says that no caller is to see.
const WORDS: &str = "out of GPUs on node-7";
const MODELS: &str = "
providers: { one: { kind: mock } }
defaults: { retries: { attempts: 1 } }
models:
  claude_3_haiku: { routes: [{ provider: one }] }
  gpt-4.1-mini: { routes: [{ provider: one }] }
  claude-sonnet-4-5: { routes: [{ provider: one }] }
  gemini-2.5-flash: { routes: [{ provider: one }] }
  gemini-2.0-flash: { routes: [{ provider: one }] }
";

/// A gateway of this configuration, in which every variable is the key.
fn configured(config: &str) -> Gateway {
    let config = Config::read(config, &|_| Some(KEY.to_owned())).unwrap();
    Gateway::start_with(Settings { config, ..Settings::default() })
}

/// A gateway whose `gpt-4.1-mini` is asked for at this address, in the wire of a kind of provider.
fn routed(kind: &str, server: &MockServer, path: &str) -> Gateway {
    configured(&format!(
        "providers: {{ one: {{ kind: {kind}, url: \"{}{path}\", key: {{ env: KEY }} }} }}\n\
         models:\n  gpt-4.1-mini: {{ routes: [{{ provider: one }}], retries: {{ attempts: 1 }} }}\n",
        server.uri()
    ))
}

/// Asks a question in every dialect: its name, and the answer.
async fn asked(gateway: &Gateway) -> Vec<(&'static str, Reply)> {
    let message = json!([{ "role": "user", "content": "Hello" }]);
    let contents = json!([{ "role": "user", "parts": [{ "text": "Hello" }] }]);
    let converse = json!([{ "role": "user", "content": [{ "text": "Hello" }] }]);
    let vertex = "/~vertex/v1/projects/p/locations/us-central1/publishers/google/models";
    let mut replies = Vec::new();
    for (dialect, path, body) in [
        (
            "gsai",
            "/~gsai/api/v1/chat/completions".to_owned(),
            json!({ "model": "claude_3_haiku", "messages": message }),
        ),
        ("openai", CHAT.to_owned(), say("Hello", &json!({}))),
        (
            "anthropic",
            "/~anthropic/v1/messages".to_owned(),
            json!({ "model": "claude-sonnet-4-5", "max_tokens": 20, "messages": message }),
        ),
        (
            "gemini",
            "/~gemini/v1beta/models/gemini-2.5-flash:generateContent".to_owned(),
            json!({ "contents": contents }),
        ),
        ("vertex", format!("{vertex}/gemini-2.0-flash:generateContent"), json!({ "contents": contents })),
        ("bedrock", "/~bedrock/model/claude_3_haiku/converse".to_owned(), json!({ "messages": converse })),
    ] {
        let sent = request("POST", &path, Some(&gateway.key("all_scopes")), body.to_string());
        replies.push((dialect, gateway.send(with_header(sent, "anthropic-version", "2023-06-01")).await));
    }
    replies
}

/// The lines of one event in the log.
async fn logged(gateway: &Gateway, event: &str) -> Vec<Value> {
    let told = gateway.control("GET", "/worlds/root/logs", None).await.json();
    let lines = told["lines"].as_array().unwrap().iter();
    lines.filter(|line| line["event"] == event).cloned().collect()
}

#[tokio::test]
async fn what_a_provider_says_of_its_own_failures_is_for_the_log_only() {
    for (kind, statuses) in
        [("unavailable", [503, 503, 529, 503, 503, 503]), ("rate-limited", [429, 429, 429, 429, 429, 429])]
    {
        let gateway = configured(MODELS);
        let rule = json!({ "kind": kind, "message": WORDS, "retry_after": 7 });
        assert_eq!(gateway.control("POST", "/worlds/root/faults", Some(rule)).await.status, 201);
        for ((dialect, reply), status) in asked(&gateway).await.into_iter().zip(statuses) {
            assert_eq!(reply.status, status, "{kind} {dialect}: {}", reply.text());
            assert!(!reply.text().contains("node-7"), "{dialect}: {}", reply.text());
            assert!(reply.text().contains("The model's provider"), "{dialect}: {}", reply.text());
            assert_eq!(reply.header("retry-after"), Some("7"), "{kind} {dialect}");
        }
        let (attempts, failed) =
            (logged(&gateway, "attempt").await, logged(&gateway, "Request failed").await);
        assert_eq!((attempts.len(), failed.len()), (statuses.len(), statuses.len()), "{kind}");
        let tells = |line: &Value, name: &str| line[name].as_str().unwrap().contains(WORDS);
        assert!(attempts.iter().all(|line| tells(line, "provider_error")), "{attempts:?}");
        assert!(failed.iter().all(|line| tells(line, "exception")), "{failed:?}");
    }
}

#[tokio::test]
async fn a_provider_that_cannot_carry_a_request_is_not_asked() {
    let server = answering(ResponseTemplate::new(500)).await;
    let gateway = routed("anthropic", &server, "");
    let key = gateway.key("all_scopes");
    for (members, told) in [
        (json!({ "n": 2 }), "one answer"),
        (json!({ "seed": 7 }), "seed"),
        (json!({ "frequency_penalty": 0.5 }), "frequency penalty"),
        (json!({ "logit_bias": { "50256": -100 } }), "bias"),
    ] {
        let reply = gateway.post(CHAT, &key, &say("Hello", &members)).await;
        let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(reply.status == 400 && message.contains(told), "{members}: {message}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
    assert!(logged(&gateway, "attempt").await.is_empty());
}

#[tokio::test]
async fn a_refusal_in_any_form_is_the_callers_and_names_no_machine() {
    let page = "<html><body>upstream node-7.internal is no good</body></html>";
    let detail = json!({ "detail": [{ "loc": ["body", "seed"], "msg": "too small at node-7.internal" }] });
    for (body, told) in [(page.to_owned(), None), (detail.to_string(), Some("too small"))] {
        let server = answering(ResponseTemplate::new(422).set_body_string(body)).await;
        let gateway = routed("openai", &server, "/v1");
        let reply =
            gateway.post(CHAT, &gateway.key("all_scopes"), &say("Hello", &json!({ "seed": 7 }))).await;
        assert_eq!(reply.status, 400, "{}", reply.text());
        assert!(!reply.text().contains("node-7.internal"), "{}", reply.text());
        assert!(told.is_none_or(|told| reply.text().contains(told)), "{}", reply.text());
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_credential_that_a_provider_repeats_is_nowhere_to_be_seen() {
    for (status, told) in [(400, 0), (401, 1), (429, 1), (500, 1)] {
        let body = json!({ "error": { "message": format!("bad key {KEY}"), "type": "x", "code": 7 } });
        let server = answering(ResponseTemplate::new(status).set_body_json(body)).await;
        let gateway = routed("openai", &server, "/v1");
        let reply = gateway.post(CHAT, &gateway.key("all_scopes"), &say("Hello", &json!({}))).await;
        assert!(!reply.text().contains(KEY), "{}", reply.text());
        // What is said of a request that is wrong can be the caller's own words, and is not logged.
        let attempts = logged(&gateway, "attempt").await;
        let error = attempts[0]["provider_error"].as_str().unwrap_or_default();
        assert_eq!(error.matches("[concealed]").count(), told, "{status}: {error}");
        let all = gateway.control("GET", "/worlds/root/logs", None).await;
        assert!(!all.text().contains(KEY), "{}", all.text());
    }
}
