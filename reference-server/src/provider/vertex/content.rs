//! The turns of a conversation, and what stands above them.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use crate::domain::inference::{self, Part, ProviderError, Role};
use crate::provider::http::{self, Base64, arguments, introduction, rejected};

/// The type of the files that models read.
const PDF: &str = "application/pdf";

/// A turn. Vertex AI wants to know whose it is.
#[derive(Debug, Serialize)]
pub(super) struct Turn<'a> {
    role: &'static str,
    parts: Vec<Piece<'a>>,
}

/// A piece of a turn.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Piece<'a> {
    Text(Cow<'a, str>),
    InlineData { mime_type: Cow<'a, str>, data: Base64<'a> },
    FunctionCall { name: &'a str, args: Value },
    FunctionResponse { name: &'a str, response: Response<'a> },
}

/// What a tool has answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Response<'a> {
    Output(&'a str),
    Error(&'a str),
}

impl<'a> Turn<'a> {
    /// What the user says.
    pub(super) fn saying(text: &'a str) -> Self {
        Self { role: "user", parts: vec![Piece::Text(text.into())] }
    }
}

/// The turns of a request.
pub(super) fn contents(messages: &[inference::Message]) -> Result<Vec<Turn<'_>>, ProviderError> {
    // The wire knows calls by the names of the tools.
    let mut called = HashMap::new();
    let turns = http::turns(messages, str::is_empty).into_iter().map(|turn| -> Result<_, ProviderError> {
        let mut parts = Vec::with_capacity(turn.parts.len());
        for part in turn.parts {
            if let Part::ToolCall(call) = part {
                called.insert(call.id.as_str(), call.name.as_str());
            }
            add(&mut parts, part, &called)?;
        }
        if parts.is_empty() {
            parts.push(Piece::Text("".into()));
        }
        Ok(Turn { role: if turn.role == Role::Assistant { "model" } else { "user" }, parts })
    });
    turns.collect()
}

/// What stands above the conversation, wherever in it it was said.
pub(super) fn system(turns: &[inference::Message]) -> Result<Option<Turn<'_>>, ProviderError> {
    let turns = turns.iter().filter(|message| message.role == Role::System);
    let texts = turns.flat_map(|message| &message.parts).filter_map(|part| match part {
        Part::Text(text) => (!text.is_empty()).then_some(Ok(Piece::Text(text.into()))),
        _ => Some(Err(rejected("a system message says something, and shows nothing"))),
    });
    let parts: Vec<_> = texts.collect::<Result<_, _>>()?;
    Ok((!parts.is_empty()).then_some(Turn { role: "user", parts }))
}

