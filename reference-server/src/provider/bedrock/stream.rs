//! An answer that comes in events.

use aws_smithy_types::event_stream::Message;
use serde::de::DeserializeOwned;

use super::error;
use super::wire::{BlockDelta, BlockStart, Delta, MessageStop, Metadata, finish_reason};
use crate::domain::inference::ProviderError;
use crate::provider::http::{Decoder, Parts, malformed, unexpected};

/// The answer's number: there is one.
const ANSWER: u32 = 0;

/// Reads the events.
pub(super) struct Events;

impl Decoder<Message> for Events {
    fn read(&mut self, message: Message, parts: &mut Parts) -> Result<(), ProviderError> {
        let header = |name| header(&message, name).unwrap_or_default();
        match header(":message-type") {
            "event" => event(header(":event-type"), message.payload(), parts),
            "exception" => Err(error::told_in_stream(header(":exception-type"), message.payload())),
            "error" => Err(error::named(header(":error-code"), header(":error-message").to_owned())),
            kind => Err(unexpected("a frame", kind)),
        }
    }
}

fn event(name: &str, payload: &[u8], parts: &mut Parts) -> Result<(), ProviderError> {
    match name {
        "contentBlockStart" => match read::<BlockStart>(payload)?.start.tool_use {
            Some(call) => parts.call(ANSWER, call.tool_use_id, call.name),
            None => Ok(()),
        },
        "contentBlockDelta" => add(read::<BlockDelta>(payload)?.delta, parts),
        "contentBlockStop" => parts.block_ended(ANSWER),
        "messageStop" => {
            let MessageStop { stop_reason, additional_model_response_fields: fields } = read(payload)?;
            parts.ended(ANSWER, finish_reason(&stop_reason, fields.as_ref())?)
        }
        "metadata" => parts.finished(read::<Metadata>(payload)?.usage.into()),
        // The beginning, and whatever may be added to the wire.
        _ => Ok(()),
    }
}

fn add(delta: Delta, parts: &mut Parts) -> Result<(), ProviderError> {
    match delta {
        Delta { text: Some(text), .. } => parts.text(ANSWER, text, None),
        Delta { tool_use: Some(call), .. } => parts.arguments(ANSWER, call.input),
        // What nobody may read of thoughts has no place in an answer.
        Delta { reasoning_content: Some(reasoning), .. } => {
            parts.thinking(ANSWER, reasoning.text.unwrap_or_default())?;
            parts.signature(ANSWER, reasoning.signature.unwrap_or_default())
        }
        Delta { citation: Some(_), .. } => Ok(()),
        _ => Err(malformed("a delta of an unknown kind")),
    }
}

/// A header of a frame, where it is there and text.
fn header<'m>(message: &'m Message, name: &str) -> Option<&'m str> {
    let header = message.headers().iter().find(|header| header.name().as_str() == name)?;
    Some(header.value().as_string().ok()?.as_str())
}

fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, ProviderError> {
    serde_json::from_slice(payload).map_err(|error| ProviderError::Malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::frames::tests::message;
    use super::*;
    use crate::domain::inference::{FinishReason, Usage};
    use crate::provider::http::testing::decoded;
    use crate::provider::{Piece, StreamPart};

    type Event = (&'static str, Value);

    fn parts(events: Vec<Event>) -> Result<Vec<StreamPart>, ProviderError> {
        let frames = events
            .into_iter()
            .map(|(name, payload)| message("event", &[(":event-type", name)], &payload.to_string()));
        decoded(Events, frames, 1)
    }

    fn start() -> Event {
        ("messageStart", json!({ "role": "assistant", "p": "abcd" }))
    }

    fn delta(index: u32, delta: &Value) -> Event {
        ("contentBlockDelta", json!({ "contentBlockIndex": index, "delta": delta }))
    }

    fn call(index: u32, id: &str, name: &str) -> Event {
        let start = json!({ "toolUse": { "toolUseId": id, "name": name } });
        ("contentBlockStart", json!({ "contentBlockIndex": index, "start": start }))
    }

    fn stop(index: u32) -> Event {
        ("contentBlockStop", json!({ "contentBlockIndex": index }))
    }

    fn end(reason: &str) -> [Event; 2] {
        let usage =
            json!({ "inputTokens": 5, "outputTokens": 9, "totalTokens": 34, "cacheReadInputTokens": 20 });
        [
            ("messageStop", json!({ "stopReason": reason })),
            ("metadata", json!({ "usage": usage, "metrics": { "latencyMs": 5 } })),
        ]
    }

    #[test]
    fn events_become_parts() {
        let mut events = vec![
            start(),
            delta(0, &json!({ "reasoningContent": { "text": "Hm." } })),
            delta(0, &json!({ "reasoningContent": { "signature": "c2ln" } })),
            stop(0),
            delta(1, &json!({ "text": "Let me look." })),
            delta(1, &json!({ "citation": { "title": "a" } })),
            stop(1),
            call(2, "tooluse_1", "f"),
            delta(2, &json!({ "toolUse": { "input": "" } })),
            delta(2, &json!({ "toolUse": { "input": "{\"a\":" } })),
            delta(2, &json!({ "toolUse": { "input": "1}" } })),
            stop(2),
            call(3, "tooluse_2", "g"),
            stop(3),
            ("somethingNew", json!({ "x": 1 })),
        ];
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
            call(0, "tooluse_1", "f"),
            arguments(0, "{\"a\":"),
            arguments(0, "1}"),
            call(1, "tooluse_2", "g"),
            arguments(1, "{}"),
        ];
        let mut expected: Vec<_> =
            pieces.into_iter().map(|piece| StreamPart::Delta { answer: 0, piece }).collect();
        expected.push(StreamPart::Ended { answer: 0, finish_reason: FinishReason::ToolCalls });
        let usage = Usage { cached_tokens: 20, ..Usage::of(25, 9) };
        expected.push(StreamPart::Finished { usage });
        assert_eq!(parts(events).unwrap(), expected);
    }

    #[test]
    fn a_stream_without_its_end_is_no_answer() {
        let [why, cost] = end("end_turn");
        let said = || vec![start(), delta(0, &json!({ "text": "Hi" })), stop(0)];
        assert!(parts([said(), vec![why.clone(), cost.clone()]].concat()).is_ok());
        for rest in [
            vec![],
            vec![why.clone()],
            vec![cost.clone()],
            vec![cost.clone(), why.clone()],
            vec![delta(1, &json!({ "image": {} })), why.clone(), cost.clone()],
            vec![("contentBlockDelta", json!({ "contentBlockIndex": 1 })), why.clone(), cost.clone()],
            vec![("messageStop", json!({})), cost.clone()],
            vec![why.clone(), ("metadata", json!({ "metrics": { "latencyMs": 5 } }))],
            vec![("contentBlockStop", json!("{")), ("messageStop", json!("{")), cost.clone()],
        ] {
            let events = [said(), rest].concat();
            let read = parts(events.clone());
            assert!(matches!(read, Err(ProviderError::Malformed(_))), "{events:?}: {read:?}");
        }
    }

    #[test]
    fn an_error_in_a_stream_is_what_its_name_says() {
        let read = |frame: Message| decoded(Events, [frame], 1).unwrap_err();
        let told = "{\"message\":\"too fast\"}";
        let exception = message("exception", &[(":exception-type", "throttlingException")], told);
        let limited = ProviderError::RateLimited { message: "too fast".to_owned(), retry_after: None };
        assert_eq!(read(exception), limited);
        let headers = [(":error-code", "InternalServerException"), (":error-message", "broken")];
        assert_eq!(read(message("error", &headers, "")), ProviderError::unavailable("broken".to_owned()));
        assert!(matches!(read(message("news", &[], "")), ProviderError::Malformed(_)));
    }
}
