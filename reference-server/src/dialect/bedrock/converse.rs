//! `Converse` and `ConverseStream`.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::error::{Kind, Refusal, json_response};
use super::exchange::{self, Exchange};
use super::request::{self, Asked};
use super::stream;
use super::wire::{Block, Converse, Ending, Message, Metrics, Output, ReasoningText, Role};
use super::words::of_the_model;
use crate::aside::aside;
use crate::dialect::anthropic::signature;
use crate::dialect::common::Answer;
use crate::domain::call::Call;
use crate::domain::catalog::Model;
use crate::domain::completion;
use crate::domain::inference::{Completion, ToolCall};
use crate::domain::ledger::Operation;
use crate::intake::Share;
use crate::provider::Fault;

/// What a model says that goes on with nothing.
const NO_PREFILL: &str =
    "This model does not support assistant message prefill. The conversation must end with a user message.";

/// A question that can be put to its model.
struct Question<'a> {
    asked: Asked,
    model: &'a Arc<Model>,
    fault: Option<Fault>,
    share: Share,
}

/// Answers a conversation at once.
pub(super) async fn whole(
    exchange: &Exchange<'_>,
    call: &Call,
    model: &str,
    body: Bytes,
    share: Share,
) -> Result<Answer, Refusal> {
    let Question { asked, model, fault, share } = question(exchange, call, model, body, share).await?;
    let work = asked.request.work();
    let completion = completion::complete(call, model, asked.request, fault).await?;
    let bytes = aside(work, || written(exchange, &completion, asked.tells_stop))?;
    Ok(Answer::Whole(json_response(share.until_sent(bytes))))
}

/// Answers a conversation in events.
pub(super) async fn in_parts(
    exchange: &Exchange<'_>,
    call: &Call,
    model: &str,
    body: Bytes,
    share: Share,
) -> Result<Answer, Refusal> {
    let Question { asked, model, fault, share } = question(exchange, call, model, body, share).await?;
    let parts = completion::stream(call, model, asked.request, fault).await?;
    Ok(Answer::Streamed(stream::respond(exchange, parts, share, asked.tells_stop)))
}

async fn question<'a>(
    exchange: &Exchange<'a>,
    call: &Call,
    model: &str,
    body: Bytes,
    mut share: Share,
) -> Result<Question<'a>, Refusal> {
    let mut asked = request::read(&exchange::json(&body)?)?;
    // What was read of it is a copy.
    drop(body);
    let model = exchange.model(call, model, Operation::Chat)?;
    if let Some(mistake) = asked.foreign_thoughts.take()
        && completion::is_answered_here(call, model)
    {
        return Err(mistake.into());
    }
    if asked.request.is_begun && !model.takes_prefill {
        return Err(Refusal::new(Kind::Validation, of_the_model(NO_PREFILL)));
    }
    let fault = exchange.fault()?;
    exchange.make_room(&mut share, asked.request.answer_size()).await?;
    Ok(Question { asked, model, fault, share })
}

fn written(exchange: &Exchange<'_>, completion: &Completion, tells_stop: bool) -> Result<Vec<u8>, Refusal> {
    let answer = &completion.answer;
    let signed = |thinking| signature::of_model(thinking, !exchange.is_routed());
    let signature = answer.thinking.as_ref().map(signed).unwrap_or_default();
    let inputs: Vec<_> = answer.tool_calls.iter().map(input).collect();
    let mut content = Vec::with_capacity(2 + inputs.len());
    if let Some(thinking) = &answer.thinking {
        let reasoning_text = ReasoningText { text: &thinking.text, signature: &signature };
        content.push(Block::ReasoningContent { reasoning_text });
    }
    if !answer.said().is_empty() {
        content.push(Block::Text(answer.said()));
    }
    for (call, input) in answer.tool_calls.iter().zip(&inputs) {
        content.push(Block::ToolUse { tool_use_id: &call.id, name: &call.name, input });
    }
    let converse = Converse {
        output: Output { message: Message { role: Role::Assistant, content } },
        ending: Ending::of(&answer.finish_reason, tells_stop),
        usage: completion.usage.into(),
        metrics: Metrics { latency_ms: exchange.latency() },
    };
    serde_json::to_vec(&converse).map_err(|error| Refusal::internal(error.to_string()))
}

/// What a tool is given. What a limit has cut is no JSON any more, and becomes nothing.
fn input(call: &ToolCall) -> Value {
    serde_json::from_str(&call.arguments).unwrap_or_else(|_| Value::Object(Map::new()))
}
