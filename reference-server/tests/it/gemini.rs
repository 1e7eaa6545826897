//! Gemini's wire.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::support::{Gateway, Reply, pdf, request, with_header};

const MODELS: &str = "/~gemini/v1beta/models";

async fn post(gateway: &Gateway, action: &str, body: &Value) -> Reply {
    let path = format!("{MODELS}/{action}");
    let request = request("POST", &path, None, body.to_string());
    gateway.send(with_header(request, "x-goog-api-key", &gateway.key("all_scopes"))).await
}

fn asking(text: &str, config: &Value) -> Value {
    json!({ "contents": [{ "parts": [{ "text": text }] }], "generationConfig": config })
}

fn chunks(reply: &Reply) -> Vec<Value> {
    let events =
        reply.text().split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap().to_owned());
    events.map(|data| serde_json::from_str(&data).unwrap()).collect()
}

fn text(chunk: &Value) -> String {
    let parts = chunk["candidates"][0]["content"]["parts"].as_array().cloned().unwrap_or_default();
    parts.iter().filter_map(|part| part["text"].as_str()).collect()
}

#[tokio::test]
async fn a_stream_tells_the_same_as_a_whole_answer_as_events_and_as_a_list() {
    let gateway = Gateway::start();
    let body =
        asking("Hello", &json!({ "candidateCount": 2, "thinkingConfig": { "includeThoughts": true } }));
    let whole = post(&gateway, "gemini-2.5-flash:generateContent", &body).await.json();
    let events = chunks(&post(&gateway, "gemini-2.5-flash:streamGenerateContent?alt=sse", &body).await);
    let listed = post(&gateway, "gemini-2.5-flash:streamGenerateContent", &body).await;
    assert_eq!(listed.header("content-type"), Some("application/json; charset=UTF-8"));
    let of_first = |chunks: &[Value]| -> String {
        chunks.iter().filter(|chunk| chunk["candidates"][0]["index"] == 0).map(text).collect()
    };
    let listed = listed.json();
    let listed = listed.as_array().unwrap();
    assert!(events.len() > 10 && listed.len() == events.len());
    for streamed in [&events, listed] {
        assert_eq!(of_first(streamed), text(&whole));
        assert_eq!(streamed[streamed.len() - 1]["usageMetadata"], whole["usageMetadata"]);
        assert_eq!(streamed[streamed.len() - 1]["candidates"].as_array().unwrap().len(), 2);
    }
    assert_eq!(gateway.ledger("root").await.len(), 3);
}

