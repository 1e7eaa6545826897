//! What is asked of a model.

use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::conversation::{Turn, conversation};
use crate::domain::inference::{
    AnswerFormat, CompletionRequest, Effort, EmbeddingRequest, JsonSchema, ServiceTier, Tool, ToolMode,
    ToolUse,
};

/// The types of a schema as Google writes them.
const TYPES_IN_CAPITALS: [&str; 7] = ["ARRAY", "BOOLEAN", "INTEGER", "NULL", "NUMBER", "OBJECT", "STRING"];

/// A question to a chat model. What is not asked for is not there.
#[derive(Serialize)]
struct Question<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<&'a str>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_thinking_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<&'a Number>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    logit_bias: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_begun: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    metadata: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

#[derive(Serialize)]
struct ToolView<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ToolChoice<'a> {
    Mode(&'static str),
    Tool { name: &'a str },
    Tools { mode: &'static str, names: &'a [String] },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Format<'a> {
    Json(&'static str),
    Schema {
        schema: Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

/// Texts to embed.
#[derive(Serialize)]
struct Texts<'a> {
    input: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<usize>,
}

/// What is asked of a chat model, in JSON.
pub(in super::super) fn question(request: &CompletionRequest) -> String {
    // Nothing is left out by mistake.
    let CompletionRequest {
        messages,
        max_tokens,
        stop,
        temperature,
        top_p,
        top_k,
        seed,
        frequency_penalty,
        presence_penalty,
        logit_bias,
        tools,
        tool_use,
        call_ids: _,
        format,
        more_answers,
        alternatives,
        thinking: _,
        thinks_unasked: _,
        reasoning_effort,
        output_effort,
        is_begun,
        user,
        metadata,
        store,
        service_tier,
    } = request;
    let (system, messages) = conversation(messages);
    let question = Question {
        system,
        messages,
        tools: tools.iter().map(ToolView::from).collect(),
        tool_choice: (!tools.is_empty()).then(|| tool_use.into()),
        parallel_tool_calls: tool_use.one_at_a_time.then_some(false),
        format: self::format(format),
        max_tokens: *max_tokens,
        max_thinking_tokens: request.asked_thinking(),
        reasoning_effort: reasoning_effort.map(Effort::name),
        output_effort: output_effort.map(Effort::name),
        temperature: temperature.as_ref(),
        top_p: top_p.as_ref(),
        top_k: top_k.as_ref(),
        stop,
        seed: *seed,
        frequency_penalty: frequency_penalty.as_ref(),
        presence_penalty: presence_penalty.as_ref(),
        logit_bias,
        top_logprobs: *alternatives,
        n: (*more_answers > 0).then(|| more_answers.saturating_add(1)),
        is_begun: is_begun.then_some(true),
        user: user.as_deref(),
        metadata,
        store: *store,
        service_tier: service_tier.map(ServiceTier::name),
    };
    // What has text for keys always serializes.
    serde_json::to_string(&question).unwrap_or_default()
}

/// Which texts are to be embedded, in JSON.
pub(in super::super) fn texts(request: &EmbeddingRequest) -> String {
    let texts = Texts { input: &request.inputs, dimensions: request.dimensions };
    serde_json::to_string(&texts).unwrap_or_default()
}

impl<'a> From<&'a Tool> for ToolView<'a> {
    fn from(tool: &'a Tool) -> Self {
        Self {
            name: &tool.name,
            description: tool.description.as_deref(),
            parameters: tool.parameters.as_ref().map(schema),
            strict: tool.strict,
        }
    }
}

impl<'a> From<&'a ToolUse> for ToolChoice<'a> {
    fn from(tool_use: &'a ToolUse) -> Self {
        let mode = match tool_use.mode {
            ToolMode::Auto => "auto",
            ToolMode::None => "none",
            ToolMode::Required => "required",
        };
        match (tool_use.mode, tool_use.only.as_slice()) {
            (_, []) => Self::Mode(mode),
            (ToolMode::Required, [name]) => Self::Tool { name },
            (_, names) => Self::Tools { mode, names },
        }
    }
}

fn format(format: &AnswerFormat) -> Option<Format<'_>> {
    match format {
        AnswerFormat::Text => None,
        AnswerFormat::JsonObject => Some(Format::Json("json")),
        AnswerFormat::JsonSchema(JsonSchema { schema: wanted, name, description, strict }) => {
            let (name, description) = (name.as_deref(), description.as_deref());
            Some(Format::Schema { schema: schema(wanted), name, description, strict: *strict })
        }
    }
}

