//! What Converse answers, whole and in events, member for member.

use serde::Serialize;
use serde_json::Value;

use crate::domain::inference::{self, FinishReason};

/// An answer that is whole.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Converse<'a> {
    pub(super) output: Output<'a>,
    #[serde(flatten)]
    pub(super) ending: Ending<'a>,
    pub(super) usage: Usage,
    pub(super) metrics: Metrics,
}

/// What the model says.
#[derive(Serialize)]
pub(super) struct Output<'a> {
    pub(super) message: Message<'a>,
}

/// A turn of the model's.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    pub(super) role: Role,
    pub(super) content: Vec<Block<'a>>,
}

/// Who speaks: in an answer always the same.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    Assistant,
}

/// A piece of what the model says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum Block<'a> {
    ReasoningContent { reasoning_text: ReasoningText<'a> },
    Text(&'a str),
    ToolUse { tool_use_id: &'a str, name: &'a str, input: &'a Value },
}

/// Thoughts, and the proof that the model thought them.
#[derive(Serialize)]
pub(super) struct ReasoningText<'a> {
    pub(super) text: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) signature: &'a str,
}

/// Why an answer ended.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ending<'a> {
    stop_reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_response_fields: Option<StopSequence<'a>>,
}

#[derive(Serialize)]
struct StopSequence<'a> {
    stop_sequence: Option<&'a str>,
}

impl<'a> Ending<'a> {
    /// The words for a reason, and the text that ended the answer for whoever has asked for it.
    pub(super) fn of(reason: &'a FinishReason, tells_stop: bool) -> Self {
        let (stop_reason, stop_sequence) = match reason {
            FinishReason::Stop => ("end_turn", None),
            FinishReason::StopText(text) => ("stop_sequence", Some(text.as_str())),
            FinishReason::Length => ("max_tokens", None),
            FinishReason::ToolCalls => ("tool_use", None),
            FinishReason::Filtered => ("content_filtered", None),
        };
        let fields = tells_stop.then_some(StopSequence { stop_sequence });
        Self { stop_reason, additional_model_response_fields: fields }
    }
}

/// Tokens of an answer. Of the prompt's those that went through a provider's cache are told apart; no other remembers
/// anything here.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Usage {
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: u64,
    cache_read_input_tokens: u64,
    cache_write_input_tokens: u64,
}

impl From<inference::Usage> for Usage {
    fn from(usage: inference::Usage) -> Self {
        let cached = usage.cached_tokens.saturating_add(usage.cache_written_tokens);
        Self {
            input_tokens: usage.input_tokens.saturating_sub(cached),
            output_tokens: usage.output_tokens,
            total_tokens: usage.input_tokens.saturating_add(usage.output_tokens),
            cache_read_input_tokens: usage.cached_tokens,
            cache_write_input_tokens: usage.cache_written_tokens,
        }
    }
}

/// How long an answer took, in milliseconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metrics {
    pub(super) latency_ms: u64,
}

/// An event of a stream. Its name stands before its members, not among them.
#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub(super) enum Event<'a> {
    MessageStart { role: Role },
    ContentBlockStart { content_block_index: u32, start: Start<'a> },
    ContentBlockDelta { content_block_index: u32, delta: Delta<'a> },
    ContentBlockStop { content_block_index: u32 },
    MessageStop(Ending<'a>),
    Metadata { usage: Usage, metrics: Metrics },
}

impl Event<'_> {
    /// The name.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "messageStart",
            Self::ContentBlockStart { .. } => "contentBlockStart",
            Self::ContentBlockDelta { .. } => "contentBlockDelta",
            Self::ContentBlockStop { .. } => "contentBlockStop",
            Self::MessageStop(_) => "messageStop",
            Self::Metadata { .. } => "metadata",
        }
    }
}

/// How a block begins, where that says something.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum Start<'a> {
    ToolUse { tool_use_id: &'a str, name: &'a str },
}

