//! OpenAI's words for a mistake in a body.

use serde_json::Value;

use super::error::Refusal;
use crate::dialect::common::read::{Members, Mistake, Problem, Read, Segment, excerpt};

/// The members whose numbers need not be whole.
const DECIMALS: [&str; 5] = ["temperature", "top_p", "presence_penalty", "frequency_penalty", "logit_bias"];

/// Reads a body; the first mistake in it refuses the request.
pub(super) fn read<'v, T>(body: &'v Value, read: impl FnOnce(Members<'v>) -> Read<T>) -> Result<T, Refusal> {
    Members::of(body).and_then(read).map_err(|mistake| refusal(&mistake, body))
}

/// A mistake in a body.
pub(super) fn refusal(mistake: &Mistake, body: &Value) -> Refusal {
    let place = excerpt(&mistake.bracketed());
    let (message, code) = told(mistake, if place.is_empty() { "body" } else { &place }, body);
    let refusal = Refusal::invalid(message).coded(code);
    if place.is_empty() { refusal } else { refusal.at(place) }
}

fn told(mistake: &Mistake, place: &str, body: &Value) -> (String, &'static str) {
    match &mistake.problem {
        Problem::Missing => (format!("Missing required parameter: '{place}'."), "missing_required_parameter"),
        Problem::Unknown => (format!("Unknown parameter: '{place}'."), "unknown_parameter"),
        Problem::Kind { expected, found } => (
            format!("Invalid type for '{place}': expected {expected}, but got {found} instead."),
            "invalid_type",
        ),
        Problem::Below { least, found } => {
            let (noun, code) = if is_decimal(mistake) {
                ("decimal", "decimal_below_min_value")
            } else {
                ("integer", "integer_below_min_value")
            };
            let wrong =
                format!("{noun} below minimum value. Expected a value >= {least}, but got {found} instead.");
            (format!("Invalid '{place}': {wrong}"), code)
        }
        Problem::Above { most, found } => {
            let (noun, code) = if is_decimal(mistake) {
                ("decimal", "decimal_above_max_value")
            } else {
                ("integer", "integer_above_max_value")
            };
            let wrong =
                format!("{noun} above maximum value. Expected a value <= {most}, but got {found} instead.");
            (format!("Invalid '{place}': {wrong}"), code)
        }
        Problem::NotOneOf { allowed, found } => {
            (format!("Invalid value: '{found}'. Supported values are: {}.", listed(allowed)), "invalid_value")
        }
        Problem::Shorter { least, found } => {
            let (wrong, code) = too_short(is_text(mistake, body), *least, *found);
            (format!("Invalid '{place}': {wrong}"), code)
        }
        Problem::Longer { most, found } => {
            let (wrong, code) = too_long(is_text(mistake, body), *most, *found);
            (format!("Invalid '{place}': {wrong}"), code)
        }
        Problem::Other(words) => (format!("Invalid '{place}': {words}."), code_of(mistake)),
    }
}

fn too_short(text: bool, least: usize, found: usize) -> (String, &'static str) {
    match (text, found) {
        (true, 0) => (
            format!(
                "empty string. Expected a string with minimum length {least}, but got an empty string instead."
            ),
            "empty_string",
        ),
        (false, 0) => (
            format!(
                "empty array. Expected an array with minimum length {least}, but got an empty array instead."
            ),
            "empty_array",
        ),
        (true, _) => (
            format!(
                "string too short. Expected a string with minimum length {least}, but got a string with length \
                 {found} instead."
            ),
            "string_below_min_length",
        ),
        (false, _) => (
            format!(
                "array too short. Expected an array with minimum length {least}, but got an array with length \
                 {found} instead."
            ),
            "array_below_min_length",
        ),
    }
}

fn too_long(text: bool, most: usize, found: usize) -> (String, &'static str) {
    if text {
        let wrong = format!(
            "string too long. Expected a string with maximum length {most}, but got a string with length {found} \
             instead."
        );
        (wrong, "string_above_max_length")
    } else {
        let wrong = format!(
            "array too long. Expected an array with maximum length {most}, but got an array with length {found} \
             instead."
        );
        (wrong, "array_above_max_length")
    }
}

/// Whether the value that is too short or too long is a text and not a list.
fn is_text(mistake: &Mistake, body: &Value) -> bool {
    value_at(body, &mistake.place).is_some_and(Value::is_string)
}

