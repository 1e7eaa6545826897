//! Reads a chat request.

use serde_json::Value;

use super::{ability, message, tool_choice};
use crate::dialect::common::read::{
    Members, Mistake, Read, any, boolean, integer, kind, list_of, one_of, string, string_of,
};
use crate::dialect::openai::error::Refusal;
use crate::dialect::openai::metadata::metadata;
use crate::dialect::openai::sampling::{Delivery, MOST_ANSWERS, count, sampled, stops};
use crate::dialect::openai::{effort, format, tools, words};
use crate::domain::inference::{AnswerFormat, CompletionRequest, Effort, ServiceTier, Tool, ToolUse};

/// Every member that the reference knows.
const KNOWN: &[&str] = &[
    "model",
    "messages",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "stop",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "seed",
    "user",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "metadata",
    "store",
    "service_tier",
    "modalities",
    "audio",
    "prediction",
    "verbosity",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "web_search_options",
    "functions",
    "function_call",
];

/// Most messages in a conversation.
const MOST_MESSAGES: usize = 100_000;

/// A chat request, and what is to be asked of the model.
pub(super) struct ChatRequest<'v> {
    pub(super) model: &'v str,
    pub(super) delivery: Delivery,
    pub(super) completion: CompletionRequest,
    /// Whether the limit is given in the member that counts no thoughts.
    pub(super) limited_as_of_old: bool,
}

/// Reads a body.
pub(super) fn read(body: &Value) -> Result<ChatRequest<'_>, Refusal> {
    let (mut request, turns) = words::read(body, members)?;
    request.completion.messages = message::conversation(turns)?;
    ability::check(body, &request.completion)?;
    Ok(request)
}

/// Whether a body makes a request.
pub(in crate::dialect::openai) fn check(body: &Value) -> Result<(), Refusal> {
    read(body).map(drop)
}

fn members(body: Members<'_>) -> Read<(ChatRequest<'_>, Vec<message::Turn>)> {
    body.only(KNOWN)?;
    let model = body.required("model", string)?;
    let turns = body.required("messages", list_of(1..=MOST_MESSAGES, message::turn))?;
    let sampled = sampled(body)?;
    let max_tokens = body.optional("max_tokens", count(1..=u32::MAX))?;
    let max_completion_tokens = body.optional("max_completion_tokens", count(1..=u32::MAX))?;
    let tools = body.optional("tools", declared)?;
    let mut completion = CompletionRequest {
        max_tokens: max_completion_tokens.or(max_tokens),
        stop: body.optional("stop", stops)?.unwrap_or_default(),
        tool_use: tool_use(body, tools.as_deref())?,
        tools: tools.unwrap_or_default(),
        format: body.optional("response_format", response_format)?.unwrap_or_default(),
        more_answers: body.optional("n", count(1..=MOST_ANSWERS))?.map_or(0, |answers| answers - 1),
        alternatives: alternatives(body)?,
        ..sampled
    };
    attached(body, &mut completion)?;
    ignored(body)?;
    let effort = body.optional("reasoning_effort", one_of(effort::EFFORTS))?;
    completion.reasoning_effort = effort.and_then(Effort::from_name);
    let request = ChatRequest {
        model,
        delivery: Delivery::read(body)?,
        completion,
        limited_as_of_old: max_tokens.is_some(),
    };
    Ok((request, turns))
}

/// The tools that the model may call.
fn declared(value: &Value) -> Read<Vec<Tool>> {
    let tool = |value| {
        let tool = Members::of(value)?;
        tool.required("type", one_of(&["function"]))?;
        tool.only(&["type", "function"])?;
        tool.required("function", |function| {
            let function = Members::of(function)?;
            function.only(&tools::MEMBERS)?;
            tools::function(function)
        })
    };
    let declared = list_of(1..=tools::MOST, tool)(value)?;
    tools::all_differ(&declared)?;
    Ok(declared)
}

