//! Anthropic's wire, against a server of canned answers.

use std::fmt::Write as _;

use bytes::Bytes;
use futures::StreamExt;
use plumbline_reference_server::domain::inference::{
    Audio, CompletionRequest, EmbeddingRequest, FinishReason, Message, ModelIdentity, Part, ProviderError,
    Role, Usage,
};
use plumbline_reference_server::provider::http::{Client, Secret};
use plumbline_reference_server::provider::{Anthropic, Piece, Provider, StreamPart};
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::provider_support::{KEY, endpoint, hello, model};

fn provider(server: &MockServer) -> Anthropic {
    Anthropic::new(Client::new(), endpoint(&server.uri()), Secret::new(KEY))
}

/// Answers what is asked at a path with the right headers and these members.
async fn answer(server: &MockServer, at: &str, members: Value, template: ResponseTemplate) {
    Mock::given(method("POST"))
        .and(path(at))
        .and(header("x-api-key", KEY))
        .and(header("anthropic-version", "2023-06-01"))
        .and(body_partial_json(members))
        .respond_with(template)
        .mount(server)
        .await;
}

#[tokio::test]
async fn a_question_is_asked_and_its_answer_read() {
    let server = MockServer::start().await;
    let body = json!({
        "content": [{ "type": "text", "text": "Hi" }],
        "stop_reason": "end_turn",
        "stop_sequence": null,
        "usage": { "input_tokens": 3, "output_tokens": 1 },
    });
    let asked = json!({ "model": "model-x", "messages": [{ "role": "user", "content": "Hello" }] });
    answer(&server, "/v1/messages", asked, ResponseTemplate::new(200).set_body_json(body)).await;
    let answered = provider(&server).complete(&model(), hello(), None).await.unwrap();
    assert_eq!((answered.answer.text.as_str(), answered.answer.finish_reason), ("Hi", FinishReason::Stop));
    assert_eq!(answered.usage, Usage::of(3, 1));
}

#[tokio::test]
async fn an_answer_comes_in_events() {
    let server = MockServer::start().await;
    let events = [
        json!({ "type": "message_start", "message": { "usage": { "input_tokens": 3, "output_tokens": 1 } } }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "Hi" } }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "max_tokens" }, "usage": { "output_tokens": 2 } }),
        json!({ "type": "message_stop" }),
    ];
    let mut body = String::new();
    for event in events {
        writeln!(body, "event: {}\ndata: {event}\n", event["type"].as_str().unwrap()).unwrap();
    }
    let template = ResponseTemplate::new(200).set_body_raw(body, "text/event-stream");
    answer(&server, "/v1/messages", json!({ "stream": true }), template).await;
    let parts = provider(&server).stream(&model(), hello(), None).await.unwrap();
    let parts: Vec<_> = parts.collect().await;
    let piece = Piece::Text { text: "Hi".to_owned(), tokens: None };
    let usage = Usage::of(3, 2);
    assert_eq!(
        parts,
        [
            Ok(StreamPart::Delta { answer: 0, piece }),
            Ok(StreamPart::Ended { answer: 0, finish_reason: FinishReason::Length }),
            Ok(StreamPart::Finished { usage }),
        ]
    );
}

#[tokio::test]
async fn a_prompt_is_counted_by_the_provider() {
    let server = MockServer::start().await;
    let template = ResponseTemplate::new(200).set_body_json(json!({ "input_tokens": 30 }));
    answer(&server, "/v1/messages/count_tokens", json!({ "model": "model-x" }), template).await;
    assert_eq!(provider(&server).count(&model(), &hello()).await, Ok(30));
    let small = ModelIdentity { context_tokens: Some(29), ..model() };
    let refused = provider(&server).count(&small, &hello()).await;
    assert!(matches!(refused, Err(ProviderError::TooLong(_))), "{refused:?}");
    let received = server.received_requests().await.unwrap();
    let body: Value = received[0].body_json().unwrap();
    assert_eq!(body.get("max_tokens"), None);
}

#[tokio::test]
async fn a_world_of_the_simulator_stands_in_for_the_provider() {
    let server = MockServer::start().await;
    let body = json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } });
    let template = ResponseTemplate::new(529).set_body_json(body);
    answer(&server, "/~w/x/anthropic/v1/messages", json!({}), template).await;
    let upstream = format!("{}/~w/x/", server.uri()).parse().unwrap();
    let elsewhere = endpoint("https://api.anthropic.com");
    let moved = Anthropic::new(Client::new(), elsewhere, Secret::new(KEY)).rebased(&upstream);
    let overloaded = moved.complete(&model(), hello(), None).await;
    assert_eq!(overloaded.unwrap_err(), ProviderError::unavailable("Overloaded"));
}

#[tokio::test]
async fn there_are_no_embeddings() {
    let server = MockServer::start().await;
    let request = EmbeddingRequest { inputs: vec!["Hello".to_owned()], dimensions: None };
    let refused = provider(&server).embed(&model(), request, None).await;
    assert!(matches!(refused, Err(ProviderError::Incapable(_))), "{refused:?}");
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_the_wire_has_no_place_for_is_not_asked() {
    let server = MockServer::start().await;
    let several = CompletionRequest { more_answers: 1, ..hello() };
    let seeded = CompletionRequest { seed: Some(7), ..hello() };
    let heard = Part::Audio(Audio { format: "wav".to_owned(), bytes: Bytes::new() });
    let spoken = CompletionRequest { messages: vec![Message::new(Role::User, vec![heard])], ..hello() };
    for request in [several, seeded, spoken] {
        let refused = provider(&server).complete(&model(), request, None).await;
        assert!(matches!(refused, Err(ProviderError::Incapable(_))), "{refused:?}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}
