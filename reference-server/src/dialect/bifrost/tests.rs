use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::http::Request;
use futures::poll;
use serde_json::{Value, json};

use super::dropin::Surface;
use super::exchange::Exchange;
use super::forward::Endpoint;
use super::testing::{CHAT, Got, billed, get, hello, large, post, with};
use super::{forward, native};
use crate::dialect::common::Arrival;
use crate::domain::call_log::{CallQuery, CallRecord};
use crate::domain::key::SecretDigest;
use crate::domain::testing::{self, TestWorld};
use crate::intake::Intake;

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
async fn fallbacks_follow_what_fails_on_every_wire() {
    let turn = json!([{ "role": "user", "content": [{ "text": "Hello" }] }]);
    let parts = json!([{ "role": "user", "parts": [{ "text": "Hello" }] }]);
    for (path, body) in [
        ("/openai/v1/chat/completions", hello("nonexistent")),
        ("/anthropic/v1/messages", with(hello("nonexistent"), "max_tokens", json!(32))),
        ("/bedrock/model/nonexistent/converse", json!({ "messages": turn })),
        ("/genai/v1beta/models/nonexistent:generateContent", json!({ "contents": parts })),
        ("/genai/v1beta/models/nonexistent:streamGenerateContent?alt=sse", json!({ "contents": parts })),
    ] {
        let world = testing::world();
        let got = post(&world, path, &[], &with(body.clone(), "fallbacks", json!(["openai/gpt-4o"]))).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text);
        assert_eq!(got.headers["x-plumbline-attempts"], "2", "{path}");
        assert_eq!(billed(&world).await, ["openai/gpt-4o"], "{path}");
    }
}

