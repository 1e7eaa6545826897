//! `extra_fields`: what an answer tells of how it came about, put into what another dialect has written.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;

use super::error::About;
use crate::aside::aside;
use crate::domain::call::Call;
use crate::domain::governance::{Governed, RequestType};

/// How a call has come to its answer.
#[derive(Clone, Debug)]
pub(super) struct Served {
    pub(super) request_type: RequestType,
    /// Who has served it, by its name.
    pub(super) provider: Arc<str>,
    /// The model as it was asked for, without a provider in front.
    pub(super) requested: Arc<str>,
    /// What the provider calls it.
    pub(super) deployment: Arc<str>,
    /// When the call began.
    pub(super) started: Instant,
}

/// The member, as it is told.
#[derive(Serialize)]
struct ExtraFields<'a> {
    request_type: &'static str,
    provider: &'a str,
    model_requested: &'a str,
    model_deployment: &'a str,
    /// Milliseconds.
    latency: u64,
    chunk_index: u64,
}

impl Served {
    /// How a governed call was served. An answer that was given before is told of whom it is asked first.
    pub(super) fn of(call: &Call, governed: &Governed, started: Instant) -> Self {
        let service = &call.context.service;
        let leg = governed.leg(service.leg());
        let deployment = service.server().map_or(&leg.model.provider_model, |server| &server.model);
        Self {
            request_type: governed.request_type,
            provider: Arc::clone(&leg.provider),
            requested: governed.requested().1.into(),
            deployment: Arc::clone(deployment),
            started,
        }
    }

    /// What an error tells of it.
    pub(super) fn about(&self) -> About<'_> {
        About {
            provider: Some(&self.provider),
            model_requested: Some(&self.requested),
            request_type: Some(self.request_type.name()),
        }
    }

    /// The JSON of an object with the member in it; nothing where it is no object.
    pub(super) fn told_in(&self, object: &[u8], chunk_index: u64, latency: Duration) -> Option<Vec<u8>> {
        let end = object.iter().rposition(|byte| *byte == b'}')?;
        let (members, rest) = object.split_at_checked(end)?;
        let fields = ExtraFields {
            request_type: self.request_type.name(),
            provider: &self.provider,
            model_requested: &self.requested,
            model_deployment: &self.deployment,
            latency: u64::try_from(latency.as_millis()).unwrap_or(u64::MAX),
            chunk_index,
        };
        let is_empty = members.trim_ascii_end().ends_with(b"{");
        let mut told = Vec::with_capacity(object.len() + 256);
        told.extend_from_slice(members);
        told.extend_from_slice(if is_empty { b"\"extra_fields\":" } else { b",\"extra_fields\":" });
        // Texts and numbers always serialize.
        serde_json::to_writer(&mut told, &fields).ok()?;
        told.extend_from_slice(rest);
        Some(told)
    }

    /// Puts the member into a whole answer.
    pub(super) async fn tell_in(&self, response: Response) -> Response {
        let (mut head, body) = response.into_parts();
        // A whole answer is there already.
        let answer = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let latency = self.started.elapsed();
        head.headers.remove("content-length");
        let body = match aside(answer.len(), || self.told_in(&answer, 0, latency)) {
            Some(told) => Body::from(Bytes::from_owner(Told { told, _answer: answer })),
            None => Body::from(answer),
        };
        Response::from_parts(head, body)
    }
}

/// An answer with the member in it, beside the one without, which holds what the request takes of the room for large
/// ones until it is sent.
struct Told {
    told: Vec<u8>,
    _answer: Bytes,
}

impl AsRef<[u8]> for Told {
    fn as_ref(&self) -> &[u8] {
        &self.told
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A call that was served by somebody.
    pub(in super::super) fn served(request_type: RequestType) -> Served {
        let [provider, requested, deployment] = ["openai", "gpt-4o", "gpt-4o-2024"].map(Arc::from);
        Served { request_type, provider, requested, deployment, started: Instant::now() }
    }

    #[test]
    fn the_member_is_the_last_of_an_object() {
        let told = |object: &str| -> Option<Value> {
            let told = served(RequestType::Chat).told_in(object.as_bytes(), 3, Duration::from_millis(1_500));
            Some(serde_json::from_slice(&told?).unwrap())
        };
        let fields = json!({
            "request_type": "chat_completion", "provider": "openai", "model_requested": "gpt-4o",
            "model_deployment": "gpt-4o-2024", "latency": 1_500, "chunk_index": 3,
        });
        assert_eq!(told("{\"a\":{}}\n"), Some(json!({ "a": {}, "extra_fields": fields })));
        assert_eq!(told("{ }"), Some(json!({ "extra_fields": fields })));
        assert_eq!(told("[1]"), None);
    }

    #[tokio::test]
    async fn a_whole_answer_has_it_and_what_is_none_stays() {
        for (body, has_it) in [("{\"id\":1}", true), ("not JSON", false)] {
            let response = served(RequestType::Embedding).tell_in(Response::new(body.into())).await;
            let told = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            let told = String::from_utf8(told.to_vec()).unwrap();
            assert_eq!(told.contains("\"request_type\":\"embedding\""), has_it, "{told}");
            assert_eq!(told == body, !has_it);
        }
    }
}
