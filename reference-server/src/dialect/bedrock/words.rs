//! What is wrong with a request, in the service's words.

use std::fmt::Write;

use super::error::Kind;
use crate::dialect::common::read::{Mistake, Problem, Segment};

/// How a sentence begins that a constraint of the service model is told with, as a mistake for which there is no kind.
pub(super) const CONSTRAINT: &str = "Member must ";

/// The kind and the words of a mistake in a request of the API's own.
pub(super) fn told(mistake: &Mistake) -> (Kind, String) {
    let (found, words) = match &mistake.problem {
        Problem::Kind { expected, found } => {
            let words = format!("{} can not be converted to {}", token(found), noun(expected));
            return (Kind::Serialization, format!("{words} at '{}'", path(mistake)));
        }
        Problem::Missing => (Some("null".to_owned()), "Member must not be null".to_owned()),
        Problem::NotOneOf { allowed, found } => (
            Some(format!("'{found}'")),
            format!("Member must satisfy enum value set: [{}]", allowed.join(", ")),
        ),
        Problem::Below { least, found } => {
            (Some(format!("'{found}'")), format!("Member must have value greater than or equal to {least}"))
        }
        Problem::Above { most, found } => {
            (Some(format!("'{found}'")), format!("Member must have value less than or equal to {most}"))
        }
        Problem::Shorter { least, .. } => {
            (None, format!("Member must have length greater than or equal to {least}"))
        }
        Problem::Longer { most, .. } => {
            (None, format!("Member must have length less than or equal to {most}"))
        }
        Problem::Unknown => (None, "Member must be known".to_owned()),
        Problem::Other(words) if words.starts_with(CONSTRAINT) => (None, words.clone()),
        // The whole request is wrong, or the model says what is.
        Problem::Other(words) if mistake.place.is_empty() => return (Kind::Validation, words.clone()),
        Problem::Other(words) => {
            return (Kind::Validation, of_the_model(&format!("{}: {words}", mistake.dotted())));
        }
    };
    let found = found.map_or_else(|| "Value".to_owned(), |found| format!("Value {found}"));
    let path = path(mistake);
    (
        Kind::Validation,
        format!("1 validation error detected: {found} at '{path}' failed to satisfy constraint: {words}"),
    )
}

/// What the model has to say against a request.
pub(super) fn of_the_model(words: &str) -> String {
    format!("The model returned the following errors: {words}")
}

/// The words of a mistake in the body that a model is invoked with.
pub(super) fn malformed(mistake: &Mistake) -> String {
    let (inner, last) = match mistake.place.split_last() {
        Some((Segment::Name(name), inner)) => (inner, name.as_str()),
        _ => (mistake.place.as_slice(), ""),
    };
    let (place, words) = match &mistake.problem {
        Problem::Missing => (pointer(inner), format!("required key [{last}] not found")),
        Problem::Unknown => (pointer(inner), format!("extraneous key [{last}] is not permitted")),
        problem => (pointer(&mistake.place), constraint(problem)),
    };
    format!("Malformed input request: {place}: {words}, please reformat your input and try again.")
}

fn constraint(problem: &Problem) -> String {
    match problem {
        Problem::Missing | Problem::Unknown => String::new(),
        Problem::Kind { expected, found } => {
            format!("expected type: {}, found: {}", noun(expected), noun(found))
        }
        Problem::Below { least, found } => format!("{found} is not greater or equal to {least}"),
        Problem::Above { most, found } => format!("{found} is not less or equal to {most}"),
        Problem::NotOneOf { found, .. } => format!("{found} is not a valid enum value"),
        Problem::Shorter { least, found } => format!("expected minLength: {least}, actual: {found}"),
        Problem::Longer { most, found } => format!("expected maxLength: {most}, actual: {found}"),
        Problem::Other(words) => words.clone(),
    }
}

/// A place as the service counts: `messages.1.member.content`.
fn path(mistake: &Mistake) -> String {
    written(&mistake.place, String::new(), ".", |index| format!("{}.member", index + 1))
}

/// A place as JSON Pointer has it in the fragment of an address: `#/texts/0`.
fn pointer(place: &[Segment]) -> String {
    written(place, "#".to_owned(), "/", |index| index.to_string())
}

