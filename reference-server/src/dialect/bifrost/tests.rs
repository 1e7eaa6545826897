use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::to_bytes;
use axum::http::{HeaderMap, Request};
use serde_json::{Value, json};

use super::serve;
use crate::dialect::common::Arrival;
use crate::domain::key::SecretDigest;
use crate::domain::ledger::LedgerQuery;
use crate::domain::log_line::LogEvent;
use crate::domain::testing::{self, TestWorld};
use crate::intake::Intake;

const CHAT: &str = "/v1/chat/completions";

/// An answer.
struct Got {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}", self.text))
    }
}

async fn get(world: &TestWorld, path: &str, headers: &[(&str, &str)]) -> Got {
    sent(world, Request::builder().uri(path), headers, String::new()).await
}

async fn post(world: &TestWorld, path: &str, headers: &[(&str, &str)], body: &Value) -> Got {
    sent(world, Request::builder().method("POST").uri(path), headers, body.to_string()).await
}

async fn sent(
    world: &TestWorld,
    request: axum::http::request::Builder,
    headers: &[(&str, &str)],
    body: String,
) -> Got {
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let (head, body) = request.header("content-type", "application/json").body(body).unwrap().into_parts();
    let (intake, control_token) = (Arc::new(Intake::new(1024 * 1024)), SecretDigest::of(b"control"));
    let arrival = Arrival {
        world: &world.world,
        head,
        mounted_at: 0,
        client_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        intake: &intake,
        control_token: &control_token,
        pass: None,
    };
    let response = serve(&arrival, body.into()).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Got { status, headers, text: String::from_utf8(body.to_vec()).unwrap() }
}

fn hello(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "Hello" }] })
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

async fn billed(world: &TestWorld) -> Vec<String> {
    let query = LedgerQuery { after: 0, key_id: None, limit: 10 };
    let events = world.world.ledger.events(query).await.unwrap();
    events.iter().map(|event| event.charge.model.to_string()).collect()
}

#[tokio::test]
async fn a_chat_tells_who_has_served_it_and_is_billed_once() {
    let world = testing::world();
    let key = world.secret("virtual_key").to_owned();
    for headers in [&[][..], &[("x-bf-vk", &*key)]] {
        let got = post(&world, CHAT, headers, &hello("openai/gpt-4o")).await;
        assert_eq!(got.status, 200, "{}", got.text);
        let (answer, fields) = (got.json(), got.json()["extra_fields"].clone());
        assert!(answer["choices"][0]["message"]["content"].is_string(), "{answer}");
        assert_eq!(
            (&fields["provider"], &fields["model_requested"], &fields["request_type"]),
            (&json!("openai"), &json!("gpt-4o"), &json!("chat_completion"))
        );
        assert!(fields["latency"].is_u64() && got.headers.contains_key("x-request-id"));
        assert!(!got.headers.keys().any(|name| name.as_str().starts_with("openai-")));
    }
    assert_eq!(billed(&world).await, ["openai/gpt-4o"; 2]);
}

#[tokio::test]
async fn fallbacks_follow_what_fails_and_the_first_error_is_told() {
    let world = testing::world();
    let failing = hello("openai/nonexistent");
    let body = with(failing.clone(), "fallbacks", json!(["openai/none", "openai/gpt-4o"]));
    let got = post(&world, CHAT, &[], &body).await;
    assert_eq!(
        (got.status, &got.json()["extra_fields"]["provider"]),
        (200, &json!("openai")),
        "{}",
        got.text
    );
    assert_eq!(got.headers["x-plumbline-attempts"], "3");
    let got = post(&world, CHAT, &[], &with(failing, "fallbacks", json!(["anthropic/none"]))).await;
    let told = got.json();
    assert_eq!(
        (got.status, &told["status_code"], &told["is_bifrost_error"]),
        (404, &json!(404), &json!(false))
    );
    assert!(!told["error"]["message"].as_str().unwrap().is_empty());
    assert_eq!(told["extra_fields"]["provider"], "openai");
    assert_eq!(billed(&world).await.len(), 1);
}

