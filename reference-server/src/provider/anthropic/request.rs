//! What is asked of a model.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Number, Value};

use super::content::{self, Message, System};
use super::tools::{self, Tool, ToolChoice};
use crate::domain::inference::{
    AnswerFormat, CompletionRequest, Effort, ModelIdentity, ProviderError, ServiceTier,
};
use crate::provider::http::{Parameter, described, incapable, mild, refuse};

/// Most tokens to answer with where the caller names no limit: the wire wants one, and every model can do as much.
const MOST_TOKENS: u32 = 4_096;
/// The fewest tokens to think with.
const LEAST_BUDGET: u32 = 1_024;
/// What has no place in the wire.
const LACKING: [Parameter; 6] = [
    Parameter::FrequencyPenalty,
    Parameter::LogitBias,
    Parameter::Logprobs,
    Parameter::MoreAnswers,
    Parameter::PresencePenalty,
    Parameter::Seed,
];

/// The body of a request.
#[derive(Debug, Serialize)]
pub(super) struct MessageRequest<'a> {
    #[serde(flatten)]
    prompt: Prompt<'a>,
    max_tokens: u32,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Cow<'a, Number>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonSchema { schema: Cow<'a, Value> },
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
    refuse(request, &LACKING)?;
    let thought = request.asked_thinking().map_or(0, |budget| budget.max(LEAST_BUDGET));
    Ok(MessageRequest {
        prompt: prompt(model, request)?,
        max_tokens: request.max_tokens.unwrap_or_else(|| MOST_TOKENS.saturating_add(thought)),
        stop_sequences: &request.stop,
        temperature: request.temperature.as_ref().map(mild),
        top_p: request.top_p.as_ref(),
        top_k: request.top_k.as_ref(),
        metadata: request.user.as_deref().map(|user_id| Metadata { user_id }),
        service_tier: request.service_tier.and_then(service_tier),
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
        output_config: output_config(request)?,
    })
}

/// No less than the model thinks with at all, and no more than leaves room for an answer; where there is no such
/// number, it does not think.
pub(in crate::provider) fn thinking(request: &CompletionRequest) -> Option<Thinking> {
    let wanted = request.asked_thinking()?.max(LEAST_BUDGET);
    let most = request.max_tokens.map_or(u32::MAX, |most| most.saturating_sub(1));
    let budget_tokens = wanted.min(most);
    (budget_tokens >= LEAST_BUDGET).then_some(Thinking::Enabled { budget_tokens })
}

/// The wire has two tiers: that of the account, and the usual one.
const fn service_tier(tier: ServiceTier) -> Option<&'static str> {
    match tier {
        ServiceTier::Auto => Some("auto"),
        ServiceTier::Default => Some("standard_only"),
        ServiceTier::Flex | ServiceTier::Scale | ServiceTier::Priority | ServiceTier::Reserved => None,
    }
}

fn output_config(request: &CompletionRequest) -> Result<Option<OutputConfig<'_>>, ProviderError> {
    let format = match &request.format {
        AnswerFormat::Text => None,
        AnswerFormat::JsonObject => {
            return Err(incapable("the model answers in JSON along a JSON Schema only, and none is given"));
        }
        AnswerFormat::JsonSchema(form) => Some(Format::JsonSchema { schema: described(form) }),
    };
    let effort = request.output_effort.map(effort);
    Ok((effort.is_some() || format.is_some()).then_some(OutputConfig { effort, format }))
}

/// The nearest of the words that there are on the wire.
const fn effort(effort: Effort) -> &'static str {
    match effort {
        Effort::None | Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::XHigh | Effort::Max => "max",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::http::testing::{asking, form, model, number, written};

    fn body(request: &CompletionRequest, delivery: Delivery) -> Value {
        written(&message(&model("claude-x"), request, delivery).unwrap())
    }

    #[test]
    fn nothing_is_said_that_nobody_asked_for() {
        let messages = json!([{ "role": "user", "content": "Hi" }]);
        let plain = json!({ "model": "claude-x", "messages": messages, "max_tokens": MOST_TOKENS });
        assert_eq!(body(&asking(), Delivery::Whole), plain);
        let unasked = CompletionRequest { thinking: Some(1_024), thinks_unasked: true, ..asking() };
        assert_eq!(body(&unasked, Delivery::Whole), plain);
        assert_eq!(body(&asking(), Delivery::Streamed)["stream"], true);
        let counted = written(&prompt(&model("claude-x"), &asking()).unwrap());
        assert_eq!(counted, json!({ "model": "claude-x", "messages": messages }));
    }

    #[test]
    fn everything_that_is_asked_for_is_said() {
        let schema = json!({ "type": "object", "additionalProperties": false });
        let request = CompletionRequest {
            max_tokens: Some(2_000),
            stop: vec!["END".to_owned()],
            temperature: number("0.50"),
            top_p: number("1"),
            top_k: number("40"),
            user: Some("u-1".to_owned()),
            service_tier: Some(ServiceTier::Default),
            format: AnswerFormat::JsonSchema(form(schema)),
            thinking: Some(1_500),
            output_effort: Some(Effort::High),
            ..asking()
        };
        let schema =
            json!({ "type": "object", "additionalProperties": false, "description": "Where it is." });
        assert_eq!(
            body(&request, Delivery::Whole),
            json!({
                "model": "claude-x",
                "messages": [{ "role": "user", "content": "Hi" }],
                "max_tokens": 2_000,
                "stop_sequences": ["END"],
                "temperature": request.temperature,
                "top_p": 1,
                "top_k": 40,
                "metadata": { "user_id": "u-1" },
                "service_tier": "standard_only",
                "thinking": { "type": "enabled", "budget_tokens": 1_500 },
                "output_config": { "effort": "high", "format": { "type": "json_schema", "schema": schema } },
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
    fn no_model_is_asked_to_be_freer_than_it_can_be() {
        let told = |temperature: &str| {
            body(&CompletionRequest { temperature: number(temperature), ..asking() }, Delivery::Whole)
        };
        assert_eq!((&told("1.5")["temperature"], &told("0.7")["temperature"]), (&json!(1), &json!(0.7)));
    }

    #[test]
    fn what_has_no_place_in_the_wire_is_for_another() {
        let model = model("claude-x");
        for wrong in [
            CompletionRequest { more_answers: 1, ..asking() },
            CompletionRequest { alternatives: Some(0), ..asking() },
            CompletionRequest { seed: Some(1), ..asking() },
            CompletionRequest { format: AnswerFormat::JsonObject, ..asking() },
        ] {
            let told = message(&model, &wrong, Delivery::Whole);
            assert!(matches!(told, Err(ProviderError::Incapable(_))), "{told:?}");
        }
        let tier = CompletionRequest { service_tier: Some(ServiceTier::Flex), ..asking() };
        assert_eq!(body(&tier, Delivery::Whole).get("service_tier"), None);
    }
}
