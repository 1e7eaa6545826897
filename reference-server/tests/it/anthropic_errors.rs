//! What is refused on Anthropic's wire, and how.

use serde_json::json;

use crate::anthropic_support::{COUNT, MESSAGES, MODELS, call, post, question, question_with};
use crate::support::{Gateway, Reply, with_header, without_header};

/// The status, the type and the message of an error, whose envelope must be complete.
fn refused(reply: &Reply) -> (u16, String, String) {
    let body = reply.json();
    assert_eq!(body["type"], "error", "{body}");
    assert_eq!(body["request_id"].as_str(), reply.header("request-id"), "{body}");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let text = |name: &str| body["error"][name].as_str().unwrap().to_owned();
    (reply.status, text("type"), text("message"))
}

fn expected(status: u16, kind: &str, message: &str) -> (u16, String, String) {
    (status, kind.to_owned(), message.to_owned())
}

#[tokio::test]
async fn a_credential_must_be_there_and_in_force() {
    let gateway = Gateway::start();
    let body = question("Hi").to_string();
    let request = |key: &str| call("POST", MESSAGES, key, body.clone());
    let missing = gateway.send(without_header(request(""), "x-api-key")).await;
    assert_eq!(refused(&missing), expected(401, "authentication_error", "x-api-key header is required"));
    for key in ["sk-nobody".to_owned(), gateway.key("inactive"), gateway.key("expired")] {
        let reply = gateway.send(request(&key)).await;
        assert_eq!(refused(&reply), expected(401, "authentication_error", "invalid x-api-key"));
        assert_eq!(reply.header("anthropic-organization-id"), None);
    }
    for path in [MESSAGES, COUNT] {
        let mut body = question("Hi");
        if path == COUNT {
            body.as_object_mut().unwrap().remove("max_tokens");
        }
        let (status, kind, _) = refused(&post(&gateway, "no_model_scopes", path, &body).await);
        assert_eq!((status, kind.as_str()), (403, "permission_error"));
    }
}

#[tokio::test]
async fn a_version_must_be_there_and_known() {
    let gateway = Gateway::start();
    let request = || call("POST", MESSAGES, &gateway.key("chat_only"), question("Hi").to_string());
    let missing = gateway.send(without_header(request(), "anthropic-version")).await;
    let required = "anthropic-version: header is required";
    assert_eq!(refused(&missing), expected(400, "invalid_request_error", required));
    let unknown = gateway.send(with_header(request(), "anthropic-version", "1999-01-01")).await;
    let invalid = "anthropic-version: \"1999-01-01\" is not a valid version";
    assert_eq!(refused(&unknown), expected(400, "invalid_request_error", invalid));
}

#[tokio::test]
async fn the_latest_version_takes_no_sampling() {
    let gateway = Gateway::start();
    for name in ["temperature", "top_p", "top_k"] {
        let mut body = question("Hi");
        body[name] = json!(1);
        let request = || call("POST", MESSAGES, &gateway.key("chat_only"), body.to_string());
        assert_eq!(gateway.send(request()).await.status, 200, "{name}");
        let latest = gateway.send(with_header(request(), "anthropic-version", "2026-10-21")).await;
        let words = format!("{name}: Extra inputs are not permitted");
        assert_eq!(refused(&latest), expected(400, "invalid_request_error", &words));
    }
}

