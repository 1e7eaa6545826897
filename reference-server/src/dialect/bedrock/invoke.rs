//! `InvokeModel`, for models that embed: what such a model is asked and answers is its maker's.

use axum::response::Response;
use bytes::Bytes;
use serde_json::Value;

use super::error::{Kind, Refusal, json_response};
use super::exchange::{self, Exchange};
use super::vectors::Form;
use super::words::malformed;
use super::{cohere, titan};
use crate::dialect::common::Answer;
use crate::dialect::common::read::Read;
use crate::domain::call::Call;
use crate::domain::catalog::Model;
use crate::domain::embedding;
use crate::domain::inference::{EmbeddingRequest, Embeddings};
use crate::domain::ledger::Operation;
use crate::intake::Share;

/// What a number of a vector takes, in bytes: itself, and what is written of it.
const NUMBER: usize = 16;

/// Who made a model.
#[derive(Clone, Copy)]
enum Maker {
    Cohere,
    Amazon,
}

/// What is asked for.
#[derive(Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) texts: Vec<String>,
    /// The length that the vectors are to have, where it is not the model's own.
    pub(super) dimensions: Option<usize>,
    /// The forms in which they are wanted; none stands for the maker's usual one.
    pub(super) forms: Vec<(&'static str, Form)>,
}

impl Maker {
    fn of(model: &Model) -> Option<Self> {
        let is_of = |name: &str| model.provider_model.starts_with(name);
        if is_of("cohere.embed-") {
            return Some(Self::Cohere);
        }
        is_of("amazon.titan-embed-text-").then_some(Self::Amazon)
    }

    fn read(self, body: &Value) -> Read<Asked> {
        match self {
            Self::Cohere => cohere::read(body),
            Self::Amazon => titan::read(body),
        }
    }
}

/// Embeds.
pub(super) async fn answer(
    exchange: &Exchange<'_>,
    call: &Call,
    model: &str,
    body: Bytes,
    mut share: Share,
) -> Result<Answer, Refusal> {
    let model = exchange.model(call, model, Operation::Embedding)?;
    let Some(maker) = Maker::of(model) else {
        return Err(Refusal::new(Kind::Validation, "Only models of Cohere and Amazon are invoked here."));
    };
    let asked = maker.read(&exchange::json(&body)?);
    let asked = asked.map_err(|mistake| Refusal::new(Kind::Validation, malformed(&mistake)))?;
    drop(body);
    let fault = exchange.fault()?;
    let numbers = asked.texts.len().saturating_mul(asked.dimensions.unwrap_or(model.identity.dimensions));
    let forms = asked.forms.len().max(1);
    exchange.make_room(&mut share, numbers.saturating_mul(NUMBER).saturating_mul(forms)).await?;
    let Asked { texts, dimensions, forms } = asked;
    let request = EmbeddingRequest { inputs: texts.clone(), dimensions };
    let embeddings = embedding::embed(call, model, request, fault).await?;
    let bytes = match maker {
        Maker::Cohere => cohere::written(exchange.context.id, &texts, &embeddings, &forms),
        Maker::Amazon => titan::written(&embeddings, &forms),
    };
    let bytes = bytes.map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(Answer::Whole(measured(exchange, &embeddings, json_response(share.until_sent(bytes)))))
}

/// Adds what the answer took, which stands in headers alone.
fn measured(exchange: &Exchange<'_>, embeddings: &Embeddings, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert("x-amzn-bedrock-input-token-count", embeddings.usage.input_tokens.into());
    headers.insert("x-amzn-bedrock-invocation-latency", exchange.latency().into());
    response
}