fn tool_use(body: Members<'_>, tools: Option<&[Tool]>) -> Read<ToolUse> {
    let parallel = body.optional("parallel_tool_calls", boolean)?;
    let Some(tools) = tools else {
        let alone = ["tool_choice", "parallel_tool_calls"].into_iter().find(|name| body.get(name).is_some());
        return match alone {
            None => Ok(ToolUse::default()),
            Some(name) => {
                Err(Mistake::other("the parameter is only allowed when 'tools' are specified")
                    .in_member(name))
            }
        };
    };
    let choice = body.optional("tool_choice", |value| tool_choice::read(value, tools))?;
    Ok(ToolUse { one_at_a_time: parallel == Some(false), ..choice.unwrap_or_default() })
}

fn response_format(value: &Value) -> Read<AnswerFormat> {
    let members = Members::of(value)?;
    match members.required("type", one_of(&["text", "json_object", "json_schema"]))? {
        "json_schema" => {
            members.only(&["type", "json_schema"])?;
            members.required("json_schema", |named| {
                let named = Members::of(named)?;
                named.only(&format::MEMBERS)?;
                format::schema(named)
            })
        }
        form => {
            members.only(&["type"])?;
            Ok(if form == "text" { AnswerFormat::Text } else { AnswerFormat::JsonObject })
        }
    }
}

/// For each token, how many others are to be told.
fn alternatives(body: Members<'_>) -> Read<Option<u8>> {
    let told = body.optional("logprobs", boolean)?.unwrap_or(false);
    let others = body.optional("top_logprobs", integer(0..=20))?;
    match others {
        Some(_) if !told => {
            let words = "the parameter is only allowed when 'logprobs' is enabled";
            Err(Mistake::other(words).in_member("top_logprobs"))
        }
        others => Ok(told.then(|| others.and_then(|others| u8::try_from(others).ok()).unwrap_or(0))),
    }
}

/// What is said of the request itself.
fn attached(body: Members<'_>, completion: &mut CompletionRequest) -> Read<()> {
    completion.user = body.optional("user", string)?.map(str::to_owned);
    completion.metadata = body.optional("metadata", metadata)?.unwrap_or_default();
    completion.store = body.optional("store", boolean)?;
    let tier = body.optional("service_tier", one_of(&["auto", "default", "flex", "scale", "priority"]))?;
    completion.service_tier = tier.and_then(ServiceTier::from_name);
    Ok(())
}

