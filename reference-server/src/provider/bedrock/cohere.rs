//! What Cohere's embedding models are asked and answer.

use serde::{Deserialize, Serialize};

use crate::domain::inference::{ModelIdentity, ProviderError, Usage};
use crate::provider::http::{Reply, incapable, missing, one_for_each};

/// Most texts in a request.
pub(super) const MOST: usize = 96;
/// What the texts are for, which the wire wants to know and callers do not say: to be found later.
const PURPOSE: &str = "search_document";
/// How many tokens a request had. It stands nowhere in the body.
const TOKENS: &str = "x-amzn-bedrock-input-token-count";

/// The body of a request.
#[derive(Debug, Serialize)]
pub(super) struct EmbeddingBody<'a> {
    texts: &'a [String],
    input_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimension: Option<usize>,
}

/// What comes back.
#[derive(Debug, Deserialize)]
pub(super) struct Embedded {
    embeddings: Vec<Vec<f32>>,
}

/// The body that asks a model for vectors.
///
/// # Errors
/// When they are to have another length than the model gives them.
pub(super) fn body<'a>(
    model: &ModelIdentity,
    texts: &'a [String],
    dimensions: Option<usize>,
) -> Result<EmbeddingBody<'a>, ProviderError> {
    let has_lengths = model.id.contains("cohere.embed-v4");
    let output_dimension = dimensions.filter(|_| has_lengths);
    if !has_lengths && dimensions.is_some_and(|length| length != model.dimensions) {
        return Err(incapable("the vectors of this model have one length, which cannot be chosen"));
    }
    Ok(EmbeddingBody { texts, input_type: PURPOSE, output_dimension })
}

/// The vectors in a body, one for each of so many texts.
pub(super) fn vectors(body: Embedded, texts: usize) -> Result<Vec<Vec<f32>>, ProviderError> {
    one_for_each(body.embeddings, texts)
}

/// What the vectors of a reply cost.
pub(super) fn usage(reply: &Reply) -> Result<Usage, ProviderError> {
    let tokens = reply.header(TOKENS).and_then(|tokens| tokens.parse().ok());
    Ok(Usage { input_tokens: tokens.ok_or_else(|| missing(TOKENS))?, ..Usage::default() })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::provider::http::testing;

    fn written(model: &str, dimensions: Option<usize>) -> Result<Value, ProviderError> {
        let model = testing::model(model);
        let texts = ["a".to_owned(), "b".to_owned()];
        body(&model, &texts, dimensions).map(|body| serde_json::to_value(body).unwrap())
    }

    #[test]
    fn a_length_can_be_asked_of_a_model_that_has_several() {
        let plain = json!({ "texts": ["a", "b"], "input_type": "search_document" });
        for (model, dimensions) in [
            ("cohere.embed-english-v3", None),
            ("cohere.embed-english-v3", Some(1_024)),
            ("cohere.embed-v4:0", None),
        ] {
            assert_eq!(written(model, dimensions).as_ref(), Ok(&plain));
        }
        assert!(matches!(written("cohere.embed-english-v3", Some(256)), Err(ProviderError::Incapable(_))));
        assert_eq!(written("us.cohere.embed-v4:0", Some(256)).unwrap()["output_dimension"], 256);
    }
}
