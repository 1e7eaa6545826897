//! A chat completion that comes in chunks.

use super::error;
use super::wire::{CallDelta, Chunk, ChunkChoice, Delta, Usage, finish_reason, tokens};
use crate::domain::inference::{CompletionRequest, ProviderError};
use crate::provider::http::{Decoder, Parts, malformed};

/// What stands in place of the data of an event, after the last of them.
const DONE: &str = "[DONE]";

/// Reads the chunks.
pub(super) struct Chunks {
    tells_tokens: bool,
    usage: Option<Usage>,
}

impl Chunks {
    /// A reader of the answers to a request.
    pub(super) fn of(request: &CompletionRequest) -> Self {
        Self { tells_tokens: request.alternatives.is_some(), usage: None }
    }

    fn choice(&self, choice: ChunkChoice, parts: &mut Parts) -> Result<(), ProviderError> {
        let ChunkChoice { index, delta: Delta { content, refusal, tool_calls }, .. } = choice;
        let text = content.unwrap_or_default();
        let tokens = tokens(self.tells_tokens, choice.logprobs, &text)?;
        parts.text(index, text, tokens)?;
        parts.refusal(index, refusal.unwrap_or_default())?;
        for call in tool_calls.unwrap_or_default() {
            add_call(index, call, parts)?;
        }
        match choice.finish_reason {
            Some(word) => parts.ended(index, finish_reason(&word)?),
            None => Ok(()),
        }
    }
}

impl Decoder<String> for Chunks {
    fn read(&mut self, data: String, parts: &mut Parts) -> Result<(), ProviderError> {
        if data.trim() == DONE {
            let usage = self.usage.ok_or_else(|| malformed("the stream has an end, and no usage"))?;
            return parts.finished(usage.into());
        }
        let chunk = serde_json::from_str(&data);
        let chunk: Chunk = chunk.map_err(|error| ProviderError::Malformed(error.to_string()))?;
        if let Some(problem) = chunk.error {
            return Err(error::told_in_stream(&problem, data));
        }
        self.usage = chunk.usage.or(self.usage);
        for choice in chunk.choices.ok_or_else(|| malformed("a chunk without choices"))? {
            self.choice(choice, parts)?;
        }
        Ok(())
    }
}

