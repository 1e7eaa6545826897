//! A JSON Schema as tables that an author reads.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// One section for the file and one for each type in it.
pub(super) fn markdown(schema: &Value) -> String {
    let mut text = String::new();
    let empty = Map::new();
    let title = schema.get("title").and_then(Value::as_str).unwrap_or("File");
    section(&mut text, title, schema);
    let definitions = schema.get("$defs").and_then(Value::as_object).unwrap_or(&empty);
    for (name, definition) in definitions {
        section(&mut text, name, definition);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn section(text: &mut String, name: &str, schema: &Value) {
    // Writing into a text does not fail, here and below.
    let _ = writeln!(text, "### {name}\n\n{}\n", description(schema));
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let required: Vec<_> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        text.push_str("| field | value | meaning |\n|---|---|---|\n");
        for (field, property) in properties {
            let needed = if required.contains(&field.as_str()) { " (required)" } else { "" };
            let _ = writeln!(text, "| `{field}`{needed} | {} | {} |", value(property), description(property));
        }
        text.push('\n');
    }
    for word in words(schema) {
        let _ = writeln!(text, "- `{}`: {}", word.0, word.1);
    }
    if !words(schema).is_empty() {
        text.push('\n');
    }
}

fn description(schema: &Value) -> String {
    let own = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    own.lines().map(str::trim).collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// The words of an enumeration with what each means.
fn words(schema: &Value) -> Vec<(String, String)> {
    let one = |word: &Value| word.as_str().map(|word| (word.to_owned(), String::new()));
    let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(one);
    let described = schema
        .get("oneOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|variant| Some((variant.get("const")?.as_str()?.to_owned(), description(variant))));
    listed.chain(described).collect()
}

/// What a field takes, in words, with links to the types.
fn value(schema: &Value) -> String {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        return format!("[{name}](#{})", name.to_lowercase());
    }
    for several in ["anyOf", "oneOf"] {
        if let Some(options) = schema.get(several).and_then(Value::as_array) {
            let shown: Vec<_> = options
                .iter()
                .filter(|option| option.get("type") != Some(&"null".into()))
                .map(value)
                .collect();
            return shown.join(" or ");
        }
    }
    match schema.get("type") {
        Some(Value::String(kind)) => kind_of(kind, schema),
        Some(Value::Array(kinds)) => {
            let kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            kinds.map(|kind| kind_of(kind, schema)).collect::<Vec<_>>().join(" or ")
        }
        _ => "any value".to_owned(),
    }
}

fn kind_of(kind: &str, schema: &Value) -> String {
    match kind {
        "array" => format!("list of {}", schema.get("items").map_or("values".to_owned(), value)),
        "object" => match schema.get("additionalProperties") {
            Some(member @ Value::Object(_)) => format!("mapping to {}", value(member)),
            _ => "mapping".to_owned(),
        },
        "string" => "text".to_owned(),
        "integer" => "whole number".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        other => other.to_owned(),
    }
}
