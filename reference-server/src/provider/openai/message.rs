//! The turns of a conversation.

use std::borrow::Cow;

use serde::Serialize;

use crate::domain::inference::{self, Detail, Part, ProviderError, Role};
use crate::provider::http::{Base64, DataUrl, incapable};

/// The type of the files that models read.
const PDF: &str = "application/pdf";

/// A message.
#[derive(Debug, Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub(super) enum Message<'a> {
    System {
        content: Content<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
    },
    User {
        content: Content<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
    },
    Assistant {
        #[serde(skip_serializing_if = "Option::is_none")]
        content: Option<Content<'a>>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Call<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
    },
    Tool {
        tool_call_id: &'a str,
        content: Cow<'a, str>,
    },
}

/// What a message says: a text, or several parts.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    Text(&'a str),
    Parts(Vec<ContentPart<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ContentPart<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
    InputAudio { input_audio: InputAudio<'a> },
    File { file: File<'a> },
}

#[derive(Debug, Serialize)]
pub(super) struct ImageUrl<'a> {
    url: DataUrl<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub(super) struct InputAudio<'a> {
    data: Base64<'a>,
    format: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
    file_data: DataUrl<'a>,
}

/// A tool that the model has called.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Call<'a> {
    Function { id: &'a str, function: CallOf<'a> },
}

#[derive(Debug, Serialize)]
pub(super) struct CallOf<'a> {
    name: &'a str,
    arguments: &'a str,
}

/// The messages of a conversation. What tools have answered in a turn are messages of their own, before the rest of it.
pub(super) fn messages(turns: &[inference::Message]) -> Result<Vec<Message<'_>>, ProviderError> {
    let mut messages = Vec::with_capacity(turns.len());
    for turn in turns {
        let name = turn.name.as_deref();
        match turn.role {
            Role::System => messages.push(Message::System { content: content(turn.parts.iter())?, name }),
            Role::Assistant => messages.push(assistant(&turn.parts, name)?),
            Role::User => {
                messages.extend(turn.parts.iter().filter_map(answered));
                let rest = || turn.parts.iter().filter(|part| !matches!(part, Part::ToolResult(_)));
                if rest().next().is_some() || turn.parts.is_empty() {
                    messages.push(Message::User { content: content(rest())?, name });
                }
            }
        }
    }
    Ok(messages)
}

/// A turn of the model's. What it has thought has no place in the wire, and is nothing that it is told again.
fn assistant<'a>(parts: &'a [Part], name: Option<&'a str>) -> Result<Message<'a>, ProviderError> {
    let tool_calls: Vec<_> = parts.iter().filter_map(called).collect();
    let is_said = |part: &&Part| !matches!(part, Part::ToolCall(_) | Part::Thinking(_));
    let mut said = parts.iter().filter(is_said).peekable();
    let content = if said.peek().is_some() || tool_calls.is_empty() { Some(content(said)?) } else { None };
    Ok(Message::Assistant { content, tool_calls, name })
}

fn called(part: &Part) -> Option<Call<'_>> {
    let Part::ToolCall(call) = part else { return None };
    let function = CallOf { name: &call.name, arguments: &call.arguments };
    Some(Call::Function { id: call.plain_id(), function })
}

/// What a tool has answered. The wire has no other way than words to say that it failed.
fn answered(part: &Part) -> Option<Message<'_>> {
    let Part::ToolResult(result) = part else { return None };
    let text = result.text.as_str();
    let content = if result.is_error { format!("error: {text}").into() } else { text.into() };
    Some(Message::Tool { tool_call_id: result.plain_id(), content })
}

fn content<'a>(parts: impl Iterator<Item = &'a Part>) -> Result<Content<'a>, ProviderError> {
    let parts: Vec<_> = parts.map(content_part).collect::<Result<_, _>>()?;
    Ok(match parts.as_slice() {
        [] => Content::Text(""),
        [ContentPart::Text { text }] => Content::Text(text),
        _ => Content::Parts(parts),
    })
}

