//! The tools that a model may call.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;

use crate::domain::inference::{self, CompletionRequest, Part, ProviderError, ToolMode};
use crate::provider::http::{NO_PARAMETERS, incapable, offered_tools, the_one_to_call};

/// The tools, and which of them are to be called.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfig<'a> {
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Tool<'a> {
    ToolSpec {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        input_schema: InputSchema<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

#[derive(Debug, Serialize)]
struct InputSchema<'a> {
    json: &'a Value,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum ToolChoice<'a> {
    Any {},
    Tool { name: &'a str },
}

/// What is said of tools; nothing where there are none to speak of.
///
/// # Errors
/// When something is asked for that the wire has no place for.
pub(super) fn config(request: &CompletionRequest) -> Result<Option<ToolConfig<'_>>, ProviderError> {
    let is_of_tools = |part: &Part| matches!(part, Part::ToolCall(_) | Part::ToolResult(_));
    let mut parts = request.messages.iter().flat_map(|message| &message.parts);
    let were_called = parts.any(is_of_tools);
    if request.tools.is_empty() {
        // Where tools were called the wire wants to be told of some.
        let tools = if were_called { called(request) } else { Vec::new() };
        return Ok((!tools.is_empty()).then_some(ToolConfig { tools, tool_choice: None }));
    }
    match request.tool_use.mode {
        ToolMode::None if were_called => {
            return Err(incapable("the model cannot be kept from calling tools where it has called some"));
        }
        // It cannot call what it is not told of.
        ToolMode::None => return Ok(None),
        ToolMode::Auto | ToolMode::Required => {}
    }
    if request.tool_use.one_at_a_time {
        return Err(incapable("the model cannot be kept from calling several tools at once"));
    }
    let tool_choice = match (request.tool_use.mode, the_one_to_call(request)) {
        (ToolMode::Required, Some(name)) => Some(ToolChoice::Tool { name }),
        (ToolMode::Required, None) => Some(ToolChoice::Any {}),
        _ => None,
    };
    Ok(Some(ToolConfig { tools: offered_tools(request).map(Tool::new).collect(), tool_choice }))
}

/// The tools that were called so far, of which nothing but their names is known.
fn called(request: &CompletionRequest) -> Vec<Tool<'_>> {
    let mut names = HashSet::new();
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let names = parts.filter_map(|part| match part {
        Part::ToolCall(call) => names.insert(call.name.as_str()).then_some(call.name.as_str()),
        _ => None,
    });
    let unknown = |name| Tool::ToolSpec {
        name,
        description: None,
        input_schema: InputSchema { json: &NO_PARAMETERS },
        strict: None,
    };
    names.map(unknown).collect()
}

impl<'a> Tool<'a> {
    fn new(tool: &'a inference::Tool) -> Self {
        Self::ToolSpec {
            name: &tool.name,
            description: tool.description.as_deref().filter(|description| !description.is_empty()),
            input_schema: InputSchema { json: tool.parameters.as_ref().unwrap_or(&NO_PARAMETERS) },
            strict: tool.strict,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::inference::{Message, Role, ToolUse};
    use crate::provider::http::testing::{call, tool};

    fn asking(mode: ToolMode, only: &[&str]) -> CompletionRequest {
        let only = only.iter().map(|&name| name.to_owned()).collect();
        CompletionRequest {
            tools: vec![tool("a"), tool("b")],
            tool_use: ToolUse { mode, only, one_at_a_time: false },
            ..CompletionRequest::default()
        }
    }

    fn history() -> Vec<Message> {
        let called = |name: &str| call(name, name, "{}");
        vec![Message::new(Role::Assistant, vec![called("c"), called("d"), called("c")])]
    }

    /// The names of the tools that are told, and how they are to be called.
    fn told(request: &CompletionRequest) -> (Vec<String>, Value) {
        let config = serde_json::to_value(config(request).unwrap()).unwrap();
        let names = config["tools"].as_array().into_iter().flatten();
        let names = names.map(|tool| tool["toolSpec"]["name"].as_str().unwrap().to_owned());
        (names.collect(), config["toolChoice"].clone())
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_tool_has_a_schema_in_any_case() {
        let schema = json!({ "type": "object", "properties": { "a": {} } });
        let mut tool = inference::Tool {
            description: Some("Looks.".to_owned()),
            parameters: Some(schema.clone()),
            strict: Some(true),
            ..tool("f")
        };
        let written = |tool: &inference::Tool| serde_json::to_value(Tool::new(tool)).unwrap();
        let schema = json!({ "json": schema });
        let specification =
            json!({ "name": "f", "description": "Looks.", "inputSchema": schema, "strict": true });
        assert_eq!(written(&tool), json!({ "toolSpec": specification }));
        (tool.description, tool.parameters, tool.strict) = (Some(String::new()), None, None);
        let schema = json!({ "json": { "type": "object", "properties": {} } });
        assert_eq!(written(&tool), json!({ "toolSpec": { "name": "f", "inputSchema": schema } }));
    }

    #[test]
    fn tools_are_called_as_the_caller_wants_it() {
        assert_eq!(told(&asking(ToolMode::Auto, &[])), (names(&["a", "b"]), Value::Null));
        assert_eq!(told(&asking(ToolMode::None, &[])), (vec![], Value::Null));
        assert_eq!(told(&asking(ToolMode::Required, &[])), (names(&["a", "b"]), json!({ "any": {} })));
        let one = json!({ "tool": { "name": "b" } });
        assert_eq!(told(&asking(ToolMode::Required, &["b"])), (names(&["a", "b"]), one));
        assert_eq!(told(&asking(ToolMode::Auto, &["b"])), (names(&["b"]), Value::Null));
        assert_eq!(told(&CompletionRequest::default()), (vec![], Value::Null));
    }

    #[test]
    fn tools_are_told_of_wherever_some_were_called() {
        let request = CompletionRequest { messages: history(), ..CompletionRequest::default() };
        assert_eq!(told(&request), (names(&["c", "d"]), Value::Null));
        let request = CompletionRequest { messages: history(), ..asking(ToolMode::Auto, &[]) };
        assert_eq!(told(&request).0, names(&["a", "b"]));
    }

    #[test]
    fn what_has_no_place_in_the_wire_is_refused() {
        let mut one_at_a_time = asking(ToolMode::Auto, &[]);
        one_at_a_time.tool_use.one_at_a_time = true;
        let none = CompletionRequest { messages: history(), ..asking(ToolMode::None, &[]) };
        for wrong in [one_at_a_time, none] {
            assert!(matches!(config(&wrong), Err(ProviderError::Incapable(_))), "{wrong:?}");
        }
    }
}
