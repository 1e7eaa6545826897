//! `embedContent` and `batchEmbedContents`.

use axum::body::Body;
use serde::Serialize;
use serde_json::Value;

use super::content;
use super::error::{Refusal, json_response};
use super::exchange::Exchange;
use super::generate::wanted;
use super::members::Members;
use super::routes::Action;
use crate::dialect::common::Answer;
use crate::dialect::common::read::{self, Mistake, Read};
use crate::domain::call::Call;
use crate::domain::embedding;
use crate::domain::inference::{EmbeddingRequest, Embeddings};
use crate::domain::ledger::Operation;
use crate::intake::Share;

/// Most texts in a batch.
const MOST: usize = 100;
/// Most numbers in a vector.
const LONGEST: i64 = 3_072;
/// What a number of a vector takes, in bytes: itself, and what is written of it.
const NUMBER: usize = 16;

#[derive(Serialize)]
struct One<'a> {
    embedding: Values<'a>,
}

#[derive(Serialize)]
struct Batch<'a> {
    embeddings: Vec<Values<'a>>,
}

#[derive(Serialize)]
struct Values<'a> {
    values: &'a [f32],
}

/// Embeds one text.
pub(super) async fn one(
    exchange: &Exchange<'_>,
    call: &Call,
    model: &str,
    body: Body,
) -> Result<Answer, Refusal> {
    let single = |body: &Value| read_one(body).map(|text| vec![text]);
    let (texts, share) = wanted(exchange, body, single).await?;
    let answer = embed(exchange, call, model, texts, share, Action::Embed).await;
    exchange.billed(call, Operation::Embedding, answer).await
}

/// Embeds several texts, in their order.
pub(super) async fn batch(
    exchange: &Exchange<'_>,
    call: &Call,
    model: &str,
    body: Body,
) -> Result<Answer, Refusal> {
    let (texts, share) = wanted(exchange, body, read_batch).await?;
    let answer = embed(exchange, call, model, texts, share, Action::EmbedBatch).await;
    exchange.billed(call, Operation::Embedding, answer).await
}

/// A text, and the length that its vector is to have.
pub(in crate::dialect) type Text = (String, Option<usize>);

/// Reads a request for one vector, whose length may stand in a configuration of its own.
pub(in crate::dialect) fn read_one(body: &Value) -> Read<Text> {
    const KNOWN: [&str; 6] =
        ["model", "content", "taskType", "title", "outputDimensionality", "embedContentConfig"];
    let members = Members::of(body, &KNOWN)?;
    members.optional("taskType", read::string)?;
    members.optional("title", read::string)?;
    let text = members.required("content", content::text)?;
    let configured = members.optional("embedContentConfig", |config| {
        let known = ["taskType", "title", "outputDimensionality", "autoTruncate"];
        let config = Members::of(config, &known)?;
        config.optional("taskType", read::string)?;
        config.optional("title", read::string)?;
        config.optional("autoTruncate", read::boolean)?;
        config.optional("outputDimensionality", length)
    })?;
    let length = members.optional("outputDimensionality", length)?;
    Ok((text, length.or(configured.flatten())))
}

/// The length of a vector.
pub(in crate::dialect) fn length(value: &Value) -> Read<usize> {
    let length = read::integer(1..=LONGEST)(value)?;
    Ok(usize::try_from(length).unwrap_or_default())
}

/// Reads a request for several vectors.
pub(in crate::dialect) fn read_batch(body: &Value) -> Read<Vec<Text>> {
    let members = Members::of(body, &["requests", "model"])?;
    let texts = members.required("requests", read::list_of(1..=MOST, read_one))?;
    let first = texts.first().and_then(|(_, length)| *length);
    if texts.iter().any(|(_, length)| *length != first) {
        let words = "all requests of a batch must have the same outputDimensionality";
        return Err(Mistake::other(words).in_member("requests"));
    }
    Ok(texts)
}

async fn embed(
    exchange: &Exchange<'_>,
    call: &Call,
    model: &str,
    texts: Vec<Text>,
    mut share: Share,
    action: Action,
) -> Result<Answer, Refusal> {
    let embeddings = vectors(exchange, call, model, texts, &mut share, action).await?;
    let mut values = embeddings.vectors.iter().map(|values| Values { values });
    let bytes = match (action, values.next()) {
        (Action::Embed, Some(embedding)) => serde_json::to_vec(&One { embedding }),
        (_, first) => serde_json::to_vec(&Batch { embeddings: first.into_iter().chain(values).collect() }),
    };
    let bytes = bytes.map_err(|error| Refusal::Internal(error.to_string()))?;
    Ok(Answer::Whole(json_response(share.until_sent(bytes))))
}

/// The vectors of texts, for which there is room in the share.
pub(in crate::dialect) async fn vectors(
    exchange: &Exchange<'_>,
    call: &Call,
    model: &str,
    texts: Vec<Text>,
    share: &mut Share,
    action: Action,
) -> Result<Embeddings, Refusal> {
    let model = exchange.model(call, model, action)?;
    let fault = exchange.fault()?;
    let dimensions = texts.first().and_then(|(_, length)| *length);
    let length = dimensions.unwrap_or(model.identity.dimensions);
    let room = texts.len().saturating_mul(length).saturating_mul(NUMBER);
    exchange.make_room(share, room).await?;
    let inputs = texts.into_iter().map(|(text, _)| text).collect();
    Ok(embedding::embed(call, model, EmbeddingRequest { inputs, dimensions }, fault).await?)
}
