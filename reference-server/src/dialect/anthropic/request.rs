//! Reads what is asked for.

use serde_json::{Number, Value};

use super::caching::{Caching, Marks, control};
use super::content::Conversation;
use super::words::{too_many, unexpected_tag};
use super::{thoughts, tools};
use crate::dialect::common::read::{
    Members, Mistake, Problem, Read, boolean, exact, integer, list, one_of, string, string_of,
};
use crate::domain::inference::{
    AnswerFormat, CallIds, CompletionRequest, Effort, ServiceTier, ToolMode, ToolUse,
};

/// Most tokens that a model answers with.
const MOST_TOKENS: u32 = 64_000;
/// Most texts that end an answer. The service names no limit; each is looked for in the whole answer.
const MOST_STOPS: usize = 128;
/// The fewest tokens to think with.
const LEAST_BUDGET: i64 = 1_024;
/// Characters of the longest name of a model, and of the longest id of a user.
const LONGEST_NAME: usize = 256;

/// What a request may say where its prompt is only counted.
const COUNTED: [&str; 11] = [
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "output_format",
    "cache_control",
    "mcp_servers",
    "context_management",
];
/// What it may say besides where it is answered.
const ANSWERED: [&str; 9] = [
    "max_tokens",
    "stop_sequences",
    "temperature",
    "top_p",
    "top_k",
    "metadata",
    "service_tier",
    "stream",
    "container",
];

/// What a request is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be answered.
    Answer,
    /// To have its prompt counted.
    Count,
}

/// What is asked for.
pub(super) struct Asked {
    pub(super) model: String,
    pub(super) completion: CompletionRequest,
    pub(super) caching: Caching,
    pub(super) is_streamed: bool,
    /// What is wrong with its thoughts if a model in this process is asked, which knows its own.
    pub(super) foreign_thoughts: Option<Mistake>,
}

/// Reads a body.
pub(super) fn read(body: &Value, purpose: Purpose) -> Read<Asked> {
    let members = Members::of(body)?;
    let answers = purpose == Purpose::Answer;
    let model = members.required("model", string_of(1..=LONGEST_NAME))?;
    let max_tokens = if answers { Some(max_tokens(members, model)?) } else { None };
    let mut marks = Marks::default();
    let tools = members.optional("tools", |value| tools::read(value, &mut marks))?.unwrap_or_default();
    let mut conversation = Conversation::new(&mut marks);
    members.optional("system", |value| conversation.system(value))?;
    members.required("messages", |value| conversation.messages(value))?;
    let is_begun = conversation.is_begun();
    let messages = conversation.messages;
    if let Some(lifetime) = members.optional("cache_control", control)? {
        marks.mark(lifetime);
    }
    let tool_use = members.optional("tool_choice", |value| tools::choice(value, &tools))?.unwrap_or_default();
    let thinking = members.optional("thinking", thinking)?.flatten();
    let output = members.optional("output_config", output_config)?.unwrap_or_default();
    let format = match output.format {
        Some(format) => Some(format),
        None => members.optional("output_format", format)?,
    };
    let foreign_thoughts = members.required("messages", thoughts::are_own).err();
    let sampling = if answers { sampling(members)? } else { Sampling::default() };
    for name in ["mcp_servers", "context_management", "container"] {
        not_on_offer(members, name)?;
    }
    let is_known = |name: &str| COUNTED.contains(&name) || answers && ANSWERED.contains(&name);
    if let Some(unknown) = members.names().find(|name| !is_known(name)) {
        return Err(Mistake::new(Problem::Unknown).in_member(unknown));
    }
    if thinking.is_some() {
        thinks_freely(thinking, max_tokens, &sampling.asked, &tool_use, is_begun)?;
    }
    if is_begun && format.is_some() {
        return Err(ends_with_the_assistant("an output format is given"));
    }
    Ok(Asked {
        model: model.to_owned(),
        caching: marks.finish(body)?,
        is_streamed: sampling.is_streamed,
        foreign_thoughts,
        completion: CompletionRequest {
            messages,
            max_tokens,
            tools,
            tool_use,
            call_ids: CallIds::Toolu,
            format: format.unwrap_or_default(),
            thinking,
            output_effort: output.effort,
            is_begun,
            ..sampling.asked
        },
    })
}

