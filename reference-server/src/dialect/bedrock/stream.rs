//! An answer in the events of a binary stream.

use std::time::Instant;

use axum::response::Response;

use super::error::Refusal;
use super::exchange::Exchange;
use super::frame::{self, Written};
use super::wire::{Delta, Ending, Event, Metrics, Reasoning, Role, Start};
use crate::dialect::anthropic::signature::Signer;
use crate::dialect::anthropic::stream::is_empty;
use crate::dialect::common::Flow;
use crate::dialect::common::sse::{Frame, Frames};
use crate::domain::call::CallError;
use crate::domain::completion::BilledStream;
use crate::domain::inference::{FinishReason, Usage};
use crate::domain::world::World;
use crate::intake::Share;
use crate::provider::{Piece, StreamPart};

/// The response that carries the parts as they come.
pub(super) fn respond(
    exchange: &Exchange<'_>,
    parts: BilledStream,
    share: Share,
    tells_stop: bool,
) -> Response {
    let logged = |_: &World, error: &CallError| error.to_string();
    frame::respond(Events {
        flow: Flow::new(exchange, parts, share, logged),
        started: exchange.started,
        is_open: false,
        finish_reason: FinishReason::Stop,
        tells_stop,
        blocks: Blocks { index: 0, open: Open::Nothing, is_here: !exchange.is_routed() },
    })
}

struct Events {
    flow: Flow,
    /// When the request came in.
    started: Instant,
    /// Whether the answer has begun.
    is_open: bool,
    /// Why the answer ended, once it has.
    finish_reason: FinishReason,
    tells_stop: bool,
    blocks: Blocks,
}

impl Frames for Events {
    /// The next frame. A failure is told in an exception, and nothing comes behind it.
    async fn next(&mut self) -> Option<Written> {
        if !self.is_open {
            self.is_open = true;
            return Some(write(Frame::new(), &Event::MessageStart { role: Role::Assistant }));
        }
        loop {
            match self.flow.next().await? {
                Ok(StreamPart::Delta { answer: 0, piece }) => {
                    if !is_empty(&piece) {
                        return Some(self.blocks.grow(&piece));
                    }
                }
                Ok(StreamPart::Ended { answer: 0, finish_reason }) => self.finish_reason = finish_reason,
                Ok(StreamPart::Finished { usage }) => return Some(self.ending(usage)),
                // Nobody asks for more answers than one here.
                Ok(StreamPart::Delta { .. } | StreamPart::Ended { .. }) => {}
                Err(error) => {
                    let refusal = Refusal::from(error);
                    let (name, told) = refusal.in_a_stream();
                    return Some(frame::exception(Frame::new(), name, &told));
                }
            }
        }
    }
}

impl Events {
    /// The end of the last block, the reason, and the usage.
    fn ending(&mut self, usage: Usage) -> Written {
        let frame = self.blocks.close(Frame::new())?;
        let ending = Ending::of(&self.finish_reason, self.tells_stop);
        let frame = write(frame, &Event::MessageStop(ending))?;
        let latency_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        write(frame, &Event::Metadata { usage: usage.into(), metrics: Metrics { latency_ms } })
    }
}

/// The blocks of an answer, which come one after the other.
struct Blocks {
    /// The place of the block that is open or comes next.
    index: u32,
    open: Open,
    /// Whether the model is in this process, where its thoughts are signed for it.
    is_here: bool,
}

enum Open {
    Nothing,
    Thinking(Signer),
    /// Thoughts whose model has proven them itself.
    Proven,
    Text,
    ToolUse,
}

impl Blocks {
    /// The events of a piece: it goes into the open block, or a new one begins with it. Only a call says so.
    fn grow(&mut self, piece: &Piece) -> Written {
        let mut frame = Frame::new();
        let delta = match piece {
            Piece::Thinking(thoughts) => {
                if !matches!(self.open, Open::Thinking(_)) {
                    frame = self.close(frame)?;
                    self.open = Open::Thinking(Signer::new());
                }
                if let Open::Thinking(signer) = &mut self.open {
                    signer.hear(thoughts);
                }
                Delta::ReasoningContent(Reasoning::Text(thoughts))
            }
            Piece::Signature(signature) => {
                if !matches!(self.open, Open::Thinking(_)) {
                    frame = self.close(frame)?;
                }
                self.open = Open::Proven;
                Delta::ReasoningContent(Reasoning::Signature(signature))
            }
            Piece::Text { text, .. } | Piece::Refusal(text) => {
                if !matches!(self.open, Open::Text) {
                    frame = self.close(frame)?;
                    self.open = Open::Text;
                }
                Delta::Text(text)
            }
            Piece::ToolCall { id, name, .. } => {
                frame = self.close(frame)?;
                self.open = Open::ToolUse;
                let start = Start::ToolUse { tool_use_id: id, name };
                return write(frame, &Event::ContentBlockStart { content_block_index: self.index, start });
            }
            Piece::Arguments { text, .. } => Delta::ToolUse { input: text },
        };
        write(frame, &Event::ContentBlockDelta { content_block_index: self.index, delta })
    }

