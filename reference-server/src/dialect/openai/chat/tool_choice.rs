//! Whether and how tools are called.

use serde_json::Value;

use crate::dialect::common::read::{Members, Mistake, Read, excerpt, kind, list_of, one_of, string};
use crate::dialect::openai::tools::MOST;
use crate::domain::inference::{Tool, ToolMode, ToolUse};

/// Reads a choice among tools.
pub(super) fn read(value: &Value, tools: &[Tool]) -> Read<ToolUse> {
    let of_mode = |mode| ToolUse { mode, ..ToolUse::default() };
    match value {
        Value::String(_) => Ok(of_mode(match one_of(&["none", "auto", "required"])(value)? {
            "none" => ToolMode::None,
            "required" => ToolMode::Required,
            _ => ToolMode::Auto,
        })),
        Value::Object(_) => {
            let choice = Members::of(value)?;
            match choice.required("type", one_of(&["function", "allowed_tools"]))? {
                "function" => {
                    let name = function(choice, tools)?;
                    Ok(ToolUse { only: vec![name], ..of_mode(ToolMode::Required) })
                }
                _ => {
                    choice.only(&["type", "allowed_tools"])?;
                    choice.required("allowed_tools", |value| allowed(value, tools))
                }
            }
        }
        _ => Err(kind("one of a string or object", value)),
    }
}

/// Some of the tools, and whether one of them must be called.
fn allowed(value: &Value, tools: &[Tool]) -> Read<ToolUse> {
    let allowed = Members::of(value)?;
    allowed.only(&["mode", "tools"])?;
    let mode = match allowed.required("mode", one_of(&["auto", "required"]))? {
        "required" => ToolMode::Required,
        _ => ToolMode::Auto,
    };
    let tool = |value| {
        let tool = Members::of(value)?;
        tool.required("type", one_of(&["function"]))?;
        function(tool, tools)
    };
    let only = allowed.required("tools", list_of(1..=MOST, tool))?;
    Ok(ToolUse { mode, only, ..ToolUse::default() })
}

/// The function that a choice names; it must be among the tools.
fn function(choice: Members<'_>, tools: &[Tool]) -> Read<String> {
    choice.only(&["type", "function"])?;
    choice.required("function", |function| {
        let function = Members::of(function)?;
        function.only(&["name"])?;
        function.required("name", |value| {
            let name = string(value)?;
            if tools.iter().any(|tool| tool.name == name) {
                return Ok(name.to_owned());
            }
            Err(Mistake::other(format!("tool choice '{}' not found in 'tools' parameter", excerpt(name))))
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn choose(value: &Value) -> Read<ToolUse> {
        let tool = |name: &str| Tool { name: name.to_owned(), ..Tool::default() };
        read(value, &[tool("a"), tool("b")])
    }

    #[test]
    fn a_choice_has_four_forms() {
        let chosen = |mode, only: &[&str]| ToolUse {
            mode,
            only: only.iter().map(|&name| name.to_owned()).collect(),
            one_at_a_time: false,
        };
        assert_eq!(choose(&json!("auto")), Ok(chosen(ToolMode::Auto, &[])));
        assert_eq!(choose(&json!("none")), Ok(chosen(ToolMode::None, &[])));
        assert_eq!(choose(&json!("required")), Ok(chosen(ToolMode::Required, &[])));
        let named = json!({ "type": "function", "function": { "name": "b" } });
        assert_eq!(choose(&named), Ok(chosen(ToolMode::Required, &["b"])));
        let allowed =
            json!({ "type": "allowed_tools", "allowed_tools": { "mode": "auto", "tools": [named] } });
        assert_eq!(choose(&allowed), Ok(chosen(ToolMode::Auto, &["b"])));
    }

    #[test]
    fn other_choices_are_mistakes_at_their_place() {
        for (wrong, place) in [
            (json!("any"), ""),
            (json!(5), ""),
            (json!({ "type": "tool" }), "type"),
            (json!({ "type": "function", "function": { "name": "c" } }), "function.name"),
            (json!({ "type": "function", "name": "a" }), "name"),
            (
                json!({ "type": "allowed_tools", "allowed_tools": { "mode": "none", "tools": [] } }),
                "allowed_tools.mode",
            ),
            (
                json!({ "type": "allowed_tools", "allowed_tools": { "mode": "auto", "tools": [] } }),
                "allowed_tools.tools",
            ),
        ] {
            assert_eq!(choose(&wrong).unwrap_err().bracketed(), place, "{wrong}");
        }
    }
}
