//! What the bodies of success have in common.

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::domain::inference::{self, FinishReason};

/// What runs the models, as an answer tells. It changes when answers do.
pub(super) const FINGERPRINT: &str = "fp_9d1c5a7e02";
/// The tier in which every request is served.
pub(super) const TIER: &str = "default";

/// An id that begins with what it is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Id {
    prefix: &'static str,
    number: Uuid,
}

impl Id {
    /// A new one.
    pub(super) fn new(prefix: &'static str) -> Self {
        Self { prefix, number: Uuid::new_v4() }
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}-{}", self.prefix, self.number.simple()))
    }
}

/// Tokens of a completion.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct PromptDetails {
    cached_tokens: u64,
    audio_tokens: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
    audio_tokens: u64,
    accepted_prediction_tokens: u64,
    rejected_prediction_tokens: u64,
}

impl From<inference::Usage> for Usage {
    fn from(usage: inference::Usage) -> Self {
        Self {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.input_tokens.saturating_add(usage.output_tokens),
            prompt_tokens_details: PromptDetails { cached_tokens: usage.cached_tokens, audio_tokens: 0 },
            completion_tokens_details: CompletionDetails {
                reasoning_tokens: usage.thinking_tokens,
                audio_tokens: 0,
                accepted_prediction_tokens: 0,
                rejected_prediction_tokens: 0,
            },
        }
    }
}

/// What a chunk of a stream tells of the tokens.
#[derive(Clone, Copy, Debug)]
pub(super) enum StreamedUsage {
    /// Nothing: nobody has asked.
    Unasked,
    /// That they are told later.
    Later,
    /// How many there were.
    Told(Usage),
}

impl StreamedUsage {
    /// Whether the member is left out.
    pub(super) const fn is_unasked(&self) -> bool {
        matches!(self, Self::Unasked)
    }
}

impl Serialize for StreamedUsage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unasked | Self::Later => serializer.serialize_none(),
            Self::Told(usage) => usage.serialize(serializer),
        }
    }
}

/// The word for why an answer ended. A refusal in the model's own words is an answer of another kind, and done.
pub(super) const fn ended(reason: &FinishReason, is_refusal: bool) -> &'static str {
    if is_refusal { "stop" } else { finish_reason(reason) }
}

/// The word for why a text ended.
pub(super) const fn finish_reason(reason: &FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::StopText(_) => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::Filtered => "content_filter",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn usage_adds_up_and_tells_what_was_thought() {
        let usage = inference::Usage { thinking_tokens: 3, cached_tokens: 4, ..inference::Usage::of(11, 7) };
        let told = serde_json::to_value(StreamedUsage::Told(usage.into())).unwrap();
        assert_eq!(
            told,
            json!({
                "prompt_tokens": 11,
                "completion_tokens": 7,
                "total_tokens": 18,
                "prompt_tokens_details": { "cached_tokens": 4, "audio_tokens": 0 },
                "completion_tokens_details": {
                    "reasoning_tokens": 3,
                    "audio_tokens": 0,
                    "accepted_prediction_tokens": 0,
                    "rejected_prediction_tokens": 0,
                },
            })
        );
    }

    #[test]
    fn an_id_tells_what_it_is_of() {
        let id = serde_json::to_value(Id::new("chatcmpl")).unwrap();
        let (prefix, number) = id.as_str().unwrap().split_once('-').unwrap();
        assert_eq!((prefix, number.len()), ("chatcmpl", 32));
    }
}