fn written(place: &[Segment], mut text: String, mark: &str, index: impl Fn(usize) -> String) -> String {
    for segment in place {
        let mark = if text.is_empty() { "" } else { mark };
        // Writing to a string cannot fail.
        let _ = match segment {
            Segment::Name(name) => write!(text, "{mark}{name}"),
            Segment::Index(at) => write!(text, "{mark}{}", index(*at)),
        };
    }
    text
}

/// What was found, as the service's reader calls it.
fn token(found: &str) -> &str {
    match found {
        "a string" => "STRING_VALUE",
        "a boolean" => "BOOLEAN_VALUE",
        "an integer" => "NUMBER_VALUE",
        "a decimal" => "DECIMAL_VALUE",
        "an array" => "START_ARRAY",
        "an object" => "START_OBJECT",
        "null" => "NULL_VALUE",
        other => other,
    }
}

/// A kind of value.
fn noun(kind: &str) -> &str {
    match kind {
        "a string" => "String",
        "a boolean" => "Boolean",
        "an integer" => "Integer",
        "a number" => "Float",
        "a decimal" => "BigDecimal",
        "an array" => "JSONArray",
        "an object" => "JSONObject",
        "null" => "Null",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialect::common::read::{Members, Read, any, integer, list, list_of, number, one_of, string};

    fn words<T: std::fmt::Debug>(read: Read<T>) -> String {
        told(&read.unwrap_err()).1
    }

    #[test]
    fn each_kind_of_mistake_has_the_words_of_the_service() {
        let body = json!({ "list": [{ "role": "robot" }], "number": 1.5, "text": 7, "none": [] });
        let members = Members::of(&body).unwrap();
        assert_eq!(
            words(members.required("messages", any)),
            "1 validation error detected: Value null at 'messages' failed to satisfy constraint: Member must not be null"
        );
        let role = |turn| Members::of(turn)?.required("role", one_of(&["user", "assistant"]));
        assert_eq!(
            words(members.required("list", list(role))),
            "1 validation error detected: Value 'robot' at 'list.1.member.role' failed to satisfy constraint: Member \
             must satisfy enum value set: [user, assistant]"
        );
        assert_eq!(
            words(members.required("number", number(0.0..=1.0))),
            "1 validation error detected: Value '1.5' at 'number' failed to satisfy constraint: Member must have value \
             less than or equal to 1"
        );
        assert_eq!(
            words(members.required("none", list_of(1..=2, string))),
            "1 validation error detected: Value at 'none' failed to satisfy constraint: Member must have length greater \
             than or equal to 1"
        );
        let (kind, text) = told(&members.required("text", string).unwrap_err());
        assert_eq!(kind, Kind::Serialization);
        assert_eq!(text, "NUMBER_VALUE can not be converted to String at 'text'");
        let other = Mistake::other("no").in_element(0).in_member("messages");
        assert_eq!(told(&other).1, "The model returned the following errors: messages.0: no");
        assert_eq!(told(&Mistake::other("No.")).1, "No.");
    }

    #[test]
    fn a_malformed_body_is_told_with_a_pointer() {
        let body = json!({ "texts": ["a", 5], "inputText": "", "dimensions": 300 });
        let members = Members::of(&body).unwrap();
        let told = |mistake: Mistake| {
            let text = malformed(&mistake);
            let inner = text.strip_prefix("Malformed input request: ").unwrap();
            inner.strip_suffix(", please reformat your input and try again.").unwrap().to_owned()
        };
        assert_eq!(
            told(members.required("input_type", any).unwrap_err()),
            "#: required key [input_type] not found"
        );
        assert_eq!(
            told(members.only(&["texts", "dimensions"]).unwrap_err()),
            "#: extraneous key [inputText] is not permitted"
        );
        assert_eq!(
            told(members.required("texts", list(string)).unwrap_err()),
            "#/texts/1: expected type: String, found: Integer"
        );
        assert_eq!(
            told(members.required("dimensions", integer(1..=256)).unwrap_err()),
            "#/dimensions: 300 is not less or equal to 256"
        );
    }
}
