use serde_json::json;

use super::{prefill, tools};
use crate::domain::inference::{CompletionRequest, ToolCall};

/// What an answer is going to be, before limits cut it.
pub(super) enum Draft {
    /// A text.
    Text(String),
    /// A text that is a member of an object in JSON.
    Object(String),
    /// JSON of a form that leaves no choice.
    Fixed(String),
    /// Calls of tools, at least one.
    Calls(Vec<ToolCall>),
}

impl Draft {
    /// Another answer to the same question, of this number from 1. It differs where it may.
    pub(super) fn other(&self, number: u32, request: &CompletionRequest) -> Self {
        let choice = |text: &str| format!("{text} (choice {})", number.saturating_add(1));
        match self {
            Self::Text(text) => Self::Text(choice(text)),
            Self::Object(text) => Self::Object(choice(text)),
            Self::Fixed(json) => Self::Fixed(json.clone()),
            Self::Calls(calls) => {
                let ids = tools::ids(request, number);
                let calls = calls.iter().zip(ids).map(|(call, id)| ToolCall { id, ..call.clone() });
                Self::Calls(calls.collect())
            }
        }
    }

    /// What is left of it where the caller has begun it. Only words can be begun.
    pub(super) fn after(self, begun: &str) -> Self {
        match self {
            Self::Text(text) => Self::Text(prefill::rest(&text, begun)),
            other => other,
        }
    }

    /// Its bytes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(text) | Self::Object(text) | Self::Fixed(text) => text.len(),
            Self::Calls(calls) => calls.iter().map(|call| call.name.len() + call.arguments.len()).sum(),
        }
    }

    /// The text and the calls of the answer.
    pub(super) fn into_parts(self) -> (String, Vec<ToolCall>) {
        match self {
            Self::Text(text) | Self::Fixed(text) => (text, Vec::new()),
            Self::Object(text) => (json!({ "answer": text }).to_string(), Vec::new()),
            Self::Calls(calls) => (String::new(), calls),
        }
    }
}
