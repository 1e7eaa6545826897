//! A response as it is made, in events.

use axum::response::Response as HttpResponse;
use serde_json::{Value, json};

use super::create::Keeping;
use super::object::{self, Response, Status};
use crate::dialect::common::Flow;
use crate::dialect::common::sse::{self, Frame, Frames};
use crate::dialect::openai::exchange::Exchange;
use crate::domain::call::CallError;
use crate::domain::completion::BilledStream;
use crate::domain::inference::{FinishReason, Token, ToolCall, Usage};
use crate::domain::world::World;
use crate::intake::Share;
use crate::provider::{Piece, StreamPart};

const BROKEN: &str = "The model had an error while making this response.";

/// The response that carries the events as they come.
pub(super) fn respond(
    exchange: &Exchange<'_>,
    response: Response,
    parts: BilledStream,
    share: Share,
    keeping: Option<Keeping>,
) -> HttpResponse {
    let logged = |_: &World, error: &CallError| error.to_string();
    sse::respond(Events {
        flow: Flow::new(exchange, parts, share, logged),
        response,
        keeping,
        sequence: 0,
        open: None,
        finish_reason: FinishReason::Stop,
        is_over: false,
    })
}

struct Events {
    flow: Flow,
    response: Response,
    keeping: Option<Keeping>,
    /// The number of the next event.
    sequence: u64,
    /// The item that is being made.
    open: Option<Open>,
    finish_reason: FinishReason,
    is_over: bool,
}

/// An item that is being made.
enum Open {
    Reasoning { id: String },
    Message { id: String, text: String, tokens: Option<Vec<Token>> },
    Call { id: String, call: ToolCall },
}

type Sent = Result<Frame, serde_json::Error>;

impl Frames for Events {
    async fn next(&mut self) -> Option<Sent> {
        if self.is_over {
            return None;
        }
        if self.sequence == 0 {
            return Some(self.begin());
        }
        loop {
            let part = match self.flow.next().await {
                Some(Ok(part)) => part,
                Some(Err(_)) => return Some(self.fail().await),
                None => return None,
            };
            match part {
                StreamPart::Delta { piece, .. } => match self.piece(piece) {
                    None => {}
                    Some(sent) => return Some(sent),
                },
                StreamPart::Ended { finish_reason, .. } => self.finish_reason = finish_reason,
                StreamPart::Finished { usage } => return Some(self.finish(usage).await),
            }
        }
    }
}

impl Events {
    fn begin(&mut self) -> Sent {
        let response = serde_json::to_value(&self.response)?;
        let frame = self.event(Frame::new(), "response.created", json!({ "response": response }))?;
        self.event(frame, "response.in_progress", json!({ "response": response }))
    }

    /// What a piece adds; nothing where it adds no event.
    fn piece(&mut self, piece: Piece) -> Option<Sent> {
        match piece {
            // Thoughts are not told; that there are some is.
            Piece::Thinking(_) => match self.open {
                Some(Open::Reasoning { .. }) => None,
                _ => {
                    let id = object::id("rs");
                    let item = object::reasoning(&id);
                    Some(self.open_item(Frame::new(), Open::Reasoning { id }, &item))
                }
            },
            Piece::Text { text, tokens } => Some(self.text(&text, tokens)),
            Piece::ToolCall { id: call_id, name, .. } => {
                let id = object::id("fc");
                let call = ToolCall { id: call_id, name, arguments: String::new() };
                let item = object::function_call(&id, &Status::InProgress, &call);
                Some(self.open_item(Frame::new(), Open::Call { id, call }, &item))
            }
            Piece::Arguments { text, .. } => self.arguments(&text),
        }
    }

    fn text(&mut self, text: &str, tokens: Option<Vec<Token>>) -> Sent {
        let mut frame = Frame::new();
        if !matches!(self.open, Some(Open::Message { .. })) {
            let id = object::id("msg");
            let item = object::message(&id, &Status::InProgress, None);
            let open = Open::Message { id: id.clone(), text: String::new(), tokens: None };
            frame = self.open_item(frame, open, &item)?;
            let part = json!({
                "item_id": id, "output_index": self.place(), "content_index": 0, "part": object::part("", None),
            });
            frame = self.event(frame, "response.content_part.added", part)?;
        }
        let logprobs = tokens.as_deref().map_or_else(Vec::new, object::logprobs);
        let Some(Open::Message { id, text: whole, tokens: all }) = &mut self.open else { return Ok(frame) };
        whole.push_str(text);
        if let Some(tokens) = tokens {
            all.get_or_insert_default().extend(tokens);
        }
        let id = id.clone();
        let delta = json!({
            "item_id": id, "output_index": self.place(), "content_index": 0, "delta": text, "logprobs": logprobs,
        });
        self.event(frame, "response.output_text.delta", delta)
    }

