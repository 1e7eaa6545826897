//! Embeddings.

use serde_json::{Value, json};

use crate::support::{CHAT, EMBEDDINGS, Gateway, hello, refused, request, with_header};

#[tokio::test]
async fn an_embedding_has_the_observed_form() {
    let gateway = Gateway::start();
    let body = json!({ "model": "cohere_english_v3", "input": ["one", "two"] });
    let reply = gateway.post(EMBEDDINGS, &gateway.key("embedding_only"), &body).await;
    assert_eq!(reply.status, 200);
    let body = reply.json();
    let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["object", "data", "model", "usage"]);
    assert_eq!((&body["object"], &body["model"]), (&json!("list"), &json!("cohere_english_v3")));
    for (index, item) in body["data"].as_array().unwrap().iter().enumerate() {
        assert_eq!((&item["object"], &item["index"]), (&json!("embedding"), &json!(index)));
        let vector: Vec<f64> =
            item["embedding"].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect();
        assert_eq!(vector.len(), 1_024);
        let length: f64 = vector.iter().map(|number| number * number).sum();
        assert!((length - 1.0).abs() < 1e-3, "{length}");
    }
    assert_eq!(body["data"].as_array().unwrap().len(), 2);
    let usage = body["usage"].as_object().unwrap();
    assert_eq!(usage.keys().collect::<Vec<_>>(), ["promptTokens", "totalTokens"]);
    assert_eq!(usage["promptTokens"], usage["totalTokens"]);
}

#[tokio::test]
async fn dimensions_are_honoured_and_models_differ() {
    let gateway = Gateway::start();
    let key = gateway.key("embedding_only");
    let embed = async |body: Value| gateway.post(EMBEDDINGS, &key, &body).await.json();
    let short = embed(json!({ "model": "text-embedding-005", "input": "test", "dimensions": 128 })).await;
    assert_eq!(short["data"][0]["embedding"].as_array().unwrap().len(), 128);
    let usual = embed(json!({ "model": "text-embedding-005", "input": "test" })).await;
    assert_eq!(usual["data"][0]["embedding"].as_array().unwrap().len(), 768);
}

#[tokio::test]
async fn nothing_to_embed_is_refused() {
    let gateway = Gateway::start();
    let key = gateway.key("embedding_only");
    let embed = async |input: Value| {
        let body = json!({ "model": "cohere_english_v3", "input": input });
        gateway.post(EMBEDDINGS, &key, &body).await
    };
    let reply = embed(json!([])).await;
    let mistakes = reply.json()["detail"].as_array().unwrap().clone();
    assert_eq!((reply.status, &mistakes.last().unwrap()["type"]), (422, &json!("too_short")));
    for blank in [json!(""), json!([""]), json!(["one", " "])] {
        let reply = embed(blank).await;
        assert_eq!((reply.status, &reply.json()["detail"]["error"]), (400, &json!("Bad Request")));
    }
    assert!(gateway.ledger("root").await.is_empty());
}

#[tokio::test]
async fn every_text_of_a_batch_is_embedded() {
    let gateway = Gateway::start();
    let key = gateway.key("embedding_only");
    let texts: Vec<_> = (0..2_049).map(|number| format!("text {number}")).collect();
    let embed = async |texts: &[String]| {
        let body = json!({ "model": "cohere_english_v3", "input": texts, "dimensions": 2 });
        gateway.post(EMBEDDINGS, &key, &body).await
    };
    let reply = embed(&texts[..2_048]).await.json();
    let indexes: Vec<_> =
        reply["data"].as_array().unwrap().iter().map(|item| item["index"].as_u64().unwrap()).collect();
    assert_eq!(indexes, (0..2_048).collect::<Vec<_>>());
    assert_eq!(embed(&texts).await.status, 422);
}

#[tokio::test]
async fn a_chat_model_does_not_embed() {
    let gateway = Gateway::start();
    let key = gateway.key("all_scopes");
    let body = json!({ "model": "claude_3_5_sonnet", "input": "Test text" });
    assert_eq!(
        gateway.post(EMBEDDINGS, &key, &body).await.outcome(),
        refused(422, "This endpoint not does support embedding with the model 'claude_3_5_sonnet'.")
    );
    // A chat request fits the other endpoint, and is told only what is missing here.
    let reply = gateway.post(EMBEDDINGS, &key, &hello("claude_3_5_sonnet")).await;
    assert_eq!(reply.status, 422);
    assert_eq!(reply.json()["detail"].as_array().unwrap().len(), 1);
    let reply = gateway.post(CHAT, &key, &json!({ "model": "cohere_english_v3", "input": "x" })).await;
    assert_eq!(reply.json()["detail"][0]["loc"], json!(["body", "messages"]));
}

#[tokio::test]
async fn a_provider_that_answers_nonsense_to_an_embedding_is_an_internal_error() {
    let gateway = Gateway::start();
    for fault in ["malformed-body", "html", "empty-success", "unmapped-error"] {
        let body = json!({ "model": "cohere_english_v3", "input": "x" }).to_string();
        let request = request("POST", EMBEDDINGS, Some(&gateway.key("embedding_only")), body);
        let reply = gateway.send(with_header(request, "x-plumbline-fault", fault)).await;
        assert_eq!(
            (reply.status, &reply.json()["detail"]),
            (500, &json!("Internal Server Error")),
            "{fault}"
        );
        assert!(reply.json()["request_id"].is_string());
    }
    assert!(gateway.ledger("root").await.is_empty());
}
