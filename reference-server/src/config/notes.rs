//! The mistakes that are found while a configuration is read, each with its place in the text.

use serde_saphyr::Error;

use super::mistake::{ConfigMistake, Place};
use super::placed::place_of;
use crate::meant::hint_among;

/// The mistakes in a text.
pub(super) struct Notes<'t> {
    text: &'t str,
    mistakes: Vec<ConfigMistake>,
}

impl<'t> Notes<'t> {
    /// None yet.
    pub(super) fn on(text: &'t str) -> Self {
        Self { text, mistakes: Vec::new() }
    }

    /// Notes a mistake.
    pub(super) fn note(&mut self, place: Place, message: impl Into<String>, hint: Option<String>) {
        let start = place.start.unwrap_or_else(|| self.byte_at(place));
        self.mistakes.push(ConfigMistake {
            line: place.line.max(1),
            column: place.column.max(1),
            start,
            length: place.length,
            is_secret: false,
            message: message.into(),
            hint,
        });
    }

    /// Notes a mistake in something that nobody else is to see.
    pub(super) fn note_secret(&mut self, place: Place, message: impl Into<String>, hint: Option<String>) {
        self.note(place, message, hint);
        if let Some(mistake) = self.mistakes.last_mut() {
            mistake.is_secret = true;
        }
    }

    /// Notes that the text cannot be read at all, or not as what it is to be.
    pub(super) fn unreadable(&mut self, error: &Error) {
        let error = match error.without_snippet() {
            Error::AliasError { error, .. } => &**error,
            error => error,
        };
        let place = error.location().map(place_of).unwrap_or_default();
        let (message, hint) = match error {
            Error::SerdeUnknownField { field, expected, .. } => {
                (format!("there is no field `{field}` here"), hint_among(field, expected.iter().copied()))
            }
            Error::SerdeUnknownVariant { variant, expected, .. } => {
                (format!("there is no `{variant}` here"), hint_among(variant, expected.iter().copied()))
            }
            Error::SerdeMissingField { field, .. } => {
                (format!("the field `{field}` is missing"), Some(format!("add `{field}: …`")))
            }
            Error::DuplicateMappingKey { key: Some(key), .. } => (format!("`{key}` is given twice"), None),
            error => (without_place(&error.to_string()), None),
        };
        if self.is_among_providers(place) {
            // What cannot be read may be a credential, and so may be whatever stands beside it.
            self.note_secret(place, without_values(&message), hint);
        } else {
            self.note(place, message, hint);
        }
    }

    /// Whether a place is not known to be in a part of the file that holds no credentials.
    fn is_among_providers(&self, place: Place) -> bool {
        let lines = self.text.lines().take(place.line.max(1) as usize);
        let top = lines.filter(|line| line.starts_with(|c: char| !c.is_whitespace() && c != '#')).last();
        !top.is_some_and(|top| ["models:", "defaults:", "seed:"].iter().any(|part| top.starts_with(part)))
    }

    /// The place of the key in front of a value.
    pub(super) fn key_before(&self, value: Place, key: &str) -> Place {
        let before = value.start.and_then(|start| self.text.get(..start));
        let Some(start) = before.and_then(|before| before.rfind(key)) else { return value };
        let before = self.text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let line = before.matches('\n').count() + 1;
        Place { line: narrow(line), column: narrow(column), start: Some(start), length: key.len() }
    }

    /// What was read, if there are no mistakes in it; else these, in the order of the text.
    pub(super) fn finish<T>(mut self, read: Option<T>) -> Result<T, Vec<ConfigMistake>> {
        self.mistakes.sort_by_key(|mistake| mistake.start);
        match read {
            Some(read) if self.mistakes.is_empty() => Ok(read),
            _ => Err(self.mistakes),
        }
    }

    /// The first byte of a place of which only line and column are known.
    fn byte_at(&self, place: Place) -> usize {
        let lines = self.text.split_inclusive('\n');
        let before: usize = lines.take(place.line.saturating_sub(1) as usize).map(str::len).sum();
        let line = self.text.get(before..).unwrap_or_default();
        let within: usize =
            line.chars().take(place.column.saturating_sub(1) as usize).map(char::len_utf8).sum();
        before + within
    }
}

/// An error's text without what stands in double quotes in it, which is from the file.
fn without_values(message: &str) -> String {
    let parts = message.split('"').enumerate();
    parts.map(|(number, part)| if number % 2 == 0 { part } else { "…" }).collect()
}

/// An error's text without its place, which is told apart from it.
fn without_place(text: &str) -> String {
    text.split(" at line ").next().unwrap_or(text).trim_end_matches(',').to_owned()
}