    /// Ends the open block, if there is one. Thoughts are signed last.
    fn close(&mut self, mut frame: Frame) -> Written {
        let content_block_index = self.index;
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => return Ok(frame),
            Open::Thinking(signer) if self.is_here => {
                let signature = signer.sign();
                let delta = Delta::ReasoningContent(Reasoning::Signature(&signature));
                frame = write(frame, &Event::ContentBlockDelta { content_block_index, delta })?;
            }
            Open::Thinking(_) | Open::Proven | Open::Text | Open::ToolUse => {}
        }
        self.index += 1;
        write(frame, &Event::ContentBlockStop { content_block_index })
    }
}

fn write(frame: Frame, event: &Event<'_>) -> Written {
    frame::event(frame, event.name(), event)
}

#[cfg(test)]
mod tests {
    use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
    use serde_json::{Value, json};

    use super::*;
    use crate::dialect::anthropic::signature;

    /// The names and payloads of all events of these pieces, and of the end of the last block.
    fn events(pieces: &[Piece]) -> Vec<(String, Value)> {
        let mut blocks = Blocks { index: 0, open: Open::Nothing, is_here: true };
        let mut bytes = Vec::new();
        for piece in pieces {
            bytes.extend_from_slice(&blocks.grow(piece).unwrap().into_bytes());
        }
        bytes.extend_from_slice(&blocks.close(Frame::new()).unwrap().into_bytes());
        let (mut decoder, mut rest, mut events) = (MessageFrameDecoder::new(), bytes.as_slice(), Vec::new());
        while let DecodedFrame::Complete(message) = decoder.decode_frame(&mut rest).unwrap() {
            let name = message.headers()[0].value().as_string().unwrap().as_str().to_owned();
            events.push((name, serde_json::from_slice(message.payload()).unwrap()));
        }
        events
    }

    #[test]
    fn blocks_follow_each_other_with_ascending_indexes() {
        let text = |text: &str| Piece::Text { text: text.to_owned(), tokens: None };
        let call = Piece::ToolCall { index: 0, id: "call_1".to_owned(), name: "f".to_owned() };
        let arguments = |text: &str| Piece::Arguments { index: 0, text: text.to_owned() };
        let pieces = [
            Piece::Thinking("Hm, ".to_owned()),
            Piece::Thinking("yes.".to_owned()),
            text("Well, "),
            text("yes."),
            call,
            arguments("{\"a\":"),
            arguments("1}"),
        ];
        let events = events(&pieces);
        let event = |name: &str, index: u32, member: &str, value: Value| {
            (name.to_owned(), json!({ "contentBlockIndex": index, member: value }))
        };
        let delta = |index: u32, delta: Value| event("contentBlockDelta", index, "delta", delta);
        let stop = |index: u32| ("contentBlockStop".to_owned(), json!({ "contentBlockIndex": index }));
        let called = json!({ "toolUse": { "toolUseId": "call_1", "name": "f" } });
        assert_eq!(
            events,
            [
                delta(0, json!({ "reasoningContent": { "text": "Hm, " } })),
                delta(0, json!({ "reasoningContent": { "text": "yes." } })),
                delta(0, json!({ "reasoningContent": { "signature": signature::of("Hm, yes.") } })),
                stop(0),
                delta(1, json!({ "text": "Well, " })),
                delta(1, json!({ "text": "yes." })),
                stop(1),
                event("contentBlockStart", 2, "start", called),
                delta(2, json!({ "toolUse": { "input": "{\"a\":" } })),
                delta(2, json!({ "toolUse": { "input": "1}" } })),
                stop(2),
            ]
        );
    }

    #[test]
    fn what_a_model_proves_itself_is_passed_on() {
        let pieces = [
            Piece::Thinking("Hm.".to_owned()),
            Piece::Signature("c2ln".to_owned()),
            Piece::Refusal("No.".to_owned()),
        ];
        let deltas = events(&pieces).into_iter().filter_map(|(_, event)| event.get("delta").cloned());
        assert_eq!(
            deltas.collect::<Vec<_>>(),
            [
                json!({ "reasoningContent": { "text": "Hm." } }),
                json!({ "reasoningContent": { "signature": "c2ln" } }),
                json!({ "text": "No." }),
            ]
        );
    }

    #[test]
    fn an_answer_without_a_word_has_no_block() {
        assert!(events(&[]).is_empty());
    }
}