/// Members that change nothing of the answer, and those that would but for what is refused.
fn ignored(body: Members<'_>) -> Read<()> {
    body.optional("prompt_cache_key", string)?;
    body.optional("prompt_cache_retention", one_of(&["in-memory", "in_memory", "24h"]))?;
    body.optional("safety_identifier", string_of(0..=64))?;
    body.optional("modalities", list_of(1..=2, one_of(&["text", "audio"])))?;
    body.optional("verbosity", one_of(&["low", "medium", "high"]))?;
    body.optional("prediction", |value| {
        let prediction = Members::of(value)?;
        prediction.required("type", one_of(&["content"]))?;
        prediction.required("content", |content| match content {
            Value::String(_) | Value::Array(_) => any(content),
            _ => Err(kind("one of a string or array of objects", content)),
        })
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::inference::{JsonSchema, ToolMode};

    fn asking(members: &Value) -> Value {
        let mut body = json!({ "model": "m", "messages": [{ "role": "user", "content": "Hi" }] });
        for (name, value) in members.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    fn refused(body: &Value) -> (Value, Value) {
        match read(body) {
            Ok(_) => panic!("{body} was read"),
            Err(refusal) => {
                let told = serde_json::to_value(refusal.envelope()).unwrap()["error"].clone();
                (told["param"].clone(), told["code"].clone())
            }
        }
    }

    #[test]
    fn what_is_asked_reaches_the_model() {
        let schema = json!({ "type": "object" });
        let body = asking(&json!({
            "max_completion_tokens": 5,
            "stop": "end",
            "n": 3,
            "logprobs": true,
            "top_logprobs": 2,
            "tools": [{ "type": "function", "function": { "name": "a", "parameters": schema } }],
            "tool_choice": "required",
            "parallel_tool_calls": false,
            "response_format": { "type": "json_schema", "json_schema": { "name": "x", "schema": schema } },
            "reasoning_effort": "low", "seed": 5, "user": "u", "metadata": { "a": "b" }, "store": false, "service_tier": "auto",
            "modalities": ["text"], "prediction": { "type": "content", "content": "x" }, "verbosity": "medium",
        }));
        let tier = Some(ServiceTier::Auto);
        let request = read(&body).unwrap();
        assert_eq!((request.model, request.delivery), ("m", Delivery::Whole));
        let asked = request.completion;
        assert_eq!((asked.max_tokens, asked.more_answers, asked.alternatives), (Some(5), 2, Some(2)));
        assert_eq!((&asked.stop[..], asked.tools.len()), (&["end".to_owned()][..], 1));
        assert_eq!((asked.tool_use.mode, asked.tool_use.one_at_a_time), (ToolMode::Required, true));
        let form = JsonSchema { name: Some("x".to_owned()), ..schema.into() };
        assert_eq!(asked.format, AnswerFormat::JsonSchema(form));
        assert_eq!((asked.seed, asked.user.as_deref(), asked.store), (Some(5), Some("u"), Some(false)));
        assert_eq!((Value::Object(asked.metadata), asked.service_tier), (json!({ "a": "b" }), tier));
        assert_eq!(asked.reasoning_effort, Some(Effort::Low));
    }

    #[test]
    fn mistakes_are_told_with_their_member_and_code() {
        for (members, param, code) in [
            (json!({ "messages": [] }), "messages", "empty_array"),
            (json!({ "messages": "Hi" }), "messages", "invalid_type"),
            (json!({ "model": 5 }), "model", "invalid_type"),
            (json!({ "n": 129 }), "n", "integer_above_max_value"),
            (json!({ "temperature": 2.5 }), "temperature", "decimal_above_max_value"),
            (json!({ "top_p": -1 }), "top_p", "decimal_below_min_value"),
            (json!({ "max_tokens": 0 }), "max_tokens", "integer_below_min_value"),
            (
                json!({ "max_tokens": 1, "max_completion_tokens": 1 }),
                "max_tokens",
                "invalid_parameter_combination",
            ),
            (json!({ "stop": ["a", "b", "c", "d", "e"] }), "stop", "array_above_max_length"),
            (json!({ "top_logprobs": 2 }), "top_logprobs", "invalid_value"),
            (json!({ "logprobs": true, "top_logprobs": 21 }), "top_logprobs", "integer_above_max_value"),
            (json!({ "stream_options": { "include_usage": true } }), "stream_options", "invalid_value"),
            (json!({ "tools": [] }), "tools", "empty_array"),
            (json!({ "tool_choice": "auto" }), "tool_choice", "invalid_value"),
            (json!({ "parallel_tool_calls": true }), "parallel_tool_calls", "invalid_value"),
            (json!({ "response_format": { "type": "xml" } }), "response_format.type", "invalid_value"),
            (json!({ "modalities": ["text", "audio"] }), "modalities", "unsupported_parameter"),
            (json!({ "audio": { "voice": "alloy" } }), "audio", "unsupported_parameter"),
            (json!({ "functions": [] }), "functions", "unsupported_parameter"),
            (json!({ "web_search_options": {} }), "web_search_options", "unsupported_parameter"),
            (json!({ "verbosity": "low" }), "verbosity", "unsupported_value"),
            (json!({ "top_k": 5 }), "top_k", "unknown_parameter"),
        ] {
            assert_eq!(refused(&asking(&members)), (json!(param), json!(code)), "{members}");
        }
        assert_eq!(refused(&json!({})), (json!("model"), json!("missing_required_parameter")));
        assert_eq!(
            refused(&json!({ "model": "m" })),
            (json!("messages"), json!("missing_required_parameter"))
        );
        let object = asking(&json!({ "response_format": { "type": "json_object" } }));
        assert_eq!(refused(&object), (json!("messages"), Value::Null));
    }
}
