//! OpenAI's wire, against a server of canned answers.

use plumbline_reference_server::domain::inference::{
    CompletionRequest, EmbeddingRequest, ProviderError, ServiceTier, Usage,
};
use plumbline_reference_server::provider::http::{Client, Secret};
use plumbline_reference_server::provider::{Fault, FaultKind, OpenAi, Provider};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::provider_support::{KEY, answering, endpoint, hello, model, number};

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

fn success(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
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
    assert_eq!(answered.usage, Usage::of(3, 1));
    // There is no call for it.
    assert!(provider(&server).count(&model(), &hello()).await.unwrap() > 0);
}

#[tokio::test]
async fn a_fault_that_is_asked_for_is_passed_on() {
    let server = answering(success(&completion())).await;
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
    let server = answering(success(&completion())).await;
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
    let server = answering(success(&body)).await;
    let request = EmbeddingRequest { inputs: vec!["Hello".to_owned()], dimensions: None };
    let placed = provider(&server).embed(&model(), request, None).await.unwrap();
    assert_eq!((placed.vectors, placed.usage.input_tokens), (vec![vec![0.5, -0.25]], 2));
    let received = server.received_requests().await.unwrap();
    assert_eq!(received[0].url.path(), "/v1/embeddings");
}

#[tokio::test]
async fn an_error_tells_neither_the_key_nor_the_address() {
    let server = MockServer::start().await;
    let message = format!("the key {KEY} is not good at {}, says node-7.internal", server.uri());
    let body = json!({ "error": { "message": message, "type": "invalid_request_error" } });
    let template = ResponseTemplate::new(400).set_body_json(body);
    Mock::given(method("POST")).respond_with(template).mount(&server).await;
    let refused = provider(&server).complete(&model(), hello(), None).await.unwrap_err();
    let told = "the key [concealed] is not good at [concealed], says [concealed]".to_owned();
    assert_eq!(refused, ProviderError::Rejected(told));
}

#[tokio::test]
async fn a_request_goes_up_with_all_that_it_asks_for() {
    let server = answering(success(&completion())).await;
    let mut request = CompletionRequest {
        temperature: number("0.70"),
        frequency_penalty: number("-0.50"),
        presence_penalty: number("2"),
        seed: Some(-7),
        user: Some("u-1".to_owned()),
        store: Some(false),
        service_tier: Some(ServiceTier::Flex),
        ..hello()
    };
    request.logit_bias.insert("50256".to_owned(), json!(-100));
    request.metadata.insert("team".to_owned(), json!("a"));
    request.messages[0].name = Some("alice".to_owned());
    provider(&server).complete(&model(), request, None).await.unwrap();
    let received = server.received_requests().await.unwrap();
    let body = String::from_utf8(received[0].body.clone()).unwrap();
    for written in ["\"temperature\":0.70", "\"frequency_penalty\":-0.50", "\"presence_penalty\":2"] {
        assert!(body.contains(written), "{body}");
    }
    let body: Value = serde_json::from_str(&body).unwrap();
    for (name, value) in [
        ("seed", json!(-7)),
        ("user", json!("u-1")),
        ("store", json!(false)),
        ("service_tier", json!("flex")),
        ("logit_bias", json!({ "50256": -100 })),
        ("metadata", json!({ "team": "a" })),
        ("messages", json!([{ "role": "user", "content": "Hello", "name": "alice" }])),
    ] {
        assert_eq!(body[name], value, "{name}");
    }
}

#[tokio::test]
async fn a_status_means_the_same_in_whatever_body_it_comes() {
    let bodies = [
        json!({ "error": { "message": "no", "type": "server_error", "code": 7 } }).to_string(),
        json!({ "detail": "no" }).to_string(),
        json!({ "detail": [{ "loc": ["body", "seed"], "msg": "no", "type": "int_type" }] }).to_string(),
        "no".to_owned(),
        "<html><body>no</body></html>".to_owned(),
        String::new(),
    ];
    for body in bodies {
        for (status, expected) in [
            (400, "rejected"),
            (413, "rejected"),
            (422, "rejected"),
            (404, "unknown model"),
            (401, "credentials"),
            (403, "credentials"),
            (408, "timed out"),
            (429, "rate limited, 1.5s"),
            (500, "unavailable, 1.5s"),
            (503, "unavailable, 1.5s"),
        ] {
            let template = ResponseTemplate::new(status).insert_header("retry-after", "1.5");
            let server = answering(template.set_body_string(body.as_str())).await;
            let error = provider(&server).complete(&model(), hello(), None).await.unwrap_err();
            let found = match error {
                ProviderError::Rejected(_) => "rejected".to_owned(),
                ProviderError::UnknownModel(_) => "unknown model".to_owned(),
                ProviderError::Credentials(_) => "credentials".to_owned(),
                ProviderError::TimedOut(_) => "timed out".to_owned(),
                ProviderError::RateLimited { retry_after, .. } => {
                    format!("rate limited, {:?}", retry_after.unwrap())
                }
                ProviderError::Unavailable { retry_after, .. } => {
                    format!("unavailable, {:?}", retry_after.unwrap())
                }
                other => panic!("{status} {body}: {other:?}"),
            };
            assert_eq!(found, expected, "{status} {body}");
        }
    }
}

#[tokio::test]
async fn who_has_no_money_left_is_not_asked_to_wait() {
    let error = json!({ "message": "You exceeded your current quota.", "code": "insufficient_quota" });
    let server = answering(ResponseTemplate::new(429).set_body_json(json!({ "error": error }))).await;
    let refused = provider(&server).complete(&model(), hello(), None).await;
    assert!(matches!(refused, Err(ProviderError::OutOfCredit(_))), "{refused:?}");
}

#[tokio::test]
async fn a_key_that_no_header_can_hold_is_not_sent() {
    let server = answering(success(&completion())).await;
    let provider = OpenAi::new(Client::new(), endpoint(&server.uri()), Secret::new("sk-\nupstream"));
    let refused = provider.complete(&model(), hello(), None).await;
    assert!(matches!(refused, Err(ProviderError::Credentials(_))), "{refused:?}");
    assert!(server.received_requests().await.unwrap().is_empty());
}
