//! Where a text stands in JSON.

use serde_json::Value;

/// The path of the first text in a value that holds this one; a member's name, or a number, is one too.
pub(crate) fn within(value: &Value, text: &str) -> Option<String> {
    match value {
        Value::String(said) => said.contains(text).then(String::new),
        Value::Array(items) => (0_usize..).zip(items).find_map(|(index, item)| {
            let rest = within(item, text)?;
            Some(format!("[{index}]{rest}"))
        }),
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            let rest = if name.contains(text) { String::new() } else { within(member, text)? };
            Some(format!("['{name}']{rest}"))
        }),
        Value::Number(number) => {
            let is_number = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
            (is_number && number.to_string() == text).then(String::new)
        }
        Value::Null | Value::Bool(_) => None,
    }
}
