//! The turns of a conversation, and what stands above them.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use crate::domain::inference::{self, Part, ProviderError, Role};
use crate::provider::http::{self, Base64, Said, arguments, incapable, introduction, speaker};

/// The type of the files that models read.
const PDF: &str = "application/pdf";

/// A turn. Vertex AI wants to know whose it is.
#[derive(Debug, Serialize)]
pub(super) struct Turn<'a> {
    role: &'static str,
    parts: Vec<Piece<'a>>,
}

/// A piece of a turn: a call with what proves it, or anything else.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Piece<'a> {
    Call(Call<'a>),
    Data(Held<'a>),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Call<'a> {
    function_call: FunctionCall<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<String>,
}

#[derive(Debug, Serialize)]
struct FunctionCall<'a> {
    name: &'a str,
    args: Value,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Held<'a> {
    Text(Cow<'a, str>),
    InlineData { mime_type: Cow<'a, str>, data: Base64<'a> },
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
        Self { role: "user", parts: vec![Piece::text(text)] }
    }
}

impl<'a> Piece<'a> {
    fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Data(Held::Text(text.into()))
    }
}

/// The turns of a request.
pub(super) fn contents(messages: &[inference::Message]) -> Result<Vec<Turn<'_>>, ProviderError> {
    // The wire knows calls by the names of the tools.
    let mut called = HashMap::new();
    let turns = http::turns(messages, str::is_empty).into_iter().map(|turn| -> Result<_, ProviderError> {
        let mut parts = Vec::with_capacity(turn.parts.len());
        for said in turn.parts {
            match said {
                Said::By(name) => parts.push(Piece::text(speaker(name))),
                Said::Part(part) => {
                    if let Part::ToolCall(call) = part {
                        called.insert(call.id.as_str(), call.name.as_str());
                    }
                    add(&mut parts, part, &called)?;
                }
            }
        }
        if parts.is_empty() {
            parts.push(Piece::text(""));
        }
        Ok(Turn { role: if turn.role == Role::Assistant { "model" } else { "user" }, parts })
    });
    turns.collect()
}

/// What stands above the conversation, wherever in it it was said.
pub(super) fn system(turns: &[inference::Message]) -> Result<Option<Turn<'_>>, ProviderError> {
    let mut pieces = Vec::new();
    for message in turns.iter().filter(|message| message.role == Role::System) {
        let mut name = message.name.as_deref();
        for part in &message.parts {
            let Part::Text(text) = part else {
                return Err(incapable("a system message says something, and shows nothing"));
            };
            if !text.is_empty() {
                pieces.extend(name.take().map(|name| Piece::text(speaker(name))));
                pieces.push(Piece::text(text));
            }
        }
    }
    Ok((!pieces.is_empty()).then_some(Turn { role: "user", parts: pieces }))
}

/// Adds a part. How closely to look at an image has no place in the wire: the model always looks as closely as it can.
fn add<'a>(
    parts: &mut Vec<Piece<'a>>,
    part: &'a Part,
    called: &HashMap<&str, &'a str>,
) -> Result<(), ProviderError> {
    let data = match part {
        Part::Text(text) => Held::Text(text.into()),
        // What the model has thought is nothing that it is told again; what follows from it is proven with the calls.
        Part::Thinking(_) => return Ok(()),
        Part::Image(image) => {
            let media_type = match image.media_type.as_str() {
                "image/jpg" => "image/jpeg",
                media_type => media_type,
            };
            Held::InlineData { mime_type: media_type.into(), data: Base64(&image.bytes) }
        }
        Part::File(file) => {
            if let Some(name) = file.name.as_deref().filter(|name| !name.is_empty()) {
                parts.push(Piece::text(introduction(name)));
            }
            Held::InlineData { mime_type: PDF.into(), data: Base64(&file.bytes) }
        }
        Part::Audio(audio) => {
            let mime_type = format!("audio/{}", audio.format).into();
            Held::InlineData { mime_type, data: Base64(&audio.bytes) }
        }
        Part::ToolCall(call) => {
            let function_call = FunctionCall { name: &call.name, args: arguments(&call.arguments)? };
            parts.push(Piece::Call(Call { function_call, thought_signature: call.proof() }));
            return Ok(());
        }
        Part::ToolResult(result) => {
            let name = called.get(result.call_id.as_str()).copied();
            let name = name.ok_or_else(|| incapable("a tool has answered that was not called"))?;
            let text = result.text.as_str();
            let response = if result.is_error { Response::Error(text) } else { Response::Output(text) };
            Held::FunctionResponse { name, response }
        }
    };
    parts.push(Piece::Data(data));
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::domain::inference::{Audio, Detail, File, Image, Message, Thinking, ToolCall};
    use crate::provider::http::testing::{call, named, result, text};

    fn written(messages: &[Message]) -> Value {
        serde_json::to_value(contents(messages).unwrap()).unwrap()
    }

    #[test]
    fn every_turn_is_told_in_its_place() {
        let conversation = [
            Message::new(Role::System, vec![text("be kind")]),
            Message::new(Role::User, vec![text("Hi")]),
            Message::new(Role::Assistant, vec![call("1", "look", "{\"a\": 1.5}"), call("2", "listen", "")]),
            Message::new(Role::User, vec![result("2", "nothing", true)]),
            Message::new(Role::User, vec![text("Well?"), result("1", "18 °C", false)]),
            Message::new(Role::Assistant, vec![text("")]),
            Message::new(Role::Assistant, vec![text("It is")]),
            Message::new(Role::User, vec![text("")]),
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
    fn speakers_are_named_and_calls_go_back_with_their_proof() {
        let id = ToolCall::proven_id("call_1", "c2ln");
        let told = written(&[
            named("alice", Role::User, vec![text("Hi")]),
            Message::new(
                Role::Assistant,
                vec![Part::Thinking(Thinking::of_text("Hm.")), call(&id, "look", "{}")],
            ),
            Message::new(Role::User, vec![result(&id, "18 °C", false)]),
        ]);
        let who = json!({ "text": "The next words are those of \"alice\"." });
        assert_eq!(told[0]["parts"], json!([who, { "text": "Hi" }]));
        let called = json!({ "functionCall": { "name": "look", "args": {} }, "thoughtSignature": "c2ln" });
        assert_eq!(told[1]["parts"], json!([called]));
        assert_eq!(told[2]["parts"][0]["functionResponse"]["name"], "look");
    }

    #[test]
    fn what_stands_above_is_gathered() {
        let told = |messages: &[Message]| serde_json::to_value(system(messages).unwrap()).unwrap();
        let hello = Message::new(Role::User, vec![text("Hi")]);
        assert_eq!(told(std::slice::from_ref(&hello)), Value::Null);
        let two = [
            Message::new(Role::System, vec![text("be kind"), text("")]),
            hello,
            Message::new(Role::System, vec![text("be brief")]),
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
            written(&[Message::new(Role::User, shown)])[0]["parts"],
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
            Message::new(Role::User, vec![result("1", "18 °C", false)]),
            Message::new(Role::Assistant, vec![call("1", "look", "[]")]),
        ] {
            let told = contents(std::slice::from_ref(&wrong));
            assert!(matches!(told, Err(ProviderError::Incapable(_))), "{told:?}");
        }
        let shows = Message::new(Role::System, vec![result("1", "", false)]);
        assert!(matches!(system(&[shows]), Err(ProviderError::Incapable(_))));
    }
}