#[tokio::test]
async fn the_latest_version_takes_no_documents_of_the_assistant_and_no_citations_of_the_user() {
    let gateway = Gateway::start();
    let source = json!({ "type": "content", "content": "The capital of France is Paris." });
    let document = json!({ "role": "assistant", "content": [{ "type": "document", "source": source }] });
    let cited = |role: &str| {
        let text = json!({ "type": "text", "text": "Hi", "citations": [{ "type": "char_location" }] });
        json!({ "role": role, "content": [text] })
    };
    let asked = json!({ "role": "user", "content": "Hi" });
    let misplaced = "messages.1.content.0: `document` blocks can only be in `user` messages";
    let citing = "messages.1.content.0.citations: text blocks with citations can only be in `assistant` \
                  messages";
    for (turn, refused_with) in
        [(document, Some(misplaced)), (cited("user"), Some(citing)), (cited("assistant"), None)]
    {
        let mut body = question_with("", &json!({ "messages": [asked, turn, asked] }));
        for path in [MESSAGES, COUNT] {
            if path == COUNT {
                body.as_object_mut().unwrap().remove("max_tokens");
            }
            let request = || call("POST", path, &gateway.key("chat_only"), body.to_string());
            assert_eq!(gateway.send(request()).await.status, 200, "{turn}");
            let latest = gateway.send(with_header(request(), "anthropic-version", "2026-10-21")).await;
            match refused_with {
                Some(words) => assert_eq!(refused(&latest), expected(400, "invalid_request_error", words)),
                None => assert_eq!(latest.status, 200, "{}", latest.text()),
            }
        }
    }
}

#[tokio::test]
async fn an_answer_cannot_be_begun_for_a_model_that_does_not_go_on() {
    let gateway = Gateway::start();
    let words = "This model does not support assistant message prefill. The conversation must end with a user \
                 message.";
    let begun = json!([{ "role": "user", "content": "Hi" }, { "role": "assistant", "content": "Well," }]);
    for stream in [false, true] {
        let members = json!({ "model": "claude-opus-4-6", "messages": begun, "stream": stream });
        let reply = post(&gateway, "chat_only", MESSAGES, &question_with("", &members)).await;
        assert_eq!(refused(&reply), expected(400, "invalid_request_error", words));
    }
    let plain = question_with("Hi", &json!({ "model": "claude-opus-4-6" }));
    assert_eq!(post(&gateway, "chat_only", MESSAGES, &plain).await.status, 200);
}

#[tokio::test]
async fn routes_methods_and_models_that_are_not_there() {
    let gateway = Gateway::start();
    let key = gateway.key("chat_only");
    for (method, path) in [("GET", "/~anthropic/v1/no-such-thing"), ("POST", "/~anthropic/")] {
        let reply = gateway.send(call(method, path, &key, "")).await;
        assert_eq!(refused(&reply), expected(404, "not_found_error", "Not Found"));
    }
    for (method, path, allow) in
        [("GET", MESSAGES, "POST"), ("PUT", COUNT, "POST"), ("DELETE", MODELS, "GET")]
    {
        let reply = gateway.send(call(method, path, &key, "")).await;
        assert_eq!(refused(&reply), expected(405, "invalid_request_error", "Method Not Allowed"));
        assert_eq!(reply.header("allow"), Some(allow));
    }
    let unknown = expected(404, "not_found_error", "model: no-such");
    let body = question_with("Hi", &json!({ "model": "no-such" }));
    assert_eq!(refused(&post(&gateway, "chat_only", MESSAGES, &body).await), unknown);
    let reply = gateway.send(call("GET", &format!("{MODELS}/no-such"), &key, "")).await;
    assert_eq!(refused(&reply), unknown);
}

#[tokio::test]
async fn a_body_must_be_an_object_in_json() {
    let gateway = Gateway::start();
    let key = gateway.key("chat_only");
    for body in ["", "{\"model\":", "[]", "\"Hi\"", "null"] {
        let (status, kind, _) = refused(&gateway.send(call("POST", MESSAGES, &key, body)).await);
        assert_eq!((status, kind.as_str()), (400, "invalid_request_error"), "{body}");
    }
    let text = call("POST", MESSAGES, &key, question("Hi").to_string());
    let reply = gateway.send(with_header(text, "content-type", "text/plain")).await;
    assert_eq!(refused(&reply).0, 400);
    let large = question(&"a".repeat(33 * 1024 * 1024)).to_string();
    let (status, kind, _) = refused(&gateway.send(call("POST", MESSAGES, &key, large)).await);
    assert_eq!((status, kind.as_str()), (413, "request_too_large"));
}

