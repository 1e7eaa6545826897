//! Names and values that a caller attaches to what is stored.

use serde_json::{Map, Value};

use crate::dialect::common::read::{Mistake, Problem, Read, kind, string_of};

/// Most names.
const MOST: usize = 16;

/// Names of up to 64 characters, each with a value of up to 512.
pub(super) fn metadata(value: &Value) -> Read<Map<String, Value>> {
    let Value::Object(members) = value else { return Err(kind("an object", value)) };
    if members.len() > MOST {
        let words = format!("too many properties. Expected an object with at most {MOST} properties");
        return Err(Mistake::other(words));
    }
    for (name, value) in members {
        let read = match name.chars().count() {
            0..=64 => string_of(0..=512)(value).map(drop),
            found => Err(Mistake::new(Problem::Longer { most: 64, found })),
        };
        read.map_err(|mistake| mistake.in_member(name))?;
    }
    Ok(members.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_values_are_short_texts_and_few() {
        let pairs = json!({ "a": "b", "c": "" });
        assert_eq!(metadata(&pairs).map(Value::Object), Ok(pairs));
        let many: Value = (0..17).map(|number| (number.to_string(), json!("x"))).collect();
        for wrong in
            [json!({ "a": 5 }), json!({ "a": "x".repeat(513) }), json!({ "x".repeat(65): "a" }), many]
        {
            assert!(metadata(&wrong).is_err(), "{wrong}");
        }
    }
}
