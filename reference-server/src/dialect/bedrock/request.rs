//! Reads what is asked for.

use serde_json::{Map, Value};

use super::union::union;
use super::words::{CONSTRAINT, of_the_model};
use super::{content, conversation, tools};
use crate::dialect::anthropic;
use crate::dialect::common::read::{
    Members, Mistake, Read, exact, integer, kind, list_of, one_of, string, string_of,
};
use crate::domain::inference::{
    AnswerFormat, CallIds, CompletionRequest, Effort, JsonSchema, Role, ServiceTier,
};

/// Most texts that end an answer. The service takes 2,500; each is looked for in the whole answer.
const MOST_STOPS: usize = 128;
/// Where an answer says which of these texts has ended it, for whoever asks for it.
const STOP_SEQUENCE: &str = "/stop_sequence";

/// What is asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: CompletionRequest,
    /// Whether the answer is to say which text has ended it.
    pub(super) tells_stop: bool,
    /// What is wrong with its thoughts if a model in this process is asked, which knows its own.
    pub(super) foreign_thoughts: Option<Mistake>,
}

/// Reads a body.
pub(super) fn read(body: &Value) -> Read<Asked> {
    let members = Members::of(body)?;
    if members.get("guardrailConfig").is_some() {
        return Err(Mistake::other(
            "The guardrail identifier or version provided in the request does not exist.",
        ));
    }
    let turns = members.required("messages", content::messages)?;
    let foreign_thoughts = members.required("messages", content::are_own_thoughts).err();
    let config = members.optional("toolConfig", tools::config)?;
    conversation::holds_together(&turns, config.is_some())?;
    let is_begun = turns.last().is_some_and(|last| last.role == Role::Assistant);
    let system = members.optional("system", content::system)?.filter(|system| !system.parts.is_empty());
    let (tools, tool_use) = config.unwrap_or_default();
    let messages = system.into_iter().chain(turns).collect();
    let mut request = CompletionRequest {
        messages,
        tools,
        tool_use,
        call_ids: CallIds::Tooluse,
        is_begun,
        ..CompletionRequest::default()
    };
    members.optional("inferenceConfig", |config| inference(config, &mut request))?;
    members.optional("outputConfig", |config| output(config, &mut request))?;
    if let Some(fields) = members.get("additionalModelRequestFields") {
        additional(fields, &mut request)
            .map_err(|mistake| Mistake::other(of_the_model(&anthropic::words::told(&mistake))))?;
    }
    if is_begun && request.format != AnswerFormat::Text {
        return Err(anthropic::request::ends_with_the_assistant("an output format is given"));
    }
    request.metadata = members.optional("requestMetadata", metadata)?.unwrap_or_default();
    members.optional("performanceConfig", |config| {
        Members::of(config)?.optional("latency", one_of(&["standard", "optimized"]))
    })?;
    let tier = members.optional("serviceTier", |tier| {
        Members::of(tier)?.required("type", one_of(&["priority", "default", "flex", "reserved"]))
    })?;
    request.service_tier = tier.and_then(ServiceTier::from_name);
    let paths = list_of(0..=10, string_of(1..=256));
    let paths = members.optional("additionalModelResponseFieldPaths", paths)?.unwrap_or_default();
    Ok(Asked { request, tells_stop: paths.contains(&STOP_SEQUENCE), foreign_thoughts })
}

fn inference(value: &Value, request: &mut CompletionRequest) -> Read<()> {
    let members = Members::of(value)?;
    let most = members.optional("maxTokens", integer(1..=i64::from(i32::MAX)))?;
    request.max_tokens = most.and_then(|most| u32::try_from(most).ok());
    request.temperature = members.optional("temperature", exact(0.0..=1.0))?;
    request.top_p = members.optional("topP", exact(0.0..=1.0))?;
    let stops = list_of(0..=MOST_STOPS, |stop| match string_of(1..=usize::MAX)(stop)? {
        text if text.trim().is_empty() => {
            Err(Mistake::other("each stop sequence must contain non-whitespace"))
        }
        text => Ok(text.to_owned()),
    });
    request.stop = members.optional("stopSequences", stops)?.unwrap_or_default();
    Ok(())
}

