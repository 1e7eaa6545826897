//! Gemini's wire at both of its services, against a server of canned answers and against the simulator.

use std::sync::Arc;

use futures::StreamExt;
use futures::future::join_all;
use plumbline_reference_server::domain::inference::{
    CompletionRequest, EmbeddingRequest, File, FinishReason, ModelIdentity, Part, ProviderError, Usage,
};
use plumbline_reference_server::provider::http::{Client, Secret};
use plumbline_reference_server::provider::{Piece, Provider, ServiceAccount, StreamPart, Vertex};
use plumbline_reference_server::upstream::ProviderKind;
use serde_json::{Value, json};
use wiremock::matchers::{body_json, body_string_contains, header, method, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::provider_support::{
    KEY, RawServer, Then, credential, endpoint, hello, model, number, question, said, secret, stream,
};
use crate::support::{Gateway, pdf};
use crate::upstream_support::simulator;

const MODELS: &str = "/v1/projects/p/locations/us-central1/publishers/google/models";
const CHAT: &str = "gemini-2.0-flash-001";
const EVENTS: &str = "text/event-stream";

fn named(id: &str) -> ModelIdentity {
    ModelIdentity { id: id.into(), ..model() }
}

/// The service account of the simulator, which is given its tokens here.
fn account(token_uri: &str) -> ServiceAccount {
    let mut key = credential(ProviderKind::Vertex, "service_account");
    key["token_uri"] = json!(token_uri);
    ServiceAccount::read(&Secret::new(&key.to_string())).unwrap()
}

fn vertex(server: &MockServer) -> Vertex {
    let account = account(&format!("{}/token", server.uri()));
    Vertex::new(Client::new(), endpoint(&server.uri()), "p", "us-central1", account)
}

fn gemini(url: &str) -> Vertex {
    Vertex::with_key(Client::new(), endpoint(url), Secret::new(KEY))
}

/// Gives a token, so many times.
async fn give(server: &MockServer, token: &str, expires_in: u32, times: u64) {
    let given = json!({ "access_token": token, "expires_in": expires_in, "token_type": "Bearer" });
    Mock::given(method("POST"))
        .and(path("/token"))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(body_string_contains("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"))
        .and(body_string_contains("assertion=ey"))
        .respond_with(ResponseTemplate::new(200).set_body_json(given))
        .up_to_n_times(times)
        .mount(server)
        .await;
}

/// Answers whoever has this token.
async fn answer(server: &MockServer, token: &str, template: ResponseTemplate) {
    Mock::given(method("POST"))
        .and(path(format!("{MODELS}/{CHAT}:generateContent")))
        .and(header("authorization", format!("Bearer {token}").as_str()))
        .respond_with(template)
        .mount(server)
        .await;
}

fn content() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "candidates": [{ "content": { "role": "model", "parts": [{ "text": "Hi" }] }, "finishReason": "STOP" }],
        "usageMetadata": { "promptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 4 },
    }))
}

fn refusal() -> ResponseTemplate {
    let error =
        json!({ "code": 401, "message": "Request had bad credentials.", "status": "UNAUTHENTICATED" });
    ResponseTemplate::new(401).set_body_json(json!({ "error": error }))
}

/// How often each path was asked for: that of tokens, and the others.
async fn asked(server: &MockServer) -> (usize, usize) {
    let received = server.received_requests().await.unwrap();
    let tokens = received.iter().filter(|request| request.url.path() == "/token").count();
    (tokens, received.len() - tokens)
}

#[tokio::test]
async fn many_calls_at_once_share_a_token() {
    let server = MockServer::start().await;
    give(&server, "ya29.one", 3_599, 1).await;
    answer(&server, "ya29.one", content()).await;
    let provider = vertex(&server);
    let chat = named(&format!("google/{CHAT}"));
    for answered in join_all((0..8).map(|_| provider.complete(&chat, hello(), None))).await {
        let answered = answered.unwrap();
        assert_eq!(
            (answered.answer.text.as_str(), answered.answer.finish_reason),
            ("Hi", FinishReason::Stop)
        );
        assert_eq!(answered.usage, Usage::of(3, 1));
    }
    assert_eq!(asked(&server).await, (1, 8));
}

