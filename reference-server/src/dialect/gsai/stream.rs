//! A chat completion in server-sent events.

use std::sync::Arc;

use axum::response::Response;
use serde::ser::Error as _;
use tokio::task::yield_now;
use uuid::Uuid;

use super::exchange::Exchange;
use super::rewrite;
use super::wire::{self, Chunk, ChunkChoice, ChunkId, Delta};
use crate::dialect::common::Flow;
use crate::dialect::common::sse::{self, Frame, Frames};
use crate::domain::call::CallError;
use crate::domain::catalog::Model;
use crate::domain::completion::BilledStream;
use crate::domain::inference::{FinishReason, Usage};
use crate::domain::world::World;
use crate::intake::Share;
use crate::provider::{Piece, StreamPart};

/// The response that carries the parts as they come.
pub(super) fn respond(exchange: &Exchange<'_>, model: &Model, parts: BilledStream, share: Share) -> Response {
    let head = Head {
        id: ChunkId(Uuid::new_v4()),
        model: rewrite::echoed(exchange.world, model),
        created: exchange.world.clock.now().as_seconds(),
    };
    let logged = |world: &World, error: &CallError| rewrite::logged(&world.defects, error);
    let flow = Flow::new(exchange, parts, share, logged);
    sse::respond(Events { flow, head, stage: Stage::Opening, finish_reason: FinishReason::Stop })
}

struct Events {
    flow: Flow,
    head: Head,
    stage: Stage,
    /// Why the answer ended, once it has.
    finish_reason: FinishReason,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Flowing,
}

impl Frames for Events {
    /// The next frame. The wire has none for a failure of the provider: the body breaks off, since an end would say that
    /// this was all.
    async fn next(&mut self) -> Option<Result<Frame, serde_json::Error>> {
        if self.stage == Stage::Opening {
            self.stage = Stage::Flowing;
            return Some(self.head.opening());
        }
        loop {
            let Ok(part) = self.flow.next().await? else {
                // What was given away last is sent while there is nothing more.
                yield_now().await;
                return Some(Err(serde_json::Error::custom("the provider's answer does not go on")));
            };
            match part {
                StreamPart::Delta { piece: Piece::Text { text, .. } | Piece::Refusal(text), .. } => {
                    return Some(self.head.delta(rewrite::content(&self.flow.world.defects, &text)));
                }
                StreamPart::Ended { finish_reason, .. } => self.finish_reason = finish_reason,
                StreamPart::Finished { usage } => {
                    return Some(self.head.ending(&self.flow.world, &self.finish_reason, usage));
                }
                // Nobody asks for anything else here.
                StreamPart::Delta { .. } => {}
            }
        }
    }
}

/// What all chunks of an answer have in common.
struct Head {
    id: ChunkId,
    model: Arc<str>,
    created: i64,
}

impl Head {
    fn opening(&self) -> Result<Frame, serde_json::Error> {
        let delta = Delta { content: Some(""), role: Some("assistant") };
        self.event(Frame::new(), &[ChunkChoice { delta, finish_reason: None, index: 0 }], None)
    }

    fn delta(&self, text: &str) -> Result<Frame, serde_json::Error> {
        let delta = Delta { content: Some(text), role: None };
        self.event(Frame::new(), &[ChunkChoice { delta, finish_reason: None, index: 0 }], None)
    }

    /// The reason, the usage, and the mark of the end.
    fn ending(&self, world: &World, reason: &FinishReason, usage: Usage) -> Result<Frame, serde_json::Error> {
        let finish_reason = Some(wire::finish_reason(rewrite::finish_reason(&world.defects, reason)));
        let choice = ChunkChoice { delta: Delta::default(), finish_reason, index: 0 };
        let mut frame = self.event(Frame::new(), &[choice], None)?;
        if let Some(usage) = rewrite::chat_usage(&world.defects, usage) {
            frame = self.event(frame, &[], Some(usage))?;
        }
        Ok(frame.done())
    }

    fn event(
        &self,
        frame: Frame,
        choices: &[ChunkChoice<'_>],
        usage: Option<wire::ChatUsage>,
    ) -> Result<Frame, serde_json::Error> {
        frame.data(&Chunk {
            id: self.id,
            choices,
            model: &self.model,
            created: self.created,
            object: "chat.completion.chunk",
            system_fingerprint: "123",
            usage,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_have_the_observed_form() {
        let head = Head {
            id: ChunkId(Uuid::from_u128(7)),
            model: "claude_3_5_sonnet".into(),
            created: 1_795_227_705,
        };
        let common = "\"model\":\"claude_3_5_sonnet\",\"created\":1795227705,\
            \"object\":\"chat.completion.chunk\",\"system_fingerprint\":\"123\"";
        let id = "\"id\":\"chatcmpl-00000000-0000-0000-0000-000000000007\"";
        assert_eq!(
            head.opening().unwrap().into_bytes(),
            format!(
                "data: {{{id},\"choices\":[{{\"delta\":{{\"content\":\"\",\"role\":\"assistant\"}},\
                 \"index\":0}}],{common}}}\n\n"
            )
        );
        assert_eq!(
            head.delta("Hel").unwrap().into_bytes(),
            format!(
                "data: {{{id},\"choices\":[{{\"delta\":{{\"content\":\"Hel\"}},\"index\":0}}],{common}}}\n\n"
            )
        );
    }
}
