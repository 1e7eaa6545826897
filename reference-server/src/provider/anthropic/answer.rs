//! A message that comes whole.

use super::wire::{Block, Message, finish_reason};
use crate::domain::inference::{Answer, Completion, ProviderError, Thinking, ToolCall};
use crate::provider::http::{missing, unexpected};

/// The completion in a body, if it is all there.
pub(super) fn completion(body: Message) -> Result<Completion, ProviderError> {
    let mut answer = Answer {
        finish_reason: finish_reason(&body.stop_reason, body.stop_sequence)?,
        ..Answer::of_text("")
    };
    for block in body.content {
        add(&mut answer, block)?;
    }
    Ok(Completion { answer, more: Vec::new(), usage: body.usage.into() })
}

fn add(answer: &mut Answer, block: Block) -> Result<(), ProviderError> {
    match block.kind.as_str() {
        "text" => answer.text += &block.text.ok_or_else(|| missing("text"))?,
        "thinking" => {
            let thoughts = block.thinking.ok_or_else(|| missing("thinking"))?;
            let signature = block.signature.filter(|signature| !signature.is_empty());
            answer.thinking = Some(match answer.thinking.take() {
                None => Thinking { text: thoughts, signature },
                // Each signature proves its own block only.
                Some(before) => Thinking::of_text(before.text + &thoughts),
            });
        }
        // Thoughts that nobody may read.
        "redacted_thinking" => {}
        "tool_use" => answer.tool_calls.push(ToolCall {
            id: block.id.ok_or_else(|| missing("id"))?,
            name: block.name.ok_or_else(|| missing("name"))?,
            arguments: block.input.ok_or_else(|| missing("input"))?.to_string(),
        }),
        kind => return Err(unexpected("a block", kind)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::inference::{FinishReason, Usage};
    use crate::provider::http::testing::without;

    fn read(body: Value) -> Result<Completion, ProviderError> {
        match serde_json::from_value(body) {
            Ok(body) => completion(body),
            Err(error) => Err(ProviderError::Malformed(error.to_string())),
        }
    }

    fn body() -> Value {
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
            "content": [
                { "type": "thinking", "thinking": "Hm.", "signature": "c2ln" },
                { "type": "redacted_thinking", "data": "x" },
                { "type": "text", "text": "Let me " },
                { "type": "text", "text": "look.", "citations": null },
                { "type": "tool_use", "id": "toolu_1", "name": "f", "input": { "b": 1.5, "a": [] } },
            ],
            "stop_reason": "tool_use",
            "stop_sequence": null,
            "usage": {
                "input_tokens": 50, "cache_creation_input_tokens": 1_400, "cache_read_input_tokens": 2_000,
                "output_tokens": 7, "service_tier": "standard",
            },
        })
    }

    #[test]
    fn a_message_is_read_with_all_its_blocks() {
        let Completion { answer, usage, .. } = read(body()).unwrap();
        let cached = Usage { cached_tokens: 2_000, cache_written_tokens: 1_400, ..Usage::of(3_450, 7) };
        assert_eq!(usage, cached);
        let thinking = Thinking { signature: Some("c2ln".to_owned()), ..Thinking::of_text("Hm.") };
        assert_eq!((&answer.thinking, answer.text.as_str()), (&Some(thinking), "Let me look."));
        assert_eq!(answer.finish_reason, FinishReason::ToolCalls);
        let call = &answer.tool_calls[0];
        assert_eq!((call.id.as_str(), call.name.as_str()), ("toolu_1", "f"));
        assert_eq!(serde_json::from_str::<Value>(&call.arguments).unwrap(), body()["content"][4]["input"]);
    }

    #[test]
    fn thoughts_in_several_blocks_are_not_proven_together() {
        let mut body = body();
        body["content"][1] = json!({ "type": "thinking", "thinking": " Yes.", "signature": "c2lnMg==" });
        assert_eq!(read(body).unwrap().answer.thinking, Some(Thinking::of_text("Hm. Yes.")));
    }

    #[test]
    fn an_answer_says_why_it_ended() {
        let ended = |reason: &str, text: Value| {
            let mut body = body();
            (body["stop_reason"], body["stop_sequence"]) = (json!(reason), text);
            read(body).map(|completion| completion.answer.finish_reason).ok()
        };
        assert_eq!(ended("end_turn", Value::Null), Some(FinishReason::Stop));
        assert_eq!(ended("max_tokens", Value::Null), Some(FinishReason::Length));
        assert_eq!(ended("refusal", Value::Null), Some(FinishReason::Filtered));
        assert_eq!(ended("stop_sequence", json!("END")), Some(FinishReason::StopText("END".to_owned())));
        assert_eq!(ended("tired", Value::Null), None);
    }

    #[test]
    fn a_success_without_what_must_be_there_is_malformed() {
        let without = |pointer: &str, member: &str| without(body(), pointer, member);
        let mut other = body();
        other["content"][0]["type"] = json!("server_tool_use");
        for wrong in [
            json!({}),
            other,
            without("", "content"),
            without("", "usage"),
            without("", "stop_reason"),
            without("/usage", "output_tokens"),
            without("/content/0", "thinking"),
            without("/content/2", "text"),
            without("/content/4", "id"),
            without("/content/4", "input"),
        ] {
            assert!(matches!(read(wrong.clone()), Err(ProviderError::Malformed(_))), "{wrong}");
        }
    }
}
