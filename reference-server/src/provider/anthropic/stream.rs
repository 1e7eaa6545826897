//! A message that comes in events.

use super::error;
use super::wire::{Block, Delta, Event, Usage, finish_reason};
use crate::domain::inference::ProviderError;
use crate::provider::http::{Decoder, Parts, missing, unexpected};

/// The answer's number: there is one.
const ANSWER: u32 = 0;

/// Reads the events.
#[derive(Default)]
pub(super) struct Events {
    usage: Option<Usage>,
}

impl Decoder<String> for Events {
    fn read(&mut self, data: String, parts: &mut Parts) -> Result<(), ProviderError> {
        let event = serde_json::from_str(&data);
        let event: Event = event.map_err(|error| ProviderError::Malformed(error.to_string()))?;
        match event.kind.as_str() {
            "message_start" => {
                self.usage = Some(event.message.ok_or_else(|| missing("message"))?.usage);
                Ok(())
            }
            "content_block_start" => {
                begin(event.content_block.ok_or_else(|| missing("content_block"))?, parts)
            }
            "content_block_delta" => add(event.delta.ok_or_else(|| missing("delta"))?, parts),
            "content_block_stop" => parts.block_ended(ANSWER),
            "message_delta" => {
                let (begun, told) = (self.usage, event.usage);
                let (begun, told) = begun.zip(told).ok_or_else(|| missing("usage"))?;
                self.usage = Some(begun.at_the_end(told));
                let delta = event.delta.ok_or_else(|| missing("delta"))?;
                match delta.stop_reason {
                    Some(word) => parts.ended(ANSWER, finish_reason(&word, delta.stop_sequence)?),
                    None => Ok(()),
                }
            }
            "message_stop" => parts.finished(self.usage.ok_or_else(|| missing("usage"))?.into()),
            "error" => Err(error::told_in_stream(&event.error.ok_or_else(|| missing("error"))?, data)),
            // Pings, and whatever may be added to the wire.
            _ => Ok(()),
        }
    }
}

fn begin(block: Block, parts: &mut Parts) -> Result<(), ProviderError> {
    match block.kind.as_str() {
        "text" => parts.text(ANSWER, block.text.unwrap_or_default(), None),
        "thinking" => {
            parts.thinking(ANSWER, block.thinking.unwrap_or_default())?;
            parts.signature(ANSWER, block.signature.unwrap_or_default())
        }
        "redacted_thinking" => Ok(()),
        "tool_use" => {
            let id = block.id.ok_or_else(|| missing("id"))?;
            parts.call(ANSWER, id, block.name.ok_or_else(|| missing("name"))?)
        }
        kind => Err(unexpected("a block", kind)),
    }
}