/// More of the last call, or the next one, which begins with its id and its name.
fn add_call(answer: u32, call: CallDelta, parts: &mut Parts) -> Result<(), ProviderError> {
    let (name, arguments) = call.function.map_or((None, None), |of| (of.name, of.arguments));
    let calls = parts.calls(answer);
    if call.index == calls {
        let (Some(id), Some(name)) = (call.id, name) else {
            return Err(malformed("a call of a tool without its id or its name"));
        };
        parts.call(answer, id, name)?;
    } else if call.index.saturating_add(1) != calls {
        return Err(malformed("calls of tools do not follow each other"));
    }
    parts.arguments(answer, arguments.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::inference::{FinishReason, Usage};
    use crate::provider::http::testing::decoded;
    use crate::provider::{Piece, StreamPart};

    fn read(events: &[Value], request: &CompletionRequest) -> Result<Vec<StreamPart>, ProviderError> {
        let data = events.iter().map(|event| match event {
            Value::String(text) => text.clone(),
            event => event.to_string(),
        });
        decoded(Chunks::of(request), data, request.more_answers + 1)
    }

    fn chunk(index: u32, delta: &Value, finish_reason: Option<&str>) -> Value {
        let choice =
            json!({ "index": index, "delta": delta, "logprobs": null, "finish_reason": finish_reason });
        json!({ "object": "chat.completion.chunk", "choices": [choice], "usage": null })
    }

    fn usage() -> Value {
        json!({ "choices": [], "usage": { "prompt_tokens": 5, "completion_tokens": 2 } })
    }

    fn done() -> Value {
        json!("[DONE]")
    }

    fn delta(answer: u32, piece: Piece) -> StreamPart {
        StreamPart::Delta { answer, piece }
    }

    fn text(text: &str) -> Piece {
        Piece::Text { text: text.to_owned(), tokens: None }
    }

    #[test]
    fn chunks_become_parts() {
        let call = |index: u32, id: Value, name: Value, arguments: &str| {
            let function = json!({ "name": name, "arguments": arguments });
            json!({ "tool_calls": [{ "index": index, "id": id, "type": "function", "function": function }] })
        };
        let events = [
            chunk(0, &json!({ "role": "assistant", "content": "", "refusal": null }), None),
            chunk(0, &json!({ "content": "Let me " }), None),
            chunk(1, &json!({ "refusal": "No." }), Some("stop")),
            chunk(0, &json!({ "content": "look." }), None),
            chunk(0, &call(0, json!("call_1"), json!("f"), ""), None),
            chunk(0, &call(0, Value::Null, Value::Null, "{}"), None),
            chunk(0, &call(1, json!("call_2"), json!("g"), "{\"a\":"), None),
            chunk(0, &call(1, Value::Null, Value::Null, "1}"), None),
            chunk(0, &json!({}), Some("tool_calls")),
            usage(),
            done(),
        ];
        let two = CompletionRequest { more_answers: 1, ..CompletionRequest::default() };
        let called = |index: u32, id: &str, name: &str| Piece::ToolCall {
            index,
            id: id.to_owned(),
            name: name.to_owned(),
        };
        let arguments = |index: u32, text: &str| Piece::Arguments { index, text: text.to_owned() };
        let used = Usage::of(5, 2);
        assert_eq!(
            read(&events, &two).unwrap(),
            [
                delta(0, text("Let me ")),
                delta(1, Piece::Refusal("No.".to_owned())),
                StreamPart::Ended { answer: 1, finish_reason: FinishReason::Filtered },
                delta(0, text("look.")),
                delta(0, called(0, "call_1", "f")),
                delta(0, arguments(0, "{}")),
                delta(0, called(1, "call_2", "g")),
                delta(0, arguments(1, "{\"a\":")),
                delta(0, arguments(1, "1}")),
                StreamPart::Ended { answer: 0, finish_reason: FinishReason::ToolCalls },
                StreamPart::Finished { usage: used },
            ]
        );
    }

    #[test]
    fn tokens_come_with_their_text() {
        let asked = CompletionRequest { alternatives: Some(0), ..CompletionRequest::default() };
        let mut told = chunk(0, &json!({ "content": "Hi" }), Some("stop"));
        let token = json!({ "token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": [] });
        told["choices"][0]["logprobs"] = json!({ "content": [token] });
        let parts = read(&[told, usage(), done()], &asked).unwrap();
        let StreamPart::Delta { piece: Piece::Text { tokens: Some(tokens), .. }, .. } = &parts[0] else {
            panic!("{parts:?}");
        };
        assert_eq!((tokens.len(), tokens[0].bytes.as_slice()), (1, b"Hi".as_slice()));
        let untold = chunk(0, &json!({ "content": "Hi" }), Some("stop"));
        assert!(read(&[untold, usage(), done()], &asked).is_err());
    }

    #[test]
    fn a_stream_without_its_end_is_no_answer() {
        let (begun, ended) =
            (chunk(0, &json!({ "content": "Hi" }), None), chunk(0, &json!({}), Some("stop")));
        let one = CompletionRequest::default();
        for events in [
            vec![],
            vec![begun.clone(), ended.clone()],
            vec![begun.clone(), ended.clone(), usage()],
            vec![begun.clone(), ended.clone(), done()],
            vec![begun.clone(), usage(), done()],
            vec![begun.clone(), json!({}), ended.clone(), usage(), done()],
            vec![begun.clone(), json!("{\"choices\":[{"), ended.clone(), usage(), done()],
            vec![chunk(1, &json!({ "content": "Hi" }), None), ended, usage(), done()],
        ] {
            let read = read(&events, &one);
            assert!(matches!(read, Err(ProviderError::Malformed(_))), "{events:?}: {read:?}");
        }
    }

    #[test]
    fn an_error_in_a_stream_is_what_its_type_says() {
        let events = [
            chunk(0, &json!({ "content": "Hi" }), None),
            json!({ "error": { "message": "overloaded", "type": "server_error", "param": null, "code": null } }),
        ];
        let read = read(&events, &CompletionRequest::default());
        assert_eq!(read, Err(ProviderError::unavailable("overloaded".to_owned())));
    }
}
