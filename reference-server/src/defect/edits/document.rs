//! Changes of a JSON document.

use serde_json::{Number, Value};
use serde_json_path::JsonPath;

use super::file::Edit;

/// Makes a change, if it is one of a document.
pub(super) fn edit(document: &mut Value, edit: &Edit) {
    match edit {
        Edit::Remove(path) => {
            // From behind, so that the places of what comes before stay what they are.
            for place in places(document, path).iter().rev() {
                remove(document, place);
            }
        }
        Edit::Set { at, to } => each(document, at, |value| *value = to.clone()),
        Edit::Put { at, member, value } => each(document, at, |object| {
            if let Some(members) = object.as_object_mut() {
                members.insert(member.clone(), value.clone());
            }
        }),
        Edit::Add { at, number } => each(document, at, |value| {
            if let Some(sum) = value.as_i64().map(|old| old.saturating_add(*number)) {
                *value = Value::Number(Number::from(sum));
            }
        }),
        Edit::Replace { at, find, text } => each(document, at, |value| {
            if let Some(old) = value.as_str() {
                *value = find.0.replace_all(old, text).into_owned().into();
            }
        }),
        Edit::Text { at, append } => each(document, at, |value| {
            if let Some(old) = value.as_str() {
                *value = format!("{old}{append}").into();
            }
        }),
        Edit::Repeat(path) => {
            for place in places(document, path).iter().rev() {
                repeat(document, place);
            }
        }
        Edit::Reverse(path) => each(document, path, |value| {
            if let Some(elements) = value.as_array_mut() {
                elements.reverse();
            }
        }),
        _ => {}
    }
}

/// Whether a path finds anything.
pub(super) fn finds(document: &Value, path: &JsonPath) -> bool {
    !path.query(document).is_empty()
}

/// The places of what a path finds, in order, as JSON pointers.
fn places(document: &Value, path: &JsonPath) -> Vec<String> {
    path.query_located(document).locations().map(serde_json_path::NormalizedPath::to_json_pointer).collect()
}

fn each(document: &mut Value, path: &JsonPath, mut change: impl FnMut(&mut Value)) {
    for place in places(document, path) {
        if let Some(value) = document.pointer_mut(&place) {
            change(value);
        }
    }
}

/// What holds the value at a place, and the last step to it.
fn holder<'d>(document: &'d mut Value, place: &str) -> Option<(&'d mut Value, String)> {
    let (holder, last) = place.rsplit_once('/')?;
    let name = last.replace("~1", "/").replace("~0", "~");
    Some((document.pointer_mut(holder)?, name))
}

fn remove(document: &mut Value, place: &str) {
    match holder(document, place) {
        Some((Value::Object(members), name)) => {
            members.shift_remove(&name);
        }
        Some((Value::Array(elements), index)) => {
            if let Some(index) = index.parse().ok().filter(|index| *index < elements.len()) {
                elements.remove(index);
            }
        }
        _ => {}
    }
}

fn repeat(document: &mut Value, place: &str) {
    if let Some((Value::Array(elements), index)) = holder(document, place)
        && let Ok(index) = index.parse::<usize>()
        && let Some(element) = elements.get(index).cloned()
    {
        elements.insert(index, element);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edited(edits: &str, mut document: Value) -> Value {
        let edits: Vec<Edit> = serde_saphyr::from_str(edits).unwrap();
        for change in &edits {
            edit(&mut document, change);
        }
        document
    }

    #[test]
    fn every_change_is_made_wherever_its_path_leads() {
        let document = || json!({ "a": [{ "n": 1, "t": "x1" }, { "n": 2, "t": "x2" }], "b": "c" });
        for (edits, wanted) in [
            ("[{ remove: '$.a[*].n' }]", json!({ "a": [{ "t": "x1" }, { "t": "x2" }], "b": "c" })),
            ("[{ remove: '$.a[*]' }]", json!({ "a": [], "b": "c" })),
            ("[{ set: { at: '$.a', to: null } }]", json!({ "a": null, "b": "c" })),
            (
                "[{ remove: '$.a[1]' }, { put: { at: '$.a[*]', member: z, value: [1] } }]",
                json!({ "a": [{ "n": 1, "t": "x1", "z": [1] }], "b": "c" }),
            ),
            (
                "[{ add: { at: '$.a[*].n', number: -1 } }, { remove: '$.a[*].t' }]",
                json!({ "a": [{ "n": 0 }, { "n": 1 }], "b": "c" }),
            ),
            (
                "[{ set: { at: '$.a', to: [] } }, { replace: { at: $.b, find: '(c)', with: '$1$1' } }]",
                json!({ "a": [], "b": "cc" }),
            ),
            (
                "[{ set: { at: '$.a', to: [1, 2] } }, { repeat: '$.a[0]' }, { reverse: $.a }, \
                 { text: { at: $.b, append: '!' } }]",
                json!({ "a": [2, 1, 1], "b": "c!" }),
            ),
        ] {
            assert_eq!(edited(edits, document()), wanted, "{edits}");
        }
    }
}
