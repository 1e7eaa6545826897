//! As much of what a caller sent as an error shows: small values whole, and of others the beginning.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::Value;

/// The longest JSON that is shown whole, in bytes.
const WHOLE: usize = 1024;
/// The deepest nesting that is shown: readers of the error have limits too.
const DEEPEST: u8 = 64;
/// So many characters of a longer one are shown.
const BEGINNING: usize = 256;

/// A text of at most so many characters; what is left out is told by `…`.
pub(super) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most).and_then(|(end, _)| text.get(..end)) {
        Some(beginning) => Cow::Owned(format!("{beginning}…")),
        None => Cow::Borrowed(text),
    }
}

/// A value as an error shows it: itself where its JSON is short and flat, and otherwise a string, the beginning of that
/// JSON. Of a value of many megabytes no more is looked at than that.
pub(super) fn shown(value: &Value) -> Cow<'_, Value> {
    let mut window = Window { bytes: Vec::new() };
    match serde_json::to_writer(&mut window, &Beginning { value, depth: 0 }) {
        Ok(()) => Cow::Borrowed(value),
        Err(_) => {
            // The window may end in the middle of a character.
            let text = window.bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            Cow::Owned(Value::String(text.chars().take(BEGINNING).chain(['…']).collect()))
        }
    }
}

/// Takes the first bytes, and then fails, which ends the writing.
struct Window {
    bytes: Vec<u8>,
}

impl Write for Window {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = WHOLE - self.bytes.len();
        if room == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.bytes.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A value whose strings end where the window is sure to be full: a writer looks through the whole of a string
/// before it writes the first byte of it.
struct Beginning<'v> {
    value: &'v Value,
    depth: u8,
}

impl<'v> Beginning<'v> {
    fn inner(&self, value: &'v Value) -> Self {
        Self { value, depth: self.depth + 1 }
    }
}

impl Serialize for Beginning<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Array(_) | Value::Object(_) if self.depth == DEEPEST => {
                Err(serde::ser::Error::custom("nested too deep"))
            }
            Value::String(text) => serializer.serialize_str(beginning(text)),
            Value::Array(items) => serializer.collect_seq(items.iter().map(|item| self.inner(item))),
            Value::Object(members) => serializer
                .collect_map(members.iter().map(|(name, value)| (beginning(name), self.inner(value)))),
            other => other.serialize(serializer),
        }
    }
}

fn beginning(text: &str) -> &str {
    text.get(..text.ceil_char_boundary(WHOLE)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Value {
        shown(value).into_owned()
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äöü…");
        assert_eq!(cut("", 0), "");
    }

    #[test]
    fn a_value_of_up_to_a_kibibyte_is_shown_whole() {
        let small = json!({ "a": [1, 2.50, null, true], "b": "ä" });
        assert_eq!(read(&small), small);
        // Two quotation marks belong to it.
        let longest = json!("x".repeat(WHOLE - 2));
        assert_eq!(read(&longest), longest);
        assert_eq!(read(&json!("x".repeat(WHOLE - 1))), json!(format!("\"{}…", "x".repeat(255))));
    }

    #[test]
    fn of_a_longer_value_its_json_begins() {
        let long = json!({ "name": "ü".repeat(5_000_000), "more": vec![1; 1_000] });
        let Value::String(text) = read(&long) else { panic!("not cut") };
        assert_eq!(text.chars().count(), BEGINNING + 1);
        assert!(text.starts_with("{\"name\":\"üüü") && text.ends_with("ü…"), "{text}");
        let wide = read(&json!(vec![5; 1_000_000]));
        assert_eq!(wide.as_str().map(|text| &text[..6]), Some("[5,5,5"));
        let name = read(&json!({ "n".repeat(100_000): 1 }));
        assert_eq!(name.as_str().map(|text| &text[..4]), Some("{\"nn"));
        let digits: Value = serde_json::from_str(&"9".repeat(100_000)).unwrap();
        assert_eq!(read(&digits), json!(format!("{}…", "9".repeat(256))));
    }

    #[test]
    fn of_a_deep_value_its_json_begins() {
        let nested = |depth: u8| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(read(&nested(DEEPEST)), nested(DEEPEST));
        assert_eq!(read(&nested(DEEPEST + 1)), json!(format!("{}…", "[".repeat(usize::from(DEEPEST)))));
    }

    #[test]
    fn a_window_that_ends_within_a_character_is_read_up_to_it() {
        for shift in 0..4 {
            let text = format!("{}{}", "x".repeat(shift), "\u{1f642}".repeat(1_000));
            assert!(read(&json!(text)).as_str().unwrap().ends_with("\u{1f642}…"));
        }
    }
}
