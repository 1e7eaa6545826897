//! Reads JSON of which the first of two members with one name counts, not the last.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Reads a body. What lies deeper than its own members is read as usual.
pub(super) fn first_wins(bytes: &[u8]) -> serde_json::Result<Value> {
    if bytes.trim_ascii_start().starts_with(b"{") {
        serde_json::from_slice(bytes).map(|FirstWins(members)| Value::Object(members))
    } else {
        serde_json::from_slice(bytes)
    }
}

struct FirstWins(Map<String, Value>);

impl<'de> Deserialize<'de> for FirstWins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = FirstWins;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FirstWins, A::Error> {
        let mut members = Map::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            members.entry(name).or_insert(value);
        }
        Ok(FirstWins(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_of_two_members_counts() {
        let read = first_wins(b" {\"a\": 1.50, \"b\": [2], \"a\": {\"c\": 3}}").unwrap();
        assert_eq!(read.to_string(), "{\"a\":1.50,\"b\":[2]}");
        assert_eq!(first_wins(b"[1]").unwrap(), json!([1]));
        assert!(first_wins(b"{\"a\": 1} x").is_err());
    }
}
