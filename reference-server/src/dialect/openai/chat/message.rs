//! From the messages of a body to the turns of a conversation.

use serde_json::Value;

use crate::dialect::common::read::{Members, Mistake, Problem, Read, excerpt, kind, list_of, one_of, string};
use crate::dialect::openai::attachment::{self, DETAILS};
use crate::dialect::openai::error::Refusal;
use crate::dialect::openai::tools;
use crate::domain::inference::{Audio, Message, Part, Role, ToolCall, ToolResult};

/// Most parts of a message.
const MOST_PARTS: usize = 10_000;

/// A message.
pub(super) enum Turn {
    /// Something is said, shown or asked for.
    Said(Message),
    /// A tool has answered.
    Answered(ToolResult),
}

/// What a part of a message reads.
type ReadPart = fn(&Value) -> Read<Part>;

/// Reads a message.
pub(super) fn turn(value: &Value) -> Read<Turn> {
    let message = Members::of(value)?;
    let roles = one_of(&["system", "assistant", "user", "tool", "developer"]);
    match message.required("role", roles)? {
        "assistant" => assistant(message).map(Turn::Said),
        "tool" => answered(message).map(Turn::Answered),
        "user" => said(message, Role::User, user_part).map(Turn::Said),
        _ => said(message, Role::System, text_part).map(Turn::Said),
    }
}

/// The conversation of messages. Tools answer in the turns right after the one that called them, all of them and
/// no others; what they answer together is one turn.
pub(super) fn conversation(turns: Vec<Turn>) -> Result<Vec<Message>, Refusal> {
    let last = turns.len().saturating_sub(1);
    let mut messages: Vec<Message> = Vec::with_capacity(turns.len());
    let mut called = false;
    let mut open: Vec<String> = Vec::new();
    for (index, turn) in turns.into_iter().enumerate() {
        match turn {
            Turn::Said(message) => {
                all_answered(&open, index)?;
                open = calls(&message);
                called = !open.is_empty();
                messages.push(message);
            }
            Turn::Answered(result) => {
                if !called {
                    let message = "Invalid parameter: messages with role 'tool' must be a response to a preceeding \
                                   message with 'tool_calls'.";
                    return Err(Refusal::invalid(message).at(format!("messages.[{index}].role")));
                }
                let Some(at) = open.iter().position(|id| *id == result.call_id) else {
                    let message = format!(
                        "Invalid parameter: 'tool_call_id' of '{}' not found in 'tool_calls' of previous message.",
                        excerpt(&result.call_id)
                    );
                    return Err(Refusal::invalid(message).at(format!("messages.[{index}].tool_call_id")));
                };
                open.remove(at);
                match messages.last_mut() {
                    Some(turn) if turn.role == Role::User => turn.parts.push(Part::ToolResult(result)),
                    _ => messages.push(Message::new(Role::User, vec![Part::ToolResult(result)])),
                }
            }
        }
    }
    all_answered(&open, last)?;
    Ok(messages)
}

/// The ids of the calls in a turn.
fn calls(message: &Message) -> Vec<String> {
    let calls = message.parts.iter().filter_map(|part| match part {
        Part::ToolCall(call) => Some(call.id.clone()),
        _ => None,
    });
    calls.collect()
}

fn all_answered(open: &[String], index: usize) -> Result<(), Refusal> {
    if open.is_empty() {
        return Ok(());
    }
    let message = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. \
         The following tool_call_ids did not have response messages: {}",
        excerpt(&open.join(", "))
    );
    Err(Refusal::invalid(message).at(format!("messages.[{index}].role")))
}

fn said(message: Members<'_>, role: Role, part: ReadPart) -> Read<Message> {
    message.only(&["role", "content", "name"])?;
    let name = name(message)?;
    Ok(Message { name, ..Message::new(role, message.required("content", |value| content(value, part))?) })
}

fn assistant(message: Members<'_>) -> Read<Message> {
    message.only(&[
        "role",
        "content",
        "name",
        "refusal",
        "tool_calls",
        "annotations",
        "audio",
        "function_call",
        // What the official clients have read out of an answer comes back with it.
        "parsed",
    ])?;
    let name = name(message)?;
    for (name, words) in [
        ("function_call", "calls of functions are no longer supported; use 'tool_calls' instead"),
        ("audio", "there is no answer in audio that could be meant"),
    ] {
        if message.get(name).is_some() {
            return Err(Mistake::other(words).in_member(name));
        }
    }
    let mut parts = message.optional("content", |value| content(value, assistant_part))?.unwrap_or_default();
    parts.extend(message.optional("refusal", text)?);
    if let Some(calls) = message.optional("tool_calls", list_of(1..=tools::MOST, tool_call))? {
        parts.extend(calls.into_iter().map(Part::ToolCall));
    }
    if parts.is_empty() {
        return Err(Mistake::new(Problem::Missing).in_member("content"));
    }
    Ok(Message { name, ..Message::new(Role::Assistant, parts) })
}

