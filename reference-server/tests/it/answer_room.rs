//! What a few kilobytes can ask for: more than there is memory for.

use serde_json::{Value, json};

use crate::openai_support::{CHAT, COMPLETIONS, ask, error, say};
use crate::support::{Gateway, Reply, request, with_header};

const RESPONSES: &str = "/~openai/v1/responses";

fn words(kilobytes: usize) -> String {
    "word ".repeat(kilobytes * 1024 / 5)
}

async fn generate(gateway: &Gateway, action: &str, body: &Value) -> Reply {
    let path = format!("/~gemini/v1beta/models/gemini-2.5-flash:{action}");
    let request = request("POST", &path, None, body.to_string());
    gateway.send(with_header(request, "x-goog-api-key", &gateway.key("all_scopes"))).await
}

#[tokio::test]
async fn what_there_is_no_room_for_is_refused_on_openais_wire() {
    let gateway = Gateway::start();
    let told = |streamed| json!({ "n": 128, "logprobs": true, "top_logprobs": 20, "stream": streamed });
    let text = |prompt: Value, members: Value| {
        let mut body = json!({ "model": "gpt-3.5-turbo", "prompt": prompt });
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        body
    };
    let probable = json!({ "n": 128, "logprobs": 5, "max_tokens": 10_000 });
    let together = json!({ "n": 32, "logprobs": 5, "max_tokens": 10_000 });
    for (path, body) in [
        (CHAT, say(&words(10), &told(false))),
        (CHAT, say(&words(10), &told(true))),
        (COMPLETIONS, text(json!(words(10)), probable)),
        // Each of the prompts alone would be answered.
        (COMPLETIONS, text(json!(vec![words(1); 100]), together)),
        (COMPLETIONS, text(json!(words(3 * 1024)), json!({ "n": 128, "echo": true }))),
        (RESPONSES, json!({ "model": "gpt-4.1-mini", "input": words(100), "top_logprobs": 20 })),
    ] {
        let reply = ask(&gateway, path, &body).await;
        let refused =
            (400, json!("invalid_request_error"), Value::Null, json!("invalid_parameter_combination"));
        assert_eq!(error(&reply), refused, "{path}");
    }
    assert!(gateway.ledger("root").await.is_empty());
}

#[tokio::test]
async fn what_there_is_no_room_for_is_refused_on_geminis_wire() {
    let gateway = Gateway::start();
    let config = json!({ "candidateCount": 8, "responseLogprobs": true, "logprobs": 20 });
    let body = json!({ "contents": [{ "parts": [{ "text": words(40) }] }], "generationConfig": config });
    for action in ["generateContent", "streamGenerateContent", "streamGenerateContent?alt=sse"] {
        let reply = generate(&gateway, action, &body).await;
        assert_eq!(
            (reply.status, &reply.json()["error"]["status"]),
            (400, &json!("INVALID_ARGUMENT")),
            "{action}"
        );
    }
    assert!(gateway.ledger("root").await.is_empty());
}

#[tokio::test]
async fn a_short_question_may_be_asked_for_everything() {
    let gateway = Gateway::start();
    let everything = json!({ "n": 128, "logprobs": true, "top_logprobs": 20, "max_tokens": 5 });
    let body = ask(&gateway, CHAT, &say("Hello test", &everything)).await.json();
    let choices = body["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 128);
    for choice in choices {
        let tokens = choice["logprobs"]["content"].as_array().unwrap();
        assert!((1..=5).contains(&tokens.len()), "{tokens:?}");
        assert!(tokens.iter().all(|token| token["top_logprobs"].as_array().unwrap().len() == 20));
    }
    let config = json!({ "candidateCount": 8, "responseLogprobs": true, "logprobs": 20 });
    let body = json!({ "contents": [{ "parts": [{ "text": "Hello test" }] }], "generationConfig": config });
    let body = generate(&gateway, "generateContent", &body).await.json();
    let candidates = body["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 8);
    for candidate in candidates {
        let told = &candidate["logprobsResult"];
        let top = told["topCandidates"].as_array().unwrap();
        assert_eq!(top.len(), told["chosenCandidates"].as_array().unwrap().len());
        assert!(top.iter().all(|top| top["candidates"].as_array().unwrap().len() == 20));
    }
}
