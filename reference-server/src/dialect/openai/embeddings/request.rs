//! Reads an embedding request.

use serde_json::Value;

use crate::aside::aside;
use crate::brain::tokens;
use crate::dialect::common::read::{Members, Mistake, Problem, Read, one_of, string};
use crate::dialect::openai::error::Refusal;
use crate::dialect::openai::sampling::count;
use crate::dialect::openai::{prompt, words};
use crate::domain::catalog::Model;
use crate::domain::inference::EmbeddingRequest;

/// Most texts in one request.
const MOST_TEXTS: usize = 2_048;
/// Most tokens in one text.
const MOST_TOKENS: u64 = 8_192;

/// How vectors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As lists of numbers.
    Float,
    /// As the bytes of their numbers, the lowest first, in base64.
    Base64,
}

/// An embedding request.
pub(super) struct Asked<'v> {
    pub(super) model: &'v str,
    pub(super) encoding: Encoding,
    inputs: Vec<String>,
    dimensions: Option<u32>,
}

/// Reads a body.
pub(super) fn read(body: &Value) -> Result<Asked<'_>, Refusal> {
    let asked = words::read(body, members)?;
    let size = asked.inputs.iter().map(String::len).sum();
    match aside(size, || asked.inputs.iter().position(|text| is_too_long(text))) {
        None => Ok(asked),
        Some(index) => {
            let message = format!(
                "Invalid 'input[{index}]': maximum context length is {MOST_TOKENS} tokens. Please reduce the length \
                 of the input."
            );
            Err(Refusal::invalid(message).at("input").coded("context_length_exceeded"))
        }
    }
}

/// Whether a body makes a request.
pub(in crate::dialect::openai) fn check(body: &Value) -> Result<(), Refusal> {
    read(body).map(drop)
}

fn members(body: Members<'_>) -> Read<Asked<'_>> {
    body.only(&["model", "input", "encoding_format", "dimensions", "user"])?;
    let model = body.required("model", string)?;
    let inputs = body.required("input", inputs)?;
    body.optional("user", string)?;
    let encoding = match body.optional("encoding_format", one_of(&["float", "base64"]))? {
        Some("base64") => Encoding::Base64,
        _ => Encoding::Float,
    };
    Ok(Asked { model, encoding, inputs, dimensions: body.optional("dimensions", count(1..=u32::MAX))? })
}

fn inputs(value: &Value) -> Read<Vec<String>> {
    let inputs = prompt::texts(value, MOST_TEXTS)?;
    match inputs.iter().position(String::is_empty) {
        None => Ok(inputs),
        Some(index) => {
            let empty = Mistake::new(Problem::Shorter { least: 1, found: 0 });
            Err(if value.is_string() { empty } else { empty.in_element(index) })
        }
    }
}

/// No token is shorter than a byte, so that few texts have to be counted.
fn is_too_long(text: &str) -> bool {
    text.len() as u64 > MOST_TOKENS
        && (tokens::at_least(text) > MOST_TOKENS || tokens::count(text) > MOST_TOKENS)
}

impl Asked<'_> {
    /// The request as this model is asked: its vectors can be shortened, and not made longer.
    pub(super) fn for_model(self, model: &Model) -> Result<EmbeddingRequest, Refusal> {
        let dimensions = self.dimensions.and_then(|length| usize::try_from(length).ok());
        let most = model.identity.dimensions;
        if let Some(length) = dimensions
            && length > most
        {
            let message = format!(
                "Invalid 'dimensions': integer above maximum value. Expected a value <= {most}, but got {length} \
                 instead."
            );
            return Err(Refusal::invalid(message).at("dimensions").coded("integer_above_max_value"));
        }
        Ok(EmbeddingRequest { inputs: self.inputs, dimensions })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::catalog::Catalog;

    fn refused(members: &Value) -> (Value, Value) {
        let mut body = json!({ "model": "m", "input": "Hi" });
        for (name, value) in members.as_object().unwrap() {
            body[name] = value.clone();
        }
        match read(&body) {
            Ok(_) => panic!("{members} was read"),
            Err(refusal) => {
                let told = serde_json::to_value(refusal.envelope()).unwrap()["error"].clone();
                (told["param"].clone(), told["code"].clone())
            }
        }
    }

    #[test]
    fn mistakes_are_told_with_their_member_and_code() {
        for (members, param, code) in [
            (json!({ "input": "" }), "input", "empty_string"),
            (json!({ "input": ["a", ""] }), "input[1]", "empty_string"),
            (json!({ "input": [] }), "input", "empty_array"),
            (json!({ "input": vec!["a"; 2_049] }), "input", "array_above_max_length"),
            (json!({ "input": [100_256] }), "input[0]", "integer_above_max_value"),
            (json!({ "input": "a ".repeat(8_193) }), "input", "context_length_exceeded"),
            (json!({ "dimensions": 0 }), "dimensions", "integer_below_min_value"),
            (json!({ "encoding_format": "hex" }), "encoding_format", "invalid_value"),
            (json!({ "x": 1 }), "x", "unknown_parameter"),
        ] {
            assert_eq!(refused(&members), (json!(param), json!(code)));
        }
    }

    #[test]
    fn vectors_are_shortened_and_not_made_longer() {
        let catalog = Catalog::embedded().unwrap();
        let model = catalog.find("text-embedding-3-small").unwrap();
        let ask = |dimensions: u32| {
            let body = json!({ "model": "m", "input": "Hi", "dimensions": dimensions });
            read(&body).unwrap().for_model(model).map(|request| request.dimensions).ok()
        };
        assert_eq!(ask(1_536), Some(Some(1_536)));
        assert_eq!(ask(1_537), None);
    }
}
