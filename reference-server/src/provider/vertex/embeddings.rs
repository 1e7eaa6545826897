//! Texts, and where they are in a model's space, in the three forms that the services have for it.

use serde::{Deserialize, Serialize};

use super::content::Turn;
use crate::domain::inference::{Embeddings, ProviderError, Usage};
use crate::provider::http::{malformed, missing, one_for_each};

/// Most texts of which the vectors are predicted at once.
pub(super) const MOST_PREDICTED: usize = 250;
/// Most texts in a batch.
pub(super) const MOST_IN_BATCH: usize = 100;
/// How the names of the models begin that predict.
const PREDICTED: [&str; 3] = ["text-embedding-", "textembedding-", "text-multilingual-embedding-"];

/// Whether a model of Vertex AI's predicts vectors; the others embed contents.
pub(super) fn are_predicted(model: &str) -> bool {
    PREDICTED.iter().any(|name| model.starts_with(name))
}

/// The body that asks for predictions.
#[derive(Debug, Serialize)]
pub(super) struct Instances<'a> {
    instances: Vec<Instance<'a>>,
    parameters: Parameters,
}

#[derive(Debug, Serialize)]
struct Instance<'a> {
    content: &'a str,
}

/// A text that is too long is refused, and not cut.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    auto_truncate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<usize>,
}

/// The body that asks Vertex AI for one vector.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct One<'a> {
    content: Turn<'a>,
    embed_content_config: Parameters,
}

/// The body that asks the Gemini API for several vectors.
#[derive(Debug, Serialize)]
pub(super) struct Batch<'a> {
    requests: Vec<Item<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    model: String,
    content: Turn<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<usize>,
}

/// Predictions.
#[derive(Debug, Deserialize)]
pub(super) struct Predicted {
    predictions: Vec<Prediction>,
}

#[derive(Debug, Deserialize)]
struct Prediction {
    embeddings: Embedding,
}

#[derive(Debug, Deserialize)]
struct Embedding {
    values: Vec<f32>,
    statistics: Option<Statistics>,
}

#[derive(Debug, Deserialize)]
struct Statistics {
    token_count: u64,
}

/// One vector, and what it cost.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Embedded {
    embedding: Values,
    usage_metadata: Option<UsageMetadata>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsageMetadata {
    prompt_token_count: u64,
}

/// Several vectors.
#[derive(Debug, Deserialize)]
pub(super) struct BatchEmbedded {
    embeddings: Vec<Values>,
}

#[derive(Debug, Deserialize)]
struct Values {
    values: Vec<f32>,
}

impl Parameters {
    fn of(output_dimensionality: Option<usize>) -> Self {
        Self { auto_truncate: false, output_dimensionality }
    }
}

/// The body that asks for the predictions of texts.
pub(super) fn instances(texts: &[String], dimensions: Option<usize>) -> Instances<'_> {
    let instances = texts.iter().map(|content| Instance { content }).collect();
    Instances { instances, parameters: Parameters::of(dimensions) }
}

/// The body that asks Vertex AI for the vector of a text.
pub(super) fn one(text: &str, dimensions: Option<usize>) -> One<'_> {
    One { content: Turn::saying(text), embed_content_config: Parameters::of(dimensions) }
}

/// The body that asks the Gemini API for the vectors of texts.
pub(super) fn batch<'a>(model: &str, texts: &'a [String], dimensions: Option<usize>) -> Batch<'a> {
    let item = |text: &'a String| Item {
        model: format!("models/{model}"),
        content: Turn::saying(text),
        output_dimensionality: dimensions,
    };
    Batch { requests: texts.iter().map(item).collect() }
}

