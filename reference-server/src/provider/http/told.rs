//! What an error says of itself. Providers, and all that speaks their wires and stands between, put it in many ways; none
//! of them is a reason not to understand the others.

use std::fmt::Write;

use serde_json::Value;

/// So many characters are read of what is said: the rest is no sentence any more.
const LONGEST: usize = 1_000;
/// So many of several mistakes are told.
const MOST_MISTAKES: usize = 3;

/// What an error says, as far as it says it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    /// In words.
    pub(crate) message: Option<String>,
    /// What kind of error it is, in a word of the wire's: its type, or its status.
    pub(crate) kind: Option<String>,
    /// The same, more closely.
    pub(crate) code: Option<String>,
    /// The member of the request that it is about.
    pub(crate) param: Option<String>,
    /// What else is said of it.
    pub(crate) details: Vec<Value>,
}

impl Told {
    /// What a body says: JSON of any form that says something, or a sentence. A page for people says nothing.
    pub(super) fn in_body(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(Value::Array(elements)) => elements.first().map(Self::in_value).unwrap_or_default(),
            Ok(value) => Self::in_value(&value),
            Err(_) => Self::in_words(&String::from_utf8_lossy(body)),
        }
    }

    /// What a value says: an error, or something around one.
    pub(crate) fn in_value(value: &Value) -> Self {
        let error = match value.get("error") {
            Some(error @ Value::Object(_)) => error,
            Some(Value::String(words)) if value.get("message").is_none() => {
                let told = Self::in_words(text(value, "error_description").unwrap_or(words));
                return Self { code: Some(words.clone()), ..told };
            }
            _ => value,
        };
        if let Value::String(words) = error {
            return Self::in_words(words);
        }
        let words = ["message", "Message", "msg"].into_iter().find_map(|name| text(error, name));
        let words = words.map(str::to_owned).or_else(|| error.get("detail").and_then(detail));
        Self {
            kind: ["type", "status", "__type"]
                .into_iter()
                .find_map(|name| text(error, name))
                .map(str::to_owned),
            code: error.get("code").and_then(word),
            param: text(error, "param").map(str::to_owned),
            details: error.get("details").and_then(Value::as_array).cloned().unwrap_or_default(),
            message: Self::in_words(&words.unwrap_or_default()).message,
        }
    }

    fn in_words(text: &str) -> Self {
        let text = text.trim();
        let says_something = !text.is_empty() && !text.starts_with('<');
        let sentence = || text.chars().take(LONGEST).collect();
        Self { message: says_something.then(sentence), ..Self::default() }
    }

    /// Whether its code is this one.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// What is said, or other words where nothing is.
    pub(crate) fn or(self, words: &str) -> String {
        self.message.unwrap_or_else(|| words.to_owned())
    }
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

/// A code, which is a word or a number.
fn word(code: &Value) -> Option<String> {
    match code {
        Value::String(word) => Some(word.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A sentence, or a list of mistakes with their places.
fn detail(detail: &Value) -> Option<String> {
    match detail {
        Value::String(words) => Some(words.clone()),
        Value::Array(mistakes) => {
            let told = mistakes.iter().take(MOST_MISTAKES).filter_map(mistake);
            Some(told.collect::<Vec<_>>().join("; "))
        }
        Value::Object(_) => text(detail, "message").map(str::to_owned),
        _ => None,
    }
}

fn mistake(mistake: &Value) -> Option<String> {
    let words = mistake.as_str().or_else(|| text(mistake, "msg")).or_else(|| text(mistake, "message"))?;
    let mut told = String::new();
    for step in mistake.get("loc").and_then(Value::as_array).into_iter().flatten() {
        let dot = if told.is_empty() { "" } else { "." };
        // Writing to a string cannot fail.
        let _ = write!(told, "{dot}{}", word(step).unwrap_or_default());
    }
    Some(if told.is_empty() { words.to_owned() } else { format!("{told}: {words}") })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(body: &str) -> Option<String> {
        Told::in_body(body.as_bytes()).message
    }

    #[test]
    fn words_are_found_wherever_they_stand() {
        let missing = json!({ "loc": ["body", "messages", 0], "msg": "field required", "type": "missing" });
        for (body, expected) in [
            (json!({ "error": { "message": "why", "type": "t", "code": 400 } }), "why"),
            (json!([{ "error": { "message": "why" } }]), "why"),
            (json!({ "error": "why" }), "why"),
            (json!({ "error": "invalid_grant", "error_description": "why" }), "why"),
            (json!({ "message": "why" }), "why"),
            (json!({ "Message": "why" }), "why"),
            (json!({ "error": true, "message": "why" }), "why"),
            (json!({ "detail": "why" }), "why"),
            (json!({ "detail": { "message": "why" } }), "why"),
            (json!({ "detail": [missing, { "msg": "too" }] }), "body.messages.0: field required; too"),
            (json!("why"), "why"),
        ] {
            assert_eq!(message(&body.to_string()).as_deref(), Some(expected), "{body}");
        }
        assert_eq!(message(" no such thing\n").as_deref(), Some("no such thing"));
    }

    #[test]
    fn what_says_nothing_has_no_words() {
        for body in ["", "{}", "[]", "null", "{\"internal\":\"db\"}", " <!DOCTYPE html><p>Oops", "\"<html>\""]
        {
            assert_eq!(message(body), None, "{body}");
        }
        assert_eq!(message(&"ä".repeat(5_000)).map(|words| words.chars().count()), Some(LONGEST));
    }

    #[test]
    fn a_kind_and_a_code_are_words() {
        let told = |value: Value| Told::in_value(&value);
        let openai = told(json!({ "error": { "message": "m", "type": "t", "param": "p", "code": 429 } }));
        let [kind, code, param] = ["t", "429", "p"].map(|word| Some(word.to_owned()));
        assert_eq!((openai.kind, openai.code, openai.param), (kind, code, param));
        let google = told(json!({ "error": { "code": 400, "status": "NOT_FOUND", "details": [1] } }));
        assert_eq!((google.kind.as_deref(), google.details.len()), (Some("NOT_FOUND"), 1));
        let amazon = told(json!({ "__type": "a#B", "message": "m" }));
        assert_eq!(amazon.kind.as_deref(), Some("a#B"));
        assert!(told(json!({ "error": "invalid_grant" })).is("invalid_grant"));
    }
}