#[tokio::test]
async fn a_kept_token_that_is_refused_is_replaced_once() {
    let server = MockServer::start().await;
    give(&server, "ya29.one", 3_599, 1).await;
    give(&server, "ya29.two", 3_599, 1).await;
    let at = path(format!("{MODELS}/{CHAT}:generateContent"));
    let one = header("authorization", "Bearer ya29.one");
    let first = Mock::given(at).and(one).respond_with(content()).up_to_n_times(1);
    first.mount(&server).await;
    answer(&server, "ya29.one", refusal()).await;
    answer(&server, "ya29.two", content()).await;
    let provider = vertex(&server);
    for so_far in [(1, 1), (2, 3), (2, 4)] {
        assert!(provider.complete(&named(CHAT), hello(), None).await.is_ok());
        assert_eq!(asked(&server).await, so_far);
    }
}

#[tokio::test]
async fn who_is_refused_with_a_new_token_is_not_let_in() {
    let server = MockServer::start().await;
    give(&server, "ya29.one", 3_599, 9).await;
    answer(&server, "ya29.one", refusal()).await;
    let provider = vertex(&server);
    // The first call has a new token. The second has the one that was kept, and then a new one.
    for so_far in [(1, 1), (2, 3)] {
        let refused = provider.complete(&named(CHAT), hello(), None).await.unwrap_err();
        assert_eq!(refused, ProviderError::Credentials("Request had bad credentials.".to_owned()));
        assert_eq!(asked(&server).await, so_far);
    }
}

#[tokio::test]
async fn a_token_that_ends_soon_is_not_kept() {
    let server = MockServer::start().await;
    give(&server, "ya29.one", 60, 9).await;
    answer(&server, "ya29.one", content()).await;
    let provider = vertex(&server);
    for calls in 1..3 {
        assert!(provider.complete(&named(CHAT), hello(), None).await.is_ok());
        assert_eq!(asked(&server).await, (calls, calls));
    }
}

#[tokio::test]
async fn who_is_given_no_token_asks_no_model() {
    let server = MockServer::start().await;
    let body = json!({ "error": "invalid_grant", "error_description": "Invalid JWT Signature." });
    let template = ResponseTemplate::new(400).set_body_json(body);
    Mock::given(path("/token")).respond_with(template).mount(&server).await;
    let refused = vertex(&server).complete(&named(CHAT), hello(), None).await;
    assert!(matches!(refused, Err(ProviderError::Credentials(_))), "{refused:?}");
    assert_eq!(asked(&server).await, (1, 0));
}

#[tokio::test]
async fn a_stream_ends_where_its_answers_say_so() {
    let chunk = |members: Value| format!("data: {members}\r\n\r\n");
    let hello = chunk(json!({ "candidates": [{ "content": { "parts": [{ "text": "Hi" }] } }] }));
    let usage = json!({ "promptTokenCount": 3, "candidatesTokenCount": 1 });
    let end = chunk(json!({ "candidates": [{ "finishReason": "MAX_TOKENS" }], "usageMetadata": usage }));
    let server = RawServer::succeeding(EVENTS, &format!("{hello}{end}"), Then::Close).await;
    let parts: Vec<_> = stream(&gemini(server.url.as_str())).await.unwrap().collect().await;
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
    for cut in [hello.clone(), format!("{hello}{}", &end[..20])] {
        let server = RawServer::succeeding(EVENTS, &cut, Then::Close).await;
        let parts: Vec<_> = stream(&gemini(server.url.as_str())).await.unwrap().collect().await;
        assert!(matches!(&parts[..], [Ok(_), Err(ProviderError::Malformed(_))]), "{parts:?}");
    }
}

