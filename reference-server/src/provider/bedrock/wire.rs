//! What comes back. Of what is here nothing may be missing; what else there is does not matter.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::request::STOP_TEXT;
use crate::domain::inference::{self, FinishReason, ProviderError};
use crate::provider::http::{malformed, unknown_end};

/// An answer that is whole.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Converse {
    pub(super) output: Output,
    pub(super) stop_reason: String,
    pub(super) additional_model_response_fields: Option<Value>,
    pub(super) usage: Usage,
}

/// What the model says.
#[derive(Debug, Deserialize)]
pub(super) struct Output {
    pub(super) message: Message,
}

/// A turn of the model's.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) content: Vec<Block>,
}

/// A piece of it. It has the one member that says what it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Block {
    pub(super) text: Option<String>,
    pub(super) tool_use: Option<ToolUse>,
    pub(super) reasoning_content: Option<Reasoning>,
}

/// A tool that is to be called, with what it is given.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolUse {
    pub(super) tool_use_id: String,
    pub(super) name: String,
    pub(super) input: Value,
}

/// Thoughts, or some that nobody may read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reasoning {
    pub(super) reasoning_text: Option<ReasoningText>,
}

/// Thoughts, and what proves them.
#[derive(Debug, Deserialize)]
pub(super) struct ReasoningText {
    pub(super) text: String,
    pub(super) signature: Option<String>,
}

/// That a block of a stream begins.
#[derive(Debug, Deserialize)]
pub(super) struct BlockStart {
    pub(super) start: Start,
}

/// How it begins. Blocks of text and of thoughts begin with what is in them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Start {
    pub(super) tool_use: Option<ToolUseStart>,
}

/// A tool that is to be called; what it is given follows.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolUseStart {
    pub(super) tool_use_id: String,
    pub(super) name: String,
}

/// That a block of a stream goes on.
#[derive(Debug, Deserialize)]
pub(super) struct BlockDelta {
    pub(super) delta: Delta,
}

/// What is new in it. It has the one member that says what it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Delta {
    pub(super) text: Option<String>,
    pub(super) tool_use: Option<ToolUseDelta>,
    pub(super) reasoning_content: Option<ReasoningDelta>,
    /// What a text refers to, which has no place in an answer.
    pub(super) citation: Option<IgnoredAny>,
}

/// More of what a tool is given.
#[derive(Debug, Deserialize)]
pub(super) struct ToolUseDelta {
    pub(super) input: String,
}

/// More thoughts, or what proves them.
#[derive(Debug, Deserialize)]
pub(super) struct ReasoningDelta {
    pub(super) text: Option<String>,
    pub(super) signature: Option<String>,
}

/// Why an answer in a stream ended.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageStop {
    pub(super) stop_reason: String,
    pub(super) additional_model_response_fields: Option<Value>,
}

/// What an answer in a stream cost.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    pub(super) usage: Usage,
}

/// Tokens. Those of the prompt that went through a cache are told apart from the others.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Usage {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: Option<u64>,
    cache_write_input_tokens: Option<u64>,
}

impl From<Usage> for inference::Usage {
    fn from(usage: Usage) -> Self {
        let read = usage.cache_read_input_tokens.unwrap_or(0);
        let written = usage.cache_write_input_tokens.unwrap_or(0);
        Self {
            input_tokens: usage.input_tokens.saturating_add(read).saturating_add(written),
            output_tokens: usage.output_tokens,
            // The wire does not tell them apart.
            thinking_tokens: 0,
            cached_tokens: read,
            cache_written_tokens: written,
        }
    }
}

/// Why an answer ended, with what the model tells of it besides.
pub(super) fn finish_reason(word: &str, fields: Option<&Value>) -> Result<FinishReason, ProviderError> {
    match word {
        "stop_sequence" => {
            let mut told = STOP_TEXT.into_iter().filter_map(|path| fields?.pointer(path)?.as_str());
            Ok(told.next().map_or(FinishReason::Stop, |text| FinishReason::StopText(text.to_owned())))
        }
        "end_turn" => Ok(FinishReason::Stop),
        // The refusal is the model's, as its maker's own wire has it.
        "guardrail_intervened" | "content_filtered" | "refusal" => Ok(FinishReason::Filtered),
        "max_tokens" | "model_context_window_exceeded" => Ok(FinishReason::Length),
        "tool_use" => Ok(FinishReason::ToolCalls),
        "malformed_model_output" | "malformed_tool_use" => {
            Err(malformed("what the model wrote is no answer, as the service says itself"))
        }
        _ => Err(unknown_end(word)),
    }
}
