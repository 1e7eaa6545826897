//! Bedrock's wire, against a server of canned answers and against the simulator.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use futures::StreamExt;
use plumbline_reference_server::domain::inference::{
    CompletionRequest, EmbeddingRequest, FinishReason, ModelIdentity, Part, ProviderError, Usage,
};
use plumbline_reference_server::provider::http::{Client, Endpoint, Secret, Timeouts};
use plumbline_reference_server::provider::{
    AwsCredentials, Bedrock, CompletionStream, Piece, Provider, StreamPart,
};
use plumbline_reference_server::upstream::ProviderKind;
use serde_json::{Value, json};
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::provider_support::{
    KEY, RawServer, Then, answering, endpoint, hello, model, number, question, said, secret, stream,
};
use crate::support::Gateway;
use crate::upstream_support::simulator;

const CHAT: &str = "anthropic.claude-3-haiku-20240307-v1:0";
const COHERE: &str = "cohere.embed-english-v3";
const TITAN: &str = "amazon.titan-embed-text-v2:0";
const EVENTS: &str = "application/vnd.amazon.eventstream";
const REGION: &str = "us-east-1";

fn named(id: &str) -> ModelIdentity {
    ModelIdentity { id: id.into(), dimensions: 1_024, ..model() }
}

/// A provider that signs its requests.
fn signing(url: &str) -> Bedrock {
    let credentials = AwsCredentials {
        access_key_id: Secret::new("AKIDEXAMPLE"),
        secret_access_key: Secret::new(KEY),
        session_token: Some(Secret::new("session-token")),
    };
    Bedrock::new(Client::new(), endpoint(url), REGION, credentials)
}

fn embedding(texts: usize, dimensions: Option<usize>) -> EmbeddingRequest {
    EmbeddingRequest { inputs: (0..texts).map(|number| format!("text {number}")).collect(), dimensions }
}

