//! A response as it is made, in events.

use axum::response::Response as HttpResponse;
use serde::Serialize;

use super::create::Keeping;
use super::object::{Content, Item, Response, Said, Status};
use crate::aside::aside;
use crate::dialect::common::Flow;
use crate::dialect::common::sse::{self, Frame, Frames};
use crate::dialect::openai::exchange::Exchange;
use crate::dialect::openai::logprobs::TokenList;
use crate::domain::call::CallError;
use crate::domain::completion::BilledStream;
use crate::domain::inference::{FinishReason, Token, ToolCall, Usage};
use crate::domain::world::World;
use crate::intake::Share;
use crate::provider::{Piece, StreamPart};

const BROKEN: &str = "The model had an error while making this response.";

/// The response that carries the events as they come. At its end it is told whole, which is the work of so many bytes.
pub(super) fn respond(
    exchange: &Exchange<'_>,
    response: Response,
    parts: BilledStream,
    share: Share,
    keeping: Option<Keeping>,
    work: usize,
) -> HttpResponse {
    let logged = |_: &World, error: &CallError| error.to_string();
    sse::respond(Events {
        flow: Flow::new(exchange, parts, share, logged),
        response,
        keeping,
        numbers: Numbers(0),
        open: None,
        finish_reason: FinishReason::Stop,
        is_refusal: false,
        is_over: false,
        work,
    })
}

struct Events {
    flow: Flow,
    response: Response,
    keeping: Option<Keeping>,
    numbers: Numbers,
    /// The item that is being made.
    open: Option<Item>,
    finish_reason: FinishReason,
    /// Whether the model has refused to answer.
    is_refusal: bool,
    is_over: bool,
    work: usize,
}

/// The number of the next event.
struct Numbers(u64);

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    sequence_number: u64,
    #[serde(flatten)]
    told: Told<'a>,
}

/// What an event tells.
#[derive(Serialize)]
#[serde(untagged)]
enum Told<'a> {
    Response {
        response: &'a Response,
    },
    Item {
        output_index: usize,
        item: &'a Item,
    },
    Part {
        item_id: &'a str,
        output_index: usize,
        content_index: usize,
        part: &'a Said,
    },
    Delta {
        item_id: &'a str,
        output_index: usize,
        content_index: usize,
        delta: &'a str,
        logprobs: TokenList<'a>,
    },
    Text {
        item_id: &'a str,
        output_index: usize,
        content_index: usize,
        text: &'a str,
        logprobs: TokenList<'a>,
    },
    RefusalDelta {
        item_id: &'a str,
        output_index: usize,
        content_index: usize,
        delta: &'a str,
    },
    Refusal {
        item_id: &'a str,
        output_index: usize,
        content_index: usize,
        refusal: &'a str,
    },
    ArgumentsDelta {
        item_id: &'a str,
        output_index: usize,
        delta: &'a str,
    },
    Arguments {
        item_id: &'a str,
        output_index: usize,
        name: &'a str,
        arguments: &'a str,
    },
}

type Sent = Result<Frame, serde_json::Error>;

impl Numbers {
    /// Adds an event to a frame.
    fn event(&mut self, frame: Frame, kind: &str, told: Told<'_>) -> Sent {
        let event = Event { kind, sequence_number: self.0, told };
        self.0 += 1;
        frame.event(kind, &event)
    }
}

