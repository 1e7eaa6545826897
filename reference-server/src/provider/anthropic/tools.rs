//! The tools that a model may call.

use serde::Serialize;
use serde_json::Value;

use crate::domain::inference::{self, CompletionRequest, ToolMode};
use crate::provider::http::{NO_PARAMETERS, offered_tools, the_one_to_call};

/// A tool.
#[derive(Debug, Serialize)]
pub(super) struct Tool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// Which tools are to be called.
#[derive(Debug, Serialize)]
pub(super) struct ToolChoice<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

/// The tools of a request.
pub(super) fn tools(request: &CompletionRequest) -> Vec<Tool<'_>> {
    offered_tools(request).map(Tool::new).collect()
}

/// What is said of them; nothing where they are called as the model thinks fit.
pub(super) fn choice(request: &CompletionRequest) -> Option<ToolChoice<'_>> {
    if request.tools.is_empty() {
        return None;
    }
    let tool_use = &request.tool_use;
    let name = the_one_to_call(request);
    let kind = match tool_use.mode {
        ToolMode::None => {
            return Some(ToolChoice { kind: "none", name: None, disable_parallel_tool_use: None });
        }
        ToolMode::Auto if !tool_use.one_at_a_time => return None,
        ToolMode::Auto => "auto",
        ToolMode::Required if name.is_some() => "tool",
        ToolMode::Required => "any",
    };
    let disable_parallel_tool_use = tool_use.one_at_a_time.then_some(true);
    Some(ToolChoice { kind, name, disable_parallel_tool_use })
}

impl<'a> Tool<'a> {
    fn new(tool: &'a inference::Tool) -> Self {
        Self {
            name: &tool.name,
            description: tool.description.as_deref(),
            input_schema: tool.parameters.as_ref().unwrap_or(&NO_PARAMETERS),
            strict: tool.strict,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::inference::ToolUse;
    use crate::provider::http::testing::tool;

    fn told(mode: ToolMode, only: &[&str], one_at_a_time: bool) -> (Vec<String>, Value) {
        let only = only.iter().map(|&name| name.to_owned()).collect();
        let request = CompletionRequest {
            tools: vec![tool("a"), tool("b")],
            tool_use: ToolUse { mode, only, one_at_a_time },
            ..CompletionRequest::default()
        };
        let names = tools(&request).iter().map(|tool| tool.name.to_owned()).collect();
        (names, serde_json::to_value(choice(&request)).unwrap())
    }

    #[test]
    fn a_tool_has_a_schema_in_any_case() {
        let schema = json!({ "type": "object", "properties": { "a": {} } });
        let described = inference::Tool {
            description: Some("Looks.".to_owned()),
            parameters: Some(schema.clone()),
            strict: Some(true),
            ..tool("f")
        };
        let written = |tool: &inference::Tool| serde_json::to_value(Tool::new(tool)).unwrap();
        let told = json!({ "name": "f", "description": "Looks.", "input_schema": schema, "strict": true });
        assert_eq!(written(&described), told);
        assert_eq!(
            written(&tool("f")),
            json!({ "name": "f", "input_schema": { "type": "object", "properties": {} } })
        );
    }

    #[test]
    fn tools_are_called_as_the_caller_wants_it() {
        let both = || vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(told(ToolMode::Auto, &[], false), (both(), Value::Null));
        let one = json!({ "type": "auto", "disable_parallel_tool_use": true });
        assert_eq!(told(ToolMode::Auto, &[], true), (both(), one));
        assert_eq!(told(ToolMode::None, &["a"], true), (both(), json!({ "type": "none" })));
        assert_eq!(told(ToolMode::Required, &[], false), (both(), json!({ "type": "any" })));
        assert_eq!(told(ToolMode::Required, &["b"], false), (both(), json!({ "type": "tool", "name": "b" })));
        assert_eq!(told(ToolMode::Auto, &["b"], false), (vec!["b".to_owned()], Value::Null));
        assert_eq!(told(ToolMode::Required, &["a", "b"], false).1, json!({ "type": "any" }));
        assert_eq!(serde_json::to_value(choice(&CompletionRequest::default())).unwrap(), Value::Null);
    }
}