fn max_tokens(members: Members<'_>, model: &str) -> Read<u32> {
    let found = members.required("max_tokens", integer(1..=i64::from(u32::MAX)))?;
    match u32::try_from(found) {
        Ok(most) if most <= MOST_TOKENS => Ok(most),
        _ => {
            let words = format!(
                "{found} > {MOST_TOKENS}, which is the maximum allowed number of output tokens for {model}"
            );
            Err(Mistake::other(words).in_member("max_tokens"))
        }
    }
}

/// How an answer is chosen, ended and sent, and on whose behalf.
#[derive(Default)]
struct Sampling {
    asked: CompletionRequest,
    is_streamed: bool,
}

fn sampling(members: Members<'_>) -> Read<Sampling> {
    let user = members.optional("metadata", |metadata| {
        let metadata = Members::of(metadata)?;
        let user = metadata.optional("user_id", string_of(0..=LONGEST_NAME))?;
        metadata.only(&["user_id"])?;
        Ok(user.map(str::to_owned))
    })?;
    let tier = members.optional("service_tier", one_of(&["auto", "standard_only"]))?;
    let asked = CompletionRequest {
        user: user.flatten(),
        service_tier: tier.map(|tier| if tier == "auto" { ServiceTier::Auto } else { ServiceTier::Default }),
        stop: members.optional("stop_sequences", stops)?.unwrap_or_default(),
        temperature: members.optional("temperature", exact(0.0..=1.0))?,
        top_p: members.optional("top_p", exact(0.0..=1.0))?,
        top_k: members.optional("top_k", integer(0..=i64::MAX))?.map(Into::into),
        ..CompletionRequest::default()
    };
    Ok(Sampling { asked, is_streamed: members.optional("stream", boolean)?.unwrap_or(false) })
}

fn stops(value: &Value) -> Read<Vec<String>> {
    let stops = list(|stop| match string(stop)? {
        text if text.trim().is_empty() => {
            Err(Mistake::other("each stop sequence must contain non-whitespace"))
        }
        text => Ok(text.to_owned()),
    })(value)?;
    if stops.len() > MOST_STOPS { Err(too_many(MOST_STOPS, stops.len())) } else { Ok(stops) }
}

/// The tokens to think with, if the model is to think.
pub(in crate::dialect) fn thinking(value: &Value) -> Read<Option<u32>> {
    let members = Members::of(value)?;
    match members.required("type", string)? {
        "enabled" => {
            let budget = members.required("budget_tokens", integer(LEAST_BUDGET..=i64::from(u32::MAX)))?;
            members.only(&["type", "budget_tokens"])?;
            Ok(Some(u32::try_from(budget).unwrap_or(u32::MAX)))
        }
        "disabled" => members.only(&["type"]).map(|()| None),
        kind => Err(unexpected_tag(kind, &["disabled", "enabled"])),
    }
}

/// That nothing is asked for that does not go together with thinking.
pub(in crate::dialect) fn thinks_freely(
    budget: Option<u32>,
    max_tokens: Option<u32>,
    sampling: &CompletionRequest,
    tool_use: &ToolUse,
    is_begun: bool,
) -> Read<()> {
    let refuse = |words: &str| Err(Mistake::other(words));
    if max_tokens.is_some_and(|most| budget.is_some_and(|budget| budget >= most)) {
        return refuse("`max_tokens` must be greater than `thinking.budget_tokens`");
    }
    let is_below = |number: Option<&Number>, least: f64| {
        number.and_then(Number::as_f64).is_some_and(|number| number < least)
    };
    if is_below(sampling.temperature.as_ref(), 1.0) {
        return refuse("`temperature` may only be set to 1 when thinking is enabled");
    }
    if is_below(sampling.top_p.as_ref(), 0.95) {
        return refuse("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled");
    }
    if sampling.top_k.is_some() {
        return refuse("`top_k` must be unset when thinking is enabled");
    }
    if tool_use.mode == ToolMode::Required {
        return refuse("Thinking may not be enabled when tool_choice forces tool use.");
    }
    if is_begun {
        return Err(ends_with_the_assistant("thinking is enabled"));
    }
    Ok(())
}

