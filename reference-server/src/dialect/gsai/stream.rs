//! A chat completion in server-sent events.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures::stream::unfold;
use uuid::Uuid;

use super::exchange::Exchange;
use super::rewrite;
use super::wire::{self, Chunk, ChunkChoice, ChunkId, Delta};
use crate::domain::call::CallError;
use crate::domain::catalog::Model;
use crate::domain::completion::BilledStream;
use crate::domain::inference::{FinishReason, Usage};
use crate::domain::log_line::{LogEvent, RequestContext};
use crate::domain::world::World;
use crate::intake::Share;
use crate::provider::StreamPart;

/// The status of a response whose body is a stream.
const STATUS: u16 = 200;

/// The response that carries the parts as they come.
pub(super) fn respond(exchange: &Exchange<'_>, model: &Model, parts: BilledStream, share: Share) -> Response {
    let events = Events {
        parts,
        head: Head {
            id: ChunkId(Uuid::new_v4()),
            model: rewrite::echoed(exchange.world, model),
            created: exchange.world.clock.now().as_seconds(),
        },
        stage: Stage::Opening,
        journal: Journal {
            world: Arc::clone(exchange.world),
            context: Arc::clone(&exchange.context),
            started: exchange.started,
            closed: false,
        },
        _share: share,
    };
    let frames = unfold(events, |mut events| async move {
        let frame = events.next().await?;
        Some((frame.map_err(std::io::Error::other), events))
    });
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

struct Events {
    parts: BilledStream,
    head: Head,
    stage: Stage,
    journal: Journal,
    /// The room that the request takes, and its answer after it.
    _share: Share,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Flowing,
    Over,
}

impl Events {
    /// The next frame; an upstream failure ends the stream where it is, without its last event.
    async fn next(&mut self) -> Option<Result<Bytes, serde_json::Error>> {
        match self.stage {
            Stage::Opening => {
                self.stage = Stage::Flowing;
                Some(self.head.opening())
            }
            Stage::Flowing => match self.parts.next().await {
                Some(Ok(StreamPart::Delta(text))) => {
                    Some(self.head.delta(rewrite::content(&self.journal.world.defects, &text)))
                }
                Some(Ok(StreamPart::Finished { finish_reason, usage })) => {
                    self.stage = Stage::Over;
                    // Before the last event, so that whoever has read it finds the line.
                    self.journal.completed();
                    Some(self.head.ending(&self.journal.world, finish_reason, usage))
                }
                Some(Err(error)) => {
                    self.stage = Stage::Over;
                    self.journal.failed(&error);
                    None
                }
                None => {
                    self.stage = Stage::Over;
                    None
                }
            },
            Stage::Over => None,
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
    fn opening(&self) -> Result<Bytes, serde_json::Error> {
        let delta = Delta { content: Some(""), role: Some("assistant") };
        self.event(&[ChunkChoice { delta, finish_reason: None, index: 0 }], None)
    }

    fn delta(&self, text: &str) -> Result<Bytes, serde_json::Error> {
        let delta = Delta { content: Some(text), role: None };
        self.event(&[ChunkChoice { delta, finish_reason: None, index: 0 }], None)
    }

    /// The reason, the usage, and the mark of the end.
    fn ending(&self, world: &World, reason: FinishReason, usage: Usage) -> Result<Bytes, serde_json::Error> {
        let mut frame = Vec::with_capacity(512);
        let finish_reason = Some(wire::finish_reason(rewrite::finish_reason(&world.defects, reason)));
        let choice = ChunkChoice { delta: Delta::default(), finish_reason, index: 0 };
        self.write(&mut frame, &[choice], None)?;
        if let Some(usage) = rewrite::chat_usage(&world.defects, usage) {
            self.write(&mut frame, &[], Some(usage))?;
        }
        frame.extend_from_slice(b"data: [DONE]\n\n");
        Ok(frame.into())
    }

    fn event(
        &self,
        choices: &[ChunkChoice<'_>],
        usage: Option<wire::ChatUsage>,
    ) -> Result<Bytes, serde_json::Error> {
        let mut frame = Vec::with_capacity(256);
        self.write(&mut frame, choices, usage)?;
        Ok(frame.into())
    }

    fn write(
        &self,
        frame: &mut Vec<u8>,
        choices: &[ChunkChoice<'_>],
        usage: Option<wire::ChatUsage>,
    ) -> Result<(), serde_json::Error> {
        frame.extend_from_slice(b"data: ");
        let chunk = Chunk {
            id: self.id,
            choices,
            model: &self.model,
            created: self.created,
            object: "chat.completion.chunk",
            system_fingerprint: "123",
            usage,
        };
        serde_json::to_writer(&mut *frame, &chunk)?;
        frame.extend_from_slice(b"\n\n");
        Ok(())
    }
}

/// Closes the request in the log exactly once, whichever way the stream ends.
struct Journal {
    world: Arc<World>,
    context: Arc<RequestContext>,
    started: Instant,
    closed: bool,
}

impl Journal {
    fn completed(&mut self) {
        let duration = self.started.elapsed();
        self.close(LogEvent::Completed { status: STATUS, duration });
    }

    fn failed(&mut self, error: &CallError) {
        let duration = self.started.elapsed();
        let exception = rewrite::logged(&self.world.defects, error).into();
        self.close(LogEvent::Failed { duration, exception });
    }

    fn close(&mut self, event: LogEvent) {
        if !self.closed {
            self.closed = true;
            self.world.record(&self.context, event);
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Here only when the caller has left.
        self.completed();
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
            head.opening().unwrap(),
            format!(
                "data: {{{id},\"choices\":[{{\"delta\":{{\"content\":\"\",\"role\":\"assistant\"}},\
                 \"index\":0}}],{common}}}\n\n"
            )
        );
        assert_eq!(
            head.delta("Hel").unwrap(),
            format!(
                "data: {{{id},\"choices\":[{{\"delta\":{{\"content\":\"Hel\"}},\"index\":0}}],{common}}}\n\n"
            )
        );
    }
}
