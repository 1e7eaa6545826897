use std::fmt;

use axum::body::Body;
use axum::response::Response;
use serde::{Serialize, Serializer};

use crate::dialect::common::Arrival;
use crate::dialect::{anthropic, bedrock, gemini, openai, vertex};

/// A provider that is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// OpenAI.
    Openai,
    /// Anthropic.
    Anthropic,
    /// The Gemini API.
    Gemini,
    /// Amazon Bedrock.
    Bedrock,
    /// Vertex AI.
    Vertex,
}

impl ProviderKind {
    /// Every provider, in the order of documentation.
    pub const ALL: [Self; 5] = [Self::Openai, Self::Anthropic, Self::Gemini, Self::Bedrock, Self::Vertex];

    /// The name in paths, rules and the catalog.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
            Self::Vertex => "vertex",
        }
    }

    /// The provider of this name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Answers a request as this provider does.
    pub(super) async fn serve(self, arrival: &Arrival<'_>, body: Body) -> Response {
        match self {
            Self::Openai => openai::serve(arrival, body).await,
            Self::Anthropic => anthropic::serve(arrival, body).await,
            Self::Gemini => gemini::serve(arrival, body).await,
            Self::Bedrock => bedrock::serve(arrival, body).await,
            Self::Vertex => vertex::serve(arrival, body).await,
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for ProviderKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
