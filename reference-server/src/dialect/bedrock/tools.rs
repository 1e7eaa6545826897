//! The tools of a request, and whether they are to be called.

use std::collections::HashSet;

use serde_json::Value;

use super::union::union;
use super::words::CONSTRAINT;
use crate::dialect::common::read::{
    Members, Mistake, Read, boolean, excerpt, kind, list_of, one_of, string_of,
};
use crate::domain::inference::{Tool, ToolMode, ToolUse};

/// Characters of the longest name of a tool, and of the longest id of a call.
const LONGEST: usize = 64;

/// The tools, and whether they are to be called.
pub(super) fn config(value: &Value) -> Read<(Vec<Tool>, ToolUse)> {
    let members = Members::of(value)?;
    let tools = members.required("tools", |tools| {
        let tools: Vec<_> = list_of(1..=usize::MAX, tool)(tools)?.into_iter().flatten().collect();
        let mut names = HashSet::with_capacity(tools.len());
        if tools.iter().all(|tool| names.insert(tool.name.clone())) {
            Ok(tools)
        } else {
            Err(Mistake::other("Tool names must be unique."))
        }
    })?;
    let choice = members.optional("toolChoice", |choice| self::choice(choice, &tools))?;
    Ok((tools, choice.unwrap_or_default()))
}

/// A tool; nothing of a mark up to which a prompt is to be remembered.
fn tool(value: &Value) -> Read<Option<Tool>> {
    union(value, &["toolSpec", "systemTool", "cachePoint"], |kind, value| {
        let members = Members::of(value)?;
        match kind {
            "toolSpec" => specification(members).map(Some),
            "cachePoint" => members.required("type", one_of(&["default"])).map(|_| None),
            _ => Err(Mistake::other(
                "This model doesn't support the systemTool field. Remove systemTool and try again",
            )),
        }
    })
}

fn specification(members: Members<'_>) -> Read<Tool> {
    let name = members.required("name", name)?.to_owned();
    let description = members.optional("description", string_of(1..=usize::MAX))?.map(str::to_owned);
    let strict = members.optional("strict", boolean)?;
    let parameters =
        members.required("inputSchema", |schema| union(schema, &["json"], |_, json| object(json)))?;
    Ok(Tool { name, description, parameters: Some(parameters.clone()), strict })
}

/// The JSON Schema of an object.
fn object(value: &Value) -> Read<&Value> {
    let Value::Object(members) = value else { return Err(kind("an object", value)) };
    if members.get("type").is_some_and(|kind| kind == "object") {
        return Ok(value);
    }
    Err(Mistake::other("The value at type must be one of the following: object").in_member("type"))
}

/// Whether the tools are to be called.
fn choice(value: &Value, tools: &[Tool]) -> Read<ToolUse> {
    let (mode, only) = union(value, &["auto", "any", "tool"], |kind, value| {
        let members = Members::of(value)?;
        match kind {
            "auto" => Ok((ToolMode::Auto, Vec::new())),
            "any" => Ok((ToolMode::Required, Vec::new())),
            _ => {
                let name = members.required("name", name)?;
                if tools.iter().all(|tool| tool.name != name) {
                    let words = format!("Tool '{}' not found in provided tools", excerpt(name));
                    return Err(Mistake::other(words));
                }
                Ok((ToolMode::Required, vec![name.to_owned()]))
            }
        }
    })?;
    Ok(ToolUse { mode, only, one_at_a_time: false })
}

/// The name of a tool.
pub(super) fn name(value: &Value) -> Read<&str> {
    written_in(value, "_-", "[a-zA-Z0-9_-]+")
}

/// The id of a call.
pub(super) fn identifier(value: &Value) -> Read<&str> {
    written_in(value, "_.:-", "[a-zA-Z0-9_.:-]+")
}

/// A text of letters, digits and these marks.
fn written_in<'v>(value: &'v Value, marks: &str, pattern: &str) -> Read<&'v str> {
    let text = string_of(1..=LONGEST)(value)?;
    if text.chars().all(|letter| letter.is_ascii_alphanumeric() || marks.contains(letter)) {
        return Ok(text);
    }
    Err(Mistake::other(format!("{CONSTRAINT}satisfy regular expression pattern: {pattern}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn weather() -> Value {
        json!({ "toolSpec": {
            "name": "get_weather",
            "description": "The weather of a place",
            "inputSchema": { "json": { "type": "object" } },
        } })
    }

    fn chosen(choice: &Value) -> Read<ToolUse> {
        config(&json!({ "tools": [weather()], "toolChoice": choice })).map(|(_, used)| used)
    }

    #[test]
    fn tools_are_taken_over_and_marks_passed_over() {
        let (tools, used) =
            config(&json!({ "tools": [weather(), { "cachePoint": { "type": "default" } }] })).unwrap();
        assert_eq!((tools.len(), tools[0].name.as_str()), (1, "get_weather"));
        assert_eq!(tools[0].parameters, Some(json!({ "type": "object" })));
        let mut strict = weather();
        strict["toolSpec"]["strict"] = json!(true);
        assert_eq!(config(&json!({ "tools": [strict] })).unwrap().0[0].strict, Some(true));
        assert_eq!(used, ToolUse::default());
    }

    #[test]
    fn what_is_wrong_with_a_tool_has_its_place() {
        let refused = |tools: Value| config(&json!({ "tools": tools })).unwrap_err().bracketed();
        let with = |member: &str, value: Value| {
            let mut tool = weather();
            tool["toolSpec"][member] = value;
            json!([tool])
        };
        assert_eq!(refused(json!([])), "tools");
        assert_eq!(refused(json!([weather(), weather()])), "tools");
        assert_eq!(refused(json!([{ "systemTool": { "name": "a" } }])), "tools[0].systemTool");
        assert_eq!(refused(json!([{ "toolSpec": { "name": "a" } }])), "tools[0].toolSpec.inputSchema");
        for name in [json!("get weather"), json!(""), json!("a".repeat(65))] {
            assert_eq!(refused(with("name", name)), "tools[0].toolSpec.name");
        }
        assert_eq!(refused(with("description", json!(""))), "tools[0].toolSpec.description");
        let schema = json!({ "json": { "type": "string" } });
        assert_eq!(refused(with("inputSchema", schema)), "tools[0].toolSpec.inputSchema.json.type");
    }

    #[test]
    fn a_choice_is_one_of_three() {
        assert_eq!(chosen(&json!({ "auto": {} })), Ok(ToolUse::default()));
        assert_eq!(chosen(&json!({ "any": {} })).unwrap().mode, ToolMode::Required);
        let only = vec!["get_weather".to_owned()];
        let one = ToolUse { mode: ToolMode::Required, only, one_at_a_time: false };
        assert_eq!(chosen(&json!({ "tool": { "name": "get_weather" } })), Ok(one));
        for wrong in
            [json!({ "none": {} }), json!({ "tool": { "name": "other" } }), json!({ "auto": {}, "any": {} })]
        {
            assert!(chosen(&wrong).is_err(), "{wrong}");
        }
    }
}
