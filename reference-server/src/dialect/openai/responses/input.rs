//! The items of a conversation: as they are sent, as they are kept and told again, and as turns.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::dialect::common::read::{Members, Mistake, Read, any, excerpt, kind, list_of, one_of, string};
use crate::dialect::openai::attachment::{self, DETAILS};
use crate::dialect::openai::error::Refusal;
use crate::dialect::openai::tools;
use crate::domain::inference::{Message, Part, Role, ToolCall, ToolResult};

/// Most items of a request, and most parts of an item.
const MOST: usize = 10_000;

/// What is asked in a turn.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// The items, each with an id, as they are kept.
    pub(super) items: Vec<Value>,
    pub(super) messages: Vec<Message>,
}

/// An item: what is kept of it, and its turn; a thought has none.
struct Item {
    kept: Value,
    message: Option<Message>,
}

/// Reads what is asked: one text, or a list of items.
pub(super) fn input(value: &Value) -> Read<Input> {
    let items = match value {
        Value::String(text) => {
            vec![said(Role::User, "user", &json!([{ "type": "input_text", "text": text }]))?]
        }
        Value::Array(_) => list_of(1..=MOST, item)(value)?,
        _ => return Err(kind("one of a string or array of objects", value)),
    };
    let mut input = Input::default();
    for Item { kept, message } in items {
        input.items.push(kept);
        if let Some(message) = message {
            append(&mut input.messages, message);
        }
    }
    Ok(input)
}

/// The turns of items that were kept. They have been read before.
pub(super) fn turns(items: &[Value]) -> impl Iterator<Item = Message> {
    items.iter().filter_map(|kept| item(kept).ok()?.message)
}

/// Goes on with a turn. Calls of tools, and what they answered, make one turn where they follow each other.
pub(super) fn append(messages: &mut Vec<Message>, message: Message) {
    let is_tool = |part: &Part| matches!(part, Part::ToolCall(_) | Part::ToolResult(_));
    match messages.last_mut() {
        Some(last)
            if last.role == message.role
                && message.parts.iter().all(is_tool)
                && (last.role == Role::Assistant || last.parts.iter().all(is_tool)) =>
        {
            last.parts.extend(message.parts);
        }
        _ => messages.push(message),
    }
}

/// That every call of a tool is answered, and every answer follows its call.
pub(super) fn calls_are_answered(messages: &[Message]) -> Result<(), Refusal> {
    // Where each call stands that has no answer yet, and nothing for one that has.
    let mut calls: HashMap<&str, Option<usize>> = HashMap::new();
    for (place, part) in messages.iter().flat_map(|message| &message.parts).enumerate() {
        match part {
            Part::ToolCall(call) => {
                calls.entry(call.id.as_str()).or_default().get_or_insert(place);
            }
            Part::ToolResult(result) => match calls.get_mut(result.call_id.as_str()) {
                Some(open) => *open = None,
                None => {
                    let message = format!(
                        "No tool call found for function call output with call_id {}.",
                        excerpt(&result.call_id)
                    );
                    return Err(Refusal::invalid(message).at("input"));
                }
            },
            _ => {}
        }
    }
    match calls.into_iter().filter_map(|(id, place)| Some((place?, id))).min() {
        None => Ok(()),
        Some((_, id)) => {
            let message = format!("No tool output found for function call {}.", excerpt(id));
            Err(Refusal::invalid(message).at("input"))
        }
    }
}

fn item(value: &Value) -> Read<Item> {
    let item = Members::of(value)?;
    let types = one_of(&["message", "function_call", "function_call_output", "reasoning"]);
    match item.optional("type", types)? {
        None | Some("message") => message(item),
        Some("function_call") => function_call(item, value),
        Some("function_call_output") => function_call_output(item, value),
        Some(_) => Ok(Item { kept: with_id(value, "rs"), message: None }),
    }
}