/// What is asked of the answer as a whole.
fn output(value: &Value, request: &mut CompletionRequest) -> Read<()> {
    let members = Members::of(value)?;
    request.output_effort = members.optional("effort", string_of(0..=16))?.and_then(Effort::from_name);
    let form = members.optional("textFormat", |format| {
        let members = Members::of(format)?;
        members.required("type", one_of(&["json_schema"]))?;
        members.required("structure", |structure| {
            union(structure, &["jsonSchema"], |_, schema| {
                let members = Members::of(schema)?;
                Ok(JsonSchema {
                    name: members.optional("name", string)?.map(str::to_owned),
                    description: members.optional("description", string)?.map(str::to_owned),
                    ..members.required("schema", json_schema)?.into()
                })
            })
        })
    })?;
    if let Some(form) = form {
        request.format = AnswerFormat::JsonSchema(form);
    }
    Ok(())
}

/// A schema, which is written as a text.
fn json_schema(value: &Value) -> Read<Value> {
    match serde_json::from_str(string(value)?) {
        Ok(schema @ Value::Object(_)) => Ok(schema),
        _ => Err(Mistake::other(format!("{CONSTRAINT}be a JSON Schema"))),
    }
}

/// What the API has no names for and Claude has.
fn additional(value: &Value, request: &mut CompletionRequest) -> Read<()> {
    let members = Members::of(value)?;
    let output = members.optional("output_config", anthropic::request::output_config)?.unwrap_or_default();
    if let Some(format) = output.format {
        request.format = format;
    }
    request.output_effort = output.effort.or(request.output_effort);
    request.top_k = members.optional("top_k", integer(0..=i64::MAX))?.map(Into::into);
    members.optional("anthropic_beta", list_of(0..=usize::MAX, string))?;
    request.thinking = members.optional("thinking", anthropic::request::thinking)?.flatten();
    members.only(&["output_config", "top_k", "anthropic_beta", "thinking"])?;
    if request.thinking.is_none() {
        return Ok(());
    }
    anthropic::request::thinks_freely(
        request.thinking,
        request.max_tokens,
        request,
        &request.tool_use,
        request.is_begun,
    )
}

