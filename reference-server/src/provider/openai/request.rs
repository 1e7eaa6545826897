//! What is asked of a chat model.

use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::message::{self, Message};
use super::tools::{self, Tool, ToolChoice};
use crate::domain::inference::{
    AnswerFormat, CompletionRequest, Effort, JsonSchema, ModelIdentity, ProviderError, ServiceTier,
};
use crate::provider::http::{Parameter, incapable, refuse};

/// The name of the form of an answer, where it has none. The wire wants one, and nobody reads it.
const FORM: &str = "answer";
/// What has no place in the wire.
const LACKING: [Parameter; 1] = [Parameter::TopK];

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
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    logit_bias: &'a Map<String, Value>,
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
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    metadata: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
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
enum ResponseFormat<'a> {
    JsonObject,
    JsonSchema { json_schema: NamedSchema<'a> },
}

#[derive(Debug, Serialize)]
struct NamedSchema<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
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
        return Err(incapable(
            "the model cannot go on with an answer that is begun: the last message is the assistant's",
        ));
    }
    refuse(request, &LACKING)?;
    // What is thought counts too, for models that think, and the older member is not for them.
    let (max_tokens, max_completion_tokens) =
        if model.thinks { (None, request.max_tokens) } else { (request.max_tokens, None) };
    Ok(ChatRequest {
        model: &model.id,
        messages: message::messages(&request.messages)?,
        max_tokens,
        max_completion_tokens,
        reasoning_effort: reasoning_effort(request),
        stop: &request.stop,
        temperature: request.temperature.as_ref(),
        top_p: request.top_p.as_ref(),
        seed: request.seed,
        frequency_penalty: request.frequency_penalty.as_ref(),
        presence_penalty: request.presence_penalty.as_ref(),
        logit_bias: &request.logit_bias,
        n: (request.more_answers > 0).then(|| request.more_answers.saturating_add(1)),
        logprobs: request.alternatives.map(|_| true),
        top_logprobs: request.alternatives,
        tools: tools::tools(request),
        tool_choice: tools::choice(request),
        parallel_tool_calls: (!request.tools.is_empty() && request.tool_use.one_at_a_time).then_some(false),
        response_format: response_format(&request.format),
        user: request.user.as_deref(),
        metadata: &request.metadata,
        store: request.store,
        // The wire has no word for what was bought elsewhere.
        service_tier: request
            .service_tier
            .filter(|tier| *tier != ServiceTier::Reserved)
            .map(ServiceTier::name),
        stream: is_streamed.then_some(true),
        stream_options: is_streamed.then_some(StreamOptions { include_usage: true }),
    })
}

/// The caller's word for how much is thought, or that for so many tokens where those are asked for.
fn reasoning_effort(request: &CompletionRequest) -> Option<&'static str> {
    match request.reasoning_effort {
        // There is no more on this wire.
        Some(Effort::Max) => Some(Effort::XHigh.name()),
        Some(effort) => Some(effort.name()),
        None => request.asked_thinking().map(effort),
    }
}

fn effort(most_tokens: u32) -> &'static str {
    match most_tokens {
        0..=64 => "minimal",
        65..=256 => "low",
        257..=1_024 => "medium",
        1_025..=16_383 => "high",
        _ => "xhigh",
    }
}

