use std::sync::{Arc, LazyLock};

use plumbline_record::Difference;
use regex::Regex;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::decide::Context;
use super::words::{shorten, show};
use super::{Decimal, difference, equal};
use crate::scenario::{Kind, Matcher, Pattern, Shape, TemplateError};
use crate::target::Secrets;

/// A value that does not match, in words.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub(super) expected: String,
    pub(super) actual: String,
    pub(super) difference: Option<Box<Difference>>,
}

impl Mismatch {
    pub(super) fn new(expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self { expected: expected.into(), actual: actual.into(), difference: None }
    }
}

/// A matcher with its templates filled in, ready to meet values.
pub(super) enum Ready<'m> {
    Is(Kind),
    Equals(Arc<Value>),
    DiffersFrom(Arc<Value>),
    Contains(Arc<Value>),
    Matches(&'m Pattern),
    Lacks(&'m Pattern),
    Omits(String),
    Between(Arc<Value>, Arc<Value>),
    OneOf(Vec<Arc<Value>>),
    Length(Option<u64>, Option<u64>),
    Absent,
    Schema(&'m str),
    JsonSchema(&'m str),
}

impl<'m> Ready<'m> {
    pub(super) fn new(matcher: &'m Matcher, context: &Context<'_>) -> Result<Self, TemplateError> {
        let fill = |shape: &Shape| shape.fill(context.templates, context.variables);
        Ok(match matcher {
            Matcher::Is(kind) => Self::Is(*kind),
            Matcher::Equals(shape) => Self::Equals(fill(shape)?),
            Matcher::DiffersFrom(shape) => Self::DiffersFrom(fill(shape)?),
            Matcher::Contains(shape) => Self::Contains(fill(shape)?),
            Matcher::Matches(pattern) => Self::Matches(pattern),
            Matcher::Lacks(pattern) => Self::Lacks(pattern),
            Matcher::Omits(text) => Self::Omits(text.text(context.templates, context.variables)?),
            Matcher::Between(low, high) => Self::Between(fill(low)?, fill(high)?),
            Matcher::OneOf(shapes) => Self::OneOf(shapes.iter().map(fill).collect::<Result<_, _>>()?),
            Matcher::Length { min, max } => Self::Length(*min, *max),
            Matcher::Absent => Self::Absent,
            Matcher::Schema(name) => Self::Schema(name),
            Matcher::JsonSchema(name) => Self::JsonSchema(name),
        })
    }

    /// What is wanted, in words.
    pub(super) fn expected(&self, secrets: &Secrets) -> String {
        match self {
            Self::Is(kind) => kind.words().to_owned(),
            Self::Equals(value) => show(value, secrets),
            Self::DiffersFrom(value) => format!("anything but {}", show(value, secrets)),
            Self::Contains(value) => format!("something with {} in it", show(value, secrets)),
            Self::Matches(pattern) => format!("a text that matches /{pattern}/"),
            Self::Lacks(pattern) => format!("a text without /{pattern}/ in it"),
            Self::Omits(text) => format!("nowhere {}", show(&Value::from(text.as_str()), secrets)),
            Self::Between(low, high) => format!("a number from {low} to {high}"),
            Self::OneOf(values) => match values.as_slice() {
                [one] => show(one, secrets),
                many => format!(
                    "one of {}",
                    super::words::show_all(&many.iter().map(|value| &**value).collect::<Vec<_>>(), secrets)
                ),
            },
            Self::Length(min, max) => match (min, max) {
                (Some(min), Some(max)) if min == max => format!("a length of {min}"),
                (Some(min), Some(max)) => format!("a length from {min} to {max}"),
                (Some(min), None) => format!("a length of {min} or more"),
                (None, Some(max)) => format!("a length of {max} or less"),
                (None, None) => "a length".to_owned(),
            },
            Self::Absent => "nothing".to_owned(),
            Self::Schema(name) => format!("what the JSON Schema {name} allows"),
            Self::JsonSchema(name) => format!("a text with JSON that the JSON Schema {name} allows"),
        }
    }

    /// Whether a value that is there matches.
    pub(super) fn meet(&self, value: &Value, context: &Context<'_>) -> Result<(), Mismatch> {
        let secrets = context.secrets;
        let holds = match self {
            Self::Is(kind) => is(*kind, value),
            Self::Equals(expected) => return self.meet_equal(expected, value, secrets),
            Self::DiffersFrom(other) => !equal(value, other),
            Self::Contains(part) => match (value, &**part) {
                (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
                (Value::Array(items), part) => items.iter().any(|item| equal(item, part)),
                _ => false,
            },
            Self::Matches(pattern) => value.as_str().is_some_and(|text| pattern.is_match(text)),
            Self::Lacks(pattern) => value.as_str().is_some_and(|text| !pattern.is_match(text)),
            Self::Omits(omitted) => value.as_str().is_some_and(|text| !text.contains(omitted.as_str())),
            Self::Between(low, high) => match (value, &**low, &**high) {
                (Value::Number(value), Value::Number(low), Value::Number(high)) => {
                    let value = Decimal::new(value);
                    Decimal::new(low) <= value && value <= Decimal::new(high)
                }
                _ => false,
            },
            Self::OneOf(values) => values.iter().any(|expected| equal(value, expected)),
            Self::Length(min, max) => length(value).is_some_and(|length| {
                min.is_none_or(|min| min <= length) && max.is_none_or(|max| length <= max)
            }),
            Self::Absent => false,
            Self::Schema(name) => return self.meet_schema(name, value, context),
            Self::JsonSchema(name) => match value.as_str().map(serde_json::from_str::<Value>) {
                Some(Ok(json)) => return self.meet_schema(name, &json, context),
                _ => false,
            },
        };
        if holds { Ok(()) } else { Err(Mismatch::new(self.expected(secrets), self.actual(value, secrets))) }
    }

    fn meet_equal(&self, expected: &Value, value: &Value, secrets: &Secrets) -> Result<(), Mismatch> {
        if equal(value, expected) {
            return Ok(());
        }
        let mut mismatch = Mismatch::new(self.expected(secrets), show(value, secrets));
        if let (Value::String(expected), Value::String(actual)) = (expected, value) {
            mismatch.difference =
                difference(&secrets.redact(expected), &secrets.redact(actual)).map(Box::new);
        }
        Err(mismatch)
    }

    fn meet_schema(&self, name: &str, value: &Value, context: &Context<'_>) -> Result<(), Mismatch> {
        match context.schemas.violations(name, value, context.secrets) {
            None => Ok(()),
            Some(violations) => Err(Mismatch::new(self.expected(context.secrets), violations)),
        }
    }

    fn actual(&self, value: &Value, secrets: &Secrets) -> String {
        match (self, length(value)) {
            (Self::Length(..), Some(length)) => format!("a length of {length}: {}", show(value, secrets)),
            _ => show(value, secrets),
        }
    }
}

fn is(kind: Kind, value: &Value) -> bool {
    match kind {
        Kind::String => value.is_string(),
        Kind::Number => value.is_number(),
        Kind::Integer => matches!(value, Value::Number(number) if Decimal::new(number).is_whole()),
        Kind::Boolean => value.is_boolean(),
        Kind::Array => value.is_array(),
        Kind::Object => value.is_object(),
        Kind::Null => value.is_null(),
        Kind::NotEmpty => match value {
            Value::String(text) => !text.trim().is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(members) => !members.is_empty(),
            _ => false,
        },
        Kind::Uuid => {
            value.as_str().is_some_and(|text| text.len() == 36 && uuid::Uuid::try_parse(text).is_ok())
        }
        Kind::Timestamp => value.as_str().is_some_and(is_timestamp),
        Kind::UnitVector => is_unit_vector(value),
        Kind::Json => value.as_str().is_some_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok()),
        Kind::JsonObject => {
            let json = value.as_str().map(serde_json::from_str::<Value>);
            json.is_some_and(|json| json.is_ok_and(|json| json.is_object()))
        }
    }
}

/// jiff reads more than RFC 3339 allows: hours without minutes, a space for the `T`.
fn is_timestamp(text: &str) -> bool {
    static SPELLING: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$").ok()
    });
    SPELLING.as_ref().is_some_and(|spelling| spelling.is_match(text))
        && text.parse::<jiff::Timestamp>().is_ok()
}

/// Here a float is right: the components are measurements, and the bound is a thousandth.
fn is_unit_vector(value: &Value) -> bool {
    let Some(items) = value.as_array() else { return false };
    let squares = items.iter().map(|item| item.as_f64().map(|component| component * component));
    let sum: Option<f64> = squares.sum();
    !items.is_empty() && sum.is_some_and(|sum| (sum - 1.0).abs() <= 0.001)
}

fn length(value: &Value) -> Option<u64> {
    let length = match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => return None,
    };
    u64::try_from(length).ok()
}

/// What is said of a value that is not there.
pub(super) fn nothing_found(expected: String) -> Mismatch {
    Mismatch::new(expected, "nothing is there")
}

/// What is said of a body that is not JSON.
pub(super) fn not_json(expected: String, text: &str, secrets: &Secrets) -> Mismatch {
    let actual = if text.is_empty() {
        "an empty body".to_owned()
    } else {
        format!("a body that is not JSON: {}", shorten(text, secrets))
    };
    Mismatch::new(expected, actual)
}