#[tokio::test]
async fn fallbacks_that_are_no_list_are_refused_on_every_wire() {
    let world = testing::world();
    let turn = json!([{ "role": "user", "content": [{ "text": "Hello" }] }]);
    let parts = json!([{ "role": "user", "parts": [{ "text": "Hello" }] }]);
    for (path, body) in [
        ("/openai/v1/chat/completions", hello("gpt-4o")),
        ("/anthropic/v1/messages", with(hello("claude-3-5-sonnet-20241022"), "max_tokens", json!(32))),
        ("/bedrock/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse", json!({ "messages": turn })),
        ("/genai/v1beta/models/openai/gpt-4o:generateContent", json!({ "contents": parts })),
    ] {
        let got = post(&world, path, &[], &with(body, "fallbacks", json!("openai/gpt-4o"))).await;
        assert_eq!(got.status, 400, "{path}: {}", got.text);
        assert!(got.text.contains("must be a list"), "{path}: {}", got.text);
    }
    assert!(billed(&world).await.is_empty());
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
    let body = json!({ "model": "openai/gpt-4o", "input": "Hello", "stream": true });
    let got = post(&world, "/v1/responses", &[("x-plumbline-fault", "truncated-stream")], &body).await;
    let last = got.text.trim_end().rsplit_once("\n\n").unwrap().1;
    let told: Value = serde_json::from_str(last.strip_prefix("data: ").unwrap()).unwrap();
    assert!(told["error"]["error"]["message"].is_string(), "{told}");
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
async fn a_large_body_takes_up_room_once_from_its_arrival_until_its_answer_is_sent() {
    let turn = json!([{ "role": "user", "content": [{ "text": "Hello" }] }]);
    let parts = json!([{ "role": "user", "parts": [{ "text": "Hello" }] }]);
    let control_token = SecretDigest::of(b"control");
    for (path, body) in [
        (CHAT, hello("openai/gpt-4o")),
        ("/openai/v1/chat/completions", hello("gpt-4o")),
        ("/anthropic/v1/messages", with(hello("claude-3-5-sonnet-20241022"), "max_tokens", json!(32))),
        ("/bedrock/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse", json!({ "messages": turn })),
        ("/genai/v1beta/models/openai/gpt-4o:generateContent", json!({ "contents": parts })),
    ] {
        let world = testing::world();
        let intake = Arc::new(Intake { patience: Duration::ZERO, ..Intake::new(4 * 1024 * 1024) });
        let all = u32::try_from(intake.budget.available_permits()).unwrap();
        let request = Request::post(path).header("content-type", "application/json");
        let arrival = Arrival {
            world: &world.world,
            head: request.body(()).unwrap().into_parts().0,
            mounted_at: 0,
            client_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            intake: &intake,
            control_token: &control_token,
            pass: None,
        };
        let exchange = Exchange::start(&arrival);
        let taken_in = exchange.collect(large(&body).into()).await.unwrap();
        // Somebody waits for all the room there is: who gives his own back has to wait as well.
        let mut other = pin!(Arc::clone(&intake.budget).acquire_many_owned(all));
        assert!(poll!(other.as_mut()).is_pending());
        let response = match Surface::at(path) {
            Some((surface, rest)) => {
                let native = native::prepare(&exchange, surface, rest, taken_in).await.unwrap();
                native.serve(&world.world, &intake).await
            }
            None => {
                let prepared = forward::prepare(&exchange, Endpoint::Chat, taken_in).await.unwrap();
                forward::infer(&world.world, &intake, prepared).await
            }
        };
        assert_eq!(response.status().as_u16(), 200, "{path}");
        assert!(poll!(other.as_mut()).is_pending(), "{path}");
        drop(to_bytes(response.into_body(), usize::MAX).await.unwrap());
        assert!(poll!(other.as_mut()).is_ready(), "{path}");
    }
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

/// What the log of calls has of a request, by the id that its answer tells.
async fn logged(world: &TestWorld, got: &Got) -> Option<CallRecord> {
    let id = got.headers["x-request-id"].to_str().unwrap();
    world.world.calls.find(id.trim_start_matches("req_")).await.unwrap()
}

#[tokio::test]
async fn a_call_is_logged_under_the_id_of_its_request_whatever_becomes_of_it() {
    let world = testing::world();
    for (model, status) in [("openai/gpt-4o", 200), ("openai/nonexistent", 404), ("nonexistent", 400)] {
        let got = post(&world, CHAT, &[], &hello(model)).await;
        let told = logged(&world, &got).await.unwrap().status_code;
        assert_eq!((got.status, told), (status, Some(status)), "{model}");
    }
    let got = post(&world, CHAT, &[], &hello(&"x".repeat(100_000))).await;
    assert_eq!((got.status, got.text.len() < 1_000, logged(&world, &got).await), (400, true, None));
}

#[tokio::test]
async fn neither_a_call_nor_its_failure_is_logged_with_what_was_asked_unless_a_defect_has_it_so() {
    for (defect, is_quoted) in [(None, false), (Some("logs-tell-questions"), true)] {
        let world = testing::world();
        world.break_with(defect);
        let message = |role: &str, content: &str| json!([{ "role": role, "content": content }]);
        let (asked, mistaken) = (message("user", "My secret"), message("My secret", "Hello"));
        for (messages, status) in [(asked, 200), (mistaken, 400)] {
            let body = json!({ "model": "openai/gpt-4o", "messages": messages });
            let got = post(&world, CHAT, &[], &body).await;
            let logged = logged(&world, &got).await.unwrap();
            assert_eq!((got.status, logged.status_code), (status, Some(status)), "{}", got.text);
            assert_eq!(logged.error.is_some(), is_quoted || status == 400);
            assert_eq!(format!("{logged:?}").contains("My secret"), is_quoted, "{logged:?}");
        }
    }
}

#[tokio::test]
async fn a_count_of_tokens_is_answered_and_is_no_call() {
    let world = testing::world();
    let parts = json!([{ "role": "user", "parts": [{ "text": "Hello" }] }]);
    for (path, body, count) in [
        ("/anthropic/v1/messages/count_tokens", hello("claude-3-5-sonnet-20241022"), "input_tokens"),
        ("/genai/v1beta/models/openai/gpt-4o:countTokens", json!({ "contents": parts }), "totalTokens"),
    ] {
        let got = post(&world, path, &[], &body).await;
        assert!(got.json()[count].is_u64(), "{path}: {}", got.text);
    }
    let query = CallQuery { limit: 10, ..CallQuery::default() };
    assert_eq!(world.world.calls.page(query).await.unwrap().total, 0);
}
