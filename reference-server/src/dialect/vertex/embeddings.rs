//! `predict`, `embedContent` and `batchEmbedContents`.

use axum::body::Body;
use serde::Serialize;
use serde_json::Value;

use crate::aside::aside;
use crate::brain::tokens;
use crate::dialect::common::Answer;
use crate::dialect::common::read::{self, Read};
use crate::dialect::gemini::embeddings::{Text, length, read_batch, read_one, vectors};
use crate::dialect::gemini::error::{Refusal, json_response};
use crate::dialect::gemini::exchange::Exchange;
use crate::dialect::gemini::generate::wanted;
use crate::dialect::gemini::members::Members;
use crate::dialect::gemini::routes::Action;
use crate::domain::call::Call;
use crate::domain::inference::{Embeddings, Usage};
use crate::domain::ledger::Operation;
use crate::intake::Share;

/// Most texts in a prediction.
const MOST: usize = 250;

#[derive(Serialize)]
struct Predicted<'a> {
    predictions: Vec<Prediction<'a>>,
    metadata: Metadata,
}

#[derive(Serialize)]
struct Prediction<'a> {
    embeddings: Embedding<'a>,
}

#[derive(Serialize)]
struct Embedding<'a> {
    values: &'a [f32],
    statistics: Statistics,
}

#[derive(Serialize)]
struct Statistics {
    token_count: u64,
    truncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    billable_character_count: usize,
}

/// One vector, or several, and what they cost.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Embedded<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding: Option<Values<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embeddings: Option<Vec<Values<'a>>>,
    usage_metadata: UsageMetadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
}

#[derive(Serialize)]
struct Values<'a> {
    values: &'a [f32],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UsageMetadata {
    prompt_token_count: u64,
    total_token_count: u64,
}

impl From<Usage> for UsageMetadata {
    fn from(usage: Usage) -> Self {
        Self { prompt_token_count: usage.input_tokens, total_token_count: usage.input_tokens }
    }
}

/// The form of an answer.
#[derive(Clone, Copy)]
enum Form {
    Predictions,
    One,
    Several,
}

/// Predicts the vectors of texts.
pub(super) async fn predict(
    exchange: &Exchange<'_>,
    call: &Call,
    model: &str,
    body: Body,
) -> Result<Answer, Refusal> {
    let wanted = wanted(exchange, body, instances).await?;
    answered(exchange, call, model, wanted, Form::Predictions).await
}

/// Embeds one text.
pub(super) async fn one(
    exchange: &Exchange<'_>,
    call: &Call,
    model: &str,
    body: Body,
) -> Result<Answer, Refusal> {
    let single = |body: &Value| read_one(body).map(|text| vec![text]);
    let wanted = wanted(exchange, body, single).await?;
    answered(exchange, call, model, wanted, Form::One).await
}

/// Embeds several texts, in their order.
pub(super) async fn batch(
    exchange: &Exchange<'_>,
    call: &Call,
    model: &str,
    body: Body,
) -> Result<Answer, Refusal> {
    let wanted = wanted(exchange, body, read_batch).await?;
    answered(exchange, call, model, wanted, Form::Several).await
}

/// Reads a request for predictions.
fn instances(body: &Value) -> Read<Vec<Text>> {
    let members = Members::of(body, &["instances", "parameters"])?;
    let length = members.optional("parameters", |parameters| {
        let parameters = Members::of(parameters, &["outputDimensionality", "autoTruncate"])?;
        parameters.optional("autoTruncate", read::boolean)?;
        parameters.optional("outputDimensionality", length)
    })?;
    let text = |instance| {
        let members = Members::of(instance, &["content", "taskType", "title"])?;
        members.optional("taskType", read::string)?;
        members.optional("title", read::string)?;
        members.required("content", read::string).map(|text| (text.to_owned(), length.flatten()))
    };
    members.required("instances", read::list_of(1..=MOST, text))
}