    fn arguments(&mut self, text: &str) -> Option<Sent> {
        let Some(Open::Call { id, call }) = &mut self.open else { return None };
        call.arguments.push_str(text);
        let id = id.clone();
        let delta = json!({ "item_id": id, "output_index": self.place(), "delta": text });
        Some(self.event(Frame::new(), "response.function_call_arguments.delta", delta))
    }

    /// Begins an item, after the one before it has ended.
    fn open_item(&mut self, frame: Frame, open: Open, item: &Value) -> Sent {
        let frame = self.close_item(frame, &Status::Completed)?;
        self.open = Some(open);
        let added = json!({ "output_index": self.place(), "item": item });
        self.event(frame, "response.output_item.added", added)
    }

    /// Ends the item that is being made.
    fn close_item(&mut self, mut frame: Frame, status: &Status) -> Sent {
        let place = self.place();
        let item = match self.open.take() {
            None => return Ok(frame),
            Some(Open::Reasoning { id }) => object::reasoning(&id),
            Some(Open::Message { id, text, tokens }) => {
                let part = object::part(&text, tokens.as_deref());
                let logprobs = tokens.as_deref().map_or_else(Vec::new, object::logprobs);
                let done = json!({
                    "item_id": id, "output_index": place, "content_index": 0, "text": text,
                    "logprobs": logprobs,
                });
                frame = self.event(frame, "response.output_text.done", done)?;
                let done = json!({ "item_id": id, "output_index": place, "content_index": 0, "part": part });
                frame = self.event(frame, "response.content_part.done", done)?;
                object::message(&id, status, Some(part))
            }
            Some(Open::Call { id, call }) => {
                let done = json!({
                    "item_id": id, "output_index": place, "name": call.name, "arguments": call.arguments,
                });
                frame = self.event(frame, "response.function_call_arguments.done", done)?;
                object::function_call(&id, status, &call)
            }
        };
        let done = json!({ "output_index": place, "item": item });
        self.response.output.push(item);
        self.event(frame, "response.output_item.done", done)
    }

    /// Where the item that is being made stands in the output.
    fn place(&self) -> usize {
        self.response.output.len()
    }

    /// The end. The response is kept before it is told, so that whoever has read it finds it.
    async fn finish(&mut self, usage: Usage) -> Sent {
        let status = Status::after(&self.finish_reason);
        let mut frame = Frame::new();
        if self.open.is_none() && self.response.output.is_empty() {
            // An answer without a word is a message all the same.
            frame = self.text("", None)?;
        }
        let frame = self.close_item(frame, &status)?;
        let name = match status {
            Status::Incomplete => "response.incomplete",
            _ => "response.completed",
        };
        self.response.status = status;
        self.response.usage = Some(usage);
        self.end(frame, name).await
    }

    async fn fail(&mut self) -> Sent {
        self.response.status = Status::Failed(BROKEN.to_owned());
        self.open = None;
        self.end(Frame::new(), "response.failed").await
    }

    async fn end(&mut self, frame: Frame, name: &str) -> Sent {
        self.is_over = true;
        if let Some(keeping) = self.keeping.take()
            && let Err(error) = keeping.keep(&self.response).await
        {
            tracing::error!(%error, "a response cannot be kept");
        }
        let response = serde_json::to_value(&self.response)?;
        self.event(frame, name, json!({ "response": response }))
    }

    fn event(&mut self, frame: Frame, name: &str, mut data: Value) -> Sent {
        if let Value::Object(members) = &mut data {
            members.insert("type".to_owned(), name.into());
            members.insert("sequence_number".to_owned(), self.sequence.into());
        }
        self.sequence += 1;
        frame.event(name, &data)
    }
}