fn metadata(value: &Value) -> Read<Map<String, Value>> {
    const MOST: usize = 16;
    let Value::Object(pairs) = value else { return Err(kind("an object", value)) };
    if !(1..=MOST).contains(&pairs.len()) {
        return Err(Mistake::other(format!("{CONSTRAINT}have length between 1 and {MOST}")));
    }
    let text = string_of(0..=256);
    pairs
        .iter()
        .try_for_each(|(name, value)| text(value).map(drop).map_err(|mistake| mistake.in_member(name)))?;
    Ok(pairs.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::words::told;
    use super::*;
    use crate::domain::inference::ToolMode;

    fn with(members: Value) -> Value {
        let mut body = json!({ "messages": [{ "role": "user", "content": [{ "text": "Hi" }] }] });
        let Value::Object(members) = members else { panic!("{members}") };
        for (name, value) in members {
            body[name] = value;
        }
        body
    }

    fn refused(members: Value) -> String {
        told(&read(&with(members)).unwrap_err()).1
    }

    #[test]
    fn everything_that_may_be_asked_is_taken_over() {
        let asked = read(&with(json!({
            "system": [{ "text": "be kind" }],
            "inferenceConfig": { "maxTokens": 2_000, "temperature": 1, "topP": 0.95, "stopSequences": ["END"] },
            "toolConfig": {
                "tools": [{ "toolSpec": { "name": "f", "inputSchema": { "json": { "type": "object" } } } }],
                "toolChoice": { "auto": {} },
            },
            "outputConfig": { "effort": "low" },
            "additionalModelRequestFields": { "thinking": { "type": "enabled", "budget_tokens": 1_024 } },
            "additionalModelResponseFieldPaths": ["/stop_sequence"],
            "requestMetadata": { "team": "a" },
            "performanceConfig": { "latency": "optimized" },
            "serviceTier": { "type": "flex" },
            "nobody": "knows this",
        })))
        .unwrap();
        let request = asked.request;
        let numbers = json!([request.max_tokens, request.temperature, request.top_p]);
        assert_eq!(numbers, json!([2_000, 1, 0.95]));
        assert_eq!(Value::Object(request.metadata), json!({ "team": "a" }));
        assert_eq!(
            (request.service_tier, request.output_effort, request.call_ids),
            (Some(ServiceTier::Flex), Some(Effort::Low), CallIds::Tooluse)
        );
        let roles: Vec<_> = request.messages.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::System, Role::User]);
        assert_eq!(
            (request.stop, request.tools.len(), request.tool_use.mode),
            (vec!["END".to_owned()], 1, ToolMode::Auto)
        );
        assert!(request.thinking == Some(1_024) && !request.is_begun && asked.tells_stop);
        let schema = json!({ "jsonSchema": { "schema": "{\"type\":\"object\"}", "name": "a" } });
        let formed =
            with(json!({ "outputConfig": { "textFormat": { "type": "json_schema", "structure": schema } } }));
        let schema = JsonSchema { name: Some("a".to_owned()), ..json!({ "type": "object" }).into() };
        assert_eq!(read(&formed).unwrap().request.format, AnswerFormat::JsonSchema(schema));
        let fields = json!({ "top_k": 5, "output_config": { "effort": "high" } });
        let request = read(&with(json!({ "additionalModelRequestFields": fields }))).unwrap().request;
        assert_eq!(json!(request.top_k), json!(5));
        assert_eq!(request.output_effort, Some(Effort::High));
        let begun = with(json!({ "messages": [
            { "role": "user", "content": [{ "text": "Hi" }] },
            { "role": "assistant", "content": [{ "text": "Well," }] },
        ] }));
        let begun = read(&begun).unwrap();
        assert!(begun.request.is_begun && !begun.tells_stop);
    }

    #[test]
    fn what_is_wrong_is_told_in_the_words_of_the_service_or_of_the_model() {
        let constraint = |place: &str, words: &str| {
            format!(
                "1 validation error detected: Value {place} failed to satisfy constraint: Member must {words}"
            )
        };
        for (members, words) in [
            (
                json!({ "inferenceConfig": { "temperature": 1.5 } }),
                constraint("'1.5' at 'inferenceConfig.temperature'", "have value less than or equal to 1"),
            ),
            (
                json!({ "inferenceConfig": { "maxTokens": 0 } }),
                constraint("'0' at 'inferenceConfig.maxTokens'", "have value greater than or equal to 1"),
            ),
            (
                json!({ "messages": [{ "role": "robot", "content": [] }] }),
                constraint(
                    "'robot' at 'messages.1.member.role'",
                    "satisfy enum value set: [user, assistant]",
                ),
            ),
            (
                json!({ "inferenceConfig": { "stopSequences": ["a", " "] } }),
                of_the_model(
                    "inferenceConfig.stopSequences.1: each stop sequence must contain non-whitespace",
                ),
            ),
            (
                json!({ "additionalModelRequestFields": { "thinking": { "type": "enabled", "budget_tokens": 1 } } }),
                of_the_model("thinking.budget_tokens: Input should be greater than or equal to 1024"),
            ),
            (
                json!({ "additionalModelRequestFields": { "foo": 1 } }),
                of_the_model("foo: Extra inputs are not permitted"),
            ),
            (
                json!({
                    "inferenceConfig": { "maxTokens": 1_024 },
                    "additionalModelRequestFields": { "thinking": { "type": "enabled", "budget_tokens": 1_024 } },
                }),
                of_the_model("`max_tokens` must be greater than `thinking.budget_tokens`"),
            ),
            (
                json!({ "guardrailConfig": {} }),
                "The guardrail identifier or version provided in the request does not exist.".to_owned(),
            ),
        ] {
            assert_eq!(refused(members), words);
        }
        assert_eq!(told(&read(&json!({})).unwrap_err()).1, constraint("null at 'messages'", "not be null"));
        assert!(
            refused(json!({ "messages": [] })).starts_with("A conversation must start with a user message.")
        );
        assert!(refused(json!({ "requestMetadata": {} })).contains("have length between 1 and 16"));
    }
}
