//! What is asked of a chat model.

use serde::Serialize;

use super::content::{self, Message, Text};
use super::tools::{self, ToolConfig};
use crate::domain::inference::{AnswerFormat, CompletionRequest, ProviderError};
use crate::provider::anthropic::{Thinking, thinking};
use crate::provider::http::rejected;

/// As freely as any model here chooses its words. Callers may know freer ones.
const FREEST: f64 = 1.0;
/// Where a model tells which text has ended its answer, if it is asked to: as it is documented, and as the service has
/// it in fact.
pub(super) const STOP_TEXT: [&str; 2] = ["/stop_sequence", "/delta/stop_sequence"];

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
    output_config: Option<OutputConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_request_fields: Option<Additional>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_response_field_paths: Option<[&'static str; 2]>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct InferenceConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputConfig {
    text_format: TextFormat,
}

#[derive(Debug, Serialize)]
struct TextFormat {
    #[serde(rename = "type")]
    kind: &'static str,
    structure: Structure,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Structure {
    JsonSchema { schema: String },
}

/// What the API has no names for, and models have.
#[derive(Debug, Serialize)]
struct Additional {
    thinking: Thinking,
}

impl InferenceConfig<'_> {
    fn is_usual(&self) -> bool {
        *self == Self { max_tokens: None, temperature: None, top_p: None, stop_sequences: &[] }
    }
}

/// The body that asks a model for an answer.
///
/// # Errors
/// When something is asked for that the wire has no place for.
pub(super) fn converse(request: &CompletionRequest) -> Result<ConverseRequest<'_>, ProviderError> {
    if request.more_answers > 0 {
        return Err(rejected("the model gives one answer to a question"));
    }
    if request.alternatives.is_some() {
        return Err(rejected("the model does not tell how probable its words were"));
    }
    Ok(ConverseRequest {
        messages: content::messages(request)?,
        system: content::system(&request.messages)?,
        inference_config: InferenceConfig {
            max_tokens: request.max_tokens,
            temperature: request.temperature.map(|temperature| temperature.min(FREEST)),
            top_p: request.top_p,
            stop_sequences: &request.stop,
        },
        tool_config: tools::config(request)?,
        output_config: output_config(&request.format)?,
        additional_model_request_fields: thinking(request).map(|thinking| Additional { thinking }),
        additional_model_response_field_paths: (!request.stop.is_empty()).then_some(STOP_TEXT),
    })
}

fn output_config(format: &AnswerFormat) -> Result<Option<OutputConfig>, ProviderError> {
    match format {
        AnswerFormat::Text => Ok(None),
        AnswerFormat::JsonObject => {
            Err(rejected("the model answers in JSON along a JSON Schema only, and none is given"))
        }
        AnswerFormat::JsonSchema(schema) => {
            let structure = Structure::JsonSchema { schema: schema.to_string() };
            Ok(Some(OutputConfig { text_format: TextFormat { kind: "json_schema", structure } }))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::inference::{Message, Part, Role, Tool};

    fn asking() -> CompletionRequest {
        let hello = Message { role: Role::User, parts: vec![Part::Text("Hi".to_owned())] };
        CompletionRequest { messages: vec![hello], ..CompletionRequest::default() }
    }

    fn body(request: &CompletionRequest) -> Value {
        serde_json::to_value(converse(request).unwrap()).unwrap()
    }

    #[test]
    fn nothing_is_said_that_nobody_asked_for() {
        let plain = json!({ "messages": [{ "role": "user", "content": [{ "text": "Hi" }] }] });
        assert_eq!(body(&asking()), plain);
    }

    #[test]
    fn everything_that_is_asked_for_is_said() {
        let mut request = CompletionRequest {
            max_tokens: Some(2_000),
            stop: vec!["END".to_owned()],
            temperature: Some(0.5),
            top_p: Some(1.0),
            tools: vec![Tool { name: "f".to_owned(), description: None, parameters: None }],
            format: AnswerFormat::JsonSchema(json!({ "type": "object" })),
            thinking: Some(1_500),
            ..asking()
        };
        let above = Message { role: Role::System, parts: vec![Part::Text("be kind".to_owned())] };
        request.messages.insert(0, above);
        let structure = json!({ "jsonSchema": { "schema": "{\"type\":\"object\"}" } });
        let schema = json!({ "json": { "type": "object", "properties": {} } });
        assert_eq!(
            body(&request),
            json!({
                "messages": [{ "role": "user", "content": [{ "text": "Hi" }] }],
                "system": [{ "text": "be kind" }],
                "inferenceConfig": {
                    "maxTokens": 2_000, "temperature": 0.5, "topP": 1.0, "stopSequences": ["END"],
                },
                "toolConfig": { "tools": [{ "toolSpec": { "name": "f", "inputSchema": schema } }] },
                "outputConfig": { "textFormat": { "type": "json_schema", "structure": structure } },
                "additionalModelRequestFields": { "thinking": { "type": "enabled", "budget_tokens": 1_500 } },
                "additionalModelResponseFieldPaths": ["/stop_sequence", "/delta/stop_sequence"],
            })
        );
    }

    #[test]
    fn no_model_is_asked_to_be_freer_than_it_can_be() {
        let told = |temperature: f64| {
            let body = body(&CompletionRequest { temperature: Some(temperature), ..asking() });
            body["inferenceConfig"]["temperature"].as_f64()
        };
        assert_eq!((told(0.0), told(1.0), told(2.0)), (Some(0.0), Some(1.0), Some(1.0)));
    }

    #[test]
    fn what_has_no_place_in_the_wire_is_refused() {
        for wrong in [
            CompletionRequest { more_answers: 1, ..asking() },
            CompletionRequest { alternatives: Some(0), ..asking() },
            CompletionRequest { format: AnswerFormat::JsonObject, ..asking() },
        ] {
            let told = converse(&wrong);
            assert!(matches!(told, Err(ProviderError::Rejected(_))), "{told:?}");
        }
    }
}
