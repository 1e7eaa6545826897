//! The tools that a model may call.

use serde::Serialize;
use serde_json::Value;

use crate::domain::inference::{self, CompletionRequest, ToolMode};

/// A tool.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Tool<'a> {
    Function { function: Function<'a> },
}

#[derive(Debug, Serialize)]
pub(super) struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// Which tools are to be called.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum ToolChoice<'a> {
    Mode(&'static str),
    Named(Named<'a>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Named<'a> {
    Function { function: Name<'a> },
    AllowedTools { allowed_tools: Allowed<'a> },
}

#[derive(Debug, Serialize)]
pub(super) struct Name<'a> {
    name: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Allowed<'a> {
    mode: &'static str,
    tools: Vec<Named<'a>>,
}

/// The tools of a request.
pub(super) fn tools(request: &CompletionRequest) -> Vec<Tool<'_>> {
    request.tools.iter().map(|tool| Tool::Function { function: Function::of(tool) }).collect()
}

/// What is said of them; nothing where they are called as the model thinks fit.
pub(super) fn choice(request: &CompletionRequest) -> Option<ToolChoice<'_>> {
    let only = request.tool_use.only.as_slice();
    let mode = match request.tool_use.mode {
        _ if request.tools.is_empty() => return None,
        ToolMode::None => return Some(ToolChoice::Mode("none")),
        ToolMode::Auto if only.is_empty() => return None,
        ToolMode::Auto => "auto",
        ToolMode::Required => "required",
    };
    Some(match only {
        [] => ToolChoice::Mode(mode),
        [one] if mode == "required" => ToolChoice::Named(Named::function(one)),
        several => {
            let tools = several.iter().map(|name| Named::function(name)).collect();
            ToolChoice::Named(Named::AllowedTools { allowed_tools: Allowed { mode, tools } })
        }
    })
}

impl<'a> Function<'a> {
    fn of(tool: &'a inference::Tool) -> Self {
        Self {
            name: &tool.name,
            description: tool.description.as_deref(),
            parameters: tool.parameters.as_ref(),
            strict: tool.strict,
        }
    }
}

impl<'a> Named<'a> {
    fn function(name: &'a str) -> Self {
        Self::Function { function: Name { name } }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::inference::ToolUse;
    use crate::provider::http::testing::{asking, tool, written};

    #[test]
    fn a_tool_is_told_with_all_that_is_known_of_it() {
        let schema = json!({ "type": "object", "properties": { "n": { "maximum": 1.50 } } });
        let described = inference::Tool {
            description: Some("Looks.".to_owned()),
            parameters: Some(schema.clone()),
            strict: Some(true),
            ..tool("a")
        };
        let request = CompletionRequest { tools: vec![described, tool("b")], ..asking() };
        let function = json!({ "name": "a", "description": "Looks.", "parameters": schema, "strict": true });
        let told = json!([
            { "type": "function", "function": function },
            { "type": "function", "function": { "name": "b" } },
        ]);
        assert_eq!(written(&tools(&request)), told);
    }

    #[test]
    fn a_choice_of_tools_has_four_forms() {
        let told = |mode, only: &[&str]| {
            let only = only.iter().map(|&name| name.to_owned()).collect();
            let tool_use = ToolUse { mode, only, one_at_a_time: false };
            written(&choice(&CompletionRequest { tools: vec![tool("a")], tool_use, ..asking() }))
        };
        let named = |name: &str| json!({ "type": "function", "function": { "name": name } });
        assert_eq!(told(ToolMode::Auto, &[]), Value::Null);
        assert_eq!(told(ToolMode::None, &["a"]), "none");
        assert_eq!(told(ToolMode::Required, &[]), "required");
        assert_eq!(told(ToolMode::Required, &["a"]), named("a"));
        assert_eq!(
            told(ToolMode::Auto, &["a"]),
            json!({ "type": "allowed_tools", "allowed_tools": { "mode": "auto", "tools": [named("a")] } })
        );
        assert_eq!(told(ToolMode::Required, &["a", "b"])["allowed_tools"]["mode"], "required");
        assert_eq!(written(&choice(&asking())), Value::Null);
    }
}