#[tokio::test]
async fn a_call_without_a_key_in_force_is_refused_in_the_words_of_its_wire() {
    let world = testing::world();
    let (unknown, inactive) = ("sk-bf-nobody", world.secret("virtual_key_inactive").to_owned());
    for (key, kind) in [(unknown, "virtual_key_not_found"), (&*inactive, "virtual_key_blocked")] {
        let got = post(&world, CHAT, &[("x-bf-vk", key)], &hello("openai/gpt-4o")).await;
        let told = got.json();
        assert_eq!((got.status, &told["type"]), (403, &json!(kind)), "{told}");
        assert!(told["error"]["message"].is_string() && told["error"].get("type").is_none());
    }
    let key = [("x-bf-vk", &*inactive)];
    for (path, message) in [
        ("/openai/v1/chat/completions", "/error/code"),
        ("/anthropic/v1/messages", "/error/type"),
        ("/bedrock/model/a/converse", "/message"),
        ("/genai/v1beta/models/a:generateContent", "/error/status"),
    ] {
        let got = post(&world, path, &key, &hello("a")).await;
        let told = got.json();
        assert_eq!((got.status, told.get("is_bifrost_error")), (403, None), "{path} {told}");
        assert!(told.pointer(message).is_some_and(Value::is_string), "{path} {told}");
    }
    assert!(billed(&world).await.is_empty());
}

