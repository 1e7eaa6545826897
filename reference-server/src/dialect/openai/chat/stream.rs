//! A chat completion in server-sent events.

use axum::response::Response;

use super::answer::PROMPT;
use super::wire::{CallDelta, ChunkChoice, Delta, ID, Logprobs};
use crate::dialect::common::Flow;
use crate::dialect::common::sse::{self, Frame, Frames};
use crate::dialect::openai::chunks::{Framed, Head, Kind};
use crate::dialect::openai::error::Refusal;
use crate::dialect::openai::exchange::Exchange;
use crate::dialect::openai::wire::{TIER, ended};
use crate::domain::catalog::Model;
use crate::domain::completion::BilledStream;
use crate::domain::inference::FinishReason;
use crate::intake::Share;
use crate::provider::{Piece, StreamPart};

/// What the chunks say that they are.
const KIND: Kind = Kind { id: ID, object: "chat.completion.chunk", tier: Some(TIER) };

/// The response that carries the parts as they come, and at the end what they cost, where that is asked for.
pub(super) fn respond(
    exchange: &Exchange<'_>,
    model: &Model,
    parts: BilledStream,
    share: Share,
    usage: bool,
) -> Response {
    let head = Head::new(exchange, model, KIND, usage);
    let flow = Flow::new(exchange, parts, share, |_, error| error.to_string());
    let context_tokens = model.identity.context_tokens;
    sse::respond(Events { flow, head, opened: 0, refused: 0, context_tokens })
}

struct Events {
    flow: Flow,
    head: Head,
    /// A bit for each answer that has begun.
    opened: u128,
    /// The same for each that is a refusal.
    refused: u128,
    context_tokens: Option<u64>,
}

impl Frames for Events {
    /// The next frame. A failure is an event of its own, and the last.
    async fn next(&mut self) -> Option<Framed> {
        loop {
            let frame = match self.flow.next().await? {
                Ok(StreamPart::Delta { answer, piece }) => self.delta(answer, &piece),
                Ok(StreamPart::Ended { answer, finish_reason }) => Some(self.ended(answer, &finish_reason)),
                Ok(StreamPart::Finished { usage }) => Some(self.head.finished(usage)),
                Err(error) => {
                    let refusal = Refusal::failed(error, self.context_tokens, PROMPT);
                    Some(Frame::new().data(&refusal.envelope()))
                }
            };
            if frame.is_some() {
                return frame;
            }
        }
    }
}

impl Events {
    /// More of an answer; nothing where it is what nobody is shown.
    fn delta(&mut self, index: u32, piece: &Piece) -> Option<Framed> {
        let (opening, delta, logprobs) = match piece {
            Piece::Thinking(_) | Piece::Signature(_) => return None,
            Piece::Refusal(refusal) => {
                self.refused |= bit(index);
                (None, Delta::Refusal { refusal }, None)
            }
            Piece::Text { text, tokens } => {
                (Some(""), Delta::Content { content: text }, tokens.as_deref().map(Logprobs::new))
            }
            Piece::ToolCall { index, id, name } => {
                (None, Delta::ToolCalls { tool_calls: [CallDelta::opening(*index, id, name)] }, None)
            }
            Piece::Arguments { index, text } => {
                (None, Delta::ToolCalls { tool_calls: [CallDelta::arguments(*index, text)] }, None)
            }
        };
        let frame = self.open(index, opening);
        let choice = ChunkChoice { index, delta, logprobs, finish_reason: None };
        Some(frame.and_then(|frame| self.head.chunk(frame, &[choice])))
    }

    fn ended(&mut self, index: u32, reason: &FinishReason) -> Framed {
        let frame = self.open(index, Some(""))?;
        let finish_reason = Some(ended(reason, self.refused & bit(index) != 0));
        let choice = ChunkChoice { index, delta: Delta::End {}, logprobs: None, finish_reason };
        self.head.chunk(frame, &[choice])
    }

    /// A frame that begins an answer, where it has not begun yet.
    fn open(&mut self, index: u32, content: Option<&str>) -> Framed {
        let bit = bit(index);
        if self.opened & bit != 0 {
            return Ok(Frame::new());
        }
        self.opened |= bit;
        let delta = Delta::Role { role: "assistant", content, refusal: None };
        let choice = ChunkChoice { index, delta, logprobs: None, finish_reason: None };
        self.head.chunk(Frame::new(), &[choice])
    }
}

/// The bit of an answer.
fn bit(index: u32) -> u128 {
    1_u128.checked_shl(index).unwrap_or(0)
}