/// Adds a part. How closely to look at an image has no place in the wire: the model always looks as closely as it can.
fn add<'a>(
    parts: &mut Vec<Piece<'a>>,
    part: &'a Part,
    called: &HashMap<&str, &'a str>,
) -> Result<(), ProviderError> {
    let piece = match part {
        Part::Text(text) => Piece::Text(text.into()),
        Part::Image(image) => {
            let media_type = match image.media_type.as_str() {
                "image/jpg" => "image/jpeg",
                media_type => media_type,
            };
            Piece::InlineData { mime_type: media_type.into(), data: Base64(&image.bytes) }
        }
        Part::File(file) => {
            if let Some(name) = file.name.as_deref().filter(|name| !name.is_empty()) {
                parts.push(Piece::Text(introduction(name).into()));
            }
            Piece::InlineData { mime_type: PDF.into(), data: Base64(&file.bytes) }
        }
        Part::Audio(audio) => {
            let mime_type = format!("audio/{}", audio.format).into();
            Piece::InlineData { mime_type, data: Base64(&audio.bytes) }
        }
        Part::ToolCall(call) => Piece::FunctionCall { name: &call.name, args: arguments(&call.arguments)? },
        Part::ToolResult(result) => {
            let name = called.get(result.call_id.as_str()).copied();
            let name = name.ok_or_else(|| rejected("a tool has answered that was not called"))?;
            let text = result.text.as_str();
            let response = if result.is_error { Response::Error(text) } else { Response::Output(text) };
            Piece::FunctionResponse { name, response }
        }
    };
    parts.push(piece);
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::domain::inference::{Audio, Detail, File, Image, Message, ToolCall, ToolResult};

    fn turn(role: Role, parts: Vec<Part>) -> Message {
        Message { role, parts }
    }

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn call(id: &str, name: &str, arguments: &str) -> Part {
        let [id, name, arguments] = [id, name, arguments].map(str::to_owned);
        Part::ToolCall(ToolCall { id, name, arguments })
    }

    fn result(call_id: &str, text: &str, is_error: bool) -> Part {
        Part::ToolResult(ToolResult { call_id: call_id.to_owned(), text: text.to_owned(), is_error })
    }

    fn written(messages: &[Message]) -> Value {
        serde_json::to_value(contents(messages).unwrap()).unwrap()
    }

    #[test]
    fn every_turn_is_told_in_its_place() {
        let conversation = [
            turn(Role::System, vec![text("be kind")]),
            turn(Role::User, vec![text("Hi")]),
            turn(Role::Assistant, vec![call("1", "look", "{\"a\": 1.5}"), call("2", "listen", "")]),
            turn(Role::User, vec![result("2", "nothing", true)]),
            turn(Role::User, vec![text("Well?"), result("1", "18 °C", false)]),
            turn(Role::Assistant, vec![text("")]),
            turn(Role::Assistant, vec![text("It is")]),
            turn(Role::User, vec![text("")]),
        ];
        assert_eq!(
            written(&conversation),
            json!([
                { "role": "user", "parts": [{ "text": "Hi" }] },
                { "role": "model", "parts": [
                    { "functionCall": { "name": "look", "args": { "a": 1.5 } } },
                    { "functionCall": { "name": "listen", "args": {} } },
                ] },
                { "role": "user", "parts": [
                    { "functionResponse": { "name": "listen", "response": { "error": "nothing" } } },
                    { "functionResponse": { "name": "look", "response": { "output": "18 °C" } } },
                    { "text": "Well?" },
                ] },
                { "role": "model", "parts": [{ "text": "It is" }] },
                { "role": "user", "parts": [{ "text": "" }] },
            ])
        );
    }

    #[test]
    fn what_stands_above_is_gathered() {
        let told = |messages: &[Message]| serde_json::to_value(system(messages).unwrap()).unwrap();
        let hello = turn(Role::User, vec![text("Hi")]);
        assert_eq!(told(std::slice::from_ref(&hello)), Value::Null);
        let two = [
            turn(Role::System, vec![text("be kind"), text("")]),
            hello,
            turn(Role::System, vec![text("be brief")]),
        ];
        assert_eq!(
            told(&two),
            json!({ "role": "user", "parts": [{ "text": "be kind" }, { "text": "be brief" }] })
        );
    }

    #[test]
    fn what_is_attached_goes_along() {
        let bytes = Bytes::from_static(b"hi");
        let detail = Some(Detail::Low);
        let shown = vec![
            Part::Image(Image { media_type: "image/jpg".to_owned(), detail, bytes: bytes.clone() }),
            Part::File(File { name: Some("a.pdf".to_owned()), bytes: bytes.clone() }),
            Part::File(File { name: None, bytes: bytes.clone() }),
            Part::Audio(Audio { format: "wav".to_owned(), bytes }),
        ];
        let data = |media_type: &str| json!({ "inlineData": { "mimeType": media_type, "data": "aGk=" } });
        assert_eq!(
            written(&[turn(Role::User, shown)])[0]["parts"],
            json!([
                data("image/jpeg"),
                { "text": "The next file is called \"a.pdf\"." },
                data("application/pdf"),
                data("application/pdf"),
                data("audio/wav"),
            ])
        );
    }

    #[test]
    fn what_has_no_place_in_the_wire_is_refused() {
        for wrong in [
            turn(Role::User, vec![result("1", "18 °C", false)]),
            turn(Role::Assistant, vec![call("1", "look", "[]")]),
        ] {
            let told = contents(std::slice::from_ref(&wrong));
            assert!(matches!(told, Err(ProviderError::Rejected(_))), "{told:?}");
        }
        let shows = turn(Role::System, vec![result("1", "", false)]);
        assert!(matches!(system(&[shows]), Err(ProviderError::Rejected(_))));
    }
}
