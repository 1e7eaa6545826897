//! What is asked of a chat model.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Number, Value};

use super::content::{self, Turn};
use super::tools::{self, Schema, ToolConfig, Tools};
use crate::domain::inference::{AnswerFormat, CompletionRequest, Effort, ProviderError};
use crate::provider::http::{Parameter, described, incapable, refuse};

const JSON: &str = "application/json";
/// What has no place in the wire.
const LACKING: [Parameter; 1] = [Parameter::LogitBias];

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
    response_schema: Option<Cow<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<Cow<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a Number>,
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
        return Err(incapable("the model cannot go on with an answer that is begun"));
    }
    refuse(request, &LACKING)?;
    let (response_mime_type, (response_schema, response_json_schema)) = match &request.format {
        AnswerFormat::Text => (None, (None, None)),
        AnswerFormat::JsonObject => (Some(JSON), (None, None)),
        AnswerFormat::JsonSchema(form) => {
            let schema = described(form);
            let is_own = matches!(Schema::of(&form.schema), Schema::Own(_));
            (Some(JSON), if is_own { (Some(schema), None) } else { (None, Some(schema)) })
        }
    };
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
            temperature: request.temperature.as_ref(),
            top_p: request.top_p.as_ref(),
            top_k: request.top_k.as_ref(),
            seed: request.seed.map(seed).transpose()?,
            frequency_penalty: request.frequency_penalty.as_ref(),
            presence_penalty: request.presence_penalty.as_ref(),
            response_logprobs: request.alternatives.map(|_| true),
            logprobs: request.alternatives.filter(|others| *others > 0),
            thinking_config: thinking(request),
        },
    })
}

fn seed(seed: i64) -> Result<i32, ProviderError> {
    i32::try_from(seed).map_err(|_| incapable("the model takes no seed that large"))
}

/// How much is thought, where anybody has said so: nothing is something, too.
fn thinking(request: &CompletionRequest) -> Option<ThinkingConfig> {
    if request.reasoning_effort == Some(Effort::None) {
        return Some(ThinkingConfig { include_thoughts: false, thinking_budget: 0 });
    }
    let config = |thinking_budget| ThinkingConfig { include_thoughts: true, thinking_budget };
    request.asked_thinking().map(config)
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
    use crate::domain::inference::{Message, Role, ToolMode};
    use crate::provider::http::testing::{asking, form, number, text, tool, written};

    fn body(request: &CompletionRequest) -> Value {
        written(&content(request).unwrap())
    }

    fn hello() -> Value {
        json!([{ "role": "user", "parts": [{ "text": "Hi" }] }])
    }

    #[test]
    fn nothing_is_said_that_nobody_asked_for() {
        assert_eq!(body(&asking()), json!({ "contents": hello() }));
        let unasked = CompletionRequest { thinking: Some(1_024), thinks_unasked: true, ..asking() };
        assert_eq!(body(&unasked), json!({ "contents": hello() }));
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
            temperature: number("1.50"),
            top_p: number("1"),
            top_k: number("40"),
            seed: Some(-7),
            frequency_penalty: number("-2.0"),
            presence_penalty: number("0.1"),
            tools: vec![tool("f")],
            format: AnswerFormat::JsonSchema(form(schema.clone())),
            more_answers: 2,
            alternatives: Some(3),
            thinking: Some(256),
            ..asking()
        };
        request.tool_use.mode = ToolMode::Required;
        request.messages.insert(0, Message::new(Role::System, vec![text("be kind")]));
        let mut schema = schema;
        schema["description"] = json!("Where it is.");
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
                    "temperature": request.temperature,
                    "topP": 1,
                    "topK": 40,
                    "seed": -7,
                    "frequencyPenalty": -2.0,
                    "presencePenalty": 0.1,
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
        assert_eq!(config(AnswerFormat::JsonSchema(own.clone().into()))["responseSchema"], own);
        let untold = CompletionRequest { alternatives: Some(0), ..asking() };
        assert_eq!(body(&untold)["generationConfig"], json!({ "responseLogprobs": true }));
    }

    #[test]
    fn no_thought_is_asked_for_as_well() {
        let none = CompletionRequest { reasoning_effort: Some(Effort::None), ..asking() };
        let config = json!({ "thinkingConfig": { "includeThoughts": false, "thinkingBudget": 0 } });
        assert_eq!(body(&none)["generationConfig"], config);
    }

    #[test]
    fn what_has_no_place_in_the_wire_is_for_another() {
        let logit_bias = json!({ "5": 1 }).as_object().unwrap().clone();
        for wrong in [
            CompletionRequest { is_begun: true, ..asking() },
            CompletionRequest { seed: Some(i64::MAX), ..asking() },
            CompletionRequest { logit_bias, ..asking() },
        ] {
            let told = content(&wrong);
            assert!(matches!(told, Err(ProviderError::Incapable(_))), "{told:?}");
        }
    }
}