#[tokio::test]
async fn functions_are_called_whole_with_what_their_schema_asks_for() {
    let gateway = Gateway::start();
    let mut body = asking("What is the weather in Paris and in London?", &json!({}));
    body["tools"] = json!([{ "functionDeclarations": [{ "name": "get_weather", "parameters": {
        "type": "OBJECT", "properties": { "city": { "type": "STRING" } }, "required": ["city"],
    } }] }]);
    let calls = |answer: &Value| -> Vec<Value> {
        let parts = answer["candidates"][0]["content"]["parts"].as_array().unwrap();
        parts.iter().map(|part| part["functionCall"].clone()).collect()
    };
    let call = |city: &str| json!({ "name": "get_weather", "args": { "city": city } });
    let whole = post(&gateway, "gemini-2.5-flash:generateContent", &body).await.json();
    assert_eq!(calls(&whole), [call("Paris"), call("London")]);
    let events = chunks(&post(&gateway, "gemini-2.5-flash:streamGenerateContent?alt=sse", &body).await);
    assert_eq!(calls(&events[events.len() - 1]), [call("Paris"), call("London")]);
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_with_an_error_in_either_form() {
    let gateway = Gateway::start();
    for action in ["streamGenerateContent?alt=sse", "streamGenerateContent"] {
        let path = format!("{MODELS}/gemini-2.5-flash:{action}");
        let request =
            request("POST", &path, Some(&gateway.key("all_scopes")), asking("Hello", &json!({})).to_string());
        let reply = gateway.send(with_header(request, "x-plumbline-fault", "truncated-stream")).await;
        let last = if action.contains("sse") {
            chunks(&reply).pop().unwrap()
        } else {
            reply.json().as_array().unwrap().last().unwrap().clone()
        };
        assert_eq!(last["error"]["status"], "INTERNAL", "{action}");
    }
    assert!(gateway.ledger("root").await.is_empty());
}

#[tokio::test]
async fn models_are_listed_page_by_page() {
    let gateway = Gateway::start();
    let key = gateway.key("no_model_scopes");
    let mut names = Vec::new();
    let mut token = String::new();
    loop {
        let reply = gateway.get(&format!("{MODELS}?pageSize=2&pageToken={token}&key={key}"), None).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let page = reply.json();
        names.extend(page["models"].as_array().unwrap().iter().map(|model| model["name"].clone()));
        match page["nextPageToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    let all = ["gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.5-pro", "gemini-embedding-001"];
    assert_eq!(names, all.map(|name| format!("models/{name}")));
    let reply = gateway.get(&format!("{MODELS}?pageSize=many"), Some(&key)).await;
    assert_eq!((reply.status, &reply.json()["error"]["status"]), (400, &json!("INVALID_ARGUMENT")));
}

#[tokio::test]
async fn a_model_that_is_unknown_is_so_to_the_version_that_was_asked() {
    let gateway = Gateway::start();
    let key = Some(gateway.key("all_scopes"));
    let asked = asking("Hello", &json!({})).to_string();
    for version in ["v1", "v1beta"] {
        let model = format!("/~gemini/{version}/models/no-such");
        for (method, path, body) in
            [("GET", model.clone(), ""), ("POST", format!("{model}:generateContent"), asked.as_str())]
        {
            let reply = gateway.send(request(method, &path, key.as_deref(), body.to_owned())).await;
            assert_eq!(reply.status, 404, "{path}: {}", reply.text());
            let told = format!("models/no-such is not found for API version {version}, ");
            assert!(reply.text().contains(&told), "{path}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn texts_are_counted_and_embedded() {
    let gateway = Gateway::start();
    let contents = json!({ "contents": [{ "parts": [{ "text": "hello world" }] }] });
    let count = post(&gateway, "gemini-2.5-flash:countTokens", &contents).await.json();
    let answer = post(&gateway, "gemini-2.5-flash:generateContent", &contents).await.json();
    assert_eq!(count["totalTokens"], answer["usageMetadata"]["promptTokenCount"]);
    let text = |text: &str| json!({ "content": { "parts": [{ "text": text }] }, "outputDimensionality": 8 });
    let one = post(&gateway, "gemini-embedding-001:embedContent", &text("b")).await.json();
    let batch = json!({ "requests": [text("a"), text("b")] });
    let batch = post(&gateway, "gemini-embedding-001:batchEmbedContents", &batch).await.json();
    assert_eq!(batch["embeddings"][1], one["embedding"]);
    let mixed = json!({ "requests": [text("a"), { "content": { "parts": [{ "text": "b" }] } }] });
    assert_eq!(post(&gateway, "gemini-embedding-001:batchEmbedContents", &mixed).await.status, 400);
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_counted_and_not_answered() {
    let gateway = Gateway::start();
    // Each page is 258 tokens.
    let data = json!({ "mimeType": "application/pdf", "data": BASE64_STANDARD.encode(pdf(4_100)) });
    let contents = json!({ "contents": [{ "parts": [{ "inlineData": data }] }] });
    let answer = post(&gateway, "gemini-2.5-flash:generateContent", &contents).await;
    assert_eq!((answer.status, &answer.json()["error"]["status"]), (400, &json!("INVALID_ARGUMENT")));
    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("too long"), "{message}");
    let counted = post(&gateway, "gemini-2.5-flash:countTokens", &contents).await;
    assert_eq!(counted.status, 200, "{}", counted.text());
    assert!(counted.json()["totalTokens"].as_u64().unwrap() > 1_048_576, "{}", counted.text());
}
