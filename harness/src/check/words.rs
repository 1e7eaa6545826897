//! How values are shown in a verdict.

use serde_json::Value;

use crate::target::Secrets;

/// Most characters of a value that are shown.
const LIMIT: usize = 400;

/// A value as JSON, shortened.
pub(super) fn show(value: &Value, secrets: &Secrets) -> String {
    shorten(&value.to_string(), secrets)
}

/// Several values, shortened as a whole.
pub(super) fn show_all(values: &[&Value], secrets: &Secrets) -> String {
    let shown: Vec<_> = values.iter().take(20).map(ToString::to_string).collect();
    shorten(&shown.join(", "), secrets)
}

/// A text with its end left out where it is long. Credentials are taken out first: a part of one would stay otherwise.
pub(crate) fn shorten(text: &str, secrets: &Secrets) -> String {
    let text = &*secrets.redact(text);
    match text.char_indices().nth(LIMIT) {
        None => text.to_owned(),
        Some((end, _)) => {
            let kept = text.get(..end).unwrap_or_default();
            format!("{kept}… ({} characters in all)", text.chars().count())
        }
    }
}