/// The predictions in a body, one for each of so many texts.
pub(super) fn predicted(body: Predicted, texts: usize) -> Result<Embeddings, ProviderError> {
    let mut input_tokens: u64 = 0;
    let mut vectors = Vec::with_capacity(body.predictions.len());
    for Prediction { embeddings: Embedding { values, statistics } } in body.predictions {
        let statistics = statistics.ok_or_else(|| missing("statistics"))?;
        input_tokens = input_tokens.saturating_add(statistics.token_count);
        vectors.push(values);
    }
    let vectors = one_for_each(vectors, texts)?;
    Ok(Embeddings { vectors, usage: Usage { input_tokens, ..Usage::default() } })
}

/// The vector in a body, and what it cost.
pub(super) fn embedded(body: Embedded) -> Result<(Vec<f32>, Usage), ProviderError> {
    let usage = body.usage_metadata.ok_or_else(|| missing("usageMetadata"))?;
    if body.embedding.values.is_empty() {
        return Err(malformed("a vector without numbers"));
    }
    Ok((body.embedding.values, Usage { input_tokens: usage.prompt_token_count, ..Usage::default() }))
}

/// The vectors in a body, one for each of so many texts.
pub(super) fn batch_embedded(body: BatchEmbedded, texts: usize) -> Result<Vec<Vec<f32>>, ProviderError> {
    one_for_each(body.embeddings.into_iter().map(|embedding| embedding.values).collect(), texts)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn each_form_says_the_same() {
        let texts = ["a".to_owned(), "b".to_owned()];
        let instances = serde_json::to_value(instances(&texts, Some(8))).unwrap();
        assert_eq!(
            instances,
            json!({
                "instances": [{ "content": "a" }, { "content": "b" }],
                "parameters": { "autoTruncate": false, "outputDimensionality": 8 },
            })
        );
        let content = |text: &str| json!({ "role": "user", "parts": [{ "text": text }] });
        let one = serde_json::to_value(one("a", None)).unwrap();
        assert_eq!(one, json!({ "content": content("a"), "embedContentConfig": { "autoTruncate": false } }));
        let batch = serde_json::to_value(batch("m", &texts, Some(8))).unwrap();
        let item =
            |text: &str| json!({ "model": "models/m", "content": content(text), "outputDimensionality": 8 });
        assert_eq!(batch, json!({ "requests": [item("a"), item("b")] }));
    }

    #[test]
    fn models_of_texts_predict() {
        assert!(are_predicted("text-embedding-005") && are_predicted("textembedding-gecko@003"));
        assert!(!are_predicted("gemini-embedding-001"));
    }

    #[test]
    fn predictions_are_read_with_what_they_cost() {
        let read = |predictions: Value| {
            let body = serde_json::from_value(json!({ "predictions": predictions })).unwrap();
            predicted(body, 2)
        };
        let prediction = |values: &[f32]| {
            let statistics = json!({ "token_count": 3, "truncated": false });
            json!({ "embeddings": { "values": values, "statistics": statistics } })
        };
        let found = read(json!([prediction(&[0.5]), prediction(&[-1.0])])).unwrap();
        assert_eq!((found.vectors, found.usage.input_tokens), (vec![vec![0.5], vec![-1.0]], 6));
        let uncounted = json!({ "embeddings": { "values": [1.0] } });
        for wrong in [
            json!([]),
            json!([prediction(&[1.0])]),
            json!([prediction(&[1.0]), prediction(&[])]),
            json!([prediction(&[1.0]), uncounted]),
        ] {
            assert!(matches!(read(wrong.clone()), Err(ProviderError::Malformed(_))), "{wrong}");
        }
    }

    #[test]
    fn a_vector_is_read_with_what_it_cost() {
        let read = |body: Value| embedded(serde_json::from_value(body).unwrap());
        let usage = json!({ "promptTokenCount": 3, "totalTokenCount": 3 });
        let (vector, cost) =
            read(json!({ "embedding": { "values": [0.5] }, "usageMetadata": usage })).unwrap();
        assert_eq!((vector, cost.input_tokens), (vec![0.5], 3));
        assert!(read(json!({ "embedding": { "values": [] }, "usageMetadata": usage })).is_err());
        assert!(read(json!({ "embedding": { "values": [0.5] } })).is_err());
    }
}
