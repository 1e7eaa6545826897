//! The turns of a conversation.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use bytes::Bytes;
use serde_json::Value;

use super::members::Members;
use crate::dialect::common::read::{self, Mistake, Read};
use crate::domain::inference::{Audio, File, Image, Message, Part, Role, ToolCall, ToolResult};

/// Turns, which may not be none.
pub(super) fn contents(value: &Value) -> Read<Vec<Message>> {
    // One turn may stand for a list of one.
    if value.is_object() {
        return Ok(vec![content(value, Role::User)?]);
    }
    read::list_of(1..=usize::MAX, |value| content(value, Role::User))(value)
}

/// The instructions above a conversation.
pub(super) fn system(value: &Value) -> Read<Message> {
    let message = match value {
        Value::String(text) => Message::new(Role::System, vec![Part::Text(text.clone())]),
        value => content(value, Role::System)?,
    };
    Ok(Message { role: Role::System, ..message })
}

/// The text of a turn that is to be embedded.
pub(super) fn text(value: &Value) -> Read<String> {
    let message = content(value, Role::User)?;
    if message.parts.iter().any(|part| !matches!(part, Part::Text(_))) {
        return Err(Mistake::other("only text can be embedded").in_member("parts"));
    }
    Ok(message.text())
}

fn content(value: &Value, silent: Role) -> Read<Message> {
    let members = Members::of(value, &["role", "parts"])?;
    let role = match members.optional("role", read::one_of(&["user", "model", "function", "system"]))? {
        Some("model") => Role::Assistant,
        Some(_) => Role::User,
        None => silent,
    };
    let parts = members.required("parts", |value| match value {
        Value::Object(_) => part(value).map(|part| part.into_iter().collect()),
        value => {
            let parts = read::list_of(1..=usize::MAX, part)(value)?;
            Ok(parts.into_iter().flatten().collect())
        }
    })?;
    Ok(Message::new(role, parts))
}

/// A part; nothing of a thought, which a model does not need to be told again.
fn part(value: &Value) -> Read<Option<Part>> {
    const DATA: [&str; 7] = [
        "text",
        "inlineData",
        "fileData",
        "functionCall",
        "functionResponse",
        "executableCode",
        "codeExecutionResult",
    ];
    let known: Vec<_> =
        DATA.into_iter().chain(["thought", "thoughtSignature", "videoMetadata", "partMetadata"]).collect();
    let members = Members::of(value, &known)?;
    let thought = members.optional("thought", read::boolean)?.unwrap_or(false);
    let mut given = DATA.into_iter().filter(|name| members.get(name).is_some());
    let (Some(name), None) = (given.next(), given.next()) else {
        return Err(Mistake::other("a part must have exactly one kind of data"));
    };
    if thought {
        return Ok(None);
    }
    let part = members.required(name, |value| match name {
        "text" => read::string(value).map(|text| Part::Text(text.to_owned())),
        "inlineData" => inline(value),
        "functionCall" => function_call(value, members.get("thoughtSignature").and_then(Value::as_str)),
        "functionResponse" => function_response(value),
        _ => Err(Mistake::other("this kind of part is not supported")),
    })?;
    Ok(Some(part))
}

fn inline(value: &Value) -> Read<Part> {
    let members = Members::of(value, &["mimeType", "data", "displayName"])?;
    let media_type = members.required("mimeType", read::string)?;
    let bytes = members.required("data", base64)?;
    match media_type.split_once('/') {
        Some(("image", "png" | "jpeg" | "webp" | "gif")) => {
            Ok(Part::Image(Image { media_type: media_type.to_owned(), detail: None, bytes }))
        }
        Some(("application", "pdf")) => {
            let name = members.optional("displayName", read::string)?.map(str::to_owned);
            Ok(Part::File(File { name, bytes }))
        }
        Some(("audio", format)) => Ok(Part::Audio(Audio { format: format.to_owned(), bytes })),
        Some(("text", _)) => match String::from_utf8(bytes.into()) {
            Ok(text) => Ok(Part::Text(text)),
            Err(_) => Err(Mistake::other("the text is not UTF-8").in_member("data")),
        },
        _ => {
            let words = format!("unsupported MIME type: {}", read::excerpt(media_type));
            Err(Mistake::other(words).in_member("mimeType"))
        }
    }
}