fn content_part(part: &Part) -> Result<ContentPart<'_>, ProviderError> {
    Ok(match part {
        Part::Text(text) => ContentPart::Text { text },
        Part::Image(image) => {
            let url = DataUrl { media_type: &image.media_type, bytes: &image.bytes };
            ContentPart::ImageUrl { image_url: ImageUrl { url, detail: image.detail.map(Detail::name) } }
        }
        Part::Audio(audio) => {
            let input_audio = InputAudio { data: Base64(&audio.bytes), format: sound_format(&audio.format) };
            ContentPart::InputAudio { input_audio }
        }
        Part::File(file) => {
            let file_data = DataUrl { media_type: PDF, bytes: &file.bytes };
            ContentPart::File { file: File { filename: file.name.as_deref(), file_data } }
        }
        Part::ToolCall(_) | Part::ToolResult(_) | Part::Thinking(_) => {
            return Err(incapable("a tool is called by the assistant, and its result given by the user"));
        }
    })
}

/// The word for a format that may be told as part of a media type.
fn sound_format(told: &str) -> &str {
    match told.strip_prefix("x-").unwrap_or(told) {
        "wave" => "wav",
        "mpeg" => "mp3",
        format => format,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::inference::{Audio, Image, Message as Turn, Thinking, ToolCall};
    use crate::provider::http::testing::{call, named, result, text};

    fn written(turns: &[Turn]) -> Value {
        serde_json::to_value(messages(turns).unwrap()).unwrap()
    }

    #[test]
    fn every_turn_is_told_in_its_place() {
        // What another wire's model can tell by a proof is nothing to this one.
        let id = ToolCall::proven_id("call_1", "c2ln");
        let called = || call(&id, "look", "{\"a\":1}");
        let answered = |is_error| result(&id, "18 °C", is_error);
        let thought = Part::Thinking(Thinking::of_text("Hm."));
        let conversation = [
            Turn::new(Role::System, vec![text("be"), text("kind")]),
            Turn::new(Role::User, vec![text("Hi")]),
            Turn::new(Role::Assistant, vec![thought.clone(), text("Let me look."), called()]),
            Turn::new(Role::User, vec![answered(false), text("Go on.")]),
            Turn::new(Role::Assistant, vec![called()]),
            Turn::new(Role::User, vec![answered(true)]),
            Turn::new(Role::Assistant, vec![thought]),
        ];
        let call = json!({ "type": "function", "id": "call_1", "function": { "name": "look", "arguments": "{\"a\":1}" } });
        assert_eq!(
            written(&conversation),
            json!([
                { "role": "system", "content": [{ "type": "text", "text": "be" }, { "type": "text", "text": "kind" }] },
                { "role": "user", "content": "Hi" },
                { "role": "assistant", "content": "Let me look.", "tool_calls": [call] },
                { "role": "tool", "tool_call_id": "call_1", "content": "18 °C" },
                { "role": "user", "content": "Go on." },
                { "role": "assistant", "tool_calls": [call] },
                { "role": "tool", "tool_call_id": "call_1", "content": "error: 18 °C" },
                { "role": "assistant", "content": "" },
            ])
        );
    }

    #[test]
    fn a_speaker_may_have_a_name() {
        let conversation = [
            named("rules", Role::System, vec![text("be kind")]),
            named("alice", Role::User, vec![text("Hi")]),
            named("bob", Role::Assistant, vec![text("Hello")]),
        ];
        assert_eq!(
            written(&conversation),
            json!([
                { "role": "system", "content": "be kind", "name": "rules" },
                { "role": "user", "content": "Hi", "name": "alice" },
                { "role": "assistant", "content": "Hello", "name": "bob" },
            ])
        );
    }

    #[test]
    fn what_is_attached_goes_along() {
        let bytes = Bytes::from_static(b"hi");
        let image =
            Image { media_type: "image/png".to_owned(), detail: Some(Detail::Low), bytes: bytes.clone() };
        let audio = Audio { format: "x-wav".to_owned(), bytes: bytes.clone() };
        let file = inference::File { name: Some("a.pdf".to_owned()), bytes };
        let shown =
            Turn::new(Role::User, vec![text("?"), Part::Image(image), Part::Audio(audio), Part::File(file)]);
        assert_eq!(
            written(&[shown])[0]["content"],
            json!([
                { "type": "text", "text": "?" },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,aGk=", "detail": "low" } },
                { "type": "input_audio", "input_audio": { "data": "aGk=", "format": "wav" } },
                { "type": "file", "file": { "filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk=" } },
            ])
        );
    }

    #[test]
    fn a_result_of_the_assistants_has_no_place() {
        let wrong = [Turn::new(Role::Assistant, vec![result("call_1", "18 °C", false)])];
        assert!(matches!(messages(&wrong), Err(ProviderError::Incapable(_))));
    }
}