/// A schema as JSON Schema writes it.
fn schema(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, member)| {
                let member = match member {
                    Value::String(kind) if name == "type" && TYPES_IN_CAPITALS.contains(&kind.as_str()) => {
                        Value::String(kind.to_ascii_lowercase())
                    }
                    member => schema(member),
                };
                (name.clone(), member)
            });
            Value::Object(members.collect())
        }
        Value::Array(items) => items.iter().map(schema).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(request: &CompletionRequest) -> Value {
        serde_json::from_str(&question(request)).unwrap()
    }

    fn number(text: &str) -> Option<Number> {
        serde_json::from_str(text).ok()
    }

    #[test]
    fn what_is_not_asked_for_is_not_there() {
        assert_eq!(told(&CompletionRequest::default()), json!({ "messages": [] }));
        let request = EmbeddingRequest { inputs: vec!["a".to_owned()], dimensions: None };
        assert_eq!(texts(&request), "{\"input\":[\"a\"]}");
    }

    #[test]
    fn parameters_are_told_as_they_were_sent() {
        let request = CompletionRequest {
            max_tokens: Some(5),
            thinking: Some(1_024),
            reasoning_effort: Some(Effort::Low),
            temperature: number("1.0"),
            top_p: number("0.90"),
            top_k: number("40"),
            stop: vec!["END".to_owned()],
            seed: Some(-7),
            frequency_penalty: number("0"),
            presence_penalty: number("-0.5"),
            logit_bias: Map::from_iter([("50256".to_owned(), json!(-100))]),
            alternatives: Some(0),
            more_answers: 1,
            is_begun: true,
            user: Some("alex".to_owned()),
            metadata: Map::from_iter([("a".to_owned(), json!("b"))]),
            store: Some(false),
            service_tier: Some(ServiceTier::Flex),
            ..CompletionRequest::default()
        };
        assert_eq!(
            question(&request),
            "{\"messages\":[],\"max_tokens\":5,\"max_thinking_tokens\":1024,\"reasoning_effort\":\"low\",\
             \"temperature\":1.0,\"top_p\":0.90,\"top_k\":40,\"stop\":[\"END\"],\"seed\":-7,\
             \"frequency_penalty\":0,\"presence_penalty\":-0.5,\"logit_bias\":{\"50256\":-100},\
             \"top_logprobs\":0,\"n\":2,\"is_begun\":true,\"user\":\"alex\",\"metadata\":{\"a\":\"b\"},\
             \"store\":false,\"service_tier\":\"flex\"}"
        );
        let thinker = CompletionRequest { thinks_unasked: true, ..request };
        assert_eq!(told(&thinker).get("max_thinking_tokens"), None);
    }

    #[test]
    fn tools_are_told_with_how_they_are_called() {
        let tool = |name: &str| Tool {
            name: name.to_owned(),
            parameters: Some(json!({
                "type": "OBJECT", "properties": { "type": { "type": "STRING", "enum": ["OBJECT"] } },
            })),
            ..Tool::default()
        };
        let asked = |mode, only: &[&str]| {
            let only = only.iter().map(|&name| name.to_owned()).collect();
            let tool_use = ToolUse { mode, only, one_at_a_time: false };
            told(&CompletionRequest {
                tools: vec![tool("f"), tool("g")],
                tool_use,
                ..CompletionRequest::default()
            })
        };
        assert_eq!(
            asked(ToolMode::Auto, &[])["tools"][1],
            json!({ "name": "g", "parameters": {
                "type": "object", "properties": { "type": { "type": "string", "enum": ["OBJECT"] } },
            } })
        );
        for (mode, only, choice) in [
            (ToolMode::Auto, &[] as &[&str], json!("auto")),
            (ToolMode::None, &[], json!("none")),
            (ToolMode::Required, &[], json!("required")),
            (ToolMode::Required, &["f"], json!({ "name": "f" })),
            (ToolMode::Auto, &["f"], json!({ "mode": "auto", "names": ["f"] })),
            (ToolMode::Required, &["f", "g"], json!({ "mode": "required", "names": ["f", "g"] })),
        ] {
            assert_eq!(asked(mode, only)["tool_choice"], choice);
        }
        let tool_use = ToolUse { one_at_a_time: true, ..ToolUse::default() };
        let alone = told(&CompletionRequest { tool_use, ..CompletionRequest::default() });
        assert_eq!(alone, json!({ "messages": [], "parallel_tool_calls": false }));
    }

    #[test]
    fn the_form_of_the_answer_is_told() {
        let asked =
            |format| told(&CompletionRequest { format, ..CompletionRequest::default() })["format"].clone();
        assert_eq!(asked(AnswerFormat::Text), Value::Null);
        assert_eq!(asked(AnswerFormat::JsonObject), "json");
        let schema = JsonSchema { name: Some("x".to_owned()), ..JsonSchema::from(json!({ "type": "NULL" })) };
        assert_eq!(
            asked(AnswerFormat::JsonSchema(schema)),
            json!({ "schema": { "type": "null" }, "name": "x" })
        );
    }
}