/// That an answer cannot be begun for the model under these circumstances.
pub(in crate::dialect) fn ends_with_the_assistant(when: &str) -> Mistake {
    Mistake::other(format!("final message must use the \"user\" role when {when}")).in_member("messages")
}

/// What is asked of the answer as a whole.
#[derive(Debug, Default)]
pub(in crate::dialect) struct Output {
    /// Its form.
    pub(in crate::dialect) format: Option<AnswerFormat>,
    /// How much the model puts into it.
    pub(in crate::dialect) effort: Option<Effort>,
}

/// Reads what is asked of the answer as a whole.
pub(in crate::dialect) fn output_config(value: &Value) -> Read<Output> {
    let members = Members::of(value)?;
    let effort = members.optional("effort", one_of(&["low", "medium", "high", "max"]))?;
    let format = members.optional("format", format)?;
    members.only(&["effort", "format"])?;
    Ok(Output { format, effort: effort.and_then(Effort::from_name) })
}

fn format(value: &Value) -> Read<AnswerFormat> {
    let members = Members::of(value)?;
    members.required("type", one_of(&["json_schema"]))?;
    let schema = members.required("schema", tools::object)?;
    members.only(&["type", "schema"])?;
    Ok(AnswerFormat::JsonSchema(schema.clone().into()))
}

