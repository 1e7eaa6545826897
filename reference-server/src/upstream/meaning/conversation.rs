//! What is said in a conversation, and by whom.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::inference::{Detail, Message, Part, Role, ToolCall};
use crate::hexadecimal::sha256;

/// All that a speaker says before another one does.
#[derive(Serialize)]
pub(super) struct Turn<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    parts: Vec<Said<'a>>,
}

/// A part of what is said.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Said<'a> {
    Text(&'a str),
    Image(Media<'a>),
    File(Media<'a>),
    Audio(Media<'a>),
    Thinking(&'a str),
    ToolCall(Called<'a>),
    ToolResult(Answered<'a>),
}

/// A file, told by its digest.
#[derive(Serialize)]
struct Media<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
    bytes: usize,
    sha256: String,
}

/// A call of a tool.
#[derive(Serialize)]
pub(super) struct Called<'a> {
    id: &'a str,
    name: &'a str,
    arguments: Value,
}

/// What a tool has answered.
#[derive(Serialize)]
struct Answered<'a> {
    id: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_error: Option<bool>,
}

/// The instructions above a conversation, and its turns. What tools answer is a turn of theirs, and turns of one speaker
/// in a row are one: there are wires that do not tell them apart.
pub(super) fn conversation(messages: &[Message]) -> (Vec<&str>, Vec<Turn<'_>>) {
    let (mut system, mut turns) = (Vec::new(), Vec::<Turn<'_>>::new());
    for Message { role, name, parts } in messages {
        let name = name.as_deref();
        for part in parts {
            let role = match (role, part) {
                (Role::System, Part::Text(text)) => {
                    system.push(text.as_str());
                    continue;
                }
                (_, Part::ToolResult(_)) => "tool",
                (Role::Assistant, _) => "assistant",
                (Role::System | Role::User, _) => "user",
            };
            match turns.last_mut() {
                Some(turn) if (turn.role, turn.name) == (role, name) => turn.parts.push(part.into()),
                _ => turns.push(Turn { role, name, parts: vec![part.into()] }),
            }
        }
    }
    (system, turns)
}

impl<'a> From<&'a Part> for Said<'a> {
    fn from(part: &'a Part) -> Self {
        match part {
            Part::Text(text) => Self::Text(text),
            Part::Image(image) => Self::Image(Media {
                media_type: Some(image.media_type.clone()),
                detail: image.detail.map(Detail::name),
                ..Media::of(&image.bytes)
            }),
            Part::File(file) => Self::File(Media { name: file.name.as_deref(), ..Media::of(&file.bytes) }),
            Part::Audio(audio) => {
                let media_type = Some(format!("audio/{}", audio.format));
                Self::Audio(Media { media_type, ..Media::of(&audio.bytes) })
            }
            Part::Thinking(thinking) => Self::Thinking(&thinking.text),
            Part::ToolCall(call) => Self::ToolCall(call.into()),
            Part::ToolResult(result) => Self::ToolResult(Answered {
                id: &result.call_id,
                text: &result.text,
                is_error: result.is_error.then_some(true),
            }),
        }
    }
}

impl Media<'_> {
    /// A file of these bytes, which may say themselves what they are.
    fn of(bytes: &[u8]) -> Self {
        let media_type = bytes.starts_with(b"%PDF").then(|| "application/pdf".to_owned());
        Self { media_type, name: None, detail: None, bytes: bytes.len(), sha256: sha256(bytes) }
    }
}

impl<'a> From<&'a ToolCall> for Called<'a> {
    fn from(call: &'a ToolCall) -> Self {
        let arguments = match call.arguments.as_str() {
            // What was cut off or made up is no JSON, and nothing at all stands for no arguments.
            "" => Value::Object(Map::new()),
            text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
        };
        Self { id: &call.id, name: &call.name, arguments }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::domain::inference::{Audio, File, Image, Thinking, ToolResult};

    fn told(messages: &[Message]) -> (Vec<String>, Value) {
        let (system, turns) = conversation(messages);
        (system.into_iter().map(str::to_owned).collect(), serde_json::to_value(turns).unwrap())
    }

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn result(id: &str, is_error: bool) -> Part {
        Part::ToolResult(ToolResult { call_id: id.to_owned(), text: "sun".to_owned(), is_error })
    }

    #[test]
    fn turns_of_one_speaker_are_one_and_tools_have_their_own() {
        let alex = Message { name: Some("alex".to_owned()), ..Message::new(Role::User, vec![text("three")]) };
        let (system, turns) = told(&[
            Message::new(Role::System, vec![text("be"), text("kind")]),
            Message::new(Role::User, vec![text("one")]),
            Message::new(Role::User, vec![text("two")]),
            alex,
            Message::new(Role::Assistant, vec![text("four")]),
            Message::new(Role::User, vec![result("a", false)]),
            Message::new(Role::User, vec![result("b", true), text("five")]),
            Message::new(Role::System, vec![text("and short")]),
        ]);
        assert_eq!(system, ["be", "kind", "and short"]);
        assert_eq!(
            turns,
            json!([
                { "role": "user", "parts": [{ "text": "one" }, { "text": "two" }] },
                { "role": "user", "name": "alex", "parts": [{ "text": "three" }] },
                { "role": "assistant", "parts": [{ "text": "four" }] },
                { "role": "tool", "parts": [
                    { "tool_result": { "id": "a", "text": "sun" } },
                    { "tool_result": { "id": "b", "text": "sun", "is_error": true } },
                ] },
                { "role": "user", "parts": [{ "text": "five" }] },
            ])
        );
    }

    #[test]
    fn media_are_told_by_their_digests() {
        let bytes = Bytes::from_static(b"%PDF-1.4");
        let digest = sha256(&bytes);
        let image = Image {
            media_type: "image/png".to_owned(),
            detail: Some(Detail::Low),
            bytes: Bytes::from_static(b"png"),
        };
        let parts = vec![
            Part::Image(image),
            Part::File(File { name: Some("a.pdf".to_owned()), bytes }),
            Part::Audio(Audio { format: "wav".to_owned(), bytes: Bytes::new() }),
        ];
        let (_, turns) = told(&[Message::new(Role::User, parts)]);
        assert_eq!(
            turns[0]["parts"],
            json!([
                { "image": { "media_type": "image/png", "detail": "low", "bytes": 3, "sha256": sha256(b"png") } },
                { "file": { "media_type": "application/pdf", "name": "a.pdf", "bytes": 8, "sha256": digest } },
                { "audio": { "media_type": "audio/wav", "bytes": 0, "sha256": sha256(b"") } },
            ])
        );
    }

    #[test]
    fn calls_have_json_where_they_can() {
        let call = |arguments: &str| {
            Part::ToolCall(ToolCall {
                id: "1".to_owned(),
                name: "f".to_owned(),
                arguments: arguments.to_owned(),
            })
        };
        let parts = vec![
            Part::Thinking(Thinking::of_text("Hm.")),
            call("{\"b\":1.50,\"a\":null}"),
            call(""),
            call("{\"b\":"),
        ];
        let (_, turns) = told(&[Message::new(Role::Assistant, parts)]);
        let parts = &turns[0]["parts"];
        assert_eq!(parts[0], json!({ "thinking": "Hm." }));
        assert_eq!(parts[1]["tool_call"]["arguments"].to_string(), "{\"b\":1.50,\"a\":null}");
        assert_eq!(parts[2]["tool_call"]["arguments"], json!({}));
        assert_eq!(parts[3]["tool_call"]["arguments"], json!("{\"b\":"));
    }
}
