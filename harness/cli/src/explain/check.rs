//! Checks as sentences.

use plumbline_harness::scenario::{Check, CheckLevel, Matcher, Quantifier, Shape, Subject};

use super::shape::shown;

/// What is looked at and what it must be, with how binding that is and what it verifies.
pub(super) fn sentence(check: &Check) -> String {
    format!("{}  [{}]", demand(check), binding(check.level, check.verifies.as_deref()))
}

/// What is looked at and what it must be.
pub(super) fn demand(check: &Check) -> String {
    match (&check.subject, &check.matcher) {
        (Subject::Answer, Matcher::Absent) => "the connection ends without an answer".to_owned(),
        (Subject::Status, Matcher::OneOf(statuses)) => {
            format!("the status is {}", joined(statuses))
        }
        (subject, matcher) => format!("{} {}", seen(subject), must(matcher)),
    }
}

/// `MUST chat.shape`: how binding something is, and the requirement behind it.
pub(super) fn binding(level: CheckLevel, verifies: Option<&str>) -> String {
    let level = match level {
        CheckLevel::Fixed(level) => level.to_string(),
        CheckLevel::Wording => "MUST of scripted models, SHOULD of live ones".to_owned(),
    };
    match verifies {
        None => level,
        Some(requirement) => format!("{level} {requirement}"),
    }
}

fn seen(subject: &Subject) -> String {
    match subject {
        Subject::Status => "the status".to_owned(),
        Subject::Header(name) => format!("the header {name}"),
        Subject::Answer => "an answer".to_owned(),
        Subject::Text => "the body's text".to_owned(),
        Subject::Json => "the body".to_owned(),
        Subject::Anywhere => "the answer".to_owned(),
        Subject::Body(path, Quantifier::One) => path.source().to_string(),
        Subject::Body(path, Quantifier::Each) => format!("each of {}", path.source()),
        Subject::Body(path, Quantifier::Any) => format!("one of {}", path.source()),
    }
}

fn must(matcher: &Matcher) -> String {
    match matcher {
        Matcher::Is(kind) => format!("is {}", kind.words()),
        Matcher::Equals(shape) => format!("equals {}", shown(shape)),
        Matcher::DiffersFrom(shape) => format!("is there and differs from {}", shown(shape)),
        Matcher::Contains(shape) => format!("contains {}", shown(shape)),
        Matcher::Matches(pattern) => format!("matches /{pattern}/"),
        Matcher::Lacks(pattern) => format!("is a text in which /{pattern}/ is not found"),
        Matcher::Omits(text) => format!("holds {} nowhere", text.source()),
        Matcher::Between(least, most) => format!("is from {} to {}", shown(least), shown(most)),
        Matcher::OneOf(shapes) => format!("is one of {}", joined(shapes)),
        Matcher::Length { min, max } => format!("has a length {}", bounds(*min, *max)),
        Matcher::Absent => "is not there".to_owned(),
        Matcher::Schema(name) => format!("satisfies the JSON Schema {name}"),
        Matcher::JsonSchema(name) => format!("is a text with JSON that satisfies the JSON Schema {name}"),
    }
}

fn bounds(min: Option<u64>, max: Option<u64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) if min == max => format!("of {min}"),
        (Some(min), Some(max)) => format!("from {min} to {max}"),
        (Some(min), None) => format!("of at least {min}"),
        (None, Some(max)) => format!("of at most {max}"),
        (None, None) => "of any kind".to_owned(),
    }
}

/// `200`, `200 or 422`, `200, 401 or 422`.
fn joined(shapes: &[Shape]) -> String {
    let mut shown: Vec<_> = shapes.iter().map(shown).collect();
    match shown.pop() {
        Some(last) if !shown.is_empty() => format!("{} or {last}", shown.join(", ")),
        last => last.unwrap_or_default(),
    }
}
