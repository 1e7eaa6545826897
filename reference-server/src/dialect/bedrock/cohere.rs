//! What Cohere's embedding models are asked and answer.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::invoke::Asked;
use super::vectors::{Form, Numbers};
use crate::dialect::common::read::{Members, Read, list, list_of, one_of, string_of};
use crate::domain::inference::Embeddings;

/// Most texts in a request.
const MOST: usize = 96;
/// The longest text, in characters.
const LONGEST: usize = 2_048;
const INPUT_TYPES: [&str; 5] = ["search_document", "search_query", "classification", "clustering", "image"];
const FORMS: [&str; 5] = ["float", "int8", "uint8", "binary", "ubinary"];

#[derive(Serialize)]
struct Answer<'a, E> {
    id: Uuid,
    response_type: &'static str,
    embeddings: E,
    texts: &'a [String],
}

/// Reads a body.
pub(super) fn read(body: &Value) -> Read<Asked> {
    let members = Members::of(body)?;
    let texts = members.required("texts", list_of(1..=MOST, string_of(1..=LONGEST)))?;
    members.required("input_type", one_of(&INPUT_TYPES))?;
    members.optional("truncate", one_of(&["NONE", "START", "END", "LEFT", "RIGHT"]))?;
    let forms = members.optional("embedding_types", list(one_of(&FORMS)))?.unwrap_or_default();
    members.only(&["texts", "input_type", "truncate", "embedding_types"])?;
    let form = |name| match name {
        "int8" => (name, Form::Int8),
        "uint8" => (name, Form::Uint8),
        "binary" => (name, Form::Binary),
        "ubinary" => (name, Form::Ubinary),
        name => (name, Form::Float),
    };
    Ok(Asked {
        texts: texts.into_iter().map(str::to_owned).collect(),
        dimensions: None,
        forms: forms.into_iter().map(form).collect(),
    })
}

/// The body of an answer.
pub(super) fn written(
    id: Uuid,
    texts: &[String],
    embeddings: &Embeddings,
    forms: &[(&'static str, Form)],
) -> Result<Vec<u8>, serde_json::Error> {
    let vectors = &embeddings.vectors;
    if forms.is_empty() {
        return serde_json::to_vec(&Answer {
            id,
            response_type: "embeddings_floats",
            embeddings: vectors,
            texts,
        });
    }
    let formed = |form: Form| vectors.iter().map(|vector| form.of(vector)).collect();
    let by_type: BTreeMap<_, Vec<Numbers<'_>>> =
        forms.iter().map(|(name, form)| (*name, formed(*form))).collect();
    serde_json::to_vec(&Answer { id, response_type: "embeddings_by_type", embeddings: by_type, texts })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::words::malformed;
    use super::*;
    use crate::domain::inference::Usage;

    fn answered(forms: &[(&'static str, Form)]) -> Value {
        let embeddings =
            Embeddings { vectors: vec![vec![1.0, 0.0], vec![0.0, -1.0]], usage: Usage::default() };
        let texts = ["a".to_owned(), "b".to_owned()];
        serde_json::from_slice(&written(Uuid::nil(), &texts, &embeddings, forms).unwrap()).unwrap()
    }

    #[test]
    fn texts_are_asked_for_with_what_they_are() {
        let asked = read(&json!({
            "texts": ["a", "b"], "input_type": "search_query", "truncate": "END", "embedding_types": ["int8"],
        }))
        .unwrap();
        assert_eq!(asked.texts, ["a", "b"]);
        assert_eq!((asked.dimensions, asked.forms), (None, vec![("int8", Form::Int8)]));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let typed = |texts: Value| json!({ "texts": texts, "input_type": "search_query" });
        for (body, words) in [
            (json!({ "input_type": "search_query" }), "#: required key [texts] not found"),
            (json!({ "texts": ["a"] }), "#: required key [input_type] not found"),
            (json!({ "texts": ["a"], "input_type": "a" }), "#/input_type: a is not a valid enum value"),
            (typed(json!([])), "#/texts: expected minLength: 1, actual: 0"),
            (typed(json!(vec!["a"; 97])), "#/texts: expected maxLength: 96, actual: 97"),
            (typed(json!(["a".repeat(2_049)])), "#/texts/0: expected maxLength: 2048, actual: 2049"),
            (
                json!({ "texts": ["a"], "input_type": "search_query", "inputText": "a" }),
                "#: extraneous key [inputText] is not permitted",
            ),
        ] {
            let told = malformed(&read(&body).unwrap_err());
            assert!(told.contains(words), "{told}");
        }
    }

    #[test]
    fn vectors_are_a_list_or_stand_by_type() {
        let plain = answered(&[]);
        assert_eq!(
            plain,
            json!({
                "id": Uuid::nil(),
                "response_type": "embeddings_floats",
                "embeddings": [[1.0, 0.0], [0.0, -1.0]],
                "texts": ["a", "b"],
            })
        );
        let typed = answered(&[("float", Form::Float), ("ubinary", Form::Ubinary)]);
        assert_eq!(typed["response_type"], "embeddings_by_type");
        assert_eq!(
            typed["embeddings"],
            json!({ "float": [[1.0, 0.0], [0.0, -1.0]], "ubinary": [[128], [0]] })
        );
    }
}
