//! Refusals, failures and the headers of every answer on the OpenAI wire.

use serde_json::{Value, json};

use crate::openai_support::{CHAT, EMBEDDINGS, MODELS, ask, error, say};
use crate::support::{Gateway, Reply, request, with_header, without_header};

const INVALID: &str = "invalid_request_error";

fn hello() -> Value {
    say("Hello test", &json!({}))
}

fn assert_headers(reply: &Reply) {
    let header = |name: &str| reply.header(name).unwrap_or_else(|| panic!("no {name}"));
    let id = header("x-request-id").strip_prefix("req_").unwrap();
    assert_eq!(id.len(), 32);
    assert!(header("openai-processing-ms").parse::<u64>().is_ok());
    assert_eq!(header("openai-version"), "2020-10-01");
    assert!(!header("openai-organization").is_empty());
}

#[tokio::test]
async fn every_answer_tells_its_request_and_what_is_left() {
    let gateway = Gateway::start();
    let key = gateway.key("rate_limited");
    let good = gateway.post(CHAT, &key, &hello()).await;
    let bad = gateway.post(CHAT, &key, &json!({})).await;
    for (reply, status, remaining) in [(&good, 200, "2"), (&bad, 400, "1")] {
        assert_eq!(reply.status, status);
        assert_headers(reply);
        assert_eq!(reply.header("x-ratelimit-limit-requests"), Some("3"));
        assert_eq!(reply.header("x-ratelimit-remaining-requests"), Some(remaining));
        assert_eq!(reply.header("x-ratelimit-limit-tokens"), Some("2000"));
        assert!(reply.header("x-ratelimit-remaining-tokens").is_some());
        assert!(reply.header("x-ratelimit-reset-requests").unwrap().ends_with('s'));
        assert!(reply.header("x-ratelimit-reset-tokens").unwrap().ends_with('s'));
    }
    let lost = gateway.get("/~openai/v1/nowhere", None).await;
    assert_headers(&lost);
    assert_eq!(lost.header("x-ratelimit-limit-requests"), None);
    let id = good.header("x-request-id").unwrap().strip_prefix("req_").unwrap();
    let lines = gateway.lines(id).await;
    assert_eq!(lines.last().unwrap()["event"], "Request completed");
}

#[tokio::test]
async fn a_key_has_so_many_requests_a_minute() {
    let gateway = Gateway::start();
    let key = gateway.key("rate_limited");
    for _ in 0..3 {
        assert_eq!(gateway.post(CHAT, &key, &hello()).await.status, 200);
    }
    let reply = gateway.post(CHAT, &key, &hello()).await;
    assert_eq!(error(&reply), (429, json!("requests"), Value::Null, json!("rate_limit_exceeded")));
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(reply.header("x-ratelimit-remaining-requests"), Some("0"));
    assert_headers(&reply);
}

#[tokio::test]
async fn each_wrong_credential_has_its_answer() {
    let gateway = Gateway::start();
    let missing = gateway.get(MODELS, None).await;
    assert_eq!(error(&missing), (401, json!(INVALID), Value::Null, Value::Null));
    assert!(missing.header("www-authenticate").is_some());
    assert_headers(&missing);
    for key in ["sk-nobody", &gateway.key("inactive"), &gateway.key("expired")] {
        let reply = gateway.get(MODELS, Some(key)).await;
        assert_eq!(error(&reply), (401, json!(INVALID), Value::Null, json!("invalid_api_key")), "{key}");
        assert!(!reply.text().contains(key), "{key} is shown");
    }
    let key = gateway.key("no_model_scopes");
    for (path, body) in
        [(CHAT, hello()), (EMBEDDINGS, json!({ "model": "text-embedding-3-small", "input": "Hi" }))]
    {
        let reply = gateway.post(path, &key, &body).await;
        assert_eq!(error(&reply), (403, json!(INVALID), Value::Null, json!("insufficient_permissions")));
    }
    assert_eq!(gateway.get(MODELS, Some(&key)).await.status, 200);
}

