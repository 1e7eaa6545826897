//! What the tests of several wires ask, answer and look at.

use serde::Serialize;
use serde_json::{Number, Value};

pub(crate) use super::failure::tests::{LATER, failure};
pub(crate) use super::streaming::tests::decoded;
use crate::domain::inference::{
    CompletionRequest, JsonSchema, Message, ModelIdentity, Part, Role, Tool, ToolCall, ToolResult,
};

/// A model that does not think.
pub(crate) fn model(id: &str) -> ModelIdentity {
    ModelIdentity {
        id: id.into(),
        family: "Mock".into(),
        dimensions: 1_024,
        context_tokens: None,
        thinks: false,
        hears: false,
    }
}

pub(crate) fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

pub(crate) fn call(id: &str, name: &str, arguments: &str) -> Part {
    let [id, name, arguments] = [id, name, arguments].map(str::to_owned);
    Part::ToolCall(ToolCall { id, name, arguments })
}

pub(crate) fn result(call_id: &str, text: &str, is_error: bool) -> Part {
    Part::ToolResult(ToolResult { call_id: call_id.to_owned(), text: text.to_owned(), is_error })
}

/// A turn of a speaker who has a name.
pub(crate) fn named(name: &str, role: Role, parts: Vec<Part>) -> Message {
    Message { name: Some(name.to_owned()), ..Message::new(role, parts) }
}

/// A question of these turns.
pub(crate) fn of(messages: Vec<Message>) -> CompletionRequest {
    CompletionRequest { messages, ..CompletionRequest::default() }
}

/// A greeting.
pub(crate) fn asking() -> CompletionRequest {
    of(vec![Message::new(Role::User, vec![text("Hi")])])
}

/// A tool of which no more than the name is known.
pub(crate) fn tool(name: &str) -> Tool {
    Tool { name: name.to_owned(), ..Tool::default() }
}

/// A number as it is written.
pub(crate) fn number(text: &str) -> Option<Number> {
    serde_json::from_str(text).ok()
}

/// A schema of which everything is said.
pub(crate) fn form(schema: Value) -> JsonSchema {
    let [name, description] = ["city", "Where it is."].map(|text| Some(text.to_owned()));
    JsonSchema { schema, name, description, strict: Some(true) }
}

/// A body as it is sent.
pub(crate) fn written(body: &impl Serialize) -> Value {
    serde_json::from_slice(&serde_json::to_vec(body).unwrap()).unwrap()
}

/// A body in which a member is missing.
pub(crate) fn without(mut body: Value, pointer: &str, member: &str) -> Value {
    body.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(member).unwrap();
    body
}
