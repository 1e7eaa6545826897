use axum::body::Body;
use axum::http::StatusCode;

use super::request;
use super::wire::EmbeddingList;
use crate::dialect::common::Answer;
use crate::dialect::openai::error::{Refusal, json_response};
use crate::dialect::openai::exchange::Exchange;
use crate::domain::call::Call;
use crate::domain::embedding;
use crate::domain::ledger::Operation;
use crate::domain::scope::Scope;

/// What a number of a vector takes, in bytes: itself, and what is written of it.
const NUMBER: usize = 16;
/// The member in which the texts stand.
const PROMPT: &str = "input";

/// Answers an embedding request.
pub(in crate::dialect::openai) async fn answer(
    exchange: &Exchange<'_>,
    call: &Call,
    body: Body,
) -> Result<Answer, Refusal> {
    let (body, mut share) = exchange.json(body).await?;
    let asked = request::read(&body)?;
    let model = exchange.model(asked.model, Operation::Embedding)?;
    let encoding = asked.encoding;
    let request = asked.for_model(model)?;
    exchange.authorize(call, Scope::ModelsEmbedding)?;
    let fault = exchange.fault()?;
    drop(body);
    // A small body can ask for a hundred megabytes of numbers.
    let length = request.dimensions.unwrap_or(model.identity.dimensions);
    let room = request.inputs.len().saturating_mul(length).saturating_mul(NUMBER);
    exchange.make_room(&mut share, room).await?;
    let embeddings = embedding::embed(call, model, request, fault).await;
    let embeddings =
        embeddings.map_err(|error| Refusal::failed(error, model.identity.context_tokens, PROMPT))?;
    let model = call.answered_by(model);
    let body = serde_json::to_vec(&EmbeddingList::new(model.id(), &embeddings, encoding));
    let body = body.map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(Answer::Whole(json_response(StatusCode::OK, share.until_sent(body))))
}