impl Frames for Events {
    async fn next(&mut self) -> Option<Sent> {
        if self.is_over {
            return None;
        }
        if self.numbers.0 == 0 {
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
        let response = &self.response;
        let frame = self.numbers.event(Frame::new(), "response.created", Told::Response { response })?;
        self.numbers.event(frame, "response.in_progress", Told::Response { response })
    }

    /// What a piece adds; nothing where it adds no event.
    fn piece(&mut self, piece: Piece) -> Option<Sent> {
        match piece {
            Piece::Thinking(_) => match self.open {
                Some(Item { content: Content::Reasoning, .. }) => None,
                _ => Some(self.open_item(Frame::new(), Content::Reasoning)),
            },
            // What proves thoughts that are not told says nothing.
            Piece::Signature(_) => None,
            Piece::Text { text, tokens } => Some(self.text(&text, tokens.unwrap_or_default())),
            Piece::Refusal(text) => Some(self.refusal(&text)),
            Piece::ToolCall { id, name, .. } => {
                let call = ToolCall { id, name, arguments: String::new() };
                Some(self.open_item(Frame::new(), Content::Call(call)))
            }
            Piece::Arguments { text, .. } => self.arguments(&text),
        }
    }

    /// Begins a message of a text, or of a refusal, unless it has begun.
    fn open_message(&mut self, is_refusal: bool) -> Sent {
        let mut frame = Frame::new();
        let is_open = match &self.open {
            Some(Item { content: Content::Message(said), .. }) => {
                said.as_ref().is_none_or(|said| said.is_refusal == is_refusal)
            }
            _ => false,
        };
        if !is_open {
            frame = self.open_item(frame, Content::Message(None))?;
        }
        let output_index = self.place();
        let Some(Item { id, content: Content::Message(said), .. }) = &mut self.open else { return Ok(frame) };
        if said.is_none() {
            let part = &*said.insert(Said { is_refusal, ..Said::default() });
            let told = Told::Part { item_id: id, output_index, content_index: 0, part };
            frame = self.numbers.event(frame, "response.content_part.added", told)?;
        }
        Ok(frame)
    }

    fn refusal(&mut self, delta: &str) -> Sent {
        self.is_refusal = true;
        let frame = self.open_message(true)?;
        let output_index = self.place();
        let Some(Item { id, content: Content::Message(said), .. }) = &mut self.open else { return Ok(frame) };
        let told = Told::RefusalDelta { item_id: id, output_index, content_index: 0, delta };
        let sent = self.numbers.event(frame, "response.refusal.delta", told);
        said.get_or_insert_default().text.push_str(delta);
        sent
    }

    fn text(&mut self, delta: &str, tokens: Vec<Token>) -> Sent {
        let frame = self.open_message(false)?;
        let output_index = self.place();
        let Some(Item { id, content: Content::Message(said), .. }) = &mut self.open else { return Ok(frame) };
        let (item_id, content_index) = (id.as_str(), 0);
        let logprobs = TokenList(&tokens);
        let told = Told::Delta { item_id, output_index, content_index, delta, logprobs };
        let sent = self.numbers.event(frame, "response.output_text.delta", told);
        let said = said.get_or_insert_default();
        said.text.push_str(delta);
        said.tokens.extend(tokens);
        sent
    }

    fn arguments(&mut self, delta: &str) -> Option<Sent> {
        let output_index = self.place();
        let Some(Item { id, content: Content::Call(call), .. }) = &mut self.open else { return None };
        call.arguments.push_str(delta);
        let told = Told::ArgumentsDelta { item_id: id, output_index, delta };
        Some(self.numbers.event(Frame::new(), "response.function_call_arguments.delta", told))
    }

    /// Begins an item, after the one before it has ended.
    fn open_item(&mut self, frame: Frame, content: Content) -> Sent {
        let frame = self.close_item(frame, Status::Completed)?;
        let output_index = self.place();
        let item = self.open.insert(Item::new(Status::InProgress, content));
        self.numbers.event(frame, "response.output_item.added", Told::Item { output_index, item })
    }

    /// Ends the item that is being made.
    fn close_item(&mut self, mut frame: Frame, status: Status) -> Sent {
        let output_index = self.place();
        let Some(mut item) = self.open.take() else { return Ok(frame) };
        item.status = status;
        let (item_id, content_index) = (item.id.as_str(), 0);
        match &item.content {
            Content::Reasoning | Content::Message(None) => {}
            Content::Message(Some(part)) => {
                let (text, logprobs) = (part.text.as_str(), TokenList(&part.tokens));
                let (name, told) = if part.is_refusal {
                    let told = Told::Refusal { item_id, output_index, content_index, refusal: text };
                    ("response.refusal.done", told)
                } else {
                    let told = Told::Text { item_id, output_index, content_index, text, logprobs };
                    ("response.output_text.done", told)
                };
                frame = self.numbers.event(frame, name, told)?;
                let told = Told::Part { item_id, output_index, content_index, part };
                frame = self.numbers.event(frame, "response.content_part.done", told)?;
            }
            Content::Call(ToolCall { name, arguments, .. }) => {
                let told = Told::Arguments { item_id, output_index, name, arguments };
                frame = self.numbers.event(frame, "response.function_call_arguments.done", told)?;
            }
        }
        let told = Told::Item { output_index, item: &item };
        let sent = self.numbers.event(frame, "response.output_item.done", told);
        self.response.output.push(item);
        sent
    }

    /// Where the item that is being made stands in the output.
    fn place(&self) -> usize {
        self.response.output.len()
    }

    /// The end. The response is kept before it is told, so that whoever has read it finds it.
    async fn finish(&mut self, usage: Usage) -> Sent {
        let status = Status::after(&self.finish_reason, self.is_refusal);
        let mut frame = Frame::new();
        if self.open.is_none() && self.response.output.is_empty() {
            // An answer without a word is a message all the same.
            frame = self.text("", Vec::new())?;
        }
        let frame = aside(self.work, || self.close_item(frame, status.clone()))?;
        let name = match status {
            Status::Incomplete | Status::Filtered => "response.incomplete",
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
        if let Some(keeping) = self.keeping.take() {
            let response = aside(self.work, || serde_json::to_string(&self.response))?;
            if let Err(error) = keeping.keep(self.response.id.clone(), response).await {
                tracing::error!(%error, "a response cannot be kept");
            }
        }
        let response = &self.response;
        aside(self.work, || self.numbers.event(frame, name, Told::Response { response }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_event_tells_its_kind_its_number_and_what_it_is_about() {
        let said = Said { text: "Hi".to_owned(), ..Said::default() };
        let mut numbers = Numbers(7);
        let part = Told::Part { item_id: "msg_1", output_index: 2, content_index: 0, part: &said };
        let frame = numbers.event(Frame::new(), "response.content_part.done", part).unwrap();
        assert_eq!(numbers.0, 8);
        let bytes = frame.into_bytes();
        let (name, data) = std::str::from_utf8(&bytes).unwrap().split_once('\n').unwrap();
        assert_eq!(name, "event: response.content_part.done");
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(
            data,
            json!({
                "type": "response.content_part.done",
                "sequence_number": 7,
                "item_id": "msg_1",
                "output_index": 2,
                "content_index": 0,
                "part": { "type": "output_text", "annotations": [], "logprobs": [], "text": "Hi" },
            })
        );
    }
}
