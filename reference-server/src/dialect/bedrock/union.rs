//! Values that are one of several things, and say by the name of their only member which.

use serde_json::Value;

use super::words::CONSTRAINT;
use crate::dialect::common::read::{Members, Mistake, Read};

/// Reads the only member of a value that has one of these names.
pub(super) fn union<'v, T>(
    value: &'v Value,
    names: &[&'static str],
    read: impl FnOnce(&'static str, &'v Value) -> Read<T>,
) -> Read<T> {
    let members = Members::of(value)?;
    let mut given = names.iter().filter_map(|name| Some((*name, members.get(name)?)));
    let (Some((name, member)), None) = (given.next(), given.next()) else {
        return Err(Mistake::other(format!("{CONSTRAINT}have exactly one of: [{}]", names.join(", "))));
    };
    read(name, member).map_err(|mistake| mistake.in_member(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialect::common::read::string;

    #[test]
    fn there_is_exactly_one_member_that_is_known() {
        let read = |value: &Value| {
            union(value, &["text", "image"], |name, value| string(value).map(|text| format!("{name} {text}")))
        };
        assert_eq!(read(&json!({ "text": "a", "image": null, "type": "text" })), Ok("text a".to_owned()));
        for wrong in [json!({}), json!({ "video": "a" }), json!({ "text": "a", "image": "b" })] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
        assert_eq!(read(&json!({ "image": 5 })).unwrap_err().bracketed(), "image");
    }
}