/// What is new in a block.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Delta<'a> {
    ReasoningContent(Reasoning<'a>),
    Text(&'a str),
    ToolUse { input: &'a str },
}

/// What is new in thoughts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Reasoning<'a> {
    Text(&'a str),
    Signature(&'a str),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const USAGE: inference::Usage = inference::Usage { thinking_tokens: 4, ..inference::Usage::of(5, 9) };

    fn value(of: &impl Serialize) -> Value {
        serde_json::to_value(of).unwrap()
    }

    #[test]
    fn an_answer_has_all_its_members() {
        let input = json!({ "city": "Paris" });
        let content = vec![
            Block::ReasoningContent { reasoning_text: ReasoningText { text: "Hm.", signature: "c2ln" } },
            Block::Text("Well."),
            Block::ToolUse { tool_use_id: "tooluse_1", name: "get_weather", input: &input },
        ];
        let answer = Converse {
            output: Output { message: Message { role: Role::Assistant, content } },
            ending: Ending::of(&FinishReason::ToolCalls, false),
            usage: USAGE.into(),
            metrics: Metrics { latency_ms: 7 },
        };
        assert_eq!(
            value(&answer),
            json!({
                "output": { "message": { "role": "assistant", "content": [
                    { "reasoningContent": { "reasoningText": { "text": "Hm.", "signature": "c2ln" } } },
                    { "text": "Well." },
                    { "toolUse": { "toolUseId": "tooluse_1", "name": "get_weather", "input": { "city": "Paris" } } },
                ] } },
                "stopReason": "tool_use",
                "usage": {
                    "inputTokens": 5,
                    "outputTokens": 9,
                    "totalTokens": 14,
                    "cacheReadInputTokens": 0,
                    "cacheWriteInputTokens": 0,
                },
                "metrics": { "latencyMs": 7 },
            })
        );
    }

    #[test]
    fn the_text_that_ended_an_answer_is_told_to_whoever_asks() {
        let reason = FinishReason::StopText("END".to_owned());
        assert_eq!(value(&Ending::of(&reason, false)), json!({ "stopReason": "stop_sequence" }));
        let told = json!({
            "stopReason": "stop_sequence",
            "additionalModelResponseFields": { "stop_sequence": "END" },
        });
        assert_eq!(value(&Ending::of(&reason, true)), told);
        assert_eq!(value(&Ending::of(&FinishReason::Length, false))["stopReason"], "max_tokens");
        assert_eq!(value(&Ending::of(&FinishReason::Filtered, false))["stopReason"], "content_filtered");
    }

    #[test]
    fn the_prompt_is_told_in_three_parts_that_add_up() {
        let usage = inference::Usage { cached_tokens: 2, cache_written_tokens: 1, ..USAGE };
        assert_eq!(
            value(&Usage::from(usage)),
            json!({
                "inputTokens": 2, "outputTokens": 9, "totalTokens": 14,
                "cacheReadInputTokens": 2, "cacheWriteInputTokens": 1,
            })
        );
    }

    #[test]
    fn the_members_of_an_event_are_its_payload() {
        let delta = |delta| Event::ContentBlockDelta { content_block_index: 1, delta };
        for (event, payload) in [
            (Event::MessageStart { role: Role::Assistant }, json!({ "role": "assistant" })),
            (
                Event::ContentBlockStart {
                    content_block_index: 1,
                    start: Start::ToolUse { tool_use_id: "t", name: "f" },
                },
                json!({ "contentBlockIndex": 1, "start": { "toolUse": { "toolUseId": "t", "name": "f" } } }),
            ),
            (delta(Delta::Text("Hi")), json!({ "contentBlockIndex": 1, "delta": { "text": "Hi" } })),
            (
                delta(Delta::ToolUse { input: "{" }),
                json!({ "contentBlockIndex": 1, "delta": { "toolUse": { "input": "{" } } }),
            ),
            (
                delta(Delta::ReasoningContent(Reasoning::Signature("s"))),
                json!({ "contentBlockIndex": 1, "delta": { "reasoningContent": { "signature": "s" } } }),
            ),
            (Event::ContentBlockStop { content_block_index: 1 }, json!({ "contentBlockIndex": 1 })),
            (Event::MessageStop(Ending::of(&FinishReason::Stop, false)), json!({ "stopReason": "end_turn" })),
        ] {
            assert_eq!(value(&event), payload, "{}", event.name());
        }
    }
}
