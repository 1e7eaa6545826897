//! Where the references of a schema lead.

use serde_json::{Map, Value};

/// Ways to refer to a part of a schema besides its place. Nobody could say beforehand where they lead.
const UNSUPPORTED: [&str; 5] = ["$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$id"];
/// The draft of JSON Schema in which `id` is what `$id` is in the later ones.
const OLD_DRAFT: &str = "draft-04";

/// The schema of a document that a reference names.
pub(super) fn target<'a>(root: &'a Value, reference: &Value) -> Option<&'a Value> {
    root.pointer(reference.as_str()?.strip_prefix('#')?)
}

/// All objects of a document, each before those within it. A reference can make a schema of any of them.
pub(super) fn objects(root: &Value) -> Vec<&Map<String, Value>> {
    let mut objects = Vec::new();
    let mut parts = vec![root];
    while let Some(part) = parts.pop() {
        match part {
            Value::Object(members) => {
                objects.push(members);
                parts.extend(members.values());
            }
            Value::Array(items) => parts.extend(items),
            _ => {}
        }
    }
    objects
}

/// Why nobody can say beforehand where the references of a schema lead, if there is a reason.
pub(super) fn problem(root: &Value) -> Option<String> {
    let draft = root.get("$schema").and_then(Value::as_str);
    let is_old = draft.is_some_and(|draft| draft.contains(OLD_DRAFT));
    let unsupported: Vec<_> = UNSUPPORTED.into_iter().chain(is_old.then_some("id")).collect();
    objects(root).into_iter().find_map(|schema| {
        let is_used = |keyword: &&&str| schema.get(**keyword).is_some_and(Value::is_string);
        if let Some(keyword) = unsupported.iter().find(is_used) {
            return Some(format!("it has {keyword}, which is not supported here"));
        }
        let reference = schema.get("$ref")?;
        let is_within = reference.as_str().is_some_and(|text| text.starts_with('#'));
        (is_within && target(root, reference).is_none())
            .then(|| "one of its references leads nowhere".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::schema::tests::{problem, value};

    #[test]
    fn what_nobody_can_look_into_beforehand_is_refused() {
        let encoded = json!({ "$ref": "#/%24defs/a", "$defs": { "a": { "type": "null" } } });
        let anchored = json!({ "$ref": "#a", "$defs": { "a": { "$anchor": "a", "type": "null" } } });
        let old = json!({
            "$schema": "http://json-schema.org/draft-04/schema#",
            "properties": { "a": { "id": "https://example.com/a" } },
        });
        for (schema, told) in [
            (encoded, "leads nowhere"),
            (anchored, "leads nowhere"),
            (json!({ "$anchor": "a" }), "$anchor"),
            (json!({ "properties": { "a": { "$dynamicRef": "#a" } } }), "$dynamicRef"),
            (old, "it has id"),
        ] {
            assert!(problem(&schema).contains(told), "{schema}: {}", problem(&schema));
        }
        let named = json!({ "type": "object", "properties": { "$id": { "type": "null" } } });
        assert_eq!(value(&named, ""), json!({ "$id": null }));
        let example = json!({ "type": "object", "examples": [{ "id": "a" }] });
        assert_eq!(value(&example, ""), json!({}));
    }
}
