//! The bodies of success, member for member.

use serde::Serialize;
use uuid::Uuid;

use crate::domain::catalog::Capability;
use crate::domain::inference::{FinishReason, Usage};

/// An item of the model listing.
#[derive(Debug, Serialize)]
pub(super) struct ModelItem<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    pub(super) id: &'a str,
    pub(super) capability: Capability,
}

/// A chat completion.
#[derive(Debug, Serialize)]
pub(super) struct ChatCompletion<'a> {
    pub(super) object: &'static str,
    pub(super) created: i64,
    pub(super) model: &'a str,
    pub(super) choices: [Choice<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<ChatUsage>,
}

/// One answer.
#[derive(Debug, Serialize)]
pub(super) struct Choice<'a> {
    pub(super) index: u32,
    pub(super) message: AnswerMessage<'a>,
    pub(super) finish_reason: &'static str,
}

/// What the model says.
#[derive(Debug, Serialize)]
pub(super) struct AnswerMessage<'a> {
    pub(super) role: &'static str,
    pub(super) content: &'a str,
}

/// Tokens of a chat completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ChatUsage {
    pub(super) prompt_tokens: u64,
    pub(super) completion_tokens: u64,
    pub(super) total_tokens: u64,
}

impl From<Usage> for ChatUsage {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.input_tokens.saturating_add(usage.output_tokens),
        }
    }
}

/// The word for why an answer ended.
pub(super) const fn finish_reason(reason: &FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::StopText(_) => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::Filtered => "content_filter",
    }
}

/// One event of a streamed completion.
#[derive(Debug, Serialize)]
pub(super) struct Chunk<'a> {
    pub(super) id: ChunkId,
    pub(super) choices: &'a [ChunkChoice<'a>],
    pub(super) model: &'a str,
    pub(super) created: i64,
    pub(super) object: &'static str,
    pub(super) system_fingerprint: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<ChatUsage>,
}

/// The id of a streamed completion.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkId(pub(super) Uuid);

impl Serialize for ChunkId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("chatcmpl-{}", self.0))
    }
}

/// How one answer goes on.
#[derive(Debug, Serialize)]
pub(super) struct ChunkChoice<'a> {
    pub(super) delta: Delta<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finish_reason: Option<&'static str>,
    pub(super) index: u32,
}

/// What is added to the answer.
#[derive(Debug, Default, Serialize)]
pub(super) struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<&'static str>,
}

/// Embeddings.
#[derive(Debug, Serialize)]
pub(super) struct EmbeddingList<'a> {
    pub(super) object: &'static str,
    pub(super) data: Vec<EmbeddingItem<'a>>,
    pub(super) model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<EmbeddingUsage>,
}

/// One text's vector.
#[derive(Debug, Serialize)]
pub(super) struct EmbeddingItem<'a> {
    pub(super) object: &'static str,
    pub(super) embedding: &'a [f32],
    pub(super) index: usize,
}

/// Tokens of embeddings, in the camel case that the service writes here and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EmbeddingUsage {
    pub(super) prompt_tokens: u64,
    pub(super) total_tokens: u64,
}

impl From<Usage> for EmbeddingUsage {
    fn from(usage: Usage) -> Self {
        Self { prompt_tokens: usage.input_tokens, total_tokens: usage.input_tokens }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completion_has_the_observed_members_in_the_observed_order() {
        let completion = ChatCompletion {
            object: "chat.completion",
            created: 1_795_227_512,
            model: "claude_3_5_sonnet",
            choices: [Choice {
                index: 0,
                message: AnswerMessage { role: "assistant", content: "..." },
                finish_reason: "stop",
            }],
            usage: Some(Usage::of(11, 7).into()),
        };
        assert_eq!(
            serde_json::to_string(&completion).unwrap(),
            "{\"object\":\"chat.completion\",\"created\":1795227512,\"model\":\"claude_3_5_sonnet\",\
             \"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"...\"},\
             \"finish_reason\":\"stop\"}],\
             \"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7,\"total_tokens\":18}}"
        );
    }

    #[test]
    fn embeddings_have_their_usage_in_camel_case() {
        let list = EmbeddingList {
            object: "list",
            data: vec![EmbeddingItem { object: "embedding", embedding: &[0.1, 0.25], index: 0 }],
            model: "cohere_english_v3",
            usage: Some(Usage { input_tokens: 5, ..Usage::default() }.into()),
        };
        assert_eq!(
            serde_json::to_string(&list).unwrap(),
            "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"embedding\":[0.1,0.25],\"index\":0}],\
             \"model\":\"cohere_english_v3\",\"usage\":{\"promptTokens\":5,\"totalTokens\":5}}"
        );
    }
}
