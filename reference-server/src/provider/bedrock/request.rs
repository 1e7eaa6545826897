//! What is asked of a chat model.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::content::{self, Message, Text};
use super::tools::{self, ToolConfig};
use crate::domain::inference::{
    AnswerFormat, CompletionRequest, Effort, JsonSchema, ModelIdentity, ProviderError, ServiceTier,
};
use crate::provider::anthropic::{Thinking, thinking};
use crate::provider::http::{Parameter, incapable, mild, refuse};

/// Where a model tells which text has ended its answer, if it is asked to: as it is documented, and as the service has
/// it in fact.
pub(super) const STOP_TEXT: [&str; 2] = ["/stop_sequence", "/delta/stop_sequence"];
/// What has no place in the wire.
const LACKING: [Parameter; 6] = [
    Parameter::FrequencyPenalty,
    Parameter::LogitBias,
    Parameter::Logprobs,
    Parameter::MoreAnswers,
    Parameter::PresencePenalty,
    Parameter::Seed,
];
/// How the names begin, or go on behind a region, of the models that take more than the API has names for.
const CLAUDE: &str = "anthropic.";
/// Most names of what is attached to a request, and most characters of each and of its value.
const MOST_METADATA: usize = 16;
const LONGEST_METADATA: usize = 256;

/// The body of a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConverseRequest<'a> {
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "InferenceConfig::is_usual")]
    inference_config: InferenceConfig<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Additional::is_usual")]
    additional_model_request_fields: Additional<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_response_field_paths: Option<[&'static str; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_metadata: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<Tier>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct InferenceConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Cow<'a, Number>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text_format: Option<TextFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct TextFormat<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    structure: Structure<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Structure<'a> {
    JsonSchema {
        schema: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
    },
}

/// What the API has no names for, and models have.
#[derive(Debug, Serialize)]
struct Additional<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<&'a Number>,
}

#[derive(Debug, Serialize)]
struct Tier {
    #[serde(rename = "type")]
    kind: &'static str,
}

impl InferenceConfig<'_> {
    fn is_usual(&self) -> bool {
        *self == Self { max_tokens: None, temperature: None, top_p: None, stop_sequences: &[] }
    }
}

impl Additional<'_> {
    const fn is_usual(&self) -> bool {
        self.thinking.is_none() && self.top_k.is_none()
    }
}

/// The body that asks a model for an answer.
///
/// # Errors
/// When something is asked for that the wire has no place for.
pub(super) fn converse<'a>(
    model: &ModelIdentity,
    request: &'a CompletionRequest,
) -> Result<ConverseRequest<'a>, ProviderError> {
    refuse(request, &LACKING)?;
    let thinking = thinking(request);
    if !model.id.contains(CLAUDE) {
        refuse(request, &[Parameter::TopK])?;
        if thinking.is_some() {
            return Err(incapable("the model has no budget of tokens to think with"));
        }
    }
    Ok(ConverseRequest {
        messages: content::messages(request)?,
        system: content::system(&request.messages)?,
        inference_config: InferenceConfig {
            max_tokens: request.max_tokens,
            temperature: request.temperature.as_ref().map(mild),
            top_p: request.top_p.as_ref(),
            stop_sequences: &request.stop,
        },
        tool_config: tools::config(request)?,
        output_config: output_config(request)?,
        additional_model_request_fields: Additional { thinking, top_k: request.top_k.as_ref() },
        additional_model_response_field_paths: (!request.stop.is_empty()).then_some(STOP_TEXT),
        request_metadata: metadata(&request.metadata),
        service_tier: request.service_tier.and_then(tier),
    })
}

fn output_config(request: &CompletionRequest) -> Result<Option<OutputConfig<'_>>, ProviderError> {
    let text_format = match &request.format {
        AnswerFormat::Text => None,
        AnswerFormat::JsonObject => {
            return Err(incapable("the model answers in JSON along a JSON Schema only, and none is given"));
        }
        AnswerFormat::JsonSchema(JsonSchema { schema, name, description, .. }) => {
            let (name, description) = (name.as_deref(), description.as_deref());
            let structure = Structure::JsonSchema { schema: schema.to_string(), name, description };
            Some(TextFormat { kind: "json_schema", structure })
        }
    };
    let effort = request.output_effort.map(effort);
    Ok((text_format.is_some() || effort.is_some()).then_some(OutputConfig { text_format, effort }))
}

/// The nearest of the words that there are on the wire.
const fn effort(effort: Effort) -> &'static str {
    match effort {
        Effort::None | Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::XHigh => "xhigh",
        Effort::Max => "max",
    }
}

/// What the caller attaches, if the service takes it; it is for its bookkeeping and changes no answer.
fn metadata(members: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let fits = |text: &str| {
        let takes = |letter: char| letter.is_ascii_alphanumeric() || " :_@$#=/+,.-".contains(letter);
        text.len() <= LONGEST_METADATA && text.chars().all(takes)
    };
    let all_fit = members
        .iter()
        .all(|(name, value)| !name.is_empty() && fits(name) && value.as_str().is_some_and(fits));
    Some(members).filter(|members| (1..=MOST_METADATA).contains(&members.len()) && all_fit)
}

