//! `POST /v1/messages`.

use std::pin::pin;

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::error::{Kind, Refusal};
use super::exchange::{self, Exchange};
use super::request::{self, Asked, Purpose};
use super::stream::{self, Prompt};
use super::wire::{Block, Message, Usage};
use super::{respond, signature};
use crate::dialect::common::{Answer, Repeats};
use crate::domain::call::Call;
use crate::domain::catalog::Model;
use crate::domain::inference::{Completion, FinishReason, ToolCall};
use crate::domain::prompt_cache::CacheUse;
use crate::domain::{completion, prompt_tokens};
use crate::intake::Share;

/// What a model says that goes on with nothing.
const NO_PREFILL: &str =
    "This model does not support assistant message prefill. The conversation must end with a user message.";

/// Answers a conversation.
pub(super) async fn answer(exchange: &Exchange<'_>, body: Body) -> Result<Answer, Refusal> {
    let call = exchange.authenticate()?;
    let answer = admitted(exchange, &call, body).await;
    exchange::billed(&call, answer).await
}

async fn admitted(exchange: &Exchange<'_>, call: &Call, body: Body) -> Result<Answer, Refusal> {
    exchange.admit(call)?;
    let (repeats, body) = Repeats::read(exchange, body).await?;
    repeats.once(exchange, call, pin!(answered(exchange, call, body))).await
}

async fn answered(exchange: &Exchange<'_>, call: &Call, body: Body) -> Result<Answer, Refusal> {
    let (body, mut share) = exchange.body(body).await?;
    let asked = request::read(&body, Purpose::Answer)?;
    let Asked { model, completion: request, caching, is_streamed, foreign_thoughts } = asked;
    // What was read of it is a copy.
    drop(body);
    let model = exchange.model(&model)?;
    exchange.authorize(call)?;
    if let Some(mistake) = foreign_thoughts
        && completion::is_answered_here(call, model)
    {
        return Err(mistake.into());
    }
    if request.is_begun && !model.takes_prefill {
        return Err(Refusal::new(Kind::InvalidRequest, NO_PREFILL));
    }
    let fault = exchange.fault()?;
    exchange.make_room(&mut share, request.answer_size()).await?;
    let cached = caching.look_up(call, model, &request).await?;
    if is_streamed {
        let tokens = prompt_tokens::count(call, model, &request).await?;
        let parts = completion::stream(call, model, request, fault).await?;
        cached.keep(call);
        let prompt = Prompt { tokens, cached: (!exchange.is_routed()).then_some(cached.tokens) };
        let model = call.answered_by(model);
        return Ok(Answer::Streamed(stream::respond(exchange, model, parts, prompt, share)));
    }
    let completion = completion::complete(call, model, request, fault).await?;
    cached.keep(call);
    whole(exchange, call.answered_by(model), &completion, cached.tokens, share)
}

/// The response that tells a completion. Of what a provider of the configuration has said the cache is its own.
fn whole(
    exchange: &Exchange<'_>,
    model: &Model,
    completion: &Completion,
    cached: CacheUse,
    share: Share,
) -> Result<Answer, Refusal> {
    let answer = &completion.answer;
    let is_here = !exchange.is_routed();
    let cached = if is_here { cached } else { completion.usage.into() };
    let signed = |thinking| signature::of_model(thinking, is_here);
    let signature = answer.thinking.as_ref().map(signed).unwrap_or_default();
    let inputs = answer.tool_calls.iter().map(|call| input(call, &answer.finish_reason));
    let inputs: Vec<_> = inputs.collect::<Result<_, _>>()?;
    let mut content = Vec::with_capacity(2 + inputs.len());
    if let Some(thinking) = &answer.thinking {
        content.push(Block::Thinking { thinking: &thinking.text, signature: &signature });
    }
    if !answer.said().is_empty() {
        content.push(Block::Text { text: answer.said() });
    }
    for (call, input) in answer.tool_calls.iter().zip(&inputs) {
        content.push(Block::ToolUse { id: &call.id, name: &call.name, input });
    }
    let usage = Usage::new(completion.usage.input_tokens, cached, completion.usage.output_tokens);
    let message = Message::whole(model.id(), &content, &answer.finish_reason, usage);
    let body = serde_json::to_vec(&message).map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(Answer::Whole(respond::json(StatusCode::OK, share.until_sent(body))))
}

/// What a tool is given. A limit may have cut it; what is left of it is no object any more.
fn input(call: &ToolCall, reason: &FinishReason) -> Result<Value, Refusal> {
    match serde_json::from_str(&call.arguments) {
        Ok(input) => Ok(input),
        Err(_) if *reason == FinishReason::Length => Ok(Value::Object(Map::new())),
        Err(error) => Err(Refusal::internal(format!("the arguments of a tool call: {error}"))),
    }
}
