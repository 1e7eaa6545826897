//! Reads a request for a response.

use serde_json::{Map, Value, json};

use super::input::{self, Input};
use super::tool_choice::tool_choice;
use crate::dialect::common::read::{
    Members, Mistake, Read, boolean, exact, integer, list_of, one_of, string, string_of,
};
use crate::dialect::openai::effort::{self, EFFORTS};
use crate::dialect::openai::error::Refusal;
use crate::dialect::openai::metadata::metadata;
use crate::dialect::openai::sampling::count;
use crate::dialect::openai::{format, tools, words};
use crate::domain::catalog::Model;
use crate::domain::inference::{
    AnswerFormat, CompletionRequest, Effort, Message, Part, Role, ServiceTier, Tool,
};

/// Every member that the reference knows.
const KNOWN: &[&str] = &[
    "background",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// What is told of a member that was not sent.
type Usual = fn() -> Value;

/// Members that are told back as they were sent, and what is told where they were not.
const ECHOED: [(&str, Usual); 14] = [
    ("instructions", || Value::Null),
    ("max_output_tokens", || Value::Null),
    ("max_tool_calls", || Value::Null),
    ("metadata", || json!({})),
    ("parallel_tool_calls", || true.into()),
    ("previous_response_id", || Value::Null),
    ("reasoning", || json!({ "effort": null, "summary": null })),
    ("temperature", || json!(1.0)),
    ("tool_choice", || "auto".into()),
    ("tools", || json!([])),
    ("top_logprobs", || 0.into()),
    ("top_p", || json!(1.0)),
    ("truncation", || "disabled".into()),
    ("user", || Value::Null),
];

/// A request for a response.
#[derive(Debug)]
pub(super) struct ResponseRequest<'b> {
    pub(super) model: &'b str,
    pub(super) input: Input,
    instructions: Option<&'b str>,
    pub(super) previous: Option<&'b str>,
    completion: CompletionRequest,
    pub(super) streamed: bool,
    /// Whether the response is kept.
    pub(super) store: bool,
    /// What the response tells of the request.
    pub(super) echo: Map<String, Value>,
}

/// Whether a body makes a request.
pub(in crate::dialect::openai) fn check(body: &Value) -> Result<(), Refusal> {
    words::read(body, ResponseRequest::read).map(drop)
}

impl<'b> ResponseRequest<'b> {
    /// Reads the members of a body.
    pub(super) fn read(body: Members<'b>) -> Read<Self> {
        body.only(KNOWN)?;
        refused(body)?;
        let model = body.required("model", string)?;
        let input = body.required("input", input::input)?;
        let instructions = body.optional("instructions", string)?;
        let previous = body.optional("previous_response_id", string)?;
        let effort = body.optional("reasoning", |reasoning| {
            let reasoning = Members::of(reasoning)?;
            reasoning.only(&["effort", "summary", "generate_summary"])?;
            let summaries = one_of(&["auto", "concise", "detailed"]);
            reasoning.optional("summary", summaries)?;
            reasoning.optional("effort", one_of(EFFORTS))
        })?;
        let attached = attached(body)?;
        ignored(body)?;
        let tools: Vec<Tool> = body.optional("tools", tools_of)?.unwrap_or_default();
        let mut tool_use =
            body.optional("tool_choice", |choice| tool_choice(choice, &tools))?.unwrap_or_default();
        tool_use.one_at_a_time = !body.optional("parallel_tool_calls", boolean)?.unwrap_or(true);
        let alternatives = body.optional("top_logprobs", count(0..=20))?;
        let includes = body.optional("include", list_of(0..=20, string))?.unwrap_or_default();
        let tells_logprobs = includes.contains(&"message.output_text.logprobs") || alternatives.is_some();
        let completion = CompletionRequest {
            max_tokens: body.optional("max_output_tokens", count(1..=u32::MAX))?,
            temperature: body.optional("temperature", exact(0.0..=2.0))?,
            top_p: body.optional("top_p", exact(0.0..=1.0))?,
            reasoning_effort: effort.flatten().and_then(Effort::from_name),
            format: body.optional("text", text_format)?.unwrap_or_default(),
            alternatives: tells_logprobs.then(|| u8::try_from(alternatives.unwrap_or(0)).unwrap_or(u8::MAX)),
            tools,
            tool_use,
            ..attached
        };
        let says_json = format::speaks_of_json(&input.messages)
            || instructions.is_some_and(|text| text.to_ascii_lowercase().contains("json"));
        if completion.format == AnswerFormat::JsonObject && !says_json {
            let words = "Response input messages must contain the word 'json' in some form to use 'text.format' of \
                         type 'json_object'";
            return Err(Mistake::other(words).in_member("input"));
        }
        Ok(Self {
            model,
            input,
            instructions,
            previous,
            completion,
            streamed: body.optional("stream", boolean)?.unwrap_or(false),
            store: body.optional("store", boolean)?.unwrap_or(true),
            echo: echo(body),
        })
    }

    /// The question to a model, after what went before.
    pub(super) fn question(
        &mut self,
        model: &Model,
        earlier: Vec<Message>,
    ) -> Result<CompletionRequest, Refusal> {
        let mut messages = Vec::new();
        if let Some(text) = self.instructions {
            messages.push(Message::new(Role::System, vec![Part::Text(text.to_owned())]));
        }
        messages.extend(earlier);
        messages.append(&mut self.input.messages);
        input::calls_are_answered(&messages)?;
        if self.completion.reasoning_effort.is_some() && !model.identity.thinks {
            return Err(Refusal::unsupported_by_model("reasoning.effort"));
        }
        let mut request = CompletionRequest { messages, ..std::mem::take(&mut self.completion) };
        effort::think(model, &mut request);
        Ok(request)
    }
}

