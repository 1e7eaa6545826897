//! What the tests of this dialect have in common.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::body::to_bytes;
use axum::http::{HeaderMap, Request};
use serde_json::{Value, json};

use super::serve;
use crate::dialect::common::Arrival;
use crate::domain::key::SecretDigest;
use crate::domain::ledger::LedgerQuery;
use crate::domain::testing::TestWorld;
use crate::intake::Intake;

/// Where chats are asked.
pub(super) const CHAT: &str = "/v1/chat/completions";
/// Where they are asked as jobs.
pub(super) const JOBS: &str = "/v1/async/chat/completions";

/// An answer.
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Got {
    /// Its body, which is JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}", self.text))
    }
}

/// Asks for what is at a path.
pub(super) async fn get(world: &TestWorld, path: &str, headers: &[(&str, &str)]) -> Got {
    sent(world, Request::builder().uri(path), headers, String::new()).await
}

/// Sends a body to a path.
pub(super) async fn post(world: &TestWorld, path: &str, headers: &[(&str, &str)], body: &Value) -> Got {
    sent(world, Request::builder().method("POST").uri(path), headers, body.to_string()).await
}

/// Sends a request, and waits for the whole answer.
pub(super) async fn sent(
    world: &TestWorld,
    request: axum::http::request::Builder,
    headers: &[(&str, &str)],
    body: String,
) -> Got {
    sent_within(world, &Arc::new(Intake::new(1024 * 1024)), request, headers, body).await
}

/// The same where there is so much room.
pub(super) async fn sent_within(
    world: &TestWorld,
    intake: &Arc<Intake>,
    request: axum::http::request::Builder,
    headers: &[(&str, &str)],
    body: String,
) -> Got {
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let (head, body) = request.header("content-type", "application/json").body(body).unwrap().into_parts();
    let control_token = SecretDigest::of(b"control");
    let arrival = Arrival {
        world: &world.world,
        head,
        mounted_at: 0,
        client_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        intake,
        control_token: &control_token,
        pass: None,
    };
    let response = serve(&arrival, body.into()).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Got { status, headers, text: String::from_utf8(body.to_vec()).unwrap() }
}

/// A chat with a model.
pub(super) fn hello(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "Hello" }] })
}

/// A body that takes a share of the room. Blanks make a question large, and no answer.
pub(super) fn large(body: &Value) -> String {
    body.to_string() + &" ".repeat(2 * 1024 * 1024)
}

/// A body with one member more.
pub(super) fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

/// The models that the ledger has bills for, one by one.
pub(super) async fn billed(world: &TestWorld) -> Vec<String> {
    let query = LedgerQuery { after: 0, key_id: None, limit: 10 };
    let events = world.world.ledger.events(query).await.unwrap();
    events.iter().map(|event| event.charge.model.to_string()).collect()
}