/// The service has tiers for all but what is left to the account, and what was bought elsewhere.
const fn tier(tier: ServiceTier) -> Option<Tier> {
    match tier {
        ServiceTier::Auto | ServiceTier::Scale => None,
        ServiceTier::Default | ServiceTier::Flex | ServiceTier::Priority | ServiceTier::Reserved => {
            Some(Tier { kind: tier.name() })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::inference::{self, Role};
    use crate::provider::http::testing::{asking, form, model, number, text, tool, written};

    const MODEL: &str = "us.anthropic.claude-x-v1:0";

    fn body(request: &CompletionRequest) -> Value {
        written(&converse(&model(MODEL), request).unwrap())
    }

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn nothing_is_said_that_nobody_asked_for() {
        let plain = json!({ "messages": [{ "role": "user", "content": [{ "text": "Hi" }] }] });
        assert_eq!(body(&asking()), plain);
        let unasked = CompletionRequest { thinking: Some(1_024), thinks_unasked: true, ..asking() };
        assert_eq!(body(&unasked), plain);
    }

    #[test]
    fn everything_that_is_asked_for_is_said() {
        let mut request = CompletionRequest {
            max_tokens: Some(2_000),
            stop: vec!["END".to_owned()],
            temperature: number("0.50"),
            top_p: number("1"),
            top_k: number("40"),
            tools: vec![tool("f")],
            format: AnswerFormat::JsonSchema(form(json!({ "type": "object" }))),
            thinking: Some(1_500),
            output_effort: Some(Effort::Low),
            metadata: map(&json!({ "team": "blue" })),
            service_tier: Some(ServiceTier::Priority),
            ..asking()
        };
        request.messages.insert(0, inference::Message::new(Role::System, vec![text("be kind")]));
        let schema = json!({ "type": "object" }).to_string();
        let structure =
            json!({ "jsonSchema": { "schema": schema, "name": "city", "description": "Where it is." } });
        let format = json!({ "type": "json_schema", "structure": structure });
        let schema = json!({ "json": { "type": "object", "properties": {} } });
        let thinking = json!({ "type": "enabled", "budget_tokens": 1_500 });
        assert_eq!(
            body(&request),
            json!({
                "messages": [{ "role": "user", "content": [{ "text": "Hi" }] }],
                "system": [{ "text": "be kind" }],
                "inferenceConfig": {
                    "maxTokens": 2_000, "temperature": request.temperature, "topP": 1, "stopSequences": ["END"],
                },
                "toolConfig": { "tools": [{ "toolSpec": { "name": "f", "inputSchema": schema } }] },
                "outputConfig": { "textFormat": format, "effort": "low" },
                "additionalModelRequestFields": { "thinking": thinking, "top_k": 40 },
                "additionalModelResponseFieldPaths": ["/stop_sequence", "/delta/stop_sequence"],
                "requestMetadata": { "team": "blue" },
                "serviceTier": { "type": "priority" },
            })
        );
    }

    #[test]
    fn no_model_is_asked_to_be_freer_than_it_can_be() {
        let told = |temperature: &str| {
            let body = body(&CompletionRequest { temperature: number(temperature), ..asking() });
            body["inferenceConfig"]["temperature"].to_string()
        };
        assert_eq!([told("0"), told("1.0"), told("2")], ["0", "1.0", "1"]);
    }

    #[test]
    fn what_has_no_place_in_the_wire_is_for_another() {
        for wrong in [
            CompletionRequest { more_answers: 1, ..asking() },
            CompletionRequest { alternatives: Some(0), ..asking() },
            CompletionRequest { seed: Some(1), ..asking() },
            CompletionRequest { format: AnswerFormat::JsonObject, ..asking() },
        ] {
            let told = converse(&model(MODEL), &wrong);
            assert!(matches!(told, Err(ProviderError::Incapable(_))), "{told:?}");
        }
        for claudes_own in [
            CompletionRequest { top_k: number("5"), ..asking() },
            CompletionRequest { thinking: Some(1_500), ..asking() },
        ] {
            let told = converse(&model("meta.llama3"), &claudes_own);
            assert!(matches!(told, Err(ProviderError::Incapable(_))), "{told:?}");
        }
        let unasked = CompletionRequest { thinking: Some(1_024), thinks_unasked: true, ..asking() };
        assert!(converse(&model("meta.llama3"), &unasked).is_ok());
    }

    #[test]
    fn every_effort_has_its_word() {
        let told = |effort| {
            let body = body(&CompletionRequest { output_effort: Some(effort), ..asking() });
            body["outputConfig"]["effort"].as_str().unwrap().to_owned()
        };
        let efforts = [Effort::Minimal, Effort::Medium, Effort::High, Effort::XHigh, Effort::Max];
        assert_eq!(efforts.map(told), ["low", "medium", "high", "xhigh", "max"]);
    }

    #[test]
    fn what_only_books_are_kept_of_goes_along_where_it_fits() {
        for unfit in [json!({}), json!({ "a": "ü" }), json!({ "a": 1 }), json!({ "a": "x".repeat(257) })] {
            let request = CompletionRequest { metadata: map(&unfit), ..asking() };
            assert_eq!(body(&request), body(&asking()), "{unfit}");
        }
        let scale = CompletionRequest { service_tier: Some(ServiceTier::Scale), ..asking() };
        assert_eq!(body(&scale), body(&asking()));
    }
}