/// What cannot be done, and would change the answer.
fn refused(body: Members<'_>) -> Read<()> {
    for (name, words) in [
        ("conversation", "conversations are not kept here; use 'previous_response_id'"),
        ("prompt", "prompts are not kept here; give the prompt itself in 'instructions' or 'input'"),
    ] {
        if body.get(name).is_some() {
            return Err(Mistake::other(words).in_member(name));
        }
    }
    if body.optional("background", boolean)?.unwrap_or(false) {
        return Err(Mistake::other("responses are not made in the background here").in_member("background"));
    }
    Ok(())
}

/// What is said of the request itself. That the response is kept is the gateway's own matter.
fn attached(body: Members<'_>) -> Read<CompletionRequest> {
    let tiers = one_of(&["auto", "default", "flex", "scale", "priority"]);
    Ok(CompletionRequest {
        metadata: body.optional("metadata", metadata)?.unwrap_or_default(),
        user: body.optional("user", string)?.map(str::to_owned),
        service_tier: body.optional("service_tier", tiers)?.and_then(ServiceTier::from_name),
        ..CompletionRequest::default()
    })
}

/// What changes nothing.
fn ignored(body: Members<'_>) -> Read<()> {
    body.optional("max_tool_calls", integer(1..=i64::MAX))?;
    body.optional("prompt_cache_key", string)?;
    body.optional("prompt_cache_retention", string)?;
    body.optional("safety_identifier", string_of(0..=512))?;
    body.optional("truncation", one_of(&["auto", "disabled"]))?;
    body.optional("stream_options", |options| {
        let options = Members::of(options)?;
        options.only(&["include_obfuscation"])?;
        options.optional("include_obfuscation", boolean)
    })
    .map(drop)
}

fn tools_of(value: &Value) -> Read<Vec<Tool>> {
    let tool = |value| {
        let tool = Members::of(value)?;
        tool.required("type", one_of(&["function"]))?;
        tool.only(&["type", "name", "description", "parameters", "strict"])?;
        tools::function(tool)
    };
    let tools = list_of(0..=tools::MOST, tool)(value)?;
    tools::all_differ(&tools)?;
    Ok(tools)
}

fn text_format(value: &Value) -> Read<AnswerFormat> {
    let text = Members::of(value)?;
    text.only(&["format", "verbosity"])?;
    text.optional("verbosity", one_of(&["low", "medium", "high"]))?;
    let format = text.optional("format", |format| {
        let format = Members::of(format)?;
        match format.required("type", one_of(&["text", "json_object", "json_schema"]))? {
            "json_object" => Ok(AnswerFormat::JsonObject),
            "json_schema" => format::schema(format),
            _ => Ok(AnswerFormat::Text),
        }
    })?;
    Ok(format.unwrap_or_default())
}

fn echo(body: Members<'_>) -> Map<String, Value> {
    let mut echo: Map<String, Value> = ECHOED
        .into_iter()
        .map(|(name, usual)| (name.to_owned(), body.get(name).cloned().unwrap_or_else(usual)))
        .collect();
    let store = body.get("store").cloned().unwrap_or(Value::Bool(true));
    let format = body.get("text").and_then(|text| text.get("format")).filter(|format| !format.is_null());
    let format = format.cloned().unwrap_or_else(|| json!({ "type": "text" }));
    let verbosity = body.get("text").and_then(|text| text.get("verbosity")).cloned();
    let verbosity = verbosity.unwrap_or_else(|| "medium".into());
    echo.insert("store".to_owned(), store);
    echo.insert("text".to_owned(), json!({ "format": format, "verbosity": verbosity }));
    echo
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &Value) -> Read<bool> {
        Members::of(body).and_then(ResponseRequest::read).map(|request| request.store)
    }

    #[test]
    fn a_response_is_kept_unless_the_caller_says_otherwise() {
        assert_eq!(read(&json!({ "model": "m", "input": "Hi" })), Ok(true));
        assert_eq!(read(&json!({ "model": "m", "input": "Hi", "store": false })), Ok(false));
    }

    #[test]
    fn mistakes_have_their_place() {
        let with = |name: &str, value: Value| {
            let mut body = json!({ "model": "m", "input": "Hi" });
            body[name] = value;
            body
        };
        for (body, place) in [
            (json!({ "input": "Hi" }), "model"),
            (json!({ "model": "m" }), "input"),
            (with("temperature", json!(3)), "temperature"),
            (with("max_output_tokens", json!(0)), "max_output_tokens"),
            (with("background", json!(true)), "background"),
            (with("conversation", json!("x")), "conversation"),
            (with("tools", json!([{ "type": "web_search" }])), "tools[0].type"),
            (with("text", json!({ "format": { "type": "json_object" } })), "input"),
            (with("text", json!({ "format": { "type": "json_schema", "schema": {} } })), "text.format.name"),
            (with("messages", json!([])), "messages"),
        ] {
            assert_eq!(read(&body).unwrap_err().bracketed(), place, "{body}");
        }
    }
}
