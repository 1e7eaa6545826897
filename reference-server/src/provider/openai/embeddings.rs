//! Texts, and where they are in a model's space.

use serde::{Deserialize, Serialize};

use crate::domain::inference::{EmbeddingRequest, Embeddings, ModelIdentity, ProviderError, Usage};

/// The body of a request.
#[derive(Debug, Serialize)]
pub(super) struct EmbeddingBody<'a> {
    model: &'a str,
    input: &'a [String],
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<usize>,
}

/// What comes back.
#[derive(Debug, Deserialize)]
pub(super) struct EmbeddingList {
    data: Vec<Item>,
    usage: PromptUsage,
}

#[derive(Debug, Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

#[derive(Debug, Deserialize)]
struct PromptUsage {
    prompt_tokens: u64,
}

/// The body that asks a model for vectors.
pub(super) fn body<'a>(model: &'a ModelIdentity, request: &'a EmbeddingRequest) -> EmbeddingBody<'a> {
    EmbeddingBody {
        model: &model.id,
        input: &request.inputs,
        encoding_format: "float",
        dimensions: request.dimensions,
    }
}

/// The vectors in a body, one for each text.
pub(super) fn read(body: EmbeddingList, request: &EmbeddingRequest) -> Result<Embeddings, ProviderError> {
    let EmbeddingList { mut data, usage } = body;
    data.sort_by_key(|item| item.index);
    let (found, asked) = (data.len(), request.inputs.len());
    if !data.iter().map(|item| item.index).eq(0..asked) {
        return Err(ProviderError::Malformed(format!("{found} vectors came for {asked} texts")));
    }
    if data.iter().any(|item| item.embedding.is_empty()) {
        return Err(ProviderError::Malformed("a vector without numbers".to_owned()));
    }
    Ok(Embeddings {
        vectors: data.into_iter().map(|item| item.embedding).collect(),
        usage: Usage { input_tokens: usage.prompt_tokens, ..Usage::default() },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::provider::http::testing::model;

    fn asking(dimensions: Option<usize>) -> EmbeddingRequest {
        EmbeddingRequest { inputs: vec!["a".to_owned(), "b".to_owned()], dimensions }
    }

    fn answered(data: &Value) -> Result<Embeddings, ProviderError> {
        let list =
            json!({ "object": "list", "data": data, "usage": { "prompt_tokens": 2, "total_tokens": 2 } });
        read(serde_json::from_value(list).unwrap(), &asking(None))
    }

    #[test]
    fn a_length_is_asked_for_where_somebody_wants_it() {
        let model = model("e");
        let written = |dimensions| serde_json::to_value(body(&model, &asking(dimensions))).unwrap();
        let plain = json!({ "model": "e", "input": ["a", "b"], "encoding_format": "float" });
        assert_eq!(written(None), plain);
        assert_eq!(written(Some(4))["dimensions"], 4);
    }

    #[test]
    fn vectors_come_back_in_the_order_of_the_texts() {
        let item = |index: usize, vector: &[f32]| json!({ "index": index, "embedding": vector });
        let read = answered(&json!([item(1, &[0.5]), item(0, &[-1.0])])).unwrap();
        assert_eq!((read.vectors, read.usage.input_tokens), (vec![vec![-1.0], vec![0.5]], 2));
        for wrong in [
            json!([]),
            json!([item(0, &[1.0])]),
            json!([item(0, &[1.0]), item(0, &[1.0])]),
            json!([item(0, &[1.0]), item(1, &[])]),
        ] {
            assert!(matches!(answered(&wrong), Err(ProviderError::Malformed(_))), "{wrong}");
        }
    }
}
