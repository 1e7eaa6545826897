//! Content in parts.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::Serialize;

use super::error::{Envelope, Refusal};
use super::exchange::Exchange;
use super::wire::{Candidate, Content, Part, Turn, call_part, finish_reason};
use crate::dialect::common::Flow;
use crate::dialect::common::sse::{self, Frame, Frames};
use crate::domain::call::CallError;
use crate::domain::catalog::Model;
use crate::domain::completion::BilledStream;
use crate::domain::inference::{FinishReason, ToolCall, Usage};
use crate::domain::world::World;
use crate::intake::Share;
use crate::provider::{Piece, StreamPart};

/// The response that carries the parts as they come.
pub(super) fn respond(
    exchange: &Exchange<'_>,
    model: &Model,
    parts: BilledStream,
    share: Share,
    shows_thoughts: bool,
) -> Response {
    let logged = |_: &World, error: &CallError| error.to_string();
    let is_list = exchange.parameter("alt") != Some("sse");
    let chunks = Chunks {
        flow: Flow::new(exchange, parts, share, logged),
        model: model.id().to_string(),
        id: exchange.context.id.simple().to_string(),
        shows_thoughts,
        calls: BTreeMap::new(),
        ended: Vec::new(),
        list: is_list.then_some(Place::Before),
    };
    let mut response = sse::respond(chunks);
    if is_list {
        let json = HeaderValue::from_static("application/json; charset=UTF-8");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    response
}

/// Where a list stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Before,
    Within,
    Over,
}

struct Chunks {
    flow: Flow,
    model: String,
    id: String,
    shows_thoughts: bool,
    /// The calls that are not whole yet, by answer and place.
    calls: BTreeMap<(u32, u32), ToolCall>,
    /// The answers that are whole, and why.
    ended: Vec<(u32, FinishReason)>,
    /// Where the list of chunks stands, if they are no events.
    list: Option<Place>,
}

impl Frames for Chunks {
    async fn next(&mut self) -> Option<Result<Frame, serde_json::Error>> {
        if self.list == Some(Place::Over) {
            return None;
        }
        loop {
            let part = match self.flow.next().await {
                Some(Ok(part)) => part,
                Some(Err(error)) => {
                    let envelope: Envelope = Refusal::from(error).envelope();
                    return Some(self.last(&envelope));
                }
                None => return None,
            };
            match part {
                StreamPart::Delta { answer, piece: Piece::Text { text, .. } | Piece::Refusal(text) } => {
                    return Some(self.chunk(answer, Part::Text(&text)));
                }
                StreamPart::Delta { answer, piece: Piece::Thinking(text) } if self.shows_thoughts => {
                    return Some(self.chunk(answer, Part::Thought(&text)));
                }
                StreamPart::Delta { piece: Piece::Thinking(_) | Piece::Signature(_), .. } => {}
                StreamPart::Delta { answer, piece: Piece::ToolCall { index, id, name } } => {
                    self.calls.insert((answer, index), ToolCall { id, name, arguments: String::new() });
                }
                StreamPart::Delta { answer, piece: Piece::Arguments { index, text } } => {
                    if let Some(call) = self.calls.get_mut(&(answer, index)) {
                        call.arguments.push_str(&text);
                    }
                }
                StreamPart::Ended { answer, finish_reason } => self.ended.push((answer, finish_reason)),
                StreamPart::Finished { usage } => return Some(self.finish(usage)),
            }
        }
    }
}

impl Chunks {
    fn chunk(&mut self, answer: u32, part: Part<'_>) -> Result<Frame, serde_json::Error> {
        let place = self.list;
        self.list = place.map(|_| Place::Within);
        let candidates = vec![candidate(answer, vec![part], None)];
        let content =
            Content { candidates, usage_metadata: None, model_version: &self.model, response_id: &self.id };
        frame(place, &content)
    }

    /// The calls, which are told when they are whole, why the answers ended, and the usage.
    fn finish(&mut self, usage: Usage) -> Result<Frame, serde_json::Error> {
        let calls = std::mem::take(&mut self.calls);
        let ended = std::mem::take(&mut self.ended);
        let candidates = ended.iter().map(|(answer, reason)| {
            let own = calls.iter().filter(|((of, _), _)| of == answer);
            let parts = own.map(|(_, call)| call_part(call)).collect();
            candidate(*answer, parts, Some(finish_reason(reason)))
        });
        let candidates = candidates.collect();
        let (model, id) = (self.model.clone(), self.id.clone());
        self.last(&Content {
            candidates,
            usage_metadata: Some(usage.into()),
            model_version: &model,
            response_id: &id,
        })
    }

    /// The frame after which no other comes.
    fn last(&mut self, data: &impl Serialize) -> Result<Frame, serde_json::Error> {
        let place = self.list;
        self.list = place.map(|_| Place::Over);
        let frame = frame(place, data)?;
        Ok(if place.is_some() { frame.raw(b"]") } else { frame })
    }
}

fn frame(place: Option<Place>, data: &impl Serialize) -> Result<Frame, serde_json::Error> {
    match place {
        None => Frame::new().data(data),
        Some(Place::Before) => Frame::new().raw(b"[").json(data),
        Some(_) => Frame::new().raw(b",\r\n").json(data),
    }
}

fn candidate<'a>(index: u32, parts: Vec<Part<'a>>, finish_reason: Option<&'static str>) -> Candidate<'a> {
    Candidate {
        content: Turn { parts, role: "model" },
        finish_reason,
        index,
        avg_logprobs: None,
        logprobs_result: None,
    }
}