#[tokio::test]
async fn unknown_routes_and_methods_answer_in_the_same_form() {
    let gateway = Gateway::start();
    let reply = gateway.get("/~openai/v1/nowhere", None).await;
    assert_eq!(error(&reply), (404, json!(INVALID), Value::Null, json!("unknown_url")));
    assert_eq!(reply.json()["error"]["message"], "Invalid URL (GET /v1/nowhere)");
    let reply = gateway.get(CHAT, Some(&gateway.key("all_scopes"))).await;
    assert_eq!(error(&reply), (405, json!(INVALID), Value::Null, json!("method_not_supported")));
    assert_eq!(reply.header("allow"), Some("POST"));
    let message = "Not allowed to GET on /v1/chat/completions. (HINT: Perhaps you meant to use a different HTTP \
                   method?)";
    assert_eq!(reply.json()["error"]["message"], message);
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused() {
    let gateway = Gateway::start();
    let key = gateway.key("all_scopes");
    let reply = gateway.send(request("POST", CHAT, Some(&key), "{\"model\":")).await;
    assert_eq!(error(&reply), (400, json!(INVALID), Value::Null, Value::Null));
    let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("We could not parse the JSON body of your request."), "{message}");
    let text =
        with_header(request("POST", CHAT, Some(&key), hello().to_string()), "content-type", "text/plain");
    assert_eq!(error(&gateway.send(text).await).0, 415);
    let bare = without_header(request("POST", CHAT, Some(&key), hello().to_string()), "content-type");
    assert_eq!(gateway.send(bare).await.status, 200);
    let empty = gateway.send(request("POST", CHAT, Some(&key), "")).await;
    assert_eq!(error(&empty), (400, json!(INVALID), json!("model"), json!("missing_required_parameter")));
    let list = gateway.send(request("POST", CHAT, Some(&key), "[]")).await;
    assert_eq!(error(&list), (400, json!(INVALID), Value::Null, json!("invalid_type")));
}

#[tokio::test]
async fn models_are_refused_for_what_they_are_not() {
    let gateway = Gateway::start();
    let of = |model: &str| say("Hello", &json!({ "model": model }));
    for unknown in ["no-such", "", "claude_3_5_sonnet"] {
        let reply = ask(&gateway, CHAT, &of(unknown)).await;
        assert_eq!(error(&reply), (404, json!(INVALID), Value::Null, json!("model_not_found")), "{unknown}");
    }
    let reply = ask(&gateway, CHAT, &of("text-embedding-3-small")).await;
    assert_eq!(error(&reply), (404, json!(INVALID), json!("model"), Value::Null));
    let long = say(&"word ".repeat(20_000), &json!({ "model": "gpt-3.5-turbo" }));
    let reply = ask(&gateway, CHAT, &long).await;
    assert_eq!(error(&reply), (400, json!(INVALID), json!("messages"), json!("context_length_exceeded")));
    assert!(gateway.ledger("root").await.is_empty());
}

#[tokio::test]
async fn failures_of_the_provider_keep_their_meaning_and_no_secret() {
    let gateway = Gateway::start();
    let key = gateway.key("all_scopes");
    for (fault, status, kind) in [
        ("rejected", 400, INVALID),
        ("rate-limited", 429, "requests"),
        ("unavailable", 503, "server_error"),
        ("unmapped-error", 500, "server_error"),
        ("html", 500, "server_error"),
    ] {
        let sent = request("POST", CHAT, Some(&key), hello().to_string());
        let reply = gateway.send(with_header(sent, "x-plumbline-fault", fault)).await;
        let told = error(&reply);
        assert_eq!((told.0, told.1), (status, json!(kind)), "{fault}");
        assert_headers(&reply);
        assert!(!reply.text().contains("internal") && !reply.text().contains("<html"), "{}", reply.text());
    }
}