#[tokio::test]
async fn each_service_counts_in_its_own_way() {
    let server = MockServer::start().await;
    give(&server, "ya29.one", 3_599, 1).await;
    let contents = json!([{ "role": "user", "parts": [{ "text": "Hello" }] }]);
    let request = json!({ "model": "models/gemini-2.0-flash-001", "contents": contents });
    for (at, asked) in [
        (format!("{MODELS}/{CHAT}:countTokens"), json!({ "contents": contents })),
        (format!("/v1beta/models/{CHAT}:countTokens"), json!({ "generateContentRequest": request })),
    ] {
        let template = ResponseTemplate::new(200).set_body_json(json!({ "totalTokens": 30 }));
        Mock::given(path(at)).and(body_json(asked)).respond_with(template).mount(&server).await;
    }
    assert_eq!(vertex(&server).count(&named(CHAT), &hello()).await, Ok(30));
    let gemini = gemini(&server.uri());
    assert_eq!(gemini.count(&named(CHAT), &hello()).await, Ok(30));
    let small = ModelIdentity { context_tokens: Some(29), ..named(CHAT) };
    let refused = gemini.count(&small, &hello()).await;
    assert!(matches!(refused, Err(ProviderError::TooLong(_))), "{refused:?}");
    let received = server.received_requests().await.unwrap();
    assert_eq!(received.last().unwrap().headers["x-goog-api-key"], KEY);
}

fn texts(count: usize) -> EmbeddingRequest {
    EmbeddingRequest { inputs: (0..count).map(|number| format!("text {number}")).collect(), dimensions: None }
}

/// The number of a text.
fn number_of(text: &Value) -> f32 {
    text.as_str().unwrap()["text ".len()..].parse().unwrap()
}

fn numbered(count: u16) -> Vec<Vec<f32>> {
    (0..count).map(|number| vec![f32::from(number)]).collect()
}

#[tokio::test]
async fn texts_are_embedded_as_each_model_takes_them() {
    let server = MockServer::start().await;
    give(&server, "ya29.one", 3_599, 1).await;
    let predict = |request: &Request| {
        let body: Value = request.body_json().unwrap();
        let prediction = |instance: &Value| {
            let statistics = json!({ "token_count": 2, "truncated": false });
            json!({ "embeddings": { "values": [number_of(&instance["content"])], "statistics": statistics } })
        };
        let predictions: Vec<_> = body["instances"].as_array().unwrap().iter().map(prediction).collect();
        ResponseTemplate::new(200).set_body_json(json!({ "predictions": predictions }))
    };
    let embed = |request: &Request| {
        let body: Value = request.body_json().unwrap();
        let values = [number_of(&body["content"]["parts"][0]["text"])];
        let usage = json!({ "promptTokenCount": 2, "totalTokenCount": 2 });
        let body = json!({ "embedding": { "values": values }, "usageMetadata": usage });
        ResponseTemplate::new(200).set_body_json(body)
    };
    let batch = |request: &Request| {
        let body: Value = request.body_json().unwrap();
        let values = |item: &Value| json!({ "values": [number_of(&item["content"]["parts"][0]["text"])] });
        let embeddings: Vec<_> = body["requests"].as_array().unwrap().iter().map(values).collect();
        ResponseTemplate::new(200).set_body_json(json!({ "embeddings": embeddings }))
    };
    let at = |model: &str| path(format!("{MODELS}/{model}"));
    Mock::given(at("text-embedding-005:predict")).respond_with(predict).mount(&server).await;
    Mock::given(at("gemini-embedding-001:embedContent")).respond_with(embed).mount(&server).await;
    let batched = path("/v1beta/models/gemini-embedding-001:batchEmbedContents");
    Mock::given(batched).respond_with(batch).mount(&server).await;

    let (vertex, gemini) = (vertex(&server), gemini(&server.uri()));
    let predicted = vertex.embed(&named("text-embedding-005"), texts(251), None).await.unwrap();
    assert_eq!((predicted.vectors, predicted.usage.input_tokens), (numbered(251), 502));
    assert_eq!(asked(&server).await, (1, 2));
    let embedded = vertex.embed(&named("gemini-embedding-001"), texts(3), None).await.unwrap();
    assert_eq!((embedded.vectors, embedded.usage.input_tokens), (numbered(3), 6));
    assert_eq!(asked(&server).await, (1, 5));
    let embedded = gemini.embed(&named("gemini-embedding-001"), texts(101), None).await.unwrap();
    assert_eq!(embedded.vectors, numbered(101));
    assert!(embedded.usage.input_tokens >= 202);
    assert_eq!(asked(&server).await, (1, 7));
}

