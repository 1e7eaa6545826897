//! What comes back. Of what is here nothing may be missing; what else there is does not matter.

use serde::Deserialize;
use serde_json::Value;

use crate::domain::inference::{self, FinishReason, ProviderError};
use crate::provider::http::{malformed, unknown_end};

/// A chat completion.
#[derive(Debug, Deserialize)]
pub(super) struct ChatCompletion {
    pub(super) choices: Vec<Choice>,
    pub(super) usage: Usage,
}

/// An answer.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    pub(super) index: u32,
    pub(super) message: AnswerMessage,
    pub(super) finish_reason: String,
    pub(super) logprobs: Option<Logprobs>,
}

/// What the model says. A refusal stands in place of the content.
#[derive(Debug, Deserialize)]
pub(super) struct AnswerMessage {
    pub(super) content: Option<String>,
    pub(super) refusal: Option<String>,
    pub(super) tool_calls: Option<Vec<Call>>,
}

/// A tool that is to be called.
#[derive(Debug, Deserialize)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) function: CallOf,
}

/// The tool, and what it is given.
#[derive(Debug, Deserialize)]
pub(super) struct CallOf {
    pub(super) name: String,
    pub(super) arguments: String,
}

/// An event of a stream: something new, or why there is nothing more.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk {
    pub(super) choices: Option<Vec<ChunkChoice>>,
    pub(super) usage: Option<Usage>,
    pub(super) error: Option<Value>,
}

/// How an answer goes on.
#[derive(Debug, Deserialize)]
pub(super) struct ChunkChoice {
    pub(super) index: u32,
    pub(super) delta: Delta,
    pub(super) finish_reason: Option<String>,
    pub(super) logprobs: Option<Logprobs>,
}

/// What is new of an answer.
#[derive(Debug, Deserialize)]
pub(super) struct Delta {
    pub(super) content: Option<String>,
    pub(super) refusal: Option<String>,
    pub(super) tool_calls: Option<Vec<CallDelta>>,
}

/// What is new of a call. Its id and its name come with the first of it.
#[derive(Debug, Deserialize)]
pub(super) struct CallDelta {
    pub(super) index: u32,
    pub(super) id: Option<String>,
    pub(super) function: Option<CallOfDelta>,
}

/// What is new of a tool and of what it is given.
#[derive(Debug, Deserialize)]
pub(super) struct CallOfDelta {
    pub(super) name: Option<String>,
    pub(super) arguments: Option<String>,
}

/// How probable tokens were.
#[derive(Debug, Deserialize)]
pub(super) struct Logprobs {
    pub(super) content: Option<Vec<Token>>,
}

/// A token; its text is not it where it holds part of a character.
#[derive(Debug, Deserialize)]
pub(super) struct Token {
    token: String,
    logprob: f64,
    bytes: Option<Vec<u8>>,
    #[serde(default)]
    top_logprobs: Vec<Token>,
}

/// Tokens.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<Details>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Details {
    reasoning_tokens: Option<u64>,
}

impl From<Token> for inference::Token {
    fn from(token: Token) -> Self {
        let bytes = |token: String, bytes: Option<Vec<u8>>| bytes.unwrap_or_else(|| token.into_bytes());
        let others = token.top_logprobs.into_iter();
        Self {
            bytes: bytes(token.token, token.bytes),
            logprob: token.logprob,
            alternatives: others.map(|other| (bytes(other.token, other.bytes), other.logprob)).collect(),
        }
    }
}

impl From<Usage> for inference::Usage {
    fn from(usage: Usage) -> Self {
        let (prompt, details) = (usage.prompt_tokens_details, usage.completion_tokens_details);
        Self {
            input_tokens: usage.prompt_tokens,
            output_tokens: usage.completion_tokens,
            thinking_tokens: details.and_then(|details| details.reasoning_tokens).unwrap_or(0),
            cached_tokens: prompt.and_then(|details| details.cached_tokens).unwrap_or(0),
            cache_written_tokens: prompt.and_then(|details| details.cache_write_tokens).unwrap_or(0),
        }
    }
}

/// Why an answer ended. The wire does not say which text ended one.
pub(super) fn finish_reason(word: &str) -> Result<FinishReason, ProviderError> {
    match word {
        "stop" => Ok(FinishReason::Stop),
        "content_filter" => Ok(FinishReason::Filtered),
        "length" => Ok(FinishReason::Length),
        "tool_calls" | "function_call" => Ok(FinishReason::ToolCalls),
        _ => Err(unknown_end(word)),
    }
}

/// The tokens that were asked for, if they were; they are there where there is a text.
pub(super) fn tokens(
    are_asked_for: bool,
    logprobs: Option<Logprobs>,
    text: &str,
) -> Result<Option<Vec<inference::Token>>, ProviderError> {
    match logprobs.and_then(|logprobs| logprobs.content) {
        _ if !are_asked_for => Ok(None),
        Some(tokens) => Ok(Some(tokens.into_iter().map(Into::into).collect())),
        None if text.is_empty() => Ok(None),
        None => Err(malformed("a text without the log probabilities of its tokens")),
    }
}
