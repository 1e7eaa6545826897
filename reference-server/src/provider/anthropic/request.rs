//! What is asked of a model.

use serde::Serialize;
use serde_json::Value;

use super::content::{self, Message, System};
use super::tools::{self, Tool, ToolChoice};
use crate::domain::inference::{AnswerFormat, CompletionRequest, ModelIdentity, ProviderError};
use crate::provider::http::rejected;

/// Most tokens to answer with where the caller names no limit: the wire wants one, and every model can do as much.
const MOST_TOKENS: u32 = 4_096;
/// The fewest tokens to think with.
const LEAST_BUDGET: u32 = 1_024;

/// The body of a request.
#[derive(Debug, Serialize)]
pub(super) struct MessageRequest<'a> {
    #[serde(flatten)]
    prompt: Prompt<'a>,
    max_tokens: u32,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
}

/// What of it is asked where only its tokens are counted.
#[derive(Debug, Serialize)]
pub(super) struct Prompt<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<System<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
}

/// Whether the model thinks before it answers, and with how many tokens.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::provider) enum Thinking {
    Enabled { budget_tokens: u32 },
}

#[derive(Debug, Serialize)]
struct OutputConfig<'a> {
    format: Format<'a>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonSchema { schema: &'a Value },
}

/// How an answer is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Whole,
    Streamed,
}

/// The body that asks a model for an answer.
///
/// # Errors
/// When something is asked for that the wire has no place for.
pub(super) fn message<'a>(
    model: &'a ModelIdentity,
    request: &'a CompletionRequest,
    delivery: Delivery,
) -> Result<MessageRequest<'a>, ProviderError> {
    if request.more_answers > 0 {
        return Err(rejected("the model gives one answer to a question"));
    }
    if request.alternatives.is_some() {
        return Err(rejected("the model does not tell how probable its words were"));
    }
    let thought = request.thinking.map_or(0, |budget| budget.max(LEAST_BUDGET));
    Ok(MessageRequest {
        prompt: prompt(model, request)?,
        max_tokens: request.max_tokens.unwrap_or_else(|| MOST_TOKENS.saturating_add(thought)),
        stop_sequences: &request.stop,
        temperature: request.temperature,
        top_p: request.top_p,
        stream: (delivery == Delivery::Streamed).then_some(true),
    })
}

/// The body that asks how many tokens there are in a prompt.
///
/// # Errors
/// When something is asked for that the wire has no place for.
pub(super) fn prompt<'a>(
    model: &'a ModelIdentity,
    request: &'a CompletionRequest,
) -> Result<Prompt<'a>, ProviderError> {
    Ok(Prompt {
        model: &model.id,
        messages: content::messages(request)?,
        system: content::system(&request.messages)?,
        tools: tools::tools(request),
        tool_choice: tools::choice(request),
        thinking: thinking(request),
        output_config: output_config(&request.format)?,
    })
}

/// No less than the model thinks with at all, and no more than leaves room for an answer; where there is no such
/// number, it does not think.
pub(in crate::provider) fn thinking(request: &CompletionRequest) -> Option<Thinking> {
    let wanted = request.thinking?.max(LEAST_BUDGET);
    let most = request.max_tokens.map_or(u32::MAX, |most| most.saturating_sub(1));
    let budget_tokens = wanted.min(most);
    (budget_tokens >= LEAST_BUDGET).then_some(Thinking::Enabled { budget_tokens })
}

fn output_config(format: &AnswerFormat) -> Result<Option<OutputConfig<'_>>, ProviderError> {
    match format {
        AnswerFormat::Text => Ok(None),
        AnswerFormat::JsonObject => {
            Err(rejected("the model answers in JSON along a JSON Schema only, and none is given"))
        }
        AnswerFormat::JsonSchema(schema) => Ok(Some(OutputConfig { format: Format::JsonSchema { schema } })),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::inference::{Message, Part, Role};

    fn model() -> ModelIdentity {
        ModelIdentity {
            id: "claude-x".into(),
            family: "Anthropic".into(),
            dimensions: 0,
            context_tokens: None,
            thinks: true,
            hears: false,
        }
    }

    fn asking() -> CompletionRequest {
        let hello = Message { role: Role::User, parts: vec![Part::Text("Hi".to_owned())] };
        CompletionRequest { messages: vec![hello], ..CompletionRequest::default() }
    }

    fn body(request: &CompletionRequest, delivery: Delivery) -> Value {
        serde_json::to_value(message(&model(), request, delivery).unwrap()).unwrap()
    }

    #[test]
    fn nothing_is_said_that_nobody_asked_for() {
        let messages = json!([{ "role": "user", "content": "Hi" }]);
        let plain = json!({ "model": "claude-x", "messages": messages, "max_tokens": MOST_TOKENS });
        assert_eq!(body(&asking(), Delivery::Whole), plain);
        assert_eq!(body(&asking(), Delivery::Streamed)["stream"], true);
        let counted = serde_json::to_value(prompt(&model(), &asking()).unwrap()).unwrap();
        assert_eq!(counted, json!({ "model": "claude-x", "messages": messages }));
    }

    #[test]
    fn everything_that_is_asked_for_is_said() {
        let schema = json!({ "type": "object", "additionalProperties": false });
        let request = CompletionRequest {
            max_tokens: Some(2_000),
            stop: vec!["END".to_owned()],
            temperature: Some(0.5),
            top_p: Some(1.0),
            format: AnswerFormat::JsonSchema(schema.clone()),
            thinking: Some(1_500),
            ..asking()
        };
        assert_eq!(
            body(&request, Delivery::Whole),
            json!({
                "model": "claude-x",
                "messages": [{ "role": "user", "content": "Hi" }],
                "max_tokens": 2_000,
                "stop_sequences": ["END"],
                "temperature": 0.5,
                "top_p": 1.0,
                "thinking": { "type": "enabled", "budget_tokens": 1_500 },
                "output_config": { "format": { "type": "json_schema", "schema": schema } },
            })
        );
    }

    #[test]
    fn the_model_thinks_within_what_the_wire_allows() {
        let budget = |thinking: u32, max_tokens: Option<u32>| {
            let body = body(
                &CompletionRequest { thinking: Some(thinking), max_tokens, ..asking() },
                Delivery::Whole,
            );
            (body["thinking"]["budget_tokens"].as_u64(), body["max_tokens"].as_u64().unwrap())
        };
        assert_eq!(budget(256, None), (Some(1_024), 4_096 + 1_024));
        assert_eq!(budget(8_000, None), (Some(8_000), 4_096 + 8_000));
        assert_eq!(budget(8_000, Some(2_000)), (Some(1_999), 2_000));
        assert_eq!(budget(8_000, Some(1_024)), (None, 1_024));
    }

    #[test]
    fn what_has_no_place_in_the_wire_is_refused() {
        for wrong in [
            CompletionRequest { more_answers: 1, ..asking() },
            CompletionRequest { alternatives: Some(0), ..asking() },
            CompletionRequest { format: AnswerFormat::JsonObject, ..asking() },
        ] {
            let model = model();
            let told = message(&model, &wrong, Delivery::Whole);
            assert!(matches!(told, Err(ProviderError::Rejected(_))), "{told:?}");
        }
    }
}