fn message(item: Members<'_>) -> Read<Item> {
    item.only(&["type", "role", "content", "id", "status", "phase"])?;
    let name = item.required("role", one_of(&["user", "assistant", "system", "developer"]))?;
    let role = match name {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        _ => Role::System,
    };
    let kind_of_text = if role == Role::Assistant { "output_text" } else { "input_text" };
    let content = item.required("content", any)?;
    let content = match content {
        Value::String(text) => json!([{ "type": kind_of_text, "text": text }]),
        other => other.clone(),
    };
    let mut read = said(role, name, &content)?;
    if let (Some(id), Value::Object(kept)) = (item.optional("id", string)?, &mut read.kept) {
        kept.insert("id".to_owned(), id.into());
    }
    Ok(read)
}

fn said(role: Role, name: &str, content: &Value) -> Read<Item> {
    let read = if role == Role::Assistant { output_part } else { input_part };
    let parts = list_of(1..=MOST, read)(content).map_err(|mistake| mistake.in_member("content"))?;
    let id = format!("msg_{}", Uuid::new_v4().simple());
    let kept =
        json!({ "id": id, "type": "message", "status": "completed", "role": name, "content": content });
    Ok(Item { kept, message: Some(Message::new(role, parts)) })
}

fn input_part(value: &Value) -> Read<Part> {
    let part = Members::of(value)?;
    match part.required("type", one_of(&["input_text", "input_image", "input_file"]))? {
        "input_image" => {
            part.only(&["type", "image_url", "detail", "file_id"])?;
            not_a_file_id(part)?;
            let detail = part.optional("detail", one_of(DETAILS))?;
            part.required("image_url", |url| attachment::image(string(url)?, detail)).map(Part::Image)
        }
        "input_file" => {
            part.only(&["type", "file_data", "filename", "file_id", "file_url"])?;
            not_a_file_id(part)?;
            let name = part.optional("filename", string)?;
            part.required("file_data", |data| attachment::file(name, string(data)?)).map(Part::File)
        }
        _ => {
            part.only(&["type", "text"])?;
            part.required("text", text)
        }
    }
}

fn output_part(value: &Value) -> Read<Part> {
    let part = Members::of(value)?;
    let name = match part.required("type", one_of(&["output_text", "refusal", "input_text"]))? {
        "refusal" => "refusal",
        _ => "text",
    };
    part.only(&["type", name, "annotations", "logprobs"])?;
    part.required(name, text)
}

fn not_a_file_id(part: Members<'_>) -> Read<()> {
    match ["file_id", "file_url"].into_iter().find(|name| part.get(name).is_some()) {
        None => Ok(()),
        Some(name) => {
            let words = "no files are stored here or fetched. Give the data itself";
            Err(Mistake::other(words).in_member(name))
        }
    }
}

fn text(value: &Value) -> Read<Part> {
    string(value).map(|text| Part::Text(text.to_owned()))
}

fn function_call(item: Members<'_>, value: &Value) -> Read<Item> {
    item.only(&["type", "id", "call_id", "name", "arguments", "status"])?;
    let call = ToolCall {
        id: item.required("call_id", string)?.to_owned(),
        name: item.required("name", tools::name)?.to_owned(),
        arguments: item.required("arguments", string)?.to_owned(),
    };
    let message = Message::new(Role::Assistant, vec![Part::ToolCall(call)]);
    Ok(Item { kept: with_id(value, "fc"), message: Some(message) })
}

fn function_call_output(item: Members<'_>, value: &Value) -> Read<Item> {
    item.only(&["type", "id", "call_id", "output", "status"])?;
    let call_id = item.required("call_id", string)?.to_owned();
    let text = item.required("output", |output| match output {
        Value::String(text) => Ok(text.clone()),
        parts => {
            let parts = list_of(1..=MOST, input_part)(parts)?;
            Ok(Message::new(Role::User, parts).text())
        }
    })?;
    let result = ToolResult { call_id, text, is_error: false };
    let message = Message::new(Role::User, vec![Part::ToolResult(result)]);
    Ok(Item { kept: with_id(value, "fco"), message: Some(message) })
}

