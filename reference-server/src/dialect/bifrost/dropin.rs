//! The wires of providers, each below a prefix: what a client of theirs is given in place of their address.

use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;

use super::error::Refusal;
use crate::dialect::common::Arrival;
use crate::dialect::{anthropic, bedrock, gemini, openai};
use crate::domain::routing::Switchboard;

/// A wire below a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surface {
    Openai,
    Anthropic,
    Bedrock,
    Genai,
}

impl Surface {
    const ALL: [Self; 4] = [Self::Openai, Self::Anthropic, Self::Bedrock, Self::Genai];

    /// The wire that a path leads to, and the path below its prefix.
    pub(super) fn at(path: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|surface| {
            let rest = path.strip_prefix(surface.prefix())?;
            rest.starts_with('/').then_some((surface, rest))
        })
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Openai => "/openai",
            Self::Anthropic => "/anthropic",
            Self::Bedrock => "/bedrock",
            Self::Genai => "/genai",
        }
    }

    /// The kind of the provider whose models have names without one here.
    pub(super) fn kind(self, switchboard: &Switchboard) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Bedrock => "bedrock",
            // Gemini's models are at two of Google's services.
            Self::Genai if switchboard.of_kind("gemini").is_none() => "vertex",
            Self::Genai => "gemini",
        }
    }

    /// A refusal in the words of the wire, and what the log says where something went wrong inside.
    pub(super) fn refused(self, refusal: Refusal) -> (Response, Option<Arc<str>>) {
        let refused: fn(StatusCode, Option<&str>, &str, Option<u32>) -> Response = match self {
            Self::Openai => openai::refused,
            Self::Anthropic => anthropic::refused,
            Self::Bedrock => bedrock::refused,
            Self::Genai => gemini::refused,
        };
        let Refusal { status, kind, message, retry_after, exception, .. } = refusal;
        (refused(status, kind, &message, retry_after), exception)
    }

    /// Answers a request of the wire.
    pub(super) async fn serve(self, arrival: &Arrival<'_>, body: Body) -> Response {
        match self {
            Self::Openai => openai::serve(arrival, body).await,
            Self::Anthropic => anthropic::serve(arrival, body).await,
            Self::Bedrock => bedrock::serve(arrival, body).await,
            Self::Genai => gemini::serve(arrival, body).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_prefix_ends_at_a_slash() {
        assert_eq!(Surface::at("/openai/v1/models"), Some((Surface::Openai, "/v1/models")));
        assert_eq!(Surface::at("/genai/v1beta/models"), Some((Surface::Genai, "/v1beta/models")));
        for nowhere in ["/openai", "/openais/v1", "/v1/openai/", "/cohere/v1/chat", ""] {
            assert_eq!(Surface::at(nowhere), None, "{nowhere}");
        }
    }

    #[tokio::test]
    async fn a_refusal_keeps_its_status_and_words_on_every_wire() {
        for surface in Surface::ALL {
            for status in [400, 401, 402, 403, 429, 500] {
                let status = StatusCode::from_u16(status).unwrap();
                let blocked = Refusal {
                    kind: Some("model_blocked"),
                    retry_after: Some(7),
                    ..Refusal::new(status, "not with this key")
                };
                let (response, _) = surface.refused(blocked);
                assert_eq!(response.status(), status, "{surface:?}");
                assert_eq!(response.headers()["retry-after"], "7", "{surface:?}");
                let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
                let body: Value = serde_json::from_slice(&body).unwrap();
                let message = body.pointer("/error/message").or_else(|| body.pointer("/message"));
                assert_eq!(message.and_then(Value::as_str), Some("not with this key"), "{body}");
            }
        }
    }
}