#[tokio::test]
async fn a_stream_is_asked_for_in_events() {
    let server = MockServer::start().await;
    let template = ResponseTemplate::new(200).set_body_raw("data: {}\n\n", EVENTS);
    Mock::given(path(format!("/v1beta/models/{CHAT}:streamGenerateContent")))
        .and(query_param("alt", "sse"))
        .respond_with(template)
        .expect(1)
        .mount(&server)
        .await;
    let nothing = gemini(&server.uri()).stream(&named(CHAT), hello(), None).await;
    assert!(matches!(nothing.err(), Some(ProviderError::Malformed(_))));
}

/// Both services as a simulator plays them, in the world below this path.
fn simulated(simulator: &Gateway, base_path: &str) -> [Arc<dyn Provider>; 2] {
    let upstream = format!("http://{}{base_path}", simulator.address).parse().unwrap();
    let account = account("https://oauth2.googleapis.com/token");
    let at_vertex = endpoint("https://us-central1-aiplatform.googleapis.com");
    let at_gemini = endpoint("https://generativelanguage.googleapis.com");
    let key = secret(ProviderKind::Gemini, "key");
    [
        Vertex::new(Client::new(), at_vertex, "p", "us-central1", account).rebased(&upstream),
        Vertex::with_key(Client::new(), at_gemini, key).rebased(&upstream),
    ]
}

#[tokio::test]
async fn the_simulator_gives_tokens_and_answers() {
    let simulator = simulator();
    let world = simulator.control("POST", "/worlds", None).await.json();
    for base_path in ["", world["base_path"].as_str().unwrap()] {
        let [vertex, gemini] = simulated(&simulator, base_path);
        for (provider, chat, embedding) in
            [(vertex, CHAT, "text-embedding-005"), (gemini, "gemini-2.5-flash", "gemini-embedding-001")]
        {
            let whole = provider.complete(&named(chat), question(), None).await.unwrap();
            assert!(whole.answer.text.contains("Paris"), "{}", whole.answer.text);
            let streamed = said(provider.stream(&named(chat), question(), None).await.unwrap()).await;
            assert_eq!(streamed, (whole.answer.text, whole.usage));
            let counted = provider.count(&named(chat), &question()).await;
            assert_eq!(counted, Ok(whole.usage.input_tokens));
            let request = EmbeddingRequest { dimensions: Some(8), ..texts(2) };
            let embedded = provider.embed(&named(embedding), request, None).await.unwrap();
            let lengths: Vec<_> = embedded.vectors.iter().map(Vec::len).collect();
            assert_eq!(lengths, [8, 8]);
            assert!(embedded.usage.input_tokens >= 4);
        }
    }
}

#[tokio::test]
async fn the_simulator_refuses_in_words_that_are_understood() {
    let simulator = simulator();
    for (provider, chat) in simulated(&simulator, "").into_iter().zip([CHAT, "gemini-2.5-flash"]) {
        let unknown = provider.complete(&named("gemini-x"), question(), None).await;
        assert!(matches!(unknown, Err(ProviderError::UnknownModel(_))), "{unknown:?}");
        let hot = CompletionRequest { temperature: number("2.5"), ..question() };
        let hot = provider.complete(&named(chat), hot, None).await;
        assert!(matches!(hot, Err(ProviderError::Rejected(_))), "{hot:?}");
        let mut long = question();
        // Each page is 258 tokens.
        long.messages[0].parts.push(Part::File(File { name: None, bytes: pdf(4_100).into() }));
        let long = provider.complete(&named(chat), long, None).await;
        assert!(matches!(long, Err(ProviderError::TooLong(_))), "{long:?}");
    }
    let wrong = gemini(&format!("http://{}/gemini", simulator.address));
    let refused = wrong.complete(&named("gemini-2.5-flash"), question(), None).await;
    assert!(matches!(refused, Err(ProviderError::Credentials(_))), "{refused:?}");
}
