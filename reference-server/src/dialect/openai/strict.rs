//! What a JSON Schema must be like that a model is to follow to the letter.

use std::collections::HashSet;

use serde_json::{Map, Value};

/// Most properties in one schema.
const MOST_PROPERTIES: usize = 5_000;

/// Why a model cannot follow a schema to the letter, if it cannot.
pub(super) fn problem(schema: &Value) -> Option<String> {
    if let Some(problem) = no_object(schema) {
        return Some(problem);
    }
    Walk::default().problem(schema)
}

/// Why a schema is none of an object, if it says that it is not.
pub(super) fn no_object(schema: &Value) -> Option<String> {
    let kind = schema.get("type")?;
    (kind != "object")
        .then(|| format!("schema must be a JSON Schema of 'type: \"object\"', got 'type: {kind}'"))
}

/// A walk through a schema.
#[derive(Default)]
struct Walk {
    /// The names on the way to where it is.
    context: Vec<String>,
    /// Properties that were met.
    properties: usize,
}

impl Walk {
    fn problem(&mut self, schema: &Value) -> Option<String> {
        let schema = schema.as_object()?;
        if is_object(schema)
            && let Some(problem) = self.object_problem(schema)
        {
            return Some(problem);
        }
        for name in ["properties", "$defs", "definitions"] {
            let Some(Value::Object(members)) = schema.get(name) else { continue };
            for (member, schema) in members {
                if let Some(problem) = self.inside([name, member], schema) {
                    return Some(problem);
                }
            }
        }
        if let Some(Value::Array(choices)) = schema.get("anyOf") {
            for (index, schema) in choices.iter().enumerate() {
                if let Some(problem) = self.inside(["anyOf", &index.to_string()], schema) {
                    return Some(problem);
                }
            }
        }
        schema.get("items").and_then(|items| self.inside(["items"], items))
    }

    fn inside<const N: usize>(&mut self, names: [&str; N], schema: &Value) -> Option<String> {
        self.context.extend(names.map(str::to_owned));
        let problem = self.problem(schema);
        self.context.truncate(self.context.len() - N);
        problem
    }

    fn object_problem(&mut self, schema: &Map<String, Value>) -> Option<String> {
        if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
            return Some(self.told("'additionalProperties' is required to be supplied and to be false"));
        }
        let Some(Value::Object(properties)) = schema.get("properties") else { return None };
        self.properties += properties.len();
        if self.properties > MOST_PROPERTIES {
            return Some(self.told(&format!("there are more than {MOST_PROPERTIES} properties")));
        }
        let required = schema.get("required").and_then(Value::as_array);
        let required: HashSet<_> = required.into_iter().flatten().filter_map(Value::as_str).collect();
        let missing = properties.keys().find(|name| !required.contains(name.as_str()))?;
        Some(self.told(&format!(
            "'required' is required to be supplied and to be an array including every key in properties. Missing \
             '{missing}'"
        )))
    }

    /// A problem with its place, written as the service does.
    fn told(&self, problem: &str) -> String {
        let context: Vec<_> = self.context.iter().map(|name| format!("'{name}'")).collect();
        let comma = if context.len() == 1 { "," } else { "" };
        format!("In context=({}{comma}), {problem}", context.join(", "))
    }
}

fn is_object(schema: &Map<String, Value>) -> bool {
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        Some(kind) => kind == "object",
        None => schema.contains_key("properties"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(properties: &Value, required: &Value) -> Value {
        json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false
        })
    }

    #[test]
    fn a_closed_schema_that_requires_everything_can_be_followed() {
        let inner = object(&json!({ "a": { "type": "string" } }), &json!(["a"]));
        let list = json!({
            "list": { "type": "array", "items": inner },
            "one": { "anyOf": [inner, { "type": "null" }] },
        });
        assert_eq!(problem(&object(&list, &json!(["list", "one"]))), None);
    }

    #[test]
    fn what_is_open_or_optional_is_told_with_its_place() {
        let text = json!({ "type": "string" });
        assert_eq!(
            problem(&json!({ "type": "object", "properties": {} })).unwrap(),
            "In context=(), 'additionalProperties' is required to be supplied and to be false"
        );
        assert_eq!(
            problem(&object(&json!({ "a": text, "b": text }), &json!(["a"]))).unwrap(),
            "In context=(), 'required' is required to be supplied and to be an array including every key in \
             properties. Missing 'b'"
        );
        let open = json!({ "type": "array", "items": { "type": "object" } });
        assert_eq!(
            problem(&object(&json!({ "a": open }), &json!(["a"]))).unwrap(),
            "In context=('properties', 'a', 'items'), 'additionalProperties' is required to be supplied and to be \
             false"
        );
        assert_eq!(
            problem(&text).unwrap(),
            "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"string\"'"
        );
    }
}
