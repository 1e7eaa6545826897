//! The functions that a model may call.

use serde::Serialize;
use serde_json::Value;

use crate::domain::inference::{self, CompletionRequest, ProviderError, ToolMode};
use crate::provider::http::{incapable, offered_tools};

/// Functions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tools<'a> {
    function_declarations: Vec<Function<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<&'a Value>,
}

/// Which functions are to be called.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfig<'a> {
    function_calling_config: CallingConfig<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CallingConfig<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    allowed_function_names: &'a [String],
}

/// A schema in the words that it is written in: those of JSON Schema, or the wire's own.
pub(super) enum Schema<'a> {
    Own(&'a Value),
    Json(&'a Value),
}

impl<'a> Schema<'a> {
    /// The wire's own types have large letters.
    pub(super) fn of(schema: &'a Value) -> Self {
        let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
        if kind.starts_with(|first: char| first.is_ascii_uppercase()) {
            Self::Own(schema)
        } else {
            Self::Json(schema)
        }
    }

    /// The schema in the wire's own words, and that in JSON Schema's: one of them.
    pub(super) fn apart(self) -> (Option<&'a Value>, Option<&'a Value>) {
        match self {
            Self::Own(schema) => (Some(schema), None),
            Self::Json(schema) => (None, Some(schema)),
        }
    }
}

/// The functions of a request, in a list of one.
pub(super) fn tools(request: &CompletionRequest) -> Vec<Tools<'_>> {
    let function_declarations: Vec<_> = offered_tools(request).map(Function::new).collect();
    if function_declarations.is_empty() { Vec::new() } else { vec![Tools { function_declarations }] }
}

/// What is said of them; nothing where they are called as the model thinks fit.
///
/// # Errors
/// When something is asked for that the wire has no place for.
pub(super) fn config(request: &CompletionRequest) -> Result<Option<ToolConfig<'_>>, ProviderError> {
    let tool_use = &request.tool_use;
    if request.tools.is_empty() {
        return Ok(None);
    }
    let (mode, allowed_function_names) = match tool_use.mode {
        ToolMode::None => ("NONE", <&[String]>::default()),
        _ if tool_use.one_at_a_time => {
            return Err(incapable("the model cannot be kept from calling several tools at once"));
        }
        // What is given to a function keeps to its schema in this mode, and in the other ones that call any.
        ToolMode::Auto if request.tools.iter().any(|tool| tool.strict == Some(true)) => {
            ("VALIDATED", <&[String]>::default())
        }
        ToolMode::Auto => return Ok(None),
        ToolMode::Required => ("ANY", tool_use.only.as_slice()),
    };
    Ok(Some(ToolConfig { function_calling_config: CallingConfig { mode, allowed_function_names } }))
}

impl<'a> Function<'a> {
    fn new(tool: &'a inference::Tool) -> Self {
        let (parameters, parameters_json_schema) =
            tool.parameters.as_ref().map_or((None, None), |schema| Schema::of(schema).apart());
        Self {
            name: &tool.name,
            description: tool.description.as_deref(),
            parameters,
            parameters_json_schema,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::inference::{Tool, ToolUse};
    use crate::provider::http::testing::tool;

    fn asking(mode: ToolMode, only: &[&str], one_at_a_time: bool) -> CompletionRequest {
        let only = only.iter().map(|&name| name.to_owned()).collect();
        CompletionRequest {
            tools: vec![tool("a"), tool("b")],
            tool_use: ToolUse { mode, only, one_at_a_time },
            ..CompletionRequest::default()
        }
    }

    /// The names of the functions that are told, and how they are to be called.
    fn told(request: &CompletionRequest) -> (Vec<String>, Value) {
        let tools = serde_json::to_value(tools(request)).unwrap();
        let names = tools[0]["functionDeclarations"].as_array().into_iter().flatten();
        let names = names.map(|tool| tool["name"].as_str().unwrap().to_owned()).collect();
        let config = serde_json::to_value(config(request).unwrap()).unwrap();
        (names, config["functionCallingConfig"].clone())
    }

    #[test]
    fn a_schema_stands_where_its_words_are_known() {
        let written = |parameters: Option<Value>| {
            let tool = Tool { description: Some("Looks.".to_owned()), parameters, ..tool("f") };
            serde_json::to_value(Function::new(&tool)).unwrap()
        };
        let own = json!({ "type": "OBJECT", "properties": {} });
        let common = json!({ "type": "object", "properties": {} });
        let described = |member: &str, schema: &Value| {
            let mut function = json!({ "name": "f", "description": "Looks." });
            function[member] = schema.clone();
            function
        };
        assert_eq!(written(Some(own.clone())), described("parameters", &own));
        assert_eq!(written(Some(common.clone())), described("parametersJsonSchema", &common));
        assert_eq!(written(None), json!({ "name": "f", "description": "Looks." }));
    }

    #[test]
    fn functions_are_called_as_the_caller_wants_it() {
        let both = || vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(told(&asking(ToolMode::Auto, &[], false)), (both(), Value::Null));
        assert_eq!(told(&asking(ToolMode::None, &["a"], true)), (both(), json!({ "mode": "NONE" })));
        assert_eq!(told(&asking(ToolMode::Required, &[], false)), (both(), json!({ "mode": "ANY" })));
        let one = json!({ "mode": "ANY", "allowedFunctionNames": ["b"] });
        assert_eq!(told(&asking(ToolMode::Required, &["b"], false)), (both(), one));
        assert_eq!(told(&asking(ToolMode::Auto, &["b"], false)), (vec!["b".to_owned()], Value::Null));
        assert_eq!(told(&CompletionRequest::default()), (vec![], Value::Null));
        let mut strict = asking(ToolMode::Auto, &[], false);
        strict.tools[1].strict = Some(true);
        assert_eq!(told(&strict).1, json!({ "mode": "VALIDATED" }));
        let alone = asking(ToolMode::Auto, &[], true);
        let refused = config(&alone);
        assert!(matches!(refused, Err(ProviderError::Incapable(_))), "{refused:?}");
    }
}