/// What a speaker is called; an empty name is none.
fn name(message: Members<'_>) -> Read<Option<String>> {
    let name = message.optional("name", string)?;
    Ok(name.filter(|name| !name.is_empty()).map(str::to_owned))
}

fn answered(message: Members<'_>) -> Read<ToolResult> {
    message.only(&["role", "content", "tool_call_id", "name"])?;
    message.optional("name", string)?;
    let call_id = message.required("tool_call_id", string)?.to_owned();
    let parts = message.required("content", |value| content(value, text_part))?;
    Ok(ToolResult { call_id, text: Message::new(Role::User, parts).text(), is_error: false })
}

fn tool_call(value: &Value) -> Read<ToolCall> {
    let call = Members::of(value)?;
    call.required("type", one_of(&["function"]))?;
    call.only(&["id", "type", "function"])?;
    let id = call.required("id", string)?.to_owned();
    call.required("function", |function| {
        let function = Members::of(function)?;
        function.only(&["name", "arguments", "parsed_arguments"])?;
        let name = function.required("name", tools::name)?.to_owned();
        let arguments = function.required("arguments", string)?.to_owned();
        Ok(ToolCall { id, name, arguments })
    })
}

fn content(value: &Value, part: ReadPart) -> Read<Vec<Part>> {
    match value {
        Value::String(_) => Ok(vec![text(value)?]),
        Value::Array(_) => list_of(1..=MOST_PARTS, part)(value),
        _ => Err(kind("one of a string or array of objects", value)),
    }
}

fn text(value: &Value) -> Read<Part> {
    string(value).map(|text| Part::Text(text.to_owned()))
}

fn text_part(value: &Value) -> Read<Part> {
    let part = Members::of(value)?;
    part.required("type", one_of(&["text"]))?;
    only_text(part, "text")
}

fn assistant_part(value: &Value) -> Read<Part> {
    let part = Members::of(value)?;
    let name = part.required("type", one_of(&["text", "refusal"]))?;
    only_text(part, name)
}

fn user_part(value: &Value) -> Read<Part> {
    let part = Members::of(value)?;
    match part.required("type", one_of(&["text", "image_url", "input_audio", "file"]))? {
        "image_url" => {
            part.only(&["type", "image_url"])?;
            part.required("image_url", image)
        }
        "input_audio" => {
            part.only(&["type", "input_audio"])?;
            part.required("input_audio", sound)
        }
        "file" => {
            part.only(&["type", "file"])?;
            part.required("file", file)
        }
        name => only_text(part, name),
    }
}

/// The text of a part that has nothing else, in the member of this name.
fn only_text(part: Members<'_>, name: &str) -> Read<Part> {
    part.only(&["type", name])?;
    part.required(name, text)
}

fn image(value: &Value) -> Read<Part> {
    let image = Members::of(value)?;
    image.only(&["url", "detail"])?;
    let detail = image.optional("detail", one_of(DETAILS))?;
    image.required("url", |url| attachment::image(string(url)?, detail)).map(Part::Image)
}

fn sound(value: &Value) -> Read<Part> {
    let sound = Members::of(value)?;
    sound.only(&["data", "format"])?;
    let format = sound.required("format", one_of(&["wav", "mp3"]))?.to_owned();
    let bytes = sound.required("data", |data| attachment::decode(string(data)?))?;
    Ok(Part::Audio(Audio { format, bytes }))
}