async fn answered(
    exchange: &Exchange<'_>,
    call: &Call,
    model: &str,
    (texts, mut share): (Vec<Text>, Share),
    form: Form,
) -> Result<Answer, Refusal> {
    // A prediction tells of each text how long it was.
    let said = if matches!(form, Form::Predictions) { texts.clone() } else { Vec::new() };
    let embeddings = vectors(exchange, call, model, texts, &mut share, Action::Embed).await;
    let embeddings = exchange.billed(call, Operation::Embedding, embeddings).await?;
    let size = said.iter().map(|(text, _)| text.len()).sum();
    let bytes = aside(size, || written(&embeddings, &said, form));
    let bytes = bytes.map_err(|error| Refusal::Internal(error.to_string()))?;
    Ok(Answer::Whole(json_response(share.until_sent(bytes))))
}

fn written(embeddings: &Embeddings, said: &[Text], form: Form) -> Result<Vec<u8>, serde_json::Error> {
    let mut values = embeddings.vectors.iter().map(|values| Values { values });
    let usage_metadata = embeddings.usage.into();
    match form {
        Form::Predictions => serde_json::to_vec(&predicted(embeddings, said)),
        Form::One => serde_json::to_vec(&Embedded {
            embedding: values.next(),
            embeddings: None,
            usage_metadata,
            truncated: Some(false),
        }),
        Form::Several => serde_json::to_vec(&Embedded {
            embedding: None,
            embeddings: Some(values.collect()),
            usage_metadata,
            truncated: None,
        }),
    }
}

/// The predictions for texts. The provider tells what all of them cost; where there are several, each is counted here.
fn predicted<'a>(embeddings: &'a Embeddings, said: &[Text]) -> Predicted<'a> {
    let tokens = |text: &str| {
        if said.len() == 1 { embeddings.usage.input_tokens } else { tokens::count(text) }
    };
    let prediction = |(values, (text, _)): (&'a Vec<f32>, &Text)| {
        let statistics = Statistics { token_count: tokens(text), truncated: false };
        Prediction { embeddings: Embedding { values, statistics } }
    };
    let letters = |text: &str| text.chars().filter(|letter| !letter.is_whitespace()).count();
    Predicted {
        predictions: embeddings.vectors.iter().zip(said).map(prediction).collect(),
        metadata: Metadata { billable_character_count: said.iter().map(|(text, _)| letters(text)).sum() },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn instances_are_read_in_either_spelling() {
        let body = json!({
            "instances": [{ "content": "a", "task_type": "RETRIEVAL_DOCUMENT" }, { "content": "b", "taskType": "x" }],
            "parameters": { "outputDimensionality": 256, "autoTruncate": true },
        });
        let texts = instances(&body).unwrap();
        assert_eq!(texts, [("a".to_owned(), Some(256)), ("b".to_owned(), Some(256))]);
        for (body, place) in [
            (json!({}), "instances"),
            (json!({ "instances": [] }), "instances"),
            (json!({ "instances": [{ "text": "a" }] }), "instances[0].text"),
            (json!({ "instances": [{}] }), "instances[0].content"),
            (
                json!({ "instances": [{ "content": "a" }], "parameters": { "outputDimensionality": 0 } }),
                "parameters.outputDimensionality",
            ),
        ] {
            assert_eq!(instances(&body).unwrap_err().bracketed(), place, "{body}");
        }
    }

    #[test]
    fn answers_have_the_documented_members() {
        let usage = Usage { input_tokens: 3, ..Usage::default() };
        let embeddings = Embeddings { vectors: vec![vec![1.0, -0.5]], usage };
        let told = |form: Form| -> Value {
            let said = [("a b".to_owned(), None)];
            serde_json::from_slice(&written(&embeddings, &said, form).unwrap()).unwrap()
        };
        let usage = json!({ "promptTokenCount": 3, "totalTokenCount": 3 });
        assert_eq!(
            told(Form::Predictions),
            json!({
                "predictions": [{ "embeddings": {
                    "values": [1.0, -0.5],
                    "statistics": { "token_count": 3, "truncated": false },
                } }],
                "metadata": { "billableCharacterCount": 2 },
            })
        );
        assert_eq!(
            told(Form::One),
            json!({ "embedding": { "values": [1.0, -0.5] }, "usageMetadata": usage, "truncated": false })
        );
        assert_eq!(
            told(Form::Several),
            json!({ "embeddings": [{ "values": [1.0, -0.5] }], "usageMetadata": usage })
        );
    }
}