fn value_at<'v>(body: &'v Value, place: &[Segment]) -> Option<&'v Value> {
    place.iter().try_fold(body, |value, segment| match segment {
        Segment::Name(name) => value.get(name.as_str()),
        Segment::Index(index) => value.get(*index),
    })
}

fn is_decimal(mistake: &Mistake) -> bool {
    matches!(mistake.place.first(), Some(Segment::Name(name)) if DECIMALS.contains(&name.as_str()))
}

/// The code of a mistake that is told in words of its own.
fn code_of(mistake: &Mistake) -> &'static str {
    match mistake.place.last() {
        Some(Segment::Name(name)) => match name.as_str() {
            "url" | "image_url" => "invalid_image_url",
            "parameters" => "invalid_function_parameters",
            "schema" => "invalid_json_schema",
            _ => "invalid_value",
        },
        _ => "invalid_value",
    }
}

/// Values as `'a', 'b', and 'c'`.
fn listed(values: &[&str]) -> String {
    match values {
        [] => String::new(),
        [only] => format!("'{only}'"),
        [first, second] => format!("'{first}' and '{second}'"),
        [most @ .., last] => {
            let most: String = most.iter().flat_map(|value| ["'", value, "', "]).collect();
            format!("{most}and '{last}'")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialect::common::read::{integer, list_of, number, one_of, string_of};

    fn refused(body: &Value, of: impl FnOnce(Members<'_>) -> Read<()>) -> (String, Value, Value) {
        let refusal = read(body, of).unwrap_err();
        let told = serde_json::to_value(refusal.envelope()).unwrap()["error"].clone();
        (told["message"].as_str().unwrap().to_owned(), told["param"].clone(), told["code"].clone())
    }

    fn expect(
        body: &Value,
        of: impl FnOnce(Members<'_>) -> Read<()>,
        message: &str,
        param: &str,
        code: &str,
    ) {
        assert_eq!(refused(body, of), (message.to_owned(), json!(param), json!(code)));
    }

    #[test]
    fn numbers_out_of_bounds_are_told_by_their_kind() {
        expect(
            &json!({ "n": 0 }),
            |body| body.required("n", integer(1..=128)).map(drop),
            "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.",
            "n",
            "integer_below_min_value",
        );
        expect(
            &json!({ "temperature": 3 }),
            |body| body.required("temperature", number(0.0..=2.0)).map(drop),
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
            "temperature",
            "decimal_above_max_value",
        );
    }

    #[test]
    fn texts_and_lists_are_told_apart_by_what_stands_there() {
        expect(
            &json!({ "stop": [] }),
            |body| body.required("stop", list_of(1..=4, string_of(0..=9))).map(drop),
            "Invalid 'stop': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "stop",
            "empty_array",
        );
        expect(
            &json!({ "stop": ["aaa"] }),
            |body| body.required("stop", list_of(1..=4, string_of(0..=2))).map(drop),
            "Invalid 'stop[0]': string too long. Expected a string with maximum length 2, but got a string with \
             length 3 instead.",
            "stop[0]",
            "string_above_max_length",
        );
    }

    #[test]
    fn other_mistakes_have_the_words_of_the_service() {
        expect(
            &json!({}),
            |body| body.required("model", string_of(0..=9)).map(drop),
            "Missing required parameter: 'model'.",
            "model",
            "missing_required_parameter",
        );
        expect(
            &json!({ "tools": 5 }),
            |body| body.required("tools", list_of(1..=2, integer(0..=1))).map(drop),
            "Invalid type for 'tools': expected an array, but got an integer instead.",
            "tools",
            "invalid_type",
        );
        expect(
            &json!({ "x": "a" }),
            |body| body.required("x", one_of(&["b", "c", "d"])).map(drop),
            "Invalid value: 'a'. Supported values are: 'b', 'c', and 'd'.",
            "x",
            "invalid_value",
        );
        expect(
            &json!({ "x": "a" }),
            |body| body.only(&["y"]),
            "Unknown parameter: 'x'.",
            "x",
            "unknown_parameter",
        );
        let (message, param, code) = refused(&json!([]), |_| Ok(()));
        assert_eq!(message, "Invalid type for 'body': expected an object, but got an array instead.");
        assert_eq!((param, code), (Value::Null, json!("invalid_type")));
    }

    #[test]
    fn what_the_caller_made_up_is_not_repeated_at_length() {
        let name = "x".repeat(10_000);
        let (message, ..) = refused(&json!({ name: 1 }), |body| body.only(&[]));
        assert!(message.len() < 200, "{}", message.len());
    }
}
