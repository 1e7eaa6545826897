//! What Amazon's embedding models are asked and answer.

use serde::{Deserialize, Serialize};

use crate::domain::inference::{ProviderError, Usage};
use crate::provider::http::malformed;

/// The body of a request: there is one text in it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EmbeddingBody<'a> {
    input_text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<usize>,
}

/// What comes back.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Embedded {
    embedding: Vec<f32>,
    input_text_token_count: u64,
}

/// The body that asks a model for a vector. Which lengths there are the model knows.
pub(super) fn body(text: &str, dimensions: Option<usize>) -> EmbeddingBody<'_> {
    EmbeddingBody { input_text: text, dimensions }
}

/// The vector in a body, and what it cost.
pub(super) fn vector(body: Embedded) -> Result<(Vec<f32>, Usage), ProviderError> {
    if body.embedding.is_empty() {
        return Err(malformed("a vector without numbers"));
    }
    Ok((body.embedding, Usage { input_tokens: body.input_text_token_count, ..Usage::default() }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_text_is_asked_about() {
        let written = |dimensions| serde_json::to_value(body("a", dimensions)).unwrap();
        assert_eq!(written(None), json!({ "inputText": "a" }));
        assert_eq!(written(Some(256)), json!({ "inputText": "a", "dimensions": 256 }));
    }

    #[test]
    fn a_vector_has_numbers() {
        let read =
            |embedding: &[f32]| vector(Embedded { embedding: embedding.to_vec(), input_text_token_count: 3 });
        let (found, usage) = read(&[0.5, -0.5]).unwrap();
        assert_eq!((found, usage.input_tokens), (vec![0.5, -0.5], 3));
        assert!(read(&[]).is_err());
    }
}
