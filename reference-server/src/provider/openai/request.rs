//! What is asked of a chat model.

use serde::Serialize;
use serde_json::Value;

use super::message::{self, Message};
use crate::domain::inference::{
    self, AnswerFormat, CompletionRequest, ModelIdentity, ProviderError, ToolMode,
};

/// The name of the form of an answer. The wire wants one, and nobody reads it.
const FORM: &str = "answer";

/// The body of a request.
#[derive(Debug, Serialize)]
pub(super) struct ChatRequest<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Tool<'a> {
    Function { function: Function<'a> },
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Value>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ToolChoice<'a> {
    Mode(&'static str),
    Named(Named<'a>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Named<'a> {
    Function { function: Function<'a> },
    AllowedTools { allowed_tools: Allowed<'a> },
}

#[derive(Debug, Serialize)]
struct Allowed<'a> {
    mode: &'static str,
    tools: Vec<Named<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat<'a> {
    JsonObject,
    JsonSchema { json_schema: JsonSchema<'a> },
}

/// A schema is not said to be `strict`: strict ones may use a part of JSON Schema only.
#[derive(Debug, Serialize)]
struct JsonSchema<'a> {
    name: &'static str,
    schema: &'a Value,
}

/// The body that asks a model for it.
///
/// # Errors
/// When something is asked for that the wire has no place for.
pub(super) fn chat<'a>(
    model: &'a ModelIdentity,
    request: &'a CompletionRequest,
    is_streamed: bool,
) -> Result<ChatRequest<'a>, ProviderError> {
    if request.is_begun {
        let told = "the model cannot go on with an answer that is begun: the last message is the assistant's";
        return Err(ProviderError::Rejected(told.to_owned()));
    }
    // What is thought counts too, for models that think, and the older member is not for them.
    let (max_tokens, max_completion_tokens) =
        if model.thinks { (None, request.max_tokens) } else { (request.max_tokens, None) };
    let has_tools = !request.tools.is_empty();
    Ok(ChatRequest {
        model: &model.id,
        messages: message::messages(&request.messages)?,
        max_tokens,
        max_completion_tokens,
        reasoning_effort: request.thinking.map(effort),
        stop: &request.stop,
        temperature: request.temperature,
        top_p: request.top_p,
        n: (request.more_answers > 0).then(|| request.more_answers.saturating_add(1)),
        logprobs: request.alternatives.map(|_| true),
        top_logprobs: request.alternatives,
        tools: request.tools.iter().map(|tool| Tool::Function { function: Function::whole(tool) }).collect(),
        tool_choice: if has_tools { tool_choice(request) } else { None },
        parallel_tool_calls: (has_tools && request.tool_use.one_at_a_time).then_some(false),
        response_format: response_format(&request.format),
        stream: is_streamed.then_some(true),
        stream_options: is_streamed.then_some(StreamOptions { include_usage: true }),
    })
}

/// The word for so much thought. A caller's word comes back as it was.
fn effort(most_tokens: u32) -> &'static str {
    match most_tokens {
        0..=64 => "minimal",
        65..=256 => "low",
        257..=1_024 => "medium",
        1_025..=16_383 => "high",
        _ => "xhigh",
    }
}

impl<'a> Function<'a> {
    fn whole(tool: &'a inference::Tool) -> Self {
        Self {
            name: &tool.name,
            description: tool.description.as_deref(),
            parameters: tool.parameters.as_ref(),
        }
    }
}

impl<'a> Named<'a> {
    fn function(name: &'a str) -> Self {
        Self::Function { function: Function { name, description: None, parameters: None } }
    }
}

/// Which tools are to be called; nothing where that is as the model thinks fit.
fn tool_choice(request: &CompletionRequest) -> Option<ToolChoice<'_>> {
    let only = request.tool_use.only.as_slice();
    let mode = match request.tool_use.mode {
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

fn response_format(format: &AnswerFormat) -> Option<ResponseFormat<'_>> {
    match format {
        AnswerFormat::Text => None,
        AnswerFormat::JsonObject => Some(ResponseFormat::JsonObject),
        AnswerFormat::JsonSchema(schema) => {
            Some(ResponseFormat::JsonSchema { json_schema: JsonSchema { name: FORM, schema } })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::inference::{Message, Part, Role, ToolUse};

    fn model(thinks: bool) -> ModelIdentity {
        ModelIdentity {
            id: "gpt-x".into(),
            family: "OpenAI".into(),
            dimensions: 0,
            context_tokens: None,
            thinks,
            hears: false,
        }
    }

    fn asking() -> CompletionRequest {
        let hello = Message { role: Role::User, parts: vec![Part::Text("Hi".to_owned())] };
        CompletionRequest { messages: vec![hello], ..CompletionRequest::default() }
    }

    fn body(request: &CompletionRequest, thinks: bool, is_streamed: bool) -> Value {
        serde_json::to_value(chat(&model(thinks), request, is_streamed).unwrap()).unwrap()
    }

    #[test]
    fn nothing_is_said_that_nobody_asked_for() {
        let plain = json!({ "model": "gpt-x", "messages": [{ "role": "user", "content": "Hi" }] });
        assert_eq!(body(&asking(), true, false), plain);
        let streamed = body(&asking(), false, true);
        assert_eq!(
            (&streamed["stream"], &streamed["stream_options"]),
            (&json!(true), &json!({ "include_usage": true }))
        );
    }

    #[test]
    fn everything_that_is_asked_for_is_said() {
        let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
        let tool = |name: &str, parameters| inference::Tool {
            name: name.to_owned(),
            description: Some("Looks.".to_owned()),
            parameters,
        };
        let request = CompletionRequest {
            max_tokens: Some(5),
            stop: vec!["END".to_owned()],
            temperature: Some(0.5),
            top_p: Some(1.0),
            tools: vec![tool("a", Some(schema.clone())), tool("b", None)],
            tool_use: ToolUse { mode: ToolMode::Required, only: Vec::new(), one_at_a_time: true },
            format: AnswerFormat::JsonSchema(schema.clone()),
            more_answers: 2,
            alternatives: Some(0),
            thinking: Some(256),
            ..asking()
        };
        let mut expected = json!({
            "model": "gpt-x",
            "messages": [{ "role": "user", "content": "Hi" }],
            "max_tokens": 5,
            "reasoning_effort": "low",
            "stop": ["END"],
            "temperature": 0.5,
            "top_p": 1.0,
            "n": 3,
            "logprobs": true,
            "top_logprobs": 0,
            "tools": [
                { "type": "function", "function": { "name": "a", "description": "Looks.", "parameters": schema } },
                { "type": "function", "function": { "name": "b", "description": "Looks." } },
            ],
            "tool_choice": "required",
            "parallel_tool_calls": false,
            "response_format": { "type": "json_schema", "json_schema": { "name": "answer", "schema": schema } },
        });
        assert_eq!(body(&request, false, false), expected);
        let members = expected.as_object_mut().unwrap();
        members.remove("max_tokens");
        members.insert("max_completion_tokens".to_owned(), json!(5));
        assert_eq!(body(&request, true, false), expected);
    }

    #[test]
    fn a_choice_of_tools_has_four_forms() {
        let choice = |mode, only: &[&str]| {
            let tool = inference::Tool { name: "a".to_owned(), description: None, parameters: None };
            let only = only.iter().map(|&name| name.to_owned()).collect();
            let tool_use = ToolUse { mode, only, one_at_a_time: false };
            body(&CompletionRequest { tools: vec![tool], tool_use, ..asking() }, false, false)["tool_choice"]
                .clone()
        };
        let named = |name: &str| json!({ "type": "function", "function": { "name": name } });
        assert_eq!(choice(ToolMode::Auto, &[]), Value::Null);
        assert_eq!(choice(ToolMode::None, &["a"]), "none");
        assert_eq!(choice(ToolMode::Required, &[]), "required");
        assert_eq!(choice(ToolMode::Required, &["a"]), named("a"));
        assert_eq!(
            choice(ToolMode::Auto, &["a"]),
            json!({ "type": "allowed_tools", "allowed_tools": { "mode": "auto", "tools": [named("a")] } })
        );
        assert_eq!(choice(ToolMode::Required, &["a", "b"])["allowed_tools"]["mode"], "required");
    }

    #[test]
    fn a_word_for_thought_comes_back_as_it_was() {
        // What the words stand for where callers use them.
        for (budget, word) in
            [(64, "minimal"), (256, "low"), (1_024, "medium"), (4_096, "high"), (16_384, "xhigh")]
        {
            assert_eq!(effort(budget), word);
        }
    }

    #[test]
    fn an_answer_cannot_be_begun() {
        let begun = CompletionRequest { is_begun: true, ..asking() };
        assert!(matches!(chat(&model(false), &begun, false), Err(ProviderError::Rejected(_))));
    }
}
