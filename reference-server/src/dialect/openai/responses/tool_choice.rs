//! Whether and how tools are called.

use serde_json::Value;

use crate::dialect::common::read::{Members, Mistake, Read, excerpt, list_of, one_of};
use crate::dialect::openai::tools;
use crate::domain::inference::{Tool, ToolMode, ToolUse};

/// Reads the choice; every tool that it names must be there.
pub(super) fn tool_choice(value: &Value, tools: &[Tool]) -> Read<ToolUse> {
    if value.is_string() {
        let mode = mode(value)?;
        if mode == ToolMode::Required && tools.is_empty() {
            return Err(Mistake::other("tools must be given where one is required"));
        }
        return Ok(ToolUse { mode, ..ToolUse::default() });
    }
    let choice = Members::of(value)?;
    if choice.required("type", one_of(&["function", "allowed_tools"]))? == "function" {
        choice.only(&["type", "name"])?;
        let only = vec![choice.required("name", |name| known(name, tools))?];
        return Ok(ToolUse { mode: ToolMode::Required, only, one_at_a_time: false });
    }
    choice.only(&["type", "mode", "tools"])?;
    let mode = choice.required("mode", mode)?;
    let named = |tool| {
        let tool = Members::of(tool)?;
        tool.required("type", one_of(&["function"]))?;
        tool.required("name", |name| known(name, tools))
    };
    let only = choice.required("tools", list_of(1..=tools::MOST, named))?;
    Ok(ToolUse { mode, only, one_at_a_time: false })
}

fn mode(value: &Value) -> Read<ToolMode> {
    Ok(match one_of(&["auto", "none", "required"])(value)? {
        "none" => ToolMode::None,
        "required" => ToolMode::Required,
        _ => ToolMode::Auto,
    })
}

fn known(value: &Value, tools: &[Tool]) -> Read<String> {
    let name = tools::name(value)?;
    if tools.iter().any(|tool| tool.name == name) {
        return Ok(name.to_owned());
    }
    Err(Mistake::other(format!("tool choice '{}' not found in 'tools' parameter", excerpt(name))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_choice_is_a_word_or_names_tools_that_are_there() {
        let tool = |name: &str| Tool { name: name.to_owned(), ..Tool::default() };
        let all = [tool("a"), tool("b")];
        let read = |value: Value| tool_choice(&value, &all).map(|used| (used.mode, used.only));
        assert_eq!(read(json!("none")), Ok((ToolMode::None, vec![])));
        let a = vec!["a".to_owned()];
        assert_eq!(read(json!({ "type": "function", "name": "a" })), Ok((ToolMode::Required, a.clone())));
        let allowed = json!({ "type": "allowed_tools", "mode": "auto", "tools": [{ "type": "function", "name": "a" }] });
        assert_eq!(read(allowed), Ok((ToolMode::Auto, a)));
        assert_eq!(read(json!({ "type": "function", "name": "c" })).unwrap_err().bracketed(), "name");
        assert!(read(json!("perhaps")).is_err());
        assert!(tool_choice(&json!("required"), &[]).is_err());
    }
}