fn base64(value: &Value) -> Read<Bytes> {
    let text = read::string(value)?;
    let bytes = BASE64_STANDARD.decode(text).or_else(|_| BASE64_URL_SAFE.decode(text));
    bytes.map(Bytes::from).map_err(|_| Mistake::other("Base64 decoding failed"))
}

/// A call. What proves it comes beside it, and goes along within its id.
fn function_call(value: &Value, proof: Option<&str>) -> Read<Part> {
    let members = Members::of(value, &["id", "name", "args"])?;
    let name = members.required("name", read::string)?.to_owned();
    let id = members.optional("id", read::string)?.unwrap_or(&name);
    let id = ToolCall::proven_id(id, proof.unwrap_or_default());
    let arguments = members.optional("args", object)?.map_or_else(|| "{}".to_owned(), Value::to_string);
    Ok(Part::ToolCall(ToolCall { id, name, arguments }))
}

fn function_response(value: &Value) -> Read<Part> {
    let members = Members::of(value, &["id", "name", "response", "parts", "willContinue", "scheduling"])?;
    let name = members.required("name", read::string)?;
    let call_id = members.optional("id", read::string)?.unwrap_or(name).to_owned();
    let response = members.required("response", object)?;
    let is_error = response.get("error").is_some_and(|error| !error.is_null());
    let only = ["result", "output", "error"].into_iter().find_map(|name| response.get(name)?.as_str());
    let text = only.map_or_else(|| response.to_string(), str::to_owned);
    Ok(Part::ToolResult(ToolResult { call_id, text, is_error }))
}

fn object(value: &Value) -> Read<&Value> {
    if value.is_object() { Ok(value) } else { Err(read::kind("an object", value)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn turns_are_read_with_all_their_parts() {
        let turns = contents(&json!([
            { "role": "user", "parts": [{ "text": "look" }, { "inlineData": { "mimeType": "image/png", "data": "iVBORw==" } }] },
            { "role": "model", "parts": [{ "functionCall": { "name": "f", "args": { "a": 1 } } }] },
            { "parts": [{ "functionResponse": { "name": "f", "response": { "result": "sun" } } }] },
        ]))
        .unwrap();
        assert_eq!(
            turns.iter().map(|turn| turn.role).collect::<Vec<_>>(),
            [Role::User, Role::Assistant, Role::User]
        );
        assert!(matches!(&turns[0].parts[1], Part::Image(image) if &*image.bytes == b"\x89PNG"));
        let call = ToolCall { id: "f".to_owned(), name: "f".to_owned(), arguments: "{\"a\":1}".to_owned() };
        assert!(matches!(&turns[1].parts[0], Part::ToolCall(found) if *found == call));
        assert!(matches!(&turns[2].parts[0], Part::ToolResult(result) if result.text == "sun"));
        let call = json!({ "functionCall": { "name": "f" }, "thoughtSignature": "c2ln" });
        let turns = contents(&json!([{ "role": "model", "parts": [call] }])).unwrap();
        let Part::ToolCall(call) = &turns[0].parts[0] else { panic!("{turns:?}") };
        assert_eq!((call.plain_id(), call.proof().as_deref()), ("f", Some("c2ln")));
    }

    #[test]
    fn mistakes_have_their_place() {
        for (turns, place) in [
            (json!([]), ""),
            (json!([{ "role": "user" }]), "[0].parts"),
            (json!([{ "role": "robot", "parts": [{ "text": "x" }] }]), "[0].role"),
            (json!([{ "parts": [{ "text": "x", "inlineData": {} }] }]), "[0].parts[0]"),
            (
                json!([{ "parts": [{ "inlineData": { "mimeType": "image/png", "data": "?" } }] }]),
                "[0].parts[0].inlineData.data",
            ),
            (json!([{ "parts": [{ "fileData": { "fileUri": "gs://a" } }] }]), "[0].parts[0].fileData"),
        ] {
            assert_eq!(contents(&turns).unwrap_err().bracketed(), place, "{turns}");
        }
    }
}
