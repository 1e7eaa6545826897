//! OpenAI's wire, against a server of canned answers.

use plumbline_reference_server::domain::inference::{EmbeddingRequest, ProviderError, Usage};
use plumbline_reference_server::provider::http::{Client, Secret};
use plumbline_reference_server::provider::{Fault, FaultKind, OpenAi, Provider};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::provider_support::{KEY, endpoint, hello, model};

fn provider(server: &MockServer) -> OpenAi {
    OpenAi::new(Client::new(), endpoint(&format!("{}/v1", server.uri())), Secret::new(KEY))
}

fn completion() -> Value {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Hi" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4 },
    })
}

async fn answering(status: u16, body: &Value) -> MockServer {
    let server = MockServer::start().await;
    let template = ResponseTemplate::new(status).set_body_json(body);
    Mock::given(method("POST")).respond_with(template).mount(&server).await;
    server
}

#[tokio::test]
async fn a_question_is_asked_and_its_answer_read() {
    let server = MockServer::start().await;
    let asked = json!({ "model": "model-x", "messages": [{ "role": "user", "content": "Hello" }] });
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .and(header("authorization", format!("Bearer {KEY}").as_str()))
        .and(header("content-type", "application/json"))
        .and(body_json(asked))
        .respond_with(ResponseTemplate::new(200).set_body_json(completion()))
        .expect(1)
        .mount(&server)
        .await;
    let answered = provider(&server).complete(&model(), hello(), None).await.unwrap();
    assert_eq!(answered.answer.text, "Hi");
    assert_eq!(answered.usage, Usage { input_tokens: 3, output_tokens: 1, thinking_tokens: 0 });
    // There is no call for it.
    assert!(provider(&server).count(&model(), &hello()).await.unwrap() > 0);
}

#[tokio::test]
async fn a_fault_that_is_asked_for_is_passed_on() {
    let server = answering(200, &completion()).await;
    let fault = Fault { retry_after: Some(7), ..FaultKind::RateLimited.into() };
    provider(&server).complete(&model(), hello(), Some(fault)).await.unwrap();
    provider(&server).complete(&model(), hello(), None).await.unwrap();
    let received = server.received_requests().await.unwrap();
    let told: Vec<_> = received.iter().map(|request| request.headers.get("x-plumbline-fault")).collect();
    assert_eq!(told[0].unwrap(), "rate-limited; retry-after=7");
    assert_eq!(told[1], None);
}

#[tokio::test]
async fn a_world_of_the_simulator_stands_in_for_the_provider() {
    let server = answering(200, &completion()).await;
    let upstream = format!("{}/~w/x", server.uri()).parse().unwrap();
    let moved = OpenAi::new(Client::new(), endpoint("https://api.openai.com/v1"), Secret::new(KEY))
        .rebased(&upstream);
    moved.complete(&model(), hello(), None).await.unwrap();
    let received = server.received_requests().await.unwrap();
    assert_eq!(received[0].url.path(), "/~w/x/openai/v1/chat/completions");
}

#[tokio::test]
async fn texts_are_placed() {
    let body = json!({
        "data": [{ "index": 0, "embedding": [0.5, -0.25] }],
        "usage": { "prompt_tokens": 2, "total_tokens": 2 },
    });
    let server = answering(200, &body).await;
    let request = EmbeddingRequest { inputs: vec!["Hello".to_owned()], dimensions: None };
    let placed = provider(&server).embed(&model(), request, None).await.unwrap();
    assert_eq!((placed.vectors, placed.usage.input_tokens), (vec![vec![0.5, -0.25]], 2));
    let received = server.received_requests().await.unwrap();
    assert_eq!(received[0].url.path(), "/v1/embeddings");
}

#[tokio::test]
async fn an_error_tells_neither_the_key_nor_the_address() {
    let server = MockServer::start().await;
    let message = format!("the key {KEY} is not good at {}", server.uri());
    let body = json!({ "error": { "message": message, "type": "invalid_request_error" } });
    let template = ResponseTemplate::new(400).set_body_json(body);
    Mock::given(method("POST")).respond_with(template).mount(&server).await;
    let refused = provider(&server).complete(&model(), hello(), None).await.unwrap_err();
    let told = "the key [concealed] is not good at http://[concealed]".to_owned();
    assert_eq!(refused, ProviderError::Rejected(told));
}

#[tokio::test]
async fn a_key_that_no_header_can_hold_is_not_sent() {
    let server = answering(200, &completion()).await;
    let provider = OpenAi::new(Client::new(), endpoint(&server.uri()), Secret::new("sk-\nupstream"));
    let refused = provider.complete(&model(), hello(), None).await;
    assert!(matches!(refused, Err(ProviderError::Credentials(_))), "{refused:?}");
    assert!(server.received_requests().await.unwrap().is_empty());
}
