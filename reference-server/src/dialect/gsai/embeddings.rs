//! `POST /api/v1/embeddings`.

use std::pin::pin;

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::error::{Refusal, json_response};
use super::exchange::Exchange;
use super::validate;
use super::wire::EmbeddingList;
use super::{body, content, lenience, rewrite};
use crate::dialect::common::Answer;
use crate::domain::authorization::Need;
use crate::domain::billing;
use crate::domain::call::Call;
use crate::domain::catalog::Model;
use crate::domain::embedding;
use crate::domain::inference::{EmbeddingRequest, Embeddings};
use crate::domain::ledger::Operation;
use crate::domain::scope::Scope;
use crate::intake::Share;

/// What a number of a vector takes, in bytes: itself, and what is written of it.
const NUMBER: usize = 16;

/// Answers an embedding request; the order of the checks is that of a chat.
pub(super) async fn answer(exchange: &Exchange<'_>, body: Body) -> Result<Answer, Refusal> {
    let (repeats, body, share) = body::read(exchange, body).await?;
    let call = exchange.authenticate()?;
    let answer = repeats.once(exchange, &call, pin!(admitted(exchange, &call, body, share))).await;
    if answer.is_err() {
        billing::bill_refusal(&call, Operation::Embedding).await;
    }
    answer
}

async fn admitted(
    exchange: &Exchange<'_>,
    call: &Call,
    body: validate::Body,
    mut share: Share,
) -> Result<Answer, Refusal> {
    exchange.authorize(call, Need::Scope(Scope::ModelsEmbedding))?;
    let deviations = lenience::deviations(&exchange.world.defects);
    let mut members = validate::embedding(body, deviations).map_err(Refusal::Invalid)?;
    let model = exchange.model(content::text(members.remove("model")), Operation::Embedding)?;
    let fault = exchange.fault()?;
    let request = request(members);
    exchange.make_room(&mut share, room(&request, model)).await?;
    let embeddings = embedding::embed(call, model, request, fault).await;
    let embeddings = embeddings.map_err(|error| exchange.failed(error))?;
    whole(exchange, model, &embeddings, share)
}

fn request(mut members: Map<String, Value>) -> EmbeddingRequest {
    // What is out of range comes here through a defect only, and then is as good as not there.
    let dimensions = members.get("dimensions").and_then(|value| validate::whole(value).ok());
    let dimensions = dimensions.filter(|length| (1..=i128::from(validate::MOST_DIMENSIONS)).contains(length));
    let inputs = match members.remove("input") {
        Some(Value::Array(texts)) => texts.into_iter().map(|text| content::text(Some(text))).collect(),
        input => vec![content::text(input)],
    };
    EmbeddingRequest { inputs, dimensions: dimensions.and_then(|length| usize::try_from(length).ok()) }
}

/// What the vectors take at most, in bytes: a small body can ask for a hundred megabytes of them.
fn room(request: &EmbeddingRequest, model: &Model) -> usize {
    let length = request.dimensions.unwrap_or(model.identity.dimensions);
    request.inputs.len().saturating_mul(length).saturating_mul(NUMBER)
}

fn whole(
    exchange: &Exchange<'_>,
    model: &Model,
    embeddings: &Embeddings,
    share: Share,
) -> Result<Answer, Refusal> {
    let defects = &exchange.world.defects;
    let body = serde_json::to_vec(&EmbeddingList {
        object: "list",
        data: rewrite::vectors(defects, &embeddings.vectors),
        model: &rewrite::echoed_embedding(exchange.world, model),
        usage: rewrite::embedding_usage(defects, embeddings.usage),
    });
    let body = body.map_err(|error| exchange.internal(error.to_string()))?;
    Ok(Answer::Whole(json_response(StatusCode::OK, share.until_sent(body))))
}
