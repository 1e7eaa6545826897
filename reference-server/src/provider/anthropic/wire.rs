//! What comes back. Of what is here nothing may be missing; what else there is does not matter.

use serde::Deserialize;
use serde_json::Value;

use crate::domain::inference::{self, FinishReason, ProviderError};
use crate::provider::http::unknown_end;

/// A message.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) content: Vec<Block>,
    pub(super) stop_reason: String,
    pub(super) stop_sequence: Option<String>,
    pub(super) usage: Usage,
}

/// A piece of content. Which members it has depends on its type.
#[derive(Debug, Deserialize)]
pub(super) struct Block {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) text: Option<String>,
    pub(super) thinking: Option<String>,
    pub(super) signature: Option<String>,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) input: Option<Value>,
}

/// Tokens. Those of the prompt that went through a cache are told apart from the others.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Usage {
    input_tokens: u64,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: u64,
}

/// An event of a stream. Which members it has depends on its type.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) message: Option<Begun>,
    pub(super) content_block: Option<Block>,
    pub(super) delta: Option<Delta>,
    pub(super) usage: Option<FinalUsage>,
    pub(super) error: Option<Value>,
}

/// A message of which nothing is there yet.
#[derive(Debug, Deserialize)]
pub(super) struct Begun {
    pub(super) usage: Usage,
}

/// What is new in a block, or in the message. Which members it has depends on its type; a message's has none.
#[derive(Debug, Deserialize)]
pub(super) struct Delta {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) text: Option<String>,
    pub(super) thinking: Option<String>,
    pub(super) signature: Option<String>,
    pub(super) partial_json: Option<String>,
    pub(super) stop_reason: Option<String>,
    pub(super) stop_sequence: Option<String>,
}

/// The tokens so far, of which those of the prompt need not be told again.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct FinalUsage {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: u64,
}

/// How many tokens a prompt has.
#[derive(Debug, Deserialize)]
pub(super) struct Count {
    pub(super) input_tokens: u64,
}

impl Usage {
    /// The same with what the end of a stream tells.
    pub(super) fn at_the_end(self, told: FinalUsage) -> Self {
        Self {
            input_tokens: told.input_tokens.unwrap_or(self.input_tokens),
            cache_creation_input_tokens: told
                .cache_creation_input_tokens
                .or(self.cache_creation_input_tokens),
            cache_read_input_tokens: told.cache_read_input_tokens.or(self.cache_read_input_tokens),
            output_tokens: told.output_tokens,
        }
    }
}

impl From<Usage> for inference::Usage {
    fn from(usage: Usage) -> Self {
        let written = usage.cache_creation_input_tokens.unwrap_or(0);
        let read = usage.cache_read_input_tokens.unwrap_or(0);
        Self {
            input_tokens: usage.input_tokens.saturating_add(written).saturating_add(read),
            output_tokens: usage.output_tokens,
            // The wire does not tell them apart.
            thinking_tokens: 0,
            cached_tokens: read,
            cache_written_tokens: written,
        }
    }
}

/// Why an answer ended. One that the model wants to go on with later is over as well.
pub(super) fn finish_reason(word: &str, text: Option<String>) -> Result<FinishReason, ProviderError> {
    match (word, text) {
        ("stop_sequence", Some(text)) => Ok(FinishReason::StopText(text)),
        ("end_turn" | "stop_sequence" | "pause_turn", _) => Ok(FinishReason::Stop),
        ("refusal", _) => Ok(FinishReason::Filtered),
        ("max_tokens" | "model_context_window_exceeded", _) => Ok(FinishReason::Length),
        ("tool_use", _) => Ok(FinishReason::ToolCalls),
        _ => Err(unknown_end(word)),
    }
}
