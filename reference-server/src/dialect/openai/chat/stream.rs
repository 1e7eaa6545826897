//! A chat completion in server-sent events.

use std::sync::Arc;

use axum::response::Response;

use super::answer::PROMPT;
use super::wire::{CallDelta, Chunk, ChunkChoice, Delta, ID, Logprobs};
use crate::dialect::common::Flow;
use crate::dialect::common::sse::{self, Frame, Frames};
use crate::dialect::openai::error::Refusal;
use crate::dialect::openai::exchange::Exchange;
use crate::dialect::openai::wire::{FINGERPRINT, Id, StreamedUsage, TIER, finish_reason};
use crate::domain::catalog::Model;
use crate::domain::completion::BilledStream;
use crate::domain::inference::{FinishReason, Usage};
use crate::intake::Share;
use crate::provider::{Piece, StreamPart};

/// A frame, or why there is none.
type Framed = Result<Frame, serde_json::Error>;

/// The response that carries the parts as they come, and at the end what they cost, where that is asked for.
pub(super) fn respond(
    exchange: &Exchange<'_>,
    model: &Model,
    parts: BilledStream,
    share: Share,
    usage: bool,
) -> Response {
    let head = Head {
        id: Id::new(ID),
        created: exchange.world.clock.now().as_seconds(),
        model: Arc::clone(model.id()),
        usage: if usage { StreamedUsage::Later } else { StreamedUsage::Unasked },
    };
    let flow = Flow::new(exchange, parts, share, |_, error| error.to_string());
    sse::respond(Events { flow, head, opened: 0, context_tokens: model.identity.context_tokens })
}

struct Events {
    flow: Flow,
    head: Head,
    /// A bit for each answer that has begun.
    opened: u128,
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
            Piece::Thinking(_) => return None,
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
        Some(frame.and_then(|frame| self.head.event(frame, &[choice], self.head.usage)))
    }

    fn ended(&mut self, index: u32, reason: &FinishReason) -> Framed {
        let frame = self.open(index, Some(""))?;
        let finish_reason = Some(finish_reason(reason));
        let choice = ChunkChoice { index, delta: Delta::End {}, logprobs: None, finish_reason };
        self.head.event(frame, &[choice], self.head.usage)
    }

    /// A frame that begins an answer, where it has not begun yet.
    fn open(&mut self, index: u32, content: Option<&str>) -> Framed {
        let bit = 1_u128.checked_shl(index).unwrap_or(0);
        if self.opened & bit != 0 {
            return Ok(Frame::new());
        }
        self.opened |= bit;
        let delta = Delta::Role { role: "assistant", content, refusal: None };
        let choice = ChunkChoice { index, delta, logprobs: None, finish_reason: None };
        self.head.event(Frame::new(), &[choice], self.head.usage)
    }
}

/// What all chunks of an answer have in common.
struct Head {
    id: Id,
    created: i64,
    model: Arc<str>,
    usage: StreamedUsage,
}

impl Head {
    /// What all of it cost, where that is asked for, and the mark of the end.
    fn finished(&self, usage: Usage) -> Framed {
        let frame = match self.usage {
            StreamedUsage::Unasked => Frame::new(),
            _ => self.event(Frame::new(), &[], StreamedUsage::Told(usage.into()))?,
        };
        Ok(frame.done())
    }

    fn event(&self, frame: Frame, choices: &[ChunkChoice<'_>], usage: StreamedUsage) -> Framed {
        frame.data(&Chunk {
            id: self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            service_tier: TIER,
            system_fingerprint: FINGERPRINT,
            choices,
            usage,
        })
    }
}
