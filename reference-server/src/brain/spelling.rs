use serde_json::{Map, Value};

/// The schema in the spelling of JSON Schema: types in lower case, bounds as numbers, `nullable` as a type.
pub(super) fn plain(schema: &Value) -> Value {
    let Value::Object(map) = schema else { return schema.clone() };
    let mut spelled: Map<_, _> =
        map.iter().map(|(keyword, value)| (keyword.clone(), plain_keyword(keyword, value))).collect();
    if map.get("nullable") == Some(&Value::Bool(true))
        && let Some(kind) = spelled.get_mut("type")
    {
        admit_null(kind);
    }
    Value::Object(spelled)
}

fn plain_keyword(keyword: &str, value: &Value) -> Value {
    match (keyword, value) {
        ("type", Value::Array(names)) => names.iter().map(lower).collect(),
        ("type", name) => lower(name),
        (
            "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties",
            Value::String(digits),
        ) => digits.parse::<u64>().map_or_else(|_| value.clone(), Value::from),
        (
            "properties" | "patternProperties" | "dependentSchemas" | "$defs" | "definitions",
            Value::Object(schemas),
        ) => schemas.iter().map(|(name, schema)| (name.clone(), plain(schema))).collect(),
        ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(schemas)) => {
            schemas.iter().map(plain).collect()
        }
        (
            "items" | "additionalProperties" | "contains" | "propertyNames" | "not" | "if" | "then" | "else",
            schema,
        ) => plain(schema),
        _ => value.clone(),
    }
}

fn lower(name: &Value) -> Value {
    match name {
        Value::String(name) if name.chars().all(|c| c.is_ascii_uppercase()) => {
            Value::String(name.to_ascii_lowercase())
        }
        _ => name.clone(),
    }
}

fn admit_null(kind: &mut Value) {
    let null = || Value::from("null");
    match kind {
        Value::Array(kinds) if !kinds.contains(&null()) => kinds.push(null()),
        Value::String(name) if name != "null" => {
            *kind = Value::Array(vec![Value::from(name.as_str()), null()]);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn the_spelling_of_gemini_becomes_that_of_json_schema() {
        let schema = json!({
            "type": "OBJECT",
            "properties": {
                "type": { "type": "STRING", "nullable": true, "maxLength": "9" },
                "minItems": { "anyOf": [{ "type": ["NUMBER", "null"], "nullable": true }] },
            },
            "enum": [{ "type": "STRING" }],
        });
        let plain = json!({
            "type": "object",
            "properties": {
                "type": { "type": ["string", "null"], "nullable": true, "maxLength": 9 },
                "minItems": { "anyOf": [{ "type": ["number", "null"], "nullable": true }] },
            },
            "enum": [{ "type": "STRING" }],
        });
        assert_eq!(super::plain(&schema), plain);
        for kept in
            [json!(true), json!({ "type": "String", "minItems": "many" }), json!({ "properties": [] })]
        {
            assert_eq!(super::plain(&kept), kept);
        }
    }
}