fn add(delta: Delta, parts: &mut Parts) -> Result<(), ProviderError> {
    match delta.kind.as_deref().unwrap_or_default() {
        "text_delta" => parts.text(ANSWER, delta.text.ok_or_else(|| missing("text"))?, None),
        "thinking_delta" => parts.thinking(ANSWER, delta.thinking.ok_or_else(|| missing("thinking"))?),
        "input_json_delta" => {
            parts.arguments(ANSWER, delta.partial_json.ok_or_else(|| missing("partial_json"))?)
        }
        "signature_delta" => parts.signature(ANSWER, delta.signature.ok_or_else(|| missing("signature"))?),
        // What a text refers to has no place in an answer.
        "citations_delta" => Ok(()),
        kind => Err(unexpected("a delta", kind)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::inference::{self, FinishReason};
    use crate::provider::http::testing::decoded;
    use crate::provider::{Piece, StreamPart};

    fn read(events: &[Value]) -> Result<Vec<StreamPart>, ProviderError> {
        decoded(Events::default(), events.iter().map(Value::to_string), 1)
    }

    fn start() -> Value {
        let usage = json!({ "input_tokens": 5, "cache_read_input_tokens": 20, "output_tokens": 1 });
        json!({ "type": "message_start", "message": { "id": "msg_1", "content": [], "usage": usage } })
    }

    fn block(index: u32, block: &Value) -> Value {
        json!({ "type": "content_block_start", "index": index, "content_block": block })
    }

    fn delta(index: u32, delta: &Value) -> Value {
        json!({ "type": "content_block_delta", "index": index, "delta": delta })
    }

    fn stop(index: u32) -> Value {
        json!({ "type": "content_block_stop", "index": index })
    }

    fn said(text: &str) -> [Value; 3] {
        let add = delta(0, &json!({ "type": "text_delta", "text": text }));
        [block(0, &json!({ "type": "text", "text": "" })), add, stop(0)]
    }

    fn end(reason: &str) -> [Value; 2] {
        let why = json!({ "stop_reason": reason, "stop_sequence": null });
        [
            json!({ "type": "message_delta", "delta": why, "usage": { "output_tokens": 9 } }),
            json!({ "type": "message_stop" }),
        ]
    }

    #[test]
    fn events_become_parts() {
        let mut events = vec![
            start(),
            json!({ "type": "ping" }),
            block(0, &json!({ "type": "thinking", "thinking": "", "signature": "" })),
            delta(0, &json!({ "type": "thinking_delta", "thinking": "Hm." })),
            delta(0, &json!({ "type": "signature_delta", "signature": "c2ln" })),
            stop(0),
        ];
        events.extend(said("Let me look."));
        events.extend([
            block(2, &json!({ "type": "tool_use", "id": "toolu_1", "name": "f", "input": {} })),
            delta(2, &json!({ "type": "input_json_delta", "partial_json": "" })),
            delta(2, &json!({ "type": "input_json_delta", "partial_json": "{\"a\":" })),
            delta(2, &json!({ "type": "input_json_delta", "partial_json": "1}" })),
            stop(2),
            block(3, &json!({ "type": "tool_use", "id": "toolu_2", "name": "g", "input": {} })),
            stop(3),
            json!({ "type": "something_new", "x": 1 }),
        ]);
        events.extend(end("tool_use"));
        let call = |index: u32, id: &str, name: &str| Piece::ToolCall {
            index,
            id: id.to_owned(),
            name: name.to_owned(),
        };
        let arguments = |index: u32, text: &str| Piece::Arguments { index, text: text.to_owned() };
        let pieces = [
            Piece::Thinking("Hm.".to_owned()),
            Piece::Signature("c2ln".to_owned()),
            Piece::Text { text: "Let me look.".to_owned(), tokens: None },
            call(0, "toolu_1", "f"),
            arguments(0, "{\"a\":"),
            arguments(0, "1}"),
            call(1, "toolu_2", "g"),
            arguments(1, "{}"),
        ];
        let mut expected: Vec<_> =
            pieces.into_iter().map(|piece| StreamPart::Delta { answer: 0, piece }).collect();
        expected.push(StreamPart::Ended { answer: 0, finish_reason: FinishReason::ToolCalls });
        let usage = inference::Usage { cached_tokens: 20, ..inference::Usage::of(25, 9) };
        expected.push(StreamPart::Finished { usage });
        assert_eq!(read(&events).unwrap(), expected);
    }

    #[test]
    fn an_answer_without_a_word_is_one_all_the_same() {
        let parts = read(&[vec![start()], end("end_turn").to_vec()].concat()).unwrap();
        assert!(matches!(&parts[..], [StreamPart::Ended { .. }, StreamPart::Finished { .. }]), "{parts:?}");
    }

    #[test]
    fn a_stream_without_its_end_is_no_answer() {
        let begun = || [vec![start()], said("Hi").to_vec()].concat();
        let [why, over] = end("end_turn");
        for rest in [
            vec![],
            vec![why.clone()],
            vec![over.clone()],
            vec![block(1, &json!({ "type": "server_tool_use" })), why.clone(), over.clone()],
            vec![delta(1, &json!({ "type": "text_delta" })), why.clone(), over.clone()],
            vec![json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" } }), over.clone()],
            vec![json!("{"), why.clone(), over.clone()],
        ] {
            let events = [begun(), rest].concat();
            let read = read(&events);
            assert!(matches!(read, Err(ProviderError::Malformed(_))), "{events:?}: {read:?}");
        }
        assert!(read(&[why, over]).is_err(), "no usage of the prompt");
    }

    #[test]
    fn an_error_in_a_stream_is_what_its_type_says() {
        let error =
            json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } });
        let events = [vec![start()], said("Hi").to_vec(), vec![error]].concat();
        assert_eq!(read(&events), Err(ProviderError::unavailable("Overloaded".to_owned())));
    }
}