fn file(value: &Value) -> Read<Part> {
    let file = Members::of(value)?;
    file.only(&["file_data", "file_id", "filename"])?;
    if file.get("file_id").is_some() {
        let words = "no files are stored here. Give the file itself in 'file_data'";
        return Err(Mistake::other(words).in_member("file_id"));
    }
    let name = file.optional("filename", string)?;
    file.required("file_data", |data| attachment::file(name, string(data)?)).map(Part::File)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(messages: &[Value]) -> Result<Vec<Message>, Value> {
        let turns = messages.iter().map(|message| turn(message).unwrap()).collect();
        conversation(turns)
            .map_err(|refusal| serde_json::to_value(refusal.envelope()).unwrap()["error"].clone())
    }

    fn wrong(message: &Value) -> String {
        match turn(message) {
            Ok(_) => panic!("{message} was read"),
            Err(mistake) => mistake.bracketed(),
        }
    }

    fn calling(ids: &[&str]) -> Value {
        let calls: Vec<_> = ids
            .iter()
            .map(|id| json!({ "id": id, "type": "function", "function": { "name": "a", "arguments": "{}" } }))
            .collect();
        json!({ "role": "assistant", "content": null, "refusal": null, "annotations": [], "tool_calls": calls })
    }

    fn answering(id: &str) -> Value {
        json!({ "role": "tool", "tool_call_id": id, "content": [{ "type": "text", "text": id }] })
    }

    #[test]
    fn every_role_has_its_turn() {
        let messages = read(&[
            json!({ "role": "developer", "content": "Be kind." }),
            json!({ "role": "user", "content": [{ "type": "text", "text": "Hi" }], "name": "alex" }),
            json!({ "role": "assistant", "refusal": "No." }),
            calling(&["1", "2"]),
            answering("2"),
            answering("1"),
        ])
        .unwrap();
        let roles: Vec<_> = messages.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::Assistant, Role::User]);
        assert_eq!((messages[1].text(), messages[2].text()), ("Hi".to_owned(), "No.".to_owned()));
        let names: Vec<_> = messages.iter().map(|message| message.name.as_deref()).collect();
        assert_eq!(names, [None, Some("alex"), None, None, None]);
        let [Part::ToolResult(first), Part::ToolResult(second)] = &messages[4].parts[..] else { panic!() };
        assert_eq!((first.call_id.as_str(), second.text.as_str()), ("2", "1"));
    }

    #[test]
    fn tools_answer_what_was_called_and_all_of_it() {
        let user = json!({ "role": "user", "content": "Hi" });
        for (messages, param) in [
            (vec![answering("1")], "messages.[0].role"),
            (vec![user.clone(), answering("1")], "messages.[1].role"),
            (vec![calling(&["1"]), answering("2")], "messages.[1].tool_call_id"),
            (vec![calling(&["1"]), answering("1"), answering("1")], "messages.[2].tool_call_id"),
            (vec![calling(&["1", "2"]), answering("1"), user.clone()], "messages.[2].role"),
            (vec![user, calling(&["1"])], "messages.[1].role"),
        ] {
            assert_eq!(read(&messages).unwrap_err()["param"], param);
        }
    }

    #[test]
    fn a_part_is_read_by_its_type_and_where_its_role_may_have_it() {
        let user = |part: Value| json!({ "role": "user", "content": [part] });
        for (message, place) in [
            (json!({ "role": "function", "name": "a", "content": "x" }), "role"),
            (json!({ "role": "user" }), "content"),
            (json!({ "role": "user", "content": null }), "content"),
            (json!({ "role": "user", "content": [] }), "content"),
            (json!({ "role": "user", "content": "x", "x": 1 }), "x"),
            (json!({ "role": "assistant" }), "content"),
            (json!({ "role": "assistant", "tool_calls": [] }), "tool_calls"),
            (json!({ "role": "assistant", "content": "x", "function_call": {} }), "function_call"),
            (json!({ "role": "tool", "content": "x" }), "tool_call_id"),
            (user(json!({ "type": "video" })), "content[0].type"),
            (user(json!({ "type": "text" })), "content[0].text"),
            (
                user(json!({ "type": "image_url", "image_url": { "url": "https://example.com" } })),
                "content[0].image_url.url",
            ),
            (
                user(json!({ "type": "image_url", "image_url": { "url": "", "detail": "most" } })),
                "content[0].image_url.detail",
            ),
            (
                user(json!({ "type": "input_audio", "input_audio": { "data": "", "format": "ogg" } })),
                "content[0].input_audio.format",
            ),
            (user(json!({ "type": "file", "file": { "file_id": "file-1" } })), "content[0].file.file_id"),
        ] {
            assert_eq!(wrong(&message), place, "{message}");
        }
        let system = json!({ "role": "system", "content": [{ "type": "image_url", "image_url": {} }] });
        assert_eq!(wrong(&system), "content[0].type");
    }
}
