//! Vertex AI's wire.

use serde_json::{Value, json};

use crate::support::{Gateway, Reply, request, with_header};

const MODELS: &str = "projects/p/locations/us-central1/publishers/google/models";

fn path(action: &str) -> String {
    format!("/~vertex/v1/{MODELS}/{action}")
}

async fn post(gateway: &Gateway, action: &str, body: &Value) -> Reply {
    gateway.post(&path(action), &gateway.key("all_scopes"), body).await
}

fn asking(text: &str) -> Value {
    json!({ "contents": [{ "role": "user", "parts": [{ "text": text }] }] })
}

fn text(chunks: &[Value]) -> String {
    let texts = chunks.iter().map(|chunk| chunk["candidates"][0]["content"]["parts"][0]["text"].as_str());
    texts.map(Option::unwrap_or_default).collect()
}

#[tokio::test]
async fn content_comes_whole_as_events_and_as_a_list() {
    let gateway = Gateway::start();
    let body = asking("Hello");
    let whole = post(&gateway, "gemini-2.0-flash:generateContent", &body).await.json();
    let events = post(&gateway, "gemini-2.0-flash:streamGenerateContent?alt=sse", &body).await;
    let events: Vec<Value> = events
        .text()
        .split_terminator("\n\n")
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    let listed = post(&gateway, "gemini-2.0-flash:streamGenerateContent", &body).await.json();
    for chunks in [&events, listed.as_array().unwrap()] {
        assert_eq!(text(chunks), text(std::slice::from_ref(&whole)));
        assert_eq!(chunks[chunks.len() - 1]["usageMetadata"], whole["usageMetadata"]);
    }
    let count = post(&gateway, "gemini-2.0-flash:countTokens", &body).await.json();
    assert_eq!(count["totalTokens"], whole["usageMetadata"]["promptTokenCount"]);
    assert_eq!(gateway.ledger("root").await.len(), 3);
}

#[tokio::test]
async fn a_vector_is_the_same_however_it_is_asked_for() {
    let gateway = Gateway::start();
    let body = json!({
        "instances": [{ "content": "one" }, { "content": "two", "task_type": "RETRIEVAL_DOCUMENT" }],
        "parameters": { "outputDimensionality": 8 },
    });
    let predicted = post(&gateway, "text-embedding-005:predict", &body).await.json();
    let predictions = predicted["predictions"].as_array().unwrap();
    assert_eq!(predictions.len(), 2);
    let config = json!({ "outputDimensionality": 8 });
    let wanted = |text: &str| {
        let content = json!({ "role": "user", "parts": [{ "text": text }] });
        json!({ "content": content, "embedContentConfig": config })
    };
    let one = post(&gateway, "text-embedding-005:embedContent", &wanted("one")).await.json();
    assert_eq!(one["embedding"]["values"], predictions[0]["embeddings"]["values"]);
    assert_eq!(one["embedding"]["values"].as_array().unwrap().len(), 8);
    let tokens = &one["usageMetadata"]["promptTokenCount"];
    assert_eq!(predictions[0]["embeddings"]["statistics"]["token_count"], *tokens);
    let batch = json!({ "requests": [wanted("one"), wanted("two")] });
    let batch = post(&gateway, "text-embedding-005:batchEmbedContents", &batch).await.json();
    for (embedding, prediction) in batch["embeddings"].as_array().unwrap().iter().zip(predictions) {
        assert_eq!(embedding["values"], prediction["embeddings"]["values"]);
    }
    let billed = gateway.ledger("root").await;
    assert_eq!(billed[0]["input_tokens"], batch["usageMetadata"]["promptTokenCount"]);
}

#[tokio::test]
async fn each_refusal_has_its_status_and_its_reason() {
    let gateway = Gateway::start();
    let hello = asking("Hello");
    let generate = path("gemini-2.0-flash:generateContent");
    for (role, status, reason) in [
        ("inactive", 401, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        ("expired", 401, "ACCESS_TOKEN_EXPIRED"),
        ("embedding_only", 403, "IAM_PERMISSION_DENIED"),
    ] {
        let reply = gateway.post(&generate, &gateway.key(role), &hello).await;
        let error = &reply.json()["error"];
        assert_eq!((reply.status, &error["details"][0]["reason"]), (status, &json!(reason)));
        assert_eq!(reply.header("www-authenticate").is_some(), status == 401);
    }
    let keyed = request("POST", &generate, None, hello.to_string());
    let keyed = gateway.send(with_header(keyed, "x-goog-api-key", &gateway.key("all_scopes"))).await;
    assert_eq!(keyed.status, 401);
    assert!(keyed.text().contains("API keys are not supported by this API"), "{}", keyed.text());
    let unknown = post(&gateway, "no-such:generateContent", &hello).await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.text().contains(&format!("Publisher Model `{MODELS}/no-such`")), "{}", unknown.text());
    let silent = json!({ "contents": [{ "parts": [{ "text": "Hello" }] }] });
    let silent = post(&gateway, "gemini-2.0-flash:generateContent", &silent).await;
    assert_eq!((silent.status, &silent.json()["error"]["status"]), (400, &json!("INVALID_ARGUMENT")));
    let elsewhere =
        gateway.post("/~vertex/v1beta/models/gemini-2.0-flash:generateContent", "key", &hello).await;
    assert_eq!(elsewhere.status, 404);
}