/// The bytes of events, by their names and payloads.
fn frames(events: &[(&'static str, Value)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, payload) in events {
        let headers = [(":event-type", *name), (":message-type", "event")];
        let headers = headers.map(|(name, value)| Header::new(name, HeaderValue::String(value.into())));
        let message = Message::new_from_parts(headers.into(), payload.to_string());
        write_message_to(&message, &mut bytes).unwrap();
    }
    bytes
}

fn events() -> [(&'static str, Value); 5] {
    let usage = json!({ "inputTokens": 3, "outputTokens": 1, "totalTokens": 4 });
    [
        ("messageStart", json!({ "role": "assistant" })),
        ("contentBlockDelta", json!({ "contentBlockIndex": 0, "delta": { "text": "Hi" } })),
        ("contentBlockStop", json!({ "contentBlockIndex": 0 })),
        ("messageStop", json!({ "stopReason": "max_tokens" })),
        ("metadata", json!({ "usage": usage, "metrics": { "latencyMs": 5 } })),
    ]
}

/// Begins a stream of which these bytes come.
async fn streamed(body: &[u8], then: Then) -> (RawServer, Result<CompletionStream, ProviderError>) {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {EVENTS}\r\nconnection: close\r\n\r\n");
    let server = RawServer::answering([head.as_bytes(), body].concat(), then).await;
    let parts = stream(&signing(server.url.as_str())).await;
    (server, parts)
}

#[tokio::test]
async fn a_question_is_asked_with_a_signature_and_its_answer_read() {
    let server = MockServer::start().await;
    let body = json!({
        "output": { "message": { "role": "assistant", "content": [{ "text": "Hi" }] } },
        "stopReason": "end_turn",
        "usage": { "inputTokens": 3, "outputTokens": 1, "totalTokens": 4 },
        "metrics": { "latencyMs": 5 },
    });
    Mock::given(method("POST"))
        .and(path("/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse"))
        .and(body_json(json!({ "messages": [{ "role": "user", "content": [{ "text": "Hello" }] }] })))
        .and(header("content-type", "application/json"))
        .and(header("x-amz-security-token", "session-token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .expect(1)
        .mount(&server)
        .await;
    let provider = signing(&server.uri());
    let answered = provider.complete(&named(CHAT), hello(), None).await.unwrap();
    assert_eq!((answered.answer.text.as_str(), answered.answer.finish_reason), ("Hi", FinishReason::Stop));
    assert_eq!(answered.usage, Usage::of(3, 1));
    let received = server.received_requests().await.unwrap();
    let authorization = received[0].headers["authorization"].to_str().unwrap();
    assert!(authorization.contains("/us-east-1/bedrock/aws4_request"), "{authorization}");
    assert!(!authorization.contains(KEY), "{authorization}");
    // There is no call for it that every model answers.
    assert!(provider.count(&named(CHAT), &hello()).await.unwrap() > 0);
}

#[tokio::test]
async fn an_answer_comes_in_frames() {
    let (_server, parts) = streamed(&frames(&events()), Then::Close).await;
    let parts: Vec<_> = parts.unwrap().collect().await;
    let piece = Piece::Text { text: "Hi".to_owned(), tokens: None };
    let usage = Usage::of(3, 1);
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
async fn a_stream_that_is_cut_or_garbled_ends_in_an_error() {
    let (said, whole) = (frames(&events()[..2]).len(), frames(&events()));
    let before_the_last = frames(&events()[..4]).len();
    let mut garbled = whole.clone();
    garbled[before_the_last + 30] ^= 1;
    for body in [&whole[..said], &whole[..said + 20], &whole[..before_the_last], garbled.as_slice()] {
        let (_server, parts) = streamed(body, Then::Close).await;
        let parts: Vec<_> = parts.unwrap().collect().await;
        assert!(parts.first().is_some_and(Result::is_ok), "{parts:?}");
        assert!(matches!(parts.last(), Some(Err(ProviderError::Malformed(_)))), "{parts:?}");
    }
    let (_server, empty) = streamed(b"", Then::Close).await;
    assert!(matches!(empty.err(), Some(ProviderError::Malformed(_))));
    let (_server, huge) = streamed(&[0x7f; 64], Then::Hold).await;
    assert!(matches!(huge.err(), Some(ProviderError::Malformed(_))));
}

#[tokio::test]
async fn whoever_drops_a_stream_ends_the_call() {
    let (server, parts) = streamed(&frames(&events()[..2]), Then::Hold).await;
    let mut parts = parts.unwrap();
    assert!(matches!(parts.next().await, Some(Ok(StreamPart::Delta { .. }))));
    drop(parts);
    server.left.await.unwrap();
}

#[tokio::test]
async fn an_error_is_what_its_header_says_and_tells_no_credential() {
    let body = json!({ "message": format!("slow down, {KEY}") });
    let template = ResponseTemplate::new(429)
        .insert_header("x-amzn-errortype", "ThrottlingException:http://internal.amazon.com/")
        .insert_header("retry-after", "7")
        .set_body_json(body);
    let server = answering(template).await;
    let refused = signing(&server.uri()).complete(&named(CHAT), hello(), None).await.unwrap_err();
    let message = "slow down, [concealed]".to_owned();
    assert_eq!(refused, ProviderError::RateLimited { message, retry_after: Some(Duration::from_secs(7)) });
}

#[tokio::test]
async fn many_texts_are_embedded_in_several_calls() {
    let server = MockServer::start().await;
    let answer = |request: &Request| {
        let texts = request.body_json::<Value>().unwrap()["texts"].as_array().unwrap().clone();
        let number = |text: &Value| text.as_str().unwrap()[5..].parse::<f32>().unwrap();
        let vectors: Vec<_> = texts.iter().map(|text| [number(text), 0.5]).collect();
        ResponseTemplate::new(200)
            .insert_header("x-amzn-bedrock-input-token-count", texts.len().to_string())
            .set_body_json(json!({ "embeddings": vectors, "texts": texts }))
    };
    Mock::given(path("/model/cohere.embed-english-v3/invoke")).respond_with(answer).mount(&server).await;
    let provider = signing(&server.uri());
    let embedded = provider.embed(&named(COHERE), embedding(97, None), None).await.unwrap();
    let expected: Vec<_> = (0_u16..97).map(|number| vec![f32::from(number), 0.5]).collect();
    assert_eq!((embedded.vectors, embedded.usage.input_tokens), (expected, 97));
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
    let other = provider.embed(&named("meta.llama3"), embedding(1, None), None).await;
    assert!(matches!(other, Err(ProviderError::Incapable(_))), "{other:?}");
}

#[tokio::test]
async fn vectors_whose_cost_is_not_told_are_malformed() {
    let template = ResponseTemplate::new(200).set_body_json(json!({ "embeddings": [[0.5]] }));
    let server = answering(template).await;
    let uncounted = signing(&server.uri()).embed(&named(COHERE), embedding(1, None), None).await;
    assert!(matches!(uncounted, Err(ProviderError::Malformed(_))), "{uncounted:?}");
}

/// The provider that a simulator plays, with its own credentials but for the secret access key.
fn simulated(simulator: &Gateway, secret_access_key: Secret) -> Arc<dyn Provider> {
    let credentials = AwsCredentials {
        access_key_id: secret(ProviderKind::Bedrock, "access_key_id"),
        secret_access_key,
        session_token: None,
    };
    let elsewhere = endpoint("https://bedrock-runtime.us-east-1.amazonaws.com");
    let upstream = format!("http://{}", simulator.address).parse().unwrap();
    Bedrock::new(Client::new(), elsewhere, REGION, credentials).rebased(&upstream)
}

#[tokio::test]
async fn the_simulator_takes_the_signature_and_answers() {
    let simulator = simulator();
    let provider = simulated(&simulator, secret(ProviderKind::Bedrock, "secret_access_key"));
    let whole = provider.complete(&named(CHAT), question(), None).await.unwrap();
    assert!(whole.answer.text.contains("Paris"), "{}", whole.answer.text);
    let streamed = said(provider.stream(&named(CHAT), question(), None).await.unwrap()).await;
    assert_eq!(streamed, (whole.answer.text, whole.usage));
    for (id, dimensions, length) in [(COHERE, None, 1_024), (TITAN, Some(256), 256)] {
        let embedded = provider.embed(&named(id), embedding(2, dimensions), None).await.unwrap();
        let lengths: Vec<_> = embedded.vectors.iter().map(Vec::len).collect();
        assert_eq!(lengths, [length, length], "{id}");
        assert!(embedded.usage.input_tokens >= 4, "{id}");
    }
    let key = secret(ProviderKind::Bedrock, "key");
    let upstream = endpoint(&format!("http://{}/bedrock", simulator.address));
    let with_key = Bedrock::with_key(Client::new(), upstream, key);
    assert!(with_key.complete(&named(CHAT), question(), None).await.is_ok());
}

#[tokio::test]
async fn the_simulator_refuses_in_words_that_are_understood() {
    let simulator = simulator();
    let provider = simulated(&simulator, secret(ProviderKind::Bedrock, "secret_access_key"));
    let forged = simulated(&simulator, Secret::new("another secret access key"));
    let refused = forged.complete(&named(CHAT), question(), None).await;
    assert!(matches!(refused, Err(ProviderError::Credentials(_))), "{refused:?}");
    let unknown = provider.complete(&named("anthropic.claude-x"), question(), None).await;
    assert!(matches!(unknown, Err(ProviderError::UnknownModel(_))), "{unknown:?}");
    let mut long = question();
    long.messages[0].parts = vec![Part::Text("word ".repeat(10_000))];
    let long = provider.complete(&named("meta.llama3-2-11b-instruct-v1:0"), long, None).await;
    assert!(matches!(long, Err(ProviderError::TooLong(_))), "{long:?}");
    let wrong = CompletionRequest { top_p: number("1.5"), ..question() };
    let wrong = provider.complete(&named(CHAT), wrong, None).await;
    assert!(matches!(wrong, Err(ProviderError::Rejected(_))), "{wrong:?}");
}

#[tokio::test]
async fn the_text_that_ended_an_answer_is_told() {
    let simulator = simulator();
    let provider = simulated(&simulator, secret(ProviderKind::Bedrock, "secret_access_key"));
    let stopped = CompletionRequest { stop: vec!["Paris".to_owned()], ..question() };
    let expected = FinishReason::StopText("Paris".to_owned());
    let whole = provider.complete(&named(CHAT), stopped.clone(), None).await.unwrap();
    assert_eq!(whole.answer.finish_reason, expected);
    let parts = provider.stream(&named(CHAT), stopped, None).await.unwrap();
    let parts: Vec<_> = parts.collect().await;
    assert!(parts.contains(&Ok(StreamPart::Ended { answer: 0, finish_reason: expected })), "{parts:?}");
}

#[tokio::test]
async fn a_provider_that_says_nothing_more_is_too_slow() {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {EVENTS}\r\n\r\n");
    let body = [head.into_bytes(), frames(&events()[..2])].concat();
    let server = RawServer::answering(body, Then::Hold).await;
    let timeouts = Timeouts { idle: Duration::from_millis(50), ..Timeouts::default() };
    let endpoint = Endpoint { url: server.url.clone(), timeouts };
    let provider = Bedrock::with_key(Client::new(), endpoint, Secret::new(KEY));
    let parts: Vec<_> = stream(&provider).await.unwrap().collect().await;
    assert!(matches!(&parts[..], [Ok(_), Err(ProviderError::TimedOut(_))]), "{parts:?}");
}
