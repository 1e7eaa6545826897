//! Functions that a model may call.

use std::collections::HashSet;

use serde_json::Value;

use super::strict;
use crate::dialect::common::read::{Members, Mistake, Read, boolean, string, string_of};
use crate::domain::inference::Tool;

/// Most tools in one request, and most calls in one message.
pub(super) const MOST: usize = 128;

const PATTERN: &str =
    "string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'";

/// The members of a function.
pub(super) const MEMBERS: [&str; 4] = ["name", "description", "parameters", "strict"];

/// A function, from its members.
pub(super) fn function(function: Members<'_>) -> Read<Tool> {
    let strict = function.optional("strict", boolean)?;
    Ok(Tool {
        name: function.required("name", name)?.to_owned(),
        description: function.optional("description", string)?.map(str::to_owned),
        parameters: function.optional("parameters", |schema| parameters(schema, strict == Some(true)))?,
        strict,
    })
}

/// The name of a function, or of a schema.
pub(super) fn name(value: &Value) -> Read<&str> {
    let name = string_of(1..=64)(value)?;
    let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if fits { Ok(name) } else { Err(Mistake::other(PATTERN)) }
}

/// That no two tools have the same name.
pub(super) fn all_differ(tools: &[Tool]) -> Read<()> {
    let mut names = HashSet::new();
    match tools.iter().position(|tool| !names.insert(tool.name.as_str())) {
        None => Ok(()),
        Some(index) => {
            let twice = Mistake::other("another function has the same name").in_member("name");
            Err(twice.in_element(index))
        }
    }
}

fn parameters(schema: &Value, is_strict: bool) -> Read<Value> {
    Members::of(schema)?;
    let problem = if is_strict { strict::problem(schema) } else { strict::no_object(schema) };
    match problem {
        None => Ok(schema.clone()),
        Some(problem) => Err(Mistake::other(problem)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Read<Tool> {
        function(Members::of(value)?)
    }

    #[test]
    fn a_function_has_a_name_and_perhaps_parameters() {
        let strict = json!({ "name": "a", "strict": true });
        assert_eq!(read(&strict).unwrap().strict, Some(true));
        let tool = read(&json!({ "name": "get_weather", "parameters": { "type": "object" } })).unwrap();
        assert_eq!((tool.name.as_str(), tool.parameters), ("get_weather", Some(json!({ "type": "object" }))));
        for (wrong, place) in [
            (json!({}), "name"),
            (json!({ "name": "get weather" }), "name"),
            (json!({ "name": "" }), "name"),
            (json!({ "name": "x".repeat(65) }), "name"),
            (json!({ "name": "a", "parameters": [] }), "parameters"),
            (json!({ "name": "a", "parameters": { "type": "string" } }), "parameters"),
            (json!({ "name": "a", "strict": true, "parameters": { "type": "object" } }), "parameters"),
        ] {
            assert_eq!(read(&wrong).unwrap_err().bracketed(), place, "{wrong}");
        }
    }

    #[test]
    fn names_are_not_given_twice() {
        let tool = read(&json!({ "name": "a" })).unwrap();
        assert_eq!(all_differ(std::slice::from_ref(&tool)), Ok(()));
        assert_eq!(all_differ(&[tool.clone(), tool]).unwrap_err().bracketed(), "[1].name");
    }
}