#[tokio::test]
async fn each_event_of_a_stream_tells_who_serves_it() {
    let world = testing::world();
    for (path, body, kind) in [
        (CHAT, hello("openai/gpt-4o"), "chat_completion_stream"),
        ("/v1/completions", json!({ "model": "openai/gpt-4o", "prompt": "Hello" }), "text_completion_stream"),
        ("/v1/responses", json!({ "model": "openai/gpt-4o", "input": "Hello" }), "responses_stream"),
    ] {
        let got = post(&world, path, &[], &with(body, "stream", json!(true))).await;
        assert_eq!(got.status, 200, "{}", got.text);
        let data: Vec<_> = got.text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        let events: Vec<Value> = data
            .iter()
            .filter(|data| **data != "[DONE]")
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
        assert!(events.len() > 2, "{}", got.text);
        for (event, index) in events.iter().zip(0_u64..) {
            let fields = &event["extra_fields"];
            assert_eq!((&fields["request_type"], &fields["chunk_index"]), (&json!(kind), &json!(index)));
        }
        assert_eq!(data.last() == Some(&"[DONE]"), path != "/v1/responses");
    }
    assert_eq!(billed(&world).await.len(), 3);
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_with_the_whole_error() {
    let world = testing::world();
    let body = with(hello("openai/gpt-4o"), "stream", json!(true));
    let got = post(&world, CHAT, &[("x-plumbline-fault", "truncated-stream")], &body).await;
    let last = got.text.trim_end().rsplit_once("data: ").unwrap().1;
    let told: Value = serde_json::from_str(last).unwrap();
    assert!(told["error"]["error"]["message"].is_string(), "{told}");
    assert_eq!(told["error"]["extra_fields"]["provider"], "openai");
    assert!(billed(&world).await.is_empty());
}

#[tokio::test]
async fn other_operations_are_answered_on_the_same_wire() {
    let world = testing::world();
    let model = "openai/text-embedding-3-small";
    let got = post(&world, "/v1/embeddings", &[], &json!({ "model": model, "input": "Hello" })).await;
    let told = got.json();
    assert!(told["data"][0]["embedding"].is_array(), "{told}");
    assert_eq!(told["extra_fields"]["request_type"], "embedding");
    let listed = get(&world, "/v1/models?provider=openai", &[]).await.json();
    let ids: Vec<_> =
        listed["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&model) && ids.iter().all(|id| id.starts_with("openai/")), "{ids:?}");
}

#[tokio::test]
async fn providers_own_wires_answer_below_their_prefixes() {
    let world = testing::world();
    let turn = json!([{ "role": "user", "content": [{ "text": "Hello" }] }]);
    let parts = json!([{ "role": "user", "parts": [{ "text": "Hello" }] }]);
    for (path, body, answer) in [
        ("/openai/v1/chat/completions", hello("gpt-4o"), "/choices/0/message/content"),
        ("/openai/deployments/gpt-4o/chat/completions", hello("gpt-4o"), "/choices/0/message/content"),
        (
            "/anthropic/v1/messages",
            with(hello("claude-3-5-sonnet-20241022"), "max_tokens", json!(32)),
            "/content/0/text",
        ),
        (
            "/bedrock/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse",
            json!({ "messages": turn }),
            "/output/message/content/0/text",
        ),
        (
            "/genai/v1beta/models/openai/gpt-4o:generateContent",
            json!({ "contents": parts }),
            "/candidates/0/content/parts/0/text",
        ),
    ] {
        let got = post(&world, path, &[], &body).await;
        let told = got.json();
        assert_eq!((got.status, told.get("extra_fields")), (200, None), "{path} {told}");
        assert!(told.pointer(answer).is_some_and(Value::is_string), "{path} {told}");
    }
    assert_eq!(billed(&world).await.len(), 5);
    assert_eq!(get(&world, "/openai/v1/models", &[]).await.json()["object"], "list");
    assert_eq!(get(&world, "/openai/v1/nothing", &[]).await.status, 404);
}

#[tokio::test]
async fn what_makes_no_call_is_refused_and_asks_nobody() {
    let world = testing::world();
    for (path, body, status) in [
        (CHAT, json!([]), 400),
        (CHAT, json!({ "messages": [] }), 400),
        (CHAT, json!({ "model": "openai/gpt-4o" }), 400),
        (CHAT, with(hello("openai/gpt-4o"), "fallbacks", json!("none")), 400),
        (CHAT, hello("openai/text-embedding-3-small"), 404),
        ("/v1/rerank", json!({}), 400),
        ("/v1/nothing", json!({}), 404),
        ("/v1/models", json!({}), 405),
    ] {
        let got = post(&world, path, &[], &body).await;
        let told = got.json();
        assert_eq!((got.status, &told["is_bifrost_error"]), (status, &json!(false)), "{path} {body} {told}");
        assert!(told["error"]["message"].is_string() && told["extra_fields"].is_object(), "{told}");
        assert!(!got.headers.contains_key("x-plumbline-attempts"));
    }
    assert!(billed(&world).await.is_empty());
}

#[tokio::test]
async fn a_job_is_closed_in_the_log_once_it_is_taken_in_and_not_again() {
    const JOBS: &str = "/v1/async/chat/completions";
    let world = testing::world();
    let job = post(&world, JOBS, &[], &hello("openai/gpt-4o")).await;
    assert_eq!(job.status, 202, "{}", job.text);
    let place = format!("{JOBS}/{}", job.json()["id"].as_str().unwrap());
    let deadline = Instant::now() + Duration::from_secs(10);
    while get(&world, &place, &[]).await.status != 200 {
        assert!(Instant::now() < deadline, "the job was never done");
        tokio::task::yield_now().await;
    }
    let id = job.headers["x-request-id"].to_str().unwrap().parse().unwrap();
    let lines = world.world.log.lines(Some(id));
    let is_end = |event: &LogEvent| matches!(event, LogEvent::Completed { .. } | LogEvent::Failed { .. });
    assert_eq!(lines.iter().filter(|line| is_end(&line.event)).count(), 1);
    assert!(lines.iter().any(|line| matches!(line.event, LogEvent::Billing(_))));
}

#[tokio::test]
async fn a_request_that_comes_again_gets_the_same_answer_and_is_billed_once() {
    let world = testing::world();
    let (key, body) = ([("idempotency-key", "one")], hello("openai/gpt-4o"));
    let answers = [post(&world, CHAT, &key, &body).await, post(&world, CHAT, &key, &body).await];
    assert_eq!(answers[1].headers["idempotency-replayed"], "true");
    let [first, again] = answers.map(|got| got.json());
    assert_eq!(first["id"], again["id"]);
    assert_eq!(again["extra_fields"]["provider"], "openai");
    assert_eq!(billed(&world).await.len(), 1);
}
