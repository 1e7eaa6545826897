//! The tools of a request, and whether they are to be called.

use std::collections::HashSet;

use serde_json::Value;

use super::caching::{self, End, Marks};
use super::words::unexpected_tag;
use crate::dialect::common::read::{Members, Mistake, Read, boolean, excerpt, kind, list, one_of, string};
use crate::domain::inference::{Tool, ToolMode, ToolUse};

/// The longest name of a tool.
const LONGEST_NAME: usize = 128;

/// The tools; those that are marked are noted.
pub(super) fn read(value: &Value, marks: &mut Marks) -> Read<Vec<Tool>> {
    let mut count = 0;
    let tools = list(|value| {
        count += 1;
        let members = Members::of(value)?;
        let tool = tool(members)?;
        let mark = members.optional("cache_control", caching::control)?;
        marks.block(mark, End { tools: count, messages: 0, parts: 0 });
        Ok(tool)
    })(value)?;
    if have_names_of_their_own(&tools) {
        Ok(tools)
    } else {
        Err(Mistake::other("Tool names must be unique."))
    }
}

fn have_names_of_their_own(tools: &[Tool]) -> bool {
    let mut names = HashSet::with_capacity(tools.len());
    tools.iter().all(|tool| names.insert(tool.name.as_str()))
}

fn tool(members: Members<'_>) -> Read<Tool> {
    if let Some(kind) = members.optional("type", string)?
        && kind != "custom"
    {
        let words = format!("tools of type '{}' are not on offer, only 'custom' ones are", excerpt(kind));
        return Err(Mistake::other(words).in_member("type"));
    }
    let name = members.required("name", name)?;
    let description = members.optional("description", string)?;
    let schema = members.required("input_schema", schema)?;
    let strict = members.optional("strict", boolean)?;
    members.optional("eager_input_streaming", boolean)?;
    members.optional("input_examples", list(object))?;
    members.only(&[
        "type",
        "name",
        "description",
        "input_schema",
        "cache_control",
        "strict",
        "eager_input_streaming",
        "input_examples",
    ])?;
    Ok(Tool {
        name: name.to_owned(),
        description: description.map(str::to_owned),
        parameters: Some(schema.clone()),
        strict,
    })
}

/// The name of a tool.
fn name(value: &Value) -> Read<&str> {
    let name = identifier(value)?;
    if name.len() > LONGEST_NAME {
        let words = format!("String should have at most {LONGEST_NAME} characters");
        return Err(Mistake::other(words));
    }
    Ok(name)
}

/// A text of letters, digits, underscores and hyphens.
pub(super) fn identifier(value: &Value) -> Read<&str> {
    let text = string(value)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if text.is_empty() || !text.bytes().all(fits) {
        return Err(Mistake::other("String should match pattern '^[a-zA-Z0-9_-]+$'"));
    }
    Ok(text)
}

/// An object of any kind.
pub(super) fn object(value: &Value) -> Read<&Value> {
    if value.is_object() { Ok(value) } else { Err(kind("an object", value)) }
}

/// The JSON Schema of an object.
fn schema(value: &Value) -> Read<&Value> {
    Members::of(value)?.required("type", one_of(&["object"]))?;
    Ok(value)
}

/// Whether the tools are to be called.
pub(super) fn choice(value: &Value, tools: &[Tool]) -> Read<ToolUse> {
    let members = Members::of(value)?;
    let (mode, only) = match members.required("type", string)? {
        "auto" => (ToolMode::Auto, Vec::new()),
        "any" => (ToolMode::Required, Vec::new()),
        "none" => (ToolMode::None, Vec::new()),
        "tool" => {
            let name = members.required("name", string)?;
            if tools.iter().all(|tool| tool.name != name) {
                let words = format!("Tool '{}' not found in provided tools", excerpt(name));
                return Err(Mistake::other(words));
            }
            (ToolMode::Required, vec![name.to_owned()])
        }
        kind => return Err(unexpected_tag(kind, &["auto", "any", "tool", "none"])),
    };
    if tools.is_empty() {
        return Err(Mistake::other("tool_choice may only be specified while providing tools"));
    }
    let one_at_a_time = members.optional("disable_parallel_tool_use", boolean)?.unwrap_or(false);
    members.only(if only.is_empty() {
        &["type", "disable_parallel_tool_use"]
    } else {
        &["type", "name", "disable_parallel_tool_use"]
    })?;
    Ok(ToolUse { mode, only, one_at_a_time })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::words::told;
    use super::*;

    fn weather() -> Value {
        json!({
            "name": "get_weather",
            "description": "The weather of a place",
            "input_schema": { "type": "object", "properties": { "location": { "type": "string" } } },
        })
    }

    fn refused(tools: &Value) -> String {
        told(&read(tools, &mut Marks::default()).unwrap_err())
    }

    fn with(member: &str, value: Value) -> Value {
        let mut tool = weather();
        tool[member] = value;
        json!([tool])
    }

    #[test]
    fn tools_are_taken_over() {
        let tools = read(&json!([weather()]), &mut Marks::default()).unwrap();
        assert_eq!((tools.len(), tools[0].name.as_str()), (1, "get_weather"));
        assert_eq!(tools[0].parameters.as_ref().unwrap()["type"], "object");
        let strict = read(&with("strict", json!(true)), &mut Marks::default()).unwrap();
        assert_eq!((tools[0].strict, strict[0].strict), (None, Some(true)));
    }

    #[test]
    fn what_is_wrong_with_a_tool_is_told_with_its_place() {
        assert_eq!(refused(&json!([{ "name": "a" }])), "0.input_schema: Field required");
        assert_eq!(refused(&with("input_schema", json!({}))), "0.input_schema.type: Field required");
        assert_eq!(
            refused(&with("name", json!("get weather"))),
            "0.name: String should match pattern '^[a-zA-Z0-9_-]+$'"
        );
        assert_eq!(
            refused(&with("name", json!("a".repeat(129)))),
            "0.name: String should have at most 128 characters"
        );
        assert!(refused(&with("type", json!("web_search_20250305"))).starts_with("0.type: tools of type"));
        assert_eq!(refused(&with("x", json!(1))), "0.x: Extra inputs are not permitted");
        assert_eq!(refused(&json!([weather(), weather()])), "Tool names must be unique.");
    }

    #[test]
    fn a_choice_is_one_of_four() {
        let tools = read(&json!([weather()]), &mut Marks::default()).unwrap();
        let chosen = |value: Value| choice(&value, &tools);
        assert_eq!(chosen(json!({ "type": "auto" })), Ok(ToolUse::default()));
        assert_eq!(chosen(json!({ "type": "any" })).unwrap().mode, ToolMode::Required);
        assert_eq!(chosen(json!({ "type": "none" })).unwrap().mode, ToolMode::None);
        let one = chosen(json!({
            "type": "tool", "name": "get_weather", "disable_parallel_tool_use": true
        }));
        let only = vec!["get_weather".to_owned()];
        assert_eq!(one, Ok(ToolUse { mode: ToolMode::Required, only, one_at_a_time: true }));
        for wrong in [
            json!({ "type": "tool" }),
            json!({ "type": "tool", "name": "other" }),
            json!({ "type": "all" }),
            json!({ "type": "auto", "name": "get_weather" }),
        ] {
            assert!(chosen(wrong.clone()).is_err(), "{wrong}");
        }
        assert!(choice(&json!({ "type": "auto" }), &[]).is_err());
    }
}
