//! What the answers look like.

use serde::Serialize;
use serde_json::Value;

use super::id::Id;
use crate::domain::inference::FinishReason;
use crate::domain::prompt_cache::CacheUse;

/// An answer; in a stream, how it begins.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    id: Id,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: &'a [Block<'a>],
    stop_reason: Option<&'static str>,
    stop_sequence: Option<&'a str>,
    usage: Usage,
}

impl<'a> Message<'a> {
    /// An answer that is whole.
    pub(super) fn whole(
        model: &'a str,
        content: &'a [Block<'a>],
        reason: &'a FinishReason,
        usage: Usage,
    ) -> Self {
        let Ending { stop_reason, stop_sequence } = Ending::of(reason);
        Self { content, stop_reason: Some(stop_reason), stop_sequence, ..Self::begun(model, usage) }
    }

    /// An answer of which nothing is there yet.
    pub(super) fn begun(model: &'a str, usage: Usage) -> Self {
        Self {
            id: Id::message(),
            kind: "message",
            role: "assistant",
            model,
            content: &[],
            stop_reason: None,
            stop_sequence: None,
            usage,
        }
    }
}

/// A piece of an answer's content.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Thinking { thinking: &'a str, signature: &'a str },
    Text { text: &'a str },
    ToolUse { id: &'a str, name: &'a str, input: &'a Value },
}

/// Why an answer ended.
#[derive(Serialize)]
pub(super) struct Ending<'a> {
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
}

impl<'a> Ending<'a> {
    /// The words for a reason.
    pub(super) fn of(reason: &'a FinishReason) -> Self {
        let (stop_reason, stop_sequence) = match reason {
            FinishReason::Stop => ("end_turn", None),
            FinishReason::StopText(text) => ("stop_sequence", Some(text.as_str())),
            FinishReason::Length => ("max_tokens", None),
            FinishReason::ToolCalls => ("tool_use", None),
            FinishReason::Filtered => ("refusal", None),
        };
        Self { stop_reason, stop_sequence }
    }
}

/// What an answer cost in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Usage {
    /// Tokens of the prompt that have nothing to do with the cache.
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation: CacheCreation,
    output_tokens: u64,
    service_tier: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

impl Usage {
    /// The usage of so many tokens, of which some went through the cache.
    pub(super) const fn new(input_tokens: u64, cached: CacheUse, output_tokens: u64) -> Self {
        Self {
            input_tokens: input_tokens.saturating_sub(cached.read.saturating_add(cached.written())),
            cache_creation_input_tokens: cached.written(),
            cache_read_input_tokens: cached.read,
            cache_creation: CacheCreation {
                ephemeral_5m_input_tokens: cached.written_5m,
                ephemeral_1h_input_tokens: cached.written_1h,
            },
            output_tokens,
            service_tier: "standard",
        }
    }

    /// What the end of a stream tells of it.
    pub(super) const fn at_the_end(self) -> FinalUsage {
        FinalUsage {
            input_tokens: self.input_tokens,
            cache_creation_input_tokens: self.cache_creation_input_tokens,
            cache_read_input_tokens: self.cache_read_input_tokens,
            output_tokens: self.output_tokens,
        }
    }
}

/// The usage at the end of a stream.
#[derive(Serialize)]
pub(super) struct FinalUsage {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
}

/// An event of a stream.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Event<'a> {
    MessageStart { message: Message<'a> },
    Ping,
    ContentBlockStart { index: u32, content_block: Block<'a> },
    ContentBlockDelta { index: u32, delta: Delta<'a> },
    ContentBlockStop { index: u32 },
    MessageDelta { delta: Ending<'a>, usage: FinalUsage },
    MessageStop,
}

impl Event<'_> {
    /// The name before the data, which is the data's type.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::Ping => "ping",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop => "message_stop",
        }
    }
}

/// What is new in a block.
#[derive(Serialize)]
#[serde(tag = "type")]
pub(super) enum Delta<'a> {
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
}

/// How many tokens a prompt has.
#[derive(Serialize)]
pub(super) struct Count {
    pub(super) input_tokens: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(of: &impl Serialize) -> Value {
        serde_json::to_value(of).unwrap()
    }

    #[test]
    fn the_prompt_is_told_in_three_parts_that_add_up() {
        let cached = CacheUse { read: 2_000, written_5m: 300, written_1h: 1_100 };
        let usage = value(&Usage::new(3_450, cached, 7));
        assert_eq!(
            usage,
            json!({
                "input_tokens": 50,
                "cache_creation_input_tokens": 1_400,
                "cache_read_input_tokens": 2_000,
                "cache_creation": { "ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 1_100 },
                "output_tokens": 7,
                "service_tier": "standard",
            })
        );
    }

    #[test]
    fn a_message_has_all_its_members() {
        let (input, usage) = (json!({ "city": "Paris" }), Usage::new(5, CacheUse::default(), 2));
        let content = [
            Block::Thinking { thinking: "Hm.", signature: "c2ln" },
            Block::Text { text: "Well." },
            Block::ToolUse { id: "toolu_1", name: "get_weather", input: &input },
        ];
        let reason = FinishReason::StopText("END".to_owned());
        let mut message = value(&Message::whole("claude-sonnet-4-5", &content, &reason, usage));
        assert!(message["id"].take().is_string());
        assert_eq!(
            message,
            json!({
                "id": null,
                "type": "message",
                "role": "assistant",
                "model": "claude-sonnet-4-5",
                "content": [
                    { "type": "thinking", "thinking": "Hm.", "signature": "c2ln" },
                    { "type": "text", "text": "Well." },
                    { "type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": { "city": "Paris" } },
                ],
                "stop_reason": "stop_sequence",
                "stop_sequence": "END",
                "usage": value(&usage),
            })
        );
    }

    #[test]
    fn what_a_filter_ends_is_a_refusal() {
        assert_eq!(value(&Ending::of(&FinishReason::Filtered))["stop_reason"], "refusal");
    }

    #[test]
    fn the_name_of_an_event_is_its_type() {
        for event in [
            Event::Ping,
            Event::ContentBlockStart { index: 0, content_block: Block::Text { text: "" } },
            Event::ContentBlockDelta { index: 0, delta: Delta::InputJson { partial_json: "" } },
            Event::ContentBlockStop { index: 0 },
            Event::MessageStart { message: Message::begun("m", Usage::new(1, CacheUse::default(), 1)) },
            Event::MessageDelta {
                delta: Ending::of(&FinishReason::Length),
                usage: Usage::new(1, CacheUse::default(), 1).at_the_end(),
            },
            Event::MessageStop,
        ] {
            assert_eq!(value(&event)["type"], event.name());
        }
    }
}
