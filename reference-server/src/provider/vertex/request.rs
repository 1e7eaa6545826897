//! What is asked of a chat model.

use serde::Serialize;
use serde_json::Value;

use super::content::{self, Turn};
use super::tools::{self, Schema, ToolConfig, Tools};
use crate::domain::inference::{AnswerFormat, CompletionRequest, ProviderError};
use crate::provider::http::rejected;

/// The body of a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContentRequest<'a> {
    #[serde(flatten)]
    prompt: Prompt<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "GenerationConfig::is_usual")]
    generation_config: GenerationConfig<'a>,
}

/// What of it is asked where only its tokens are counted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Prompt<'a> {
    contents: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tools<'a>>,
}

/// How the Gemini API is asked for the tokens of more than turns.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CountRequest<'a> {
    generate_content_request: Counted<'a>,
}

#[derive(Debug, Serialize)]
struct Counted<'a> {
    model: String,
    #[serde(flatten)]
    prompt: Prompt<'a>,
}

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_schema: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ThinkingConfig {
    include_thoughts: bool,
    thinking_budget: u32,
}

/// The body that asks a model for content.
///
/// # Errors
/// When something is asked for that the wire has no place for.
pub(super) fn content(request: &CompletionRequest) -> Result<ContentRequest<'_>, ProviderError> {
    if request.is_begun {
        return Err(rejected("the model cannot go on with an answer that is begun"));
    }
    let (response_mime_type, (response_schema, response_json_schema)) = match &request.format {
        AnswerFormat::Text => (None, (None, None)),
        AnswerFormat::JsonObject => (Some("application/json"), (None, None)),
        AnswerFormat::JsonSchema(schema) => (Some("application/json"), Schema::of(schema).apart()),
    };
    let thinking = |thinking_budget| ThinkingConfig { include_thoughts: true, thinking_budget };
    Ok(ContentRequest {
        prompt: prompt(request)?,
        tool_config: tools::config(request)?,
        generation_config: GenerationConfig {
            stop_sequences: &request.stop,
            response_mime_type,
            response_schema,
            response_json_schema,
            candidate_count: (request.more_answers > 0).then(|| request.more_answers.saturating_add(1)),
            max_output_tokens: request.max_tokens,
            temperature: request.temperature,
            top_p: request.top_p,
            response_logprobs: request.alternatives.map(|_| true),
            logprobs: request.alternatives.filter(|others| *others > 0),
            thinking_config: request.thinking.map(thinking),
        },
    })
}

/// The body that asks Vertex AI how many tokens there are in a prompt.
///
/// # Errors
/// When something is asked for that the wire has no place for.
pub(super) fn prompt(request: &CompletionRequest) -> Result<Prompt<'_>, ProviderError> {
    Ok(Prompt {
        contents: content::contents(&request.messages)?,
        system_instruction: content::system(&request.messages)?,
        tools: tools::tools(request),
    })
}

/// The body that asks the Gemini API the same of a model.
pub(super) fn counted<'a>(model: &str, prompt: Prompt<'a>) -> CountRequest<'a> {
    CountRequest { generate_content_request: Counted { model: format!("models/{model}"), prompt } }
}

impl GenerationConfig<'_> {
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::inference::{Message, Part, Role, Tool, ToolMode};

    fn asking() -> CompletionRequest {
        let hello = Message { role: Role::User, parts: vec![Part::Text("Hi".to_owned())] };
        CompletionRequest { messages: vec![hello], ..CompletionRequest::default() }
    }

    fn body(request: &CompletionRequest) -> Value {
        serde_json::to_value(content(request).unwrap()).unwrap()
    }

    fn hello() -> Value {
        json!([{ "role": "user", "parts": [{ "text": "Hi" }] }])
    }

    #[test]
    fn nothing_is_said_that_nobody_asked_for() {
        assert_eq!(body(&asking()), json!({ "contents": hello() }));
        let asked = asking();
        let counted = counted("m", prompt(&asked).unwrap());
        assert_eq!(
            serde_json::to_value(counted).unwrap(),
            json!({ "generateContentRequest": { "model": "models/m", "contents": hello() } })
        );
    }

    #[test]
    fn everything_that_is_asked_for_is_said() {
        let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
        let mut request = CompletionRequest {
            max_tokens: Some(5),
            stop: vec!["END".to_owned()],
            temperature: Some(1.5),
            top_p: Some(1.0),
            tools: vec![Tool { name: "f".to_owned(), description: None, parameters: None }],
            format: AnswerFormat::JsonSchema(schema.clone()),
            more_answers: 2,
            alternatives: Some(3),
            thinking: Some(256),
            ..asking()
        };
        request.tool_use.mode = ToolMode::Required;
        let above = Message { role: Role::System, parts: vec![Part::Text("be kind".to_owned())] };
        request.messages.insert(0, above);
        assert_eq!(
            body(&request),
            json!({
                "contents": hello(),
                "systemInstruction": { "role": "user", "parts": [{ "text": "be kind" }] },
                "tools": [{ "functionDeclarations": [{ "name": "f" }] }],
                "toolConfig": { "functionCallingConfig": { "mode": "ANY" } },
                "generationConfig": {
                    "stopSequences": ["END"],
                    "responseMimeType": "application/json",
                    "responseJsonSchema": schema,
                    "candidateCount": 3,
                    "maxOutputTokens": 5,
                    "temperature": 1.5,
                    "topP": 1.0,
                    "responseLogprobs": true,
                    "logprobs": 3,
                    "thinkingConfig": { "includeThoughts": true, "thinkingBudget": 256 },
                },
            })
        );
    }

    #[test]
    fn an_answer_in_json_may_have_any_form() {
        let config =
            |format: AnswerFormat| body(&CompletionRequest { format, ..asking() })["generationConfig"].take();
        let json = json!({ "responseMimeType": "application/json" });
        assert_eq!(config(AnswerFormat::JsonObject), json);
        let own = json!({ "type": "OBJECT" });
        assert_eq!(config(AnswerFormat::JsonSchema(own.clone()))["responseSchema"], own);
        let untold = CompletionRequest { alternatives: Some(0), ..asking() };
        assert_eq!(body(&untold)["generationConfig"], json!({ "responseLogprobs": true }));
    }

    #[test]
    fn an_answer_cannot_be_begun() {
        let begun = CompletionRequest { is_begun: true, ..asking() };
        assert!(matches!(content(&begun), Err(ProviderError::Rejected(_))));
    }
}
