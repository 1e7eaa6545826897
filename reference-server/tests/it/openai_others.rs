//! Models, embeddings and completions of the old kind on the OpenAI wire.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::openai_support::{COMPLETIONS, EMBEDDINGS, MODELS, ask, error, events};
use crate::support::Gateway;

#[tokio::test]
async fn models_are_listed_and_told_one_by_one() {
    let gateway = Gateway::start();
    let key = gateway.key("no_model_scopes");
    let list = gateway.get(MODELS, Some(&key)).await.json();
    assert_eq!(list["object"], "list");
    let models = list["data"].as_array().unwrap();
    assert!(models.iter().any(|model| model["id"] == "gpt-4.1-mini"));
    assert!(models.iter().all(|model| model["id"] != "claude_3_5_sonnet"));
    for model in models {
        let members: Vec<_> = model.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["id", "object", "created", "owned_by"]);
        let path = format!("{MODELS}/{}", model["id"].as_str().unwrap());
        assert_eq!(&gateway.get(&path, Some(&key)).await.json(), model);
    }
    for unknown in ["no-such", "claude_3_5_sonnet"] {
        let reply = gateway.get(&format!("{MODELS}/{unknown}"), Some(&key)).await;
        let told = (404, json!("invalid_request_error"), json!("model"), json!("model_not_found"));
        assert_eq!(error(&reply), told);
    }
}

fn numbers(vector: &Value) -> Vec<f32> {
    serde_json::from_value(vector.clone()).unwrap()
}

#[tokio::test]
async fn a_vector_is_the_same_in_either_writing() {
    let gateway = Gateway::start();
    let embed = async |encoding: &str| {
        let body =
            json!({ "model": "text-embedding-3-small", "input": "Hello", "encoding_format": encoding });
        ask(&gateway, EMBEDDINGS, &body).await.json()
    };
    let (float, base64) = (embed("float").await, embed("base64").await);
    assert_eq!((&float["object"], &float["model"]), (&json!("list"), &json!("text-embedding-3-small")));
    let item = &float["data"][0];
    assert_eq!((&item["object"], &item["index"]), (&json!("embedding"), &json!(0)));
    let vector = numbers(&item["embedding"]);
    assert_eq!(vector.len(), 1_536);
    let bytes = BASE64_STANDARD.decode(base64["data"][0]["embedding"].as_str().unwrap()).unwrap();
    let read: Vec<_> =
        bytes.chunks_exact(4).map(|number| f32::from_le_bytes(number.try_into().unwrap())).collect();
    assert_eq!(read, vector);
    assert_eq!(float["usage"], base64["usage"]);
    assert_eq!(float["usage"]["prompt_tokens"], float["usage"]["total_tokens"]);
}

#[tokio::test]
async fn texts_may_be_given_in_tokens_and_vectors_shortened() {
    let gateway = Gateway::start();
    let embed = async |input: Value| {
        let body = json!({ "model": "text-embedding-3-large", "input": input, "dimensions": 8 });
        ask(&gateway, EMBEDDINGS, &body).await.json()["data"].clone()
    };
    let text = embed(json!("hello world")).await;
    assert_eq!(numbers(&text[0]["embedding"]).len(), 8);
    for form in [json!(["hello world"]), json!([15_339, 1_917]), json!([[15_339, 1_917]])] {
        assert_eq!(embed(form).await, text);
    }
    let two = embed(json!(["one", "two"])).await;
    assert_eq!((&two[0]["index"], &two[1]["index"]), (&json!(0), &json!(1)));
    let long = json!({ "model": "text-embedding-3-small", "input": "Hi", "dimensions": 1_537 });
    assert_eq!(error(&ask(&gateway, EMBEDDINGS, &long).await).2, "dimensions");
}

#[tokio::test]
async fn a_text_is_completed_as_of_old() {
    let gateway = Gateway::start();
    let body = json!({
        "model": "gpt-3.5-turbo", "prompt": ["Hello test", "Good morning"], "n": 2, "max_tokens": 50, "echo": true,
    });
    let answer = ask(&gateway, COMPLETIONS, &body).await.json();
    assert!(answer["id"].as_str().unwrap().starts_with("cmpl-"));
    assert_eq!(answer["object"], "text_completion");
    let choices = answer["choices"].as_array().unwrap();
    for (number, choice) in choices.iter().enumerate() {
        assert_eq!(choice["index"], number);
        let prompt = if number < 2 { "Hello test" } else { "Good morning" };
        assert!(choice["text"].as_str().unwrap().starts_with(prompt), "{choice}");
        assert!(choice["finish_reason"].is_string());
    }
    assert_eq!(choices.len(), 4);
    assert_eq!(gateway.ledger("root").await.len(), 1);
}

#[tokio::test]
async fn a_text_is_streamed_as_of_old() {
    let gateway = Gateway::start();
    let mut body = json!({ "model": "gpt-3.5-turbo", "prompt": "Hello test", "max_tokens": 50 });
    let whole = ask(&gateway, COMPLETIONS, &body).await.json();
    body["stream"] = json!(true);
    body["stream_options"] = json!({ "include_usage": true });
    let (chunks, done) = events(&ask(&gateway, COMPLETIONS, &body).await);
    assert!(done);
    let [texts @ .., usage] = &chunks[..] else { panic!("no chunks") };
    let text: String = texts.iter().map(|chunk| chunk["choices"][0]["text"].as_str().unwrap()).collect();
    assert_eq!(text, whole["choices"][0]["text"]);
    assert_eq!(texts.last().unwrap()["choices"][0]["finish_reason"], whole["choices"][0]["finish_reason"]);
    assert_eq!((&usage["choices"], &usage["usage"]), (&json!([]), &whole["usage"]));
    assert!(chunks.iter().all(|chunk| chunk["object"] == "text_completion"));
}
