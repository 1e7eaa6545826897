//! What Amazon's text embedding models are asked and answer.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::invoke::Asked;
use super::vectors::{Form, Numbers};
use crate::dialect::common::read::{
    Members, Mistake, Problem, Read, boolean, excerpt, list, one_of, string_of,
};
use crate::domain::inference::Embeddings;

/// The longest text, in characters.
const LONGEST: usize = 50_000;
/// The lengths that a vector may have.
const LENGTHS: [usize; 3] = [256, 512, 1_024];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding: Option<&'a [f32]>,
    input_text_token_count: u64,
    embeddings_by_type: BTreeMap<&'static str, Numbers<'a>>,
}

/// Reads a body. There is one text in it; a unit vector is as good where none is asked for.
pub(super) fn read(body: &Value) -> Read<Asked> {
    let members = Members::of(body)?;
    let text = members.required("inputText", string_of(1..=LONGEST))?;
    let dimensions = members.optional("dimensions", length)?;
    members.optional("normalize", boolean)?;
    let forms = members.optional("embeddingTypes", list(one_of(&["float", "binary"])))?;
    members.only(&["inputText", "dimensions", "normalize", "embeddingTypes"])?;
    let form = |name| (name, if name == "binary" { Form::Signs } else { Form::Float });
    let forms = forms.filter(|forms| !forms.is_empty()).unwrap_or_else(|| vec!["float"]);
    Ok(Asked { texts: vec![text.to_owned()], dimensions, forms: forms.into_iter().map(form).collect() })
}

fn length(value: &Value) -> Read<usize> {
    let found = value.as_u64().and_then(|length| usize::try_from(length).ok());
    let length = found.filter(|length| LENGTHS.contains(length));
    length.ok_or_else(|| {
        let found = excerpt(&value.to_string());
        Mistake::new(Problem::NotOneOf { allowed: &["256", "512", "1024"], found })
    })
}

/// The body of an answer.
pub(super) fn written(
    embeddings: &Embeddings,
    forms: &[(&'static str, Form)],
) -> Result<Vec<u8>, serde_json::Error> {
    let vector = embeddings.vectors.first().map(Vec::as_slice).unwrap_or_default();
    let by_type: BTreeMap<_, _> = forms.iter().map(|(name, form)| (*name, form.of(vector))).collect();
    serde_json::to_vec(&Answer {
        embedding: by_type.contains_key("float").then_some(vector),
        input_text_token_count: embeddings.usage.input_tokens,
        embeddings_by_type: by_type,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::words::malformed;
    use super::*;
    use crate::domain::inference::Usage;

    fn answered(body: &Value) -> Value {
        let asked = read(body).unwrap();
        let usage = Usage { input_tokens: 3, ..Usage::default() };
        let embeddings = Embeddings { vectors: vec![vec![1.0, -0.5]], usage };
        serde_json::from_slice(&written(&embeddings, &asked.forms).unwrap()).unwrap()
    }

    #[test]
    fn one_text_is_asked_for_and_one_vector_answered() {
        let asked = read(&json!({ "inputText": "a", "dimensions": 256, "normalize": true })).unwrap();
        assert_eq!((asked.texts, asked.dimensions), (vec!["a".to_owned()], Some(256)));
        let floats = json!({
            "embedding": [1.0, -0.5],
            "inputTextTokenCount": 3,
            "embeddingsByType": { "float": [1.0, -0.5] },
        });
        assert_eq!(answered(&json!({ "inputText": "a" })), floats);
        let signs = json!({ "inputTextTokenCount": 3, "embeddingsByType": { "binary": [1, 0] } });
        assert_eq!(answered(&json!({ "inputText": "a", "embeddingTypes": ["binary"] })), signs);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (body, words) in [
            (json!({}), "#: required key [inputText] not found"),
            (json!({ "inputText": "" }), "#/inputText: expected minLength: 1, actual: 0"),
            (json!({ "inputText": ["a"] }), "#/inputText: expected type: String, found: JSONArray"),
            (json!({ "inputText": "a", "dimensions": 300 }), "#/dimensions: 300 is not a valid enum value"),
            (json!({ "inputText": "a", "texts": [] }), "#: extraneous key [texts] is not permitted"),
        ] {
            let told = malformed(&read(&body).unwrap_err());
            assert!(told.contains(words), "{told}");
        }
    }
}