/// That something is not asked for; an empty list asks for nothing.
fn not_on_offer(members: Members<'_>, name: &str) -> Read<()> {
    match members.get(name) {
        None => Ok(()),
        Some(Value::Array(elements)) if elements.is_empty() => Ok(()),
        Some(_) => Err(Mistake::other("not supported by this gateway").in_member(name)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::words::told;
    use super::*;

    fn body() -> Value {
        json!({
            "model": "claude-sonnet-4-5",
            "max_tokens": 2_000,
            "messages": [{ "role": "user", "content": "Hi" }],
        })
    }

    fn begun() -> Value {
        json!([{ "role": "user", "content": "Hi" }, { "role": "assistant", "content": "Well," }])
    }

    fn with(members: Value) -> Value {
        let mut body = body();
        let Value::Object(members) = members else { panic!("{members}") };
        for (name, value) in members {
            body[name] = value;
        }
        body
    }

    fn refused(members: Value) -> String {
        told(&read(&with(members), Purpose::Answer).err().unwrap())
    }

    #[test]
    fn everything_that_may_be_asked_is_taken_over() {
        let asked = read(
            &with(json!({
                "system": "be kind",
                "stop_sequences": ["END"],
                "temperature": 0.5,
                "top_p": 1,
                "top_k": 5,
                "metadata": { "user_id": "a" },
                "service_tier": "auto",
                "stream": true,
                "container": null,
                "mcp_servers": [],
                "thinking": { "type": "disabled" },
                "output_config": {
                    "effort": "low",
                    "format": { "type": "json_schema", "schema": { "type": "object" } },
                },
            })),
            Purpose::Answer,
        )
        .unwrap();
        let request = asked.completion;
        assert_eq!((asked.model.as_str(), asked.is_streamed), ("claude-sonnet-4-5", true));
        let numbers =
            json!([request.max_tokens, request.temperature, request.top_p, request.top_k, request.user]);
        assert_eq!(numbers, json!([2_000, 0.5, 1, 5, "a"]));
        assert_eq!(request.service_tier, Some(ServiceTier::Auto));
        assert_eq!(request.output_effort, Some(Effort::Low));
        assert_eq!((request.messages.len(), request.stop), (2, vec!["END".to_owned()]));
        assert!(matches!(request.format, AnswerFormat::JsonSchema(_)) && request.thinking.is_none());
        let thinks =
            with(json!({ "thinking": { "type": "enabled", "budget_tokens": 1_024 }, "temperature": 1 }));
        assert_eq!(read(&thinks, Purpose::Answer).unwrap().completion.thinking, Some(1_024));
        assert!(!request.is_begun);
        let begun = with(json!({ "messages": begun() }));
        assert!(read(&begun, Purpose::Answer).unwrap().completion.is_begun);
    }

    #[test]
    fn what_is_wrong_is_told_in_the_words_of_the_service() {
        for (members, words) in [
            (json!({ "model": null }), "model: Input should be a valid string"),
            (json!({ "max_tokens": 0 }), "max_tokens: Input should be greater than or equal to 1"),
            (
                json!({ "max_tokens": 64_001 }),
                "max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens for \
                 claude-sonnet-4-5",
            ),
            (json!({ "messages": [] }), "messages: at least one message is required"),
            (json!({ "temperature": 1.1 }), "temperature: Input should be less than or equal to 1"),
            (json!({ "top_p": -0.1 }), "top_p: Input should be greater than or equal to 0"),
            (json!({ "top_k": 1.5 }), "top_k: Input should be a valid integer"),
            (json!({ "stream": "yes" }), "stream: Input should be a valid boolean"),
            (
                json!({ "stop_sequences": ["a", " "] }),
                "stop_sequences.1: each stop sequence must contain non-whitespace",
            ),
            (json!({ "metadata": { "name": "a" } }), "metadata.name: Extra inputs are not permitted"),
            (json!({ "service_tier": "fast" }), "service_tier: Input should be 'auto' or 'standard_only'"),
            (json!({ "container": "c" }), "container: not supported by this gateway"),
            (json!({ "x": 1 }), "x: Extra inputs are not permitted"),
            (
                json!({ "thinking": { "type": "enabled", "budget_tokens": 1_023 } }),
                "thinking.budget_tokens: Input should be greater than or equal to 1024",
            ),
            (
                json!({ "thinking": { "type": "enabled", "budget_tokens": 2_000 } }),
                "`max_tokens` must be greater than `thinking.budget_tokens`",
            ),
            (
                json!({ "thinking": { "type": "enabled", "budget_tokens": 1_024 }, "temperature": 0.5 }),
                "`temperature` may only be set to 1 when thinking is enabled",
            ),
            (
                json!({ "thinking": { "type": "enabled", "budget_tokens": 1_024 }, "messages": begun() }),
                "messages: final message must use the \"user\" role when thinking is enabled",
            ),
            (
                json!({
                    "output_config": { "format": { "type": "json_schema", "schema": {} } },
                    "messages": begun(),
                }),
                "messages: final message must use the \"user\" role when an output format is given",
            ),
        ] {
            assert_eq!(refused(members), words);
        }
        let thought = json!({ "type": "thinking", "thinking": "a", "signature": "b" });
        let turns =
            json!([{ "role": "user", "content": "Hi" }, { "role": "assistant", "content": [thought] }]);
        let foreign = read(&with(json!({ "messages": turns })), Purpose::Answer).unwrap().foreign_thoughts;
        let words = "messages.1.content.0: Invalid `signature` in `thinking` block";
        assert_eq!(foreign.map(|mistake| told(&mistake)).as_deref(), Some(words));
        let told = |value: Value| told(&read(&value, Purpose::Answer).err().unwrap());
        assert_eq!(told(json!({})), "model: Field required");
        assert_eq!(told(json!({ "model": "m" })), "max_tokens: Field required");
        assert_eq!(told(json!([])), "Input should be a valid dictionary");
    }

    #[test]
    fn a_count_needs_no_limit_and_takes_none() {
        let mut counted = body();
        let words = |body: &Value| read(body, Purpose::Count).err().map(|mistake| told(&mistake));
        assert_eq!(words(&counted).as_deref(), Some("max_tokens: Extra inputs are not permitted"));
        counted.as_object_mut().unwrap().remove("max_tokens");
        assert_eq!(words(&counted), None);
    }
}