#[tokio::test]
async fn mistakes_are_told_with_their_dotted_place() {
    let gateway = Gateway::start();
    let image = json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png" } });
    let text = json!({ "type": "text", "text": "Hi" });
    for (members, words) in [
        (
            json!({ "messages": [{ "role": "user", "content": [text, image] }] }),
            "messages.0.content.1.source.data: Field required",
        ),
        (json!({ "temperature": 1.1 }), "temperature: Input should be less than or equal to 1"),
        (json!({ "plumbline": 1 }), "plumbline: Extra inputs are not permitted"),
        (json!({ "tools": [{ "name": "f" }] }), "tools.0.input_schema: Field required"),
        (
            json!({ "tool_choice": { "type": "auto" } }),
            "tool_choice: tool_choice may only be specified while providing tools",
        ),
    ] {
        let reply = post(&gateway, "chat_only", MESSAGES, &question_with("Hi", &members)).await;
        assert_eq!(refused(&reply), expected(400, "invalid_request_error", words));
    }
    assert!(gateway.ledger("root").await.is_empty());
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_refused() {
    let gateway = Gateway::start();
    for stream in [false, true] {
        let body = question_with(&"word ".repeat(220_000), &json!({ "stream": stream }));
        let (status, kind, message) = refused(&post(&gateway, "chat_only", MESSAGES, &body).await);
        assert_eq!((status, kind.as_str()), (400, "invalid_request_error"));
        assert!(message.starts_with("prompt is too long"), "{message}");
    }
    // How much too long can be asked.
    let mut body = question(&"word ".repeat(220_000));
    body.as_object_mut().unwrap().remove("max_tokens");
    let counted = post(&gateway, "chat_only", COUNT, &body).await;
    assert_eq!(counted.status, 200, "{}", counted.text());
    assert!(counted.json()["input_tokens"].as_u64().unwrap() > 220_000, "{}", counted.text());
}

#[tokio::test]
async fn a_limited_key_is_told_when_to_come_back() {
    let gateway = Gateway::start();
    let body = question_with("Hi", &json!({ "max_tokens": 5 }));
    for left in ["2", "1", "0"] {
        let reply = post(&gateway, "rate_limited", MESSAGES, &body).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("anthropic-ratelimit-requests-remaining"), Some(left));
    }
    let reply = post(&gateway, "rate_limited", MESSAGES, &body).await;
    let (status, kind, _) = refused(&reply);
    assert_eq!((status, kind.as_str()), (429, "rate_limit_error"));
    assert!((1..=60).contains(&reply.header("retry-after").unwrap().parse::<u32>().unwrap()));
    assert_eq!(reply.header("anthropic-ratelimit-requests-remaining"), Some("0"));
}

#[tokio::test]
async fn faults_of_the_provider_have_their_types_and_tell_nothing_inside() {
    let gateway = Gateway::start();
    for (fault, status, kind) in [
        ("rejected", 400, "invalid_request_error"),
        ("rate-limited", 429, "rate_limit_error"),
        ("unavailable", 529, "overloaded_error"),
        ("unmapped-error", 500, "api_error"),
        ("html", 500, "api_error"),
        ("no-such-fault", 400, "invalid_request_error"),
    ] {
        let request = call("POST", MESSAGES, &gateway.key("chat_only"), question("Hi").to_string());
        let reply = gateway.send(with_header(request, "x-plumbline-fault", fault)).await;
        let (found, name, message) = refused(&reply);
        assert_eq!((found, name.as_str()), (status, kind), "{fault}");
        assert!(!message.contains("provider.internal") && !message.contains("html"), "{message}");
    }
    let request = call("POST", MESSAGES, &gateway.key("chat_only"), question("Hi").to_string());
    let reply = gateway.send(with_header(request, "x-plumbline-fault", "unmapped-error")).await;
    let id = reply.header("request-id").unwrap().strip_prefix("req_").unwrap().to_owned();
    let lines = gateway.lines(&id).await;
    let failed = lines.last().unwrap();
    assert!(failed["exception"].as_str().unwrap().contains("provider.internal"), "{failed}");
    assert_eq!(failed["path"], "/v1/messages");
}