fn response_format(format: &AnswerFormat) -> Option<ResponseFormat<'_>> {
    match format {
        AnswerFormat::Text => None,
        AnswerFormat::JsonObject => Some(ResponseFormat::JsonObject),
        AnswerFormat::JsonSchema(JsonSchema { schema, name, description, strict }) => {
            let (name, description) = (name.as_deref().unwrap_or(FORM), description.as_deref());
            let json_schema = NamedSchema { name, description, schema, strict: *strict };
            Some(ResponseFormat::JsonSchema { json_schema })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::inference::{ToolMode, ToolUse};
    use crate::provider::http::testing::{asking, form, model, number, tool, written};

    fn body(request: &CompletionRequest, thinks: bool, is_streamed: bool) -> Value {
        let model = ModelIdentity { thinks, ..model("gpt-x") };
        written(&chat(&model, request, is_streamed).unwrap())
    }

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(members) => members,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn nothing_is_said_that_nobody_asked_for() {
        let plain = json!({ "model": "gpt-x", "messages": [{ "role": "user", "content": "Hi" }] });
        assert_eq!(body(&asking(), true, false), plain);
        let unasked = CompletionRequest { thinking: Some(1_024), thinks_unasked: true, ..asking() };
        assert_eq!(body(&unasked, true, false), plain);
        let streamed = body(&asking(), false, true);
        assert_eq!(
            (&streamed["stream"], &streamed["stream_options"]),
            (&json!(true), &json!({ "include_usage": true }))
        );
    }

    #[test]
    fn everything_that_is_asked_for_is_said() {
        let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
        let request = CompletionRequest {
            max_tokens: Some(5),
            stop: vec!["END".to_owned()],
            temperature: number("0.50"),
            top_p: number("1"),
            seed: Some(-7),
            frequency_penalty: number("-2.0"),
            presence_penalty: number("0.1"),
            logit_bias: map(json!({ "50256": -100 })),
            tools: vec![tool("a")],
            tool_use: ToolUse { mode: ToolMode::Required, only: Vec::new(), one_at_a_time: true },
            format: AnswerFormat::JsonSchema(form(schema.clone())),
            more_answers: 2,
            alternatives: Some(0),
            thinking: Some(256),
            reasoning_effort: Some(Effort::Minimal),
            user: Some("u-1".to_owned()),
            metadata: map(json!({ "team": "blue" })),
            store: Some(false),
            service_tier: Some(ServiceTier::Flex),
            ..asking()
        };
        let form = json!({ "name": "city", "description": "Where it is.", "schema": schema, "strict": true });
        let mut expected = json!({
            "model": "gpt-x",
            "messages": [{ "role": "user", "content": "Hi" }],
            "max_tokens": 5,
            "reasoning_effort": "minimal",
            "stop": ["END"],
            "temperature": request.temperature,
            "top_p": 1,
            "seed": -7,
            "frequency_penalty": -2.0,
            "presence_penalty": 0.1,
            "logit_bias": { "50256": -100 },
            "n": 3,
            "logprobs": true,
            "top_logprobs": 0,
            "tools": [{ "type": "function", "function": { "name": "a" } }],
            "tool_choice": "required",
            "parallel_tool_calls": false,
            "response_format": { "type": "json_schema", "json_schema": form },
            "user": "u-1",
            "metadata": { "team": "blue" },
            "store": false,
            "service_tier": "flex",
        });
        assert_eq!(expected["temperature"].to_string(), "0.50");
        assert_eq!(body(&request, false, false), expected);
        let members = expected.as_object_mut().unwrap();
        members.remove("max_tokens");
        members.insert("max_completion_tokens".to_owned(), json!(5));
        assert_eq!(body(&request, true, false), expected);
    }

    #[test]
    fn a_form_without_a_name_is_given_one_and_nothing_else() {
        let format = AnswerFormat::JsonSchema(json!({ "type": "object" }).into());
        let told = body(&CompletionRequest { format, ..asking() }, false, false);
        let expected = json!({ "name": "answer", "schema": { "type": "object" } });
        assert_eq!(told["response_format"]["json_schema"], expected);
    }

    #[test]
    fn a_word_for_thought_is_the_callers_or_that_for_so_many_tokens() {
        let told = |reasoning_effort, thinking| {
            super::reasoning_effort(&CompletionRequest { thinking, reasoning_effort, ..asking() })
        };
        for effort in Effort::ALL.into_iter().filter(|effort| *effort != Effort::Max) {
            assert_eq!(told(Some(effort), Some(5)), Some(effort.name()));
        }
        assert_eq!(told(Some(Effort::Max), None), Some("xhigh"));
        for (budget, word) in
            [(64, "minimal"), (256, "low"), (1_024, "medium"), (4_096, "high"), (16_384, "xhigh")]
        {
            assert_eq!(told(None, Some(budget)), Some(word));
        }
        assert_eq!(told(None, None), None);
    }

    #[test]
    fn what_has_no_place_in_the_wire_is_for_another() {
        let model = model("gpt-x");
        for wrong in [
            CompletionRequest { is_begun: true, ..asking() },
            CompletionRequest { top_k: number("5"), ..asking() },
        ] {
            let told = chat(&model, &wrong, false);
            assert!(matches!(told, Err(ProviderError::Incapable(_))), "{told:?}");
        }
        let reserved = CompletionRequest { service_tier: Some(ServiceTier::Reserved), ..asking() };
        assert_eq!(body(&reserved, false, false), body(&asking(), false, false));
    }
}
