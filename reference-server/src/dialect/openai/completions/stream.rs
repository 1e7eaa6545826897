//! A completion of the old kind in server-sent events.

use std::borrow::Cow;
use std::collections::HashMap;

use axum::response::Response;

use super::answer::PROMPT;
use super::wire::{Choice, ID, Logprobs, OBJECT};
use crate::dialect::common::Flow;
use crate::dialect::common::sse::{self, Frame, Frames};
use crate::dialect::openai::chunks::{Framed, Head, Kind};
use crate::dialect::openai::error::Refusal;
use crate::dialect::openai::exchange::Exchange;
use crate::dialect::openai::wire::finish_reason;
use crate::domain::catalog::Model;
use crate::domain::completion::BilledStream;
use crate::domain::inference::{FinishReason, Token};
use crate::intake::Share;
use crate::provider::{Piece, StreamPart};

/// What the chunks say that they are.
const KIND: Kind = Kind { id: ID, object: OBJECT, tier: None };

/// What a stream tells besides the answers.
pub(super) struct Told {
    /// At the end, what they cost.
    pub(super) usage: bool,
    /// Before each of them, the prompt.
    pub(super) echo: Option<String>,
}

/// The response that carries the parts as they come.
pub(super) fn respond(
    exchange: &Exchange<'_>,
    model: &Model,
    parts: BilledStream,
    share: Share,
    told: Told,
) -> Response {
    let head = Head::new(exchange, model, KIND, told.usage);
    let flow = Flow::new(exchange, parts, share, |_, error| error.to_string());
    let context_tokens = model.identity.context_tokens;
    sse::respond(Events { flow, head, echo: told.echo, written: HashMap::new(), context_tokens })
}

struct Events {
    flow: Flow,
    head: Head,
    echo: Option<String>,
    /// How many characters there are of each answer that has begun.
    written: HashMap<u32, usize>,
    context_tokens: Option<u64>,
}

impl Frames for Events {
    /// The next frame. A failure is an event of its own, and the last.
    async fn next(&mut self) -> Option<Framed> {
        loop {
            return Some(match self.flow.next().await? {
                Ok(StreamPart::Delta { answer, piece: Piece::Text { text, tokens } }) => {
                    self.delta(answer, &text, tokens.as_deref())
                }
                Ok(StreamPart::Delta { answer, piece: Piece::Refusal(text) }) => {
                    self.delta(answer, &text, None)
                }
                // Nobody asks for anything else here.
                Ok(StreamPart::Delta { .. }) => continue,
                Ok(StreamPart::Ended { answer, finish_reason }) => self.ended(answer, &finish_reason),
                Ok(StreamPart::Finished { usage }) => self.head.finished(usage),
                Err(error) => {
                    let refusal = Refusal::failed(error, self.context_tokens, PROMPT);
                    Frame::new().data(&refusal.envelope())
                }
            });
        }
    }
}

impl Events {
    fn delta(&mut self, index: u32, text: &str, tokens: Option<&[Token]>) -> Framed {
        let frame = self.open(index)?;
        let written = self.written.entry(index).or_default();
        let logprobs = tokens.map(|tokens| Logprobs::new(tokens, *written));
        *written += text.chars().count();
        let choice = Choice { text: Cow::Borrowed(text), index, logprobs, finish_reason: None };
        self.head.chunk(frame, &[choice])
    }

    fn ended(&mut self, index: u32, reason: &FinishReason) -> Framed {
        let frame = self.open(index)?;
        let finish_reason = Some(finish_reason(reason));
        let choice = Choice { text: Cow::Borrowed(""), index, logprobs: None, finish_reason };
        self.head.chunk(frame, &[choice])
    }

    /// A frame that begins an answer with its prompt, where it has not begun yet and the prompt is repeated.
    fn open(&mut self, index: u32) -> Framed {
        let Some(prompt) = &self.echo else { return Ok(Frame::new()) };
        if self.written.contains_key(&index) {
            return Ok(Frame::new());
        }
        self.written.insert(index, prompt.chars().count());
        let choice = Choice { text: Cow::Borrowed(prompt), index, logprobs: None, finish_reason: None };
        self.head.chunk(Frame::new(), &[choice])
    }
}
