//! A message in server-sent events.

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Map, Value};

use super::error::Refusal;
use super::exchange::Exchange;
use super::id::Id;
use super::signature::Signer;
use super::wire::{Block, Delta, Ending, Event, Message, Usage};
use crate::dialect::common::Flow;
use crate::dialect::common::sse::{self, Frame, Frames};
use crate::domain::call::CallError;
use crate::domain::catalog::Model;
use crate::domain::completion::BilledStream;
use crate::domain::inference::{self, FinishReason};
use crate::domain::prompt_cache::CacheUse;
use crate::domain::world::World;
use crate::intake::Share;
use crate::provider::{Piece, StreamPart};

/// The tokens that an answer has when it begins: the one that it begins with.
const FIRST_TOKENS: u64 = 1;

/// A frame, or why there is none.
type Written = Result<Frame, serde_json::Error>;

/// What is known of the prompt before it is answered.
pub(super) struct Prompt {
    /// All its tokens.
    pub(super) tokens: u64,
    /// Those of them that went through the gateway's cache; nothing where the cache is a provider's, which tells of it
    /// at the end.
    pub(super) cached: Option<CacheUse>,
}

/// The response that carries the parts as they come.
pub(super) fn respond(
    exchange: &Exchange<'_>,
    model: &Model,
    parts: BilledStream,
    prompt: Prompt,
    share: Share,
) -> Response {
    let logged = |_: &World, error: &CallError| error.to_string();
    sse::respond(Events {
        flow: Flow::new(exchange, parts, share, logged),
        request_id: exchange.request_id(),
        stage: Stage::Opening,
        finish_reason: FinishReason::Stop,
        blocks: Blocks { index: 0, open: Open::Nothing, is_here: !exchange.is_routed() },
        model: Arc::clone(model.id()),
        prompt,
    })
}

struct Events {
    flow: Flow,
    request_id: Id,
    model: Arc<str>,
    prompt: Prompt,
    stage: Stage,
    /// Why the answer ended, once it has.
    finish_reason: FinishReason,
    blocks: Blocks,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Flowing,
}

impl Frames for Events {
    /// The next frame. A failure is told in an event, and nothing comes behind it.
    async fn next(&mut self) -> Option<Written> {
        if self.stage == Stage::Opening {
            self.stage = Stage::Flowing;
            return Some(self.opening());
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
                    return Some(Frame::new().event("error", &refusal.envelope(self.request_id)));
                }
            }
        }
    }
}

impl Events {
    fn opening(&self) -> Written {
        let usage = Usage::new(self.prompt.tokens, self.prompt.cached.unwrap_or_default(), FIRST_TOKENS);
        let message = Message::begun(&self.model, usage);
        write(write(Frame::new(), &Event::MessageStart { message })?, &Event::Ping)
    }

    /// The end of the last block, the reason, the usage, and the end.
    fn ending(&mut self, usage: inference::Usage) -> Written {
        let frame = self.blocks.close(Frame::new())?;
        let cached = self.prompt.cached.unwrap_or_else(|| usage.into());
        let usage = Usage::new(usage.input_tokens, cached, usage.output_tokens).at_the_end();
        let delta = Ending::of(&self.finish_reason);
        write(write(frame, &Event::MessageDelta { delta, usage })?, &Event::MessageStop)
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
    /// The events of a piece: it goes into the open block, or a new one begins with it.
    fn grow(&mut self, piece: &Piece) -> Written {
        let mut frame = Frame::new();
        let delta = match piece {
            Piece::Thinking(thinking) => {
                if !matches!(self.open, Open::Thinking(_)) {
                    let block = Block::Thinking { thinking: "", signature: "" };
                    frame = self.begin(frame, Open::Thinking(Signer::new()), block)?;
                }
                if let Open::Thinking(signer) = &mut self.open {
                    signer.hear(thinking);
                }
                Delta::Thinking { thinking }
            }
            Piece::Signature(signature) => {
                if !matches!(self.open, Open::Thinking(_)) {
                    let block = Block::Thinking { thinking: "", signature: "" };
                    frame = self.begin(frame, Open::Proven, block)?;
                }
                self.open = Open::Proven;
                Delta::Signature { signature }
            }
            Piece::Text { text, .. } | Piece::Refusal(text) => {
                if !matches!(self.open, Open::Text) {
                    frame = self.begin(frame, Open::Text, Block::Text { text: "" })?;
                }
                Delta::Text { text }
            }
            Piece::ToolCall { id, name, .. } => {
                let input = Value::Object(Map::new());
                let block = Block::ToolUse { id, name, input: &input };
                frame = self.begin(frame, Open::ToolUse, block)?;
                Delta::InputJson { partial_json: "" }
            }
            Piece::Arguments { text, .. } => Delta::InputJson { partial_json: text },
        };
        write(frame, &Event::ContentBlockDelta { index: self.index, delta })
    }

    fn begin(&mut self, frame: Frame, open: Open, content_block: Block<'_>) -> Written {
        let frame = self.close(frame)?;
        self.open = open;
        write(frame, &Event::ContentBlockStart { index: self.index, content_block })
    }

    /// Ends the open block, if there is one. Thoughts are signed last.
    fn close(&mut self, mut frame: Frame) -> Written {
        let index = self.index;
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => return Ok(frame),
            Open::Thinking(signer) if self.is_here => {
                let signature = signer.sign();
                let delta = Delta::Signature { signature: &signature };
                frame = write(frame, &Event::ContentBlockDelta { index, delta })?;
            }
            Open::Thinking(_) | Open::Proven | Open::Text | Open::ToolUse => {}
        }
        self.index += 1;
        write(frame, &Event::ContentBlockStop { index })
    }
}

