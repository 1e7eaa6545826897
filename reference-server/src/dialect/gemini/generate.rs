//! `generateContent`, `streamGenerateContent`, and `countTokens`, which reads the same.

use axum::body::Body;
use serde::Serialize;
use serde_json::Value;

use super::error::{Refusal, json_response};
use super::exchange::Exchange;
use super::members::Members;
use super::request::{self, ContentRequest};
use super::routes::Action;
use super::wire::{Content, candidate};
use super::{content, stream};
use crate::aside::aside;
use crate::dialect::common::read::{Mistake, Problem, Read};
use crate::dialect::common::{Answer, body};
use crate::domain::call::Call;
use crate::domain::completion;
use crate::domain::inference::CompletionRequest;
use crate::domain::ledger::Operation;
use crate::domain::prompt_tokens;
use crate::intake::Share;

/// Answers at once, or in parts: as events where the query says so, else as the elements of a list.
pub(in crate::dialect) async fn answer(
    exchange: &Exchange<'_>,
    call: &Call,
    model: &str,
    action: Action,
    body: Body,
) -> Result<Answer, Refusal> {
    let (wanted, share) = wanted(exchange, body, exchange.service.content).await?;
    let answer = generated(exchange, call, model, action, wanted, share).await;
    exchange.billed(call, Operation::Chat, answer).await
}

async fn generated(
    exchange: &Exchange<'_>,
    call: &Call,
    model: &str,
    action: Action,
    wanted: ContentRequest,
    mut share: Share,
) -> Result<Answer, Refusal> {
    let model = exchange.model(call, model, action)?;
    let fault = exchange.fault()?;
    let ContentRequest { request, shows_thoughts } = wanted;
    exchange.make_room(&mut share, request.answer_size()).await?;
    if action == Action::Stream {
        let parts = completion::stream(call, model, request, fault).await?;
        let model = call.answered_by(model);
        return Ok(Answer::Streamed(stream::respond(exchange, model, parts, share, shows_thoughts)));
    }
    let work = request.work();
    let completion = completion::complete(call, model, request, fault).await?;
    let (model, response_id) = (call.answered_by(model), exchange.context.id.simple().to_string());
    let bytes = aside(work, move || {
        let answers = (0..).zip(completion.answers());
        serde_json::to_vec(&Content {
            candidates: answers.map(|(index, answer)| candidate(index, answer, shows_thoughts)).collect(),
            usage_metadata: Some(completion.usage.into()),
            model_version: model.id(),
            response_id: &response_id,
        })
    });
    let bytes = bytes.map_err(|error| Refusal::Internal(error.to_string()))?;
    Ok(Answer::Whole(json_response(share.until_sent(bytes))))
}

/// How many tokens a request is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenCount {
    total_tokens: u64,
}

/// Counts the tokens of a prompt.
pub(in crate::dialect) async fn count(
    exchange: &Exchange<'_>,
    call: &Call,
    model: &str,
    body: Body,
) -> Result<Answer, Refusal> {
    let (request, _share) = wanted(exchange, body, exchange.service.counted).await?;
    let model = exchange.model(call, model, Action::Count)?;
    let total_tokens = prompt_tokens::count_of_any_length(call, model, &request).await?;
    let bytes = serde_json::to_vec(&TokenCount { total_tokens });
    let bytes = bytes.map_err(|error| Refusal::Internal(error.to_string()))?;
    Ok(Answer::Whole(json_response(bytes)))
}

/// The turns alone, or a whole request for content.
pub(super) fn counted(body: &Value) -> Read<CompletionRequest> {
    let members = Members::of(body, &["contents", "generateContentRequest", "model"])?;
    if let Some(wanted) = members.optional("generateContentRequest", request::read)? {
        return Ok(wanted.request);
    }
    let messages = members.required("contents", content::contents)?;
    Ok(CompletionRequest { messages, ..CompletionRequest::default() })
}

/// What a body asks for.
pub(in crate::dialect) async fn wanted<T>(
    exchange: &Exchange<'_>,
    body: Body,
    read: impl FnOnce(&Value) -> Read<T>,
) -> Result<(T, Share), Refusal> {
    let (body, share) = body::json(exchange, body).await?;
    let body = body.ok_or_else(|| Mistake::new(Problem::Other("the request has no body".to_owned())))?;
    Ok((read(&body)?, share))
}
