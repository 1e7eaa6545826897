//! An answer that comes whole.

use super::wire::{Block, Converse, ReasoningText, finish_reason};
use crate::domain::inference::{Answer, Completion, ProviderError, Thinking, ToolCall};
use crate::provider::http::malformed;

/// The completion in a body, if it is all there.
pub(super) fn completion(body: Converse) -> Result<Completion, ProviderError> {
    let fields = body.additional_model_response_fields.as_ref();
    let mut answer =
        Answer { finish_reason: finish_reason(&body.stop_reason, fields)?, ..Answer::of_text("") };
    for block in body.output.message.content {
        add(&mut answer, block)?;
    }
    Ok(Completion { answer, more: Vec::new(), usage: body.usage.into() })
}

fn add(answer: &mut Answer, block: Block) -> Result<(), ProviderError> {
    match block {
        Block { text: Some(text), .. } => answer.text += &text,
        Block { tool_use: Some(call), .. } => answer.tool_calls.push(ToolCall {
            id: call.tool_use_id,
            name: call.name,
            arguments: call.input.to_string(),
        }),
        Block { reasoning_content: Some(reasoning), .. } => {
            if let Some(ReasoningText { text, signature }) = reasoning.reasoning_text {
                let signature = signature.filter(|signature| !signature.is_empty());
                answer.thinking = Some(match answer.thinking.take() {
                    None => Thinking { text, signature },
                    // Each signature proves its own block only.
                    Some(before) => Thinking::of_text(before.text + &text),
                });
            }
        }
        _ => return Err(malformed("a block of an unknown kind")),
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
            "output": { "message": { "role": "assistant", "content": [
                { "reasoningContent": { "reasoningText": { "text": "Hm.", "signature": "c2ln" } } },
                { "reasoningContent": { "redactedContent": "eA==" } },
                { "text": "Let me " },
                { "text": "look." },
                { "toolUse": { "toolUseId": "tooluse_1", "name": "f", "input": { "b": 1.5, "a": [] } } },
            ] } },
            "stopReason": "tool_use",
            "usage": {
                "inputTokens": 50, "outputTokens": 7, "totalTokens": 3_457,
                "cacheReadInputTokens": 2_000, "cacheWriteInputTokens": 1_400,
            },
            "metrics": { "latencyMs": 5 },
        })
    }

    #[test]
    fn an_answer_is_read_with_all_its_blocks() {
        let Completion { answer, usage, .. } = read(body()).unwrap();
        let cached = Usage { cached_tokens: 2_000, cache_written_tokens: 1_400, ..Usage::of(3_450, 7) };
        assert_eq!(usage, cached);
        let thinking = Thinking { signature: Some("c2ln".to_owned()), ..Thinking::of_text("Hm.") };
        assert_eq!((&answer.thinking, answer.text.as_str()), (&Some(thinking), "Let me look."));
        assert_eq!(answer.finish_reason, FinishReason::ToolCalls);
        let [call] = &answer.tool_calls[..] else { panic!("{answer:?}") };
        assert_eq!((call.id.as_str(), call.name.as_str()), ("tooluse_1", "f"));
        assert_eq!(call.arguments, "{\"b\":1.5,\"a\":[]}");
    }

    #[test]
    fn an_answer_says_why_it_ended() {
        let ended = |reason: &str, fields: Value| {
            let mut body = body();
            body["stopReason"] = json!(reason);
            body["additionalModelResponseFields"] = fields;
            read(body).map(|completion| completion.answer.finish_reason).ok()
        };
        assert_eq!(ended("end_turn", Value::Null), Some(FinishReason::Stop));
        assert_eq!(ended("max_tokens", Value::Null), Some(FinishReason::Length));
        assert_eq!(ended("stop_sequence", Value::Null), Some(FinishReason::Stop));
        assert_eq!(ended("content_filtered", Value::Null), Some(FinishReason::Filtered));
        let told = Some(FinishReason::StopText("END".to_owned()));
        assert_eq!(ended("stop_sequence", json!({ "stop_sequence": "END" })), told);
        assert_eq!(ended("stop_sequence", json!({ "delta": { "stop_sequence": "END" } })), told);
        assert_eq!(ended("end_turn", json!({ "stop_sequence": null })), Some(FinishReason::Stop));
        assert_eq!(ended("malformed_tool_use", Value::Null), None);
        assert_eq!(ended("tired", Value::Null), None);
    }

    #[test]
    fn a_success_without_what_must_be_there_is_malformed() {
        let without = |pointer: &str, member: &str| without(body(), pointer, member);
        for wrong in [
            json!({}),
            without("", "output"),
            without("", "usage"),
            without("", "stopReason"),
            without("/usage", "outputTokens"),
            without("/output/message", "content"),
            without("/output/message/content/2", "text"),
            without("/output/message/content/4/toolUse", "input"),
        ] {
            assert!(matches!(read(wrong.clone()), Err(ProviderError::Malformed(_))), "{wrong}");
        }
    }
}