/// Whether a piece adds nothing. A call of a tool always does.
pub(in crate::dialect) fn is_empty(piece: &Piece) -> bool {
    match piece {
        Piece::Thinking(text)
        | Piece::Signature(text)
        | Piece::Text { text, .. }
        | Piece::Refusal(text)
        | Piece::Arguments { text, .. } => text.is_empty(),
        Piece::ToolCall { .. } => false,
    }
}

fn write(frame: Frame, event: &Event<'_>) -> Written {
    frame.event(event.name(), event)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::signature;
    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text { text: text.to_owned(), tokens: None }
    }

    fn arguments(text: &str) -> Piece {
        Piece::Arguments { index: 0, text: text.to_owned() }
    }

    /// The data of all events of these pieces, and of the end of the last block.
    fn events(pieces: &[Piece]) -> Vec<Value> {
        events_of(Blocks { index: 0, open: Open::Nothing, is_here: true }, pieces)
    }

    fn events_of(mut blocks: Blocks, pieces: &[Piece]) -> Vec<Value> {
        let mut bytes = Vec::new();
        for piece in pieces {
            bytes.extend_from_slice(&blocks.grow(piece).unwrap().into_bytes());
        }
        bytes.extend_from_slice(&blocks.close(Frame::new()).unwrap().into_bytes());
        let lines = std::str::from_utf8(&bytes).unwrap().lines();
        lines
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| serde_json::from_str(data).unwrap())
            .collect()
    }

    #[test]
    fn blocks_follow_each_other_with_ascending_indexes() {
        let call = Piece::ToolCall { index: 0, id: "call_1".to_owned(), name: "f".to_owned() };
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
        let start = |index: u32, block: Value| json!({ "type": "content_block_start", "index": index, "content_block": block });
        let delta = |index: u32, delta: Value| json!({ "type": "content_block_delta", "index": index, "delta": delta });
        let stop = |index: u32| json!({ "type": "content_block_stop", "index": index });
        assert_eq!(
            events,
            [
                start(0, json!({ "type": "thinking", "thinking": "", "signature": "" })),
                delta(0, json!({ "type": "thinking_delta", "thinking": "Hm, " })),
                delta(0, json!({ "type": "thinking_delta", "thinking": "yes." })),
                delta(0, json!({ "type": "signature_delta", "signature": signature::of("Hm, yes.") })),
                stop(0),
                start(1, json!({ "type": "text", "text": "" })),
                delta(1, json!({ "type": "text_delta", "text": "Well, " })),
                delta(1, json!({ "type": "text_delta", "text": "yes." })),
                stop(1),
                start(2, json!({ "type": "tool_use", "id": "call_1", "name": "f", "input": {} })),
                delta(2, json!({ "type": "input_json_delta", "partial_json": "" })),
                delta(2, json!({ "type": "input_json_delta", "partial_json": "{\"a\":" })),
                delta(2, json!({ "type": "input_json_delta", "partial_json": "1}" })),
                stop(2),
            ]
        );
    }

    #[test]
    fn what_a_model_proves_itself_is_passed_on_block_by_block() {
        let [hm, yes] = ["Hm.", "Yes."].map(|thought| Piece::Thinking(thought.to_owned()));
        let proof = |proof: &str| Piece::Signature(proof.to_owned());
        let refusal = Piece::Refusal("No.".to_owned());
        let events = events(&[hm, proof("c2ln"), yes, proof("c2lnMg=="), refusal]);
        let signed =
            events.iter().filter_map(|event| Some((&event["index"], event["delta"].get("signature")?)));
        assert_eq!(
            signed.collect::<Vec<_>>(),
            [(&json!(0), &json!("c2ln")), (&json!(1), &json!("c2lnMg=="))]
        );
        let said = json!({ "type": "text_delta", "text": "No." });
        assert!(events.iter().any(|event| event["index"] == 2 && event["delta"] == said), "{events:?}");
        let elsewhere = Blocks { index: 0, open: Open::Nothing, is_here: false };
        let unproven = events_of(elsewhere, &[Piece::Thinking("Hm.".to_owned())]);
        let is_delta = |event: &&Value| event["type"] == "content_block_delta";
        assert_eq!(unproven.iter().filter(is_delta).count(), 1, "{unproven:?}");
    }

    #[test]
    fn an_answer_without_a_word_has_no_block() {
        assert!(events(&[]).is_empty());
        assert!(is_empty(&text("")) && is_empty(&arguments("")));
    }
}