/// The item as it is kept: whatever its sender left out, it has an id and a status.
fn with_id(value: &Value, prefix: &str) -> Value {
    let mut kept: Map<String, Value> = value.as_object().cloned().unwrap_or_default();
    if !kept.get("id").is_some_and(Value::is_string) {
        kept.insert("id".to_owned(), format!("{prefix}_{}", Uuid::new_v4().simple()).into());
    }
    if prefix != "rs" {
        kept.entry("status").or_insert_with(|| "completed".into());
    }
    Value::Object(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_message_of_the_user() {
        let input = input(&json!("Hi")).unwrap();
        assert_eq!((input.messages[0].role, input.messages[0].text()), (Role::User, "Hi".to_owned()));
        let kept = &input.items[0];
        assert!(kept["id"].as_str().unwrap().starts_with("msg_"));
        assert_eq!(kept["content"], json!([{ "type": "input_text", "text": "Hi" }]));
    }

    #[test]
    fn what_is_kept_is_read_again_as_the_same_turns() {
        let calls = json!([
            { "role": "developer", "content": "Be kind." },
            { "role": "user", "content": [{ "type": "input_text", "text": "Weather?" }] },
            { "type": "reasoning", "summary": [] },
            { "type": "function_call", "call_id": "1", "name": "a", "arguments": "{}" },
            { "type": "function_call", "call_id": "2", "name": "a", "arguments": "{}" },
            { "type": "function_call_output", "call_id": "1", "output": "sun" },
            { "type": "function_call_output", "call_id": "2", "output": [{ "type": "input_text", "text": "rain" }] },
            { "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
              "content": [{ "type": "output_text", "text": "Well.", "annotations": [] }] },
        ]);
        let input = input(&calls).unwrap();
        let roles: Vec<_> = input.messages.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::User, Role::Assistant]);
        assert_eq!(input.messages[2].parts.len(), 2);
        assert_eq!(input.messages[3].parts.len(), 2);
        assert!(calls_are_answered(&input.messages).is_ok());
        assert!(calls_are_answered(&input.messages[..3]).is_err());
        assert!(calls_are_answered(&input.messages[3..]).is_err());
        let mut again = Vec::new();
        turns(&input.items).for_each(|message| append(&mut again, message));
        assert_eq!(format!("{again:?}"), format!("{:?}", input.messages));
        assert_eq!(input.items[7]["id"], "msg_1");
    }

    #[test]
    fn the_first_call_without_an_answer_is_told() {
        let call =
            |id: &str| json!({ "type": "function_call", "call_id": id, "name": "a", "arguments": "{}" });
        let output = |id: &str| json!({ "type": "function_call_output", "call_id": id, "output": "x" });
        let told = |items: Value| {
            let refused = calls_are_answered(&input(&items).unwrap().messages).err()?;
            let told = serde_json::to_value(refused.envelope()).unwrap();
            Some(told["error"]["message"].as_str().unwrap().to_owned())
        };
        // An id may be used again once its call is answered, and then needs an answer again.
        assert_eq!(told(json!([call("1"), output("1"), call("1"), output("1")])), None);
        let open = |id: &str| Some(format!("No tool output found for function call {id}."));
        assert_eq!(told(json!([call("1"), call("2"), call("3"), output("1")])), open("2"));
        assert_eq!(told(json!([call("1"), call("2"), output("1"), call("1")])), open("2"));
        let unknown = "No tool call found for function call output with call_id 2.";
        assert_eq!(told(json!([call("1"), output("2")])).as_deref(), Some(unknown));
    }

    #[test]
    fn mistakes_have_their_place() {
        for (items, place) in [
            (json!(5), ""),
            (json!([]), ""),
            (json!([{ "role": "robot", "content": "x" }]), "[0].role"),
            (
                json!([{ "role": "user", "content": [{ "type": "output_text", "text": "x" }] }]),
                "[0].content[0].type",
            ),
            (json!([{ "type": "function_call", "name": "a", "arguments": "{}" }]), "[0].call_id"),
            (json!([{ "type": "item_reference", "id": "x" }]), "[0].type"),
        ] {
            assert_eq!(input(&items).unwrap_err().bracketed(), place, "{items}");
        }
    }
}
