//! The turns of a conversation, and what stands above them.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::domain::inference::{self, CompletionRequest, Part, ProviderError, Role, Thinking};
use crate::provider::http::{self, Base64, incapable, speaker};

/// The type of the files that models read.
const PDF: &str = "application/pdf";

/// A turn.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    content: Content<'a>,
}

/// What stands above the conversation: a text, or several.
pub(super) type System<'a> = Content<'a>;

/// What is said: a text, or several blocks.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    Text(Cow<'a, str>),
    Blocks(Vec<Block<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: Cow<'a, str>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    Image {
        source: Source<'a>,
    },
    Document {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    ToolUse {
        id: &'a str,
        name: &'a str,
        input: Value,
    },
    ToolResult {
        tool_use_id: &'a str,
        #[serde(skip_serializing_if = "str::is_empty")]
        content: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        is_error: Option<bool>,
    },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'a> {
    Base64 { media_type: &'a str, data: Base64<'a> },
}

/// The turns of a request. Texts of nothing, which the wire does not take, are left out: they say nothing.
pub(super) fn messages(request: &CompletionRequest) -> Result<Vec<Message<'_>>, ProviderError> {
    let last = request.messages.iter().rfind(|message| message.role != Role::System);
    if !request.is_begun && last.is_some_and(|message| message.role == Role::Assistant) {
        // The wire would take it for the beginning of the answer.
        return Err(incapable("the last message is the assistant's, and leaves nothing to answer"));
    }
    let mut messages = Vec::with_capacity(request.messages.len());
    for message in &request.messages {
        let role = match message.role {
            Role::System => continue,
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let content = content(message)?;
        let is_silent = matches!(&content, Content::Text(text) if text.is_empty());
        if !is_silent || message.role == Role::User {
            messages.push(Message { role, content });
        }
    }
    Ok(messages)
}

/// What stands above the conversation, wherever in it it was said.
pub(super) fn system(turns: &[inference::Message]) -> Result<Option<System<'_>>, ProviderError> {
    let mut blocks = Vec::new();
    for message in turns.iter().filter(|message| message.role == Role::System) {
        let mut parts = message.parts.iter().filter(|part| says_something(part)).peekable();
        if parts.peek().is_some() {
            blocks.extend(introduced(message));
        }
        for part in parts {
            let Part::Text(text) = part else {
                return Err(incapable("a system message says something, and shows nothing"));
            };
            blocks.push(Block::saying(text));
        }
    }
    Ok((!blocks.is_empty()).then(|| Content::of(blocks)))
}

/// What is said in a turn; what tools have answered comes first, because the wire wants it so.
fn content(message: &inference::Message) -> Result<Content<'_>, ProviderError> {
    let (results, rest): (Vec<_>, Vec<_>) = message
        .parts
        .iter()
        .filter(|part| says_something(part))
        .partition(|part| matches!(part, Part::ToolResult(_)));
    let who = if rest.is_empty() { None } else { introduced(message) };
    let results = results.into_iter().map(block);
    let blocks = results.chain(who.map(Ok)).chain(rest.into_iter().map(block));
    blocks.collect::<Result<_, _>>().map(Content::of)
}

/// Who speaks in a turn, where that is told.
fn introduced(message: &inference::Message) -> Option<Block<'_>> {
    let name = message.name.as_deref()?;
    Some(Block::Text { text: speaker(name).into() })
}

/// Whether a part is anything to the model. Thoughts that nothing proves are not its own.
fn says_something(part: &Part) -> bool {
    match part {
        Part::Text(text) => !text.is_empty(),
        Part::Thinking(Thinking { signature, .. }) => signature.is_some(),
        _ => true,
    }
}

fn block(part: &Part) -> Result<Block<'_>, ProviderError> {
    Ok(match part {
        Part::Text(text) => Block::saying(text),
        Part::Thinking(Thinking { text, signature }) => {
            Block::Thinking { thinking: text, signature: signature.as_deref().unwrap_or_default() }
        }
        // How closely to look has no place in the wire: the model always looks as closely as it can.
        Part::Image(image) => {
            let media_type = match image.media_type.as_str() {
                "image/jpg" => "image/jpeg",
                media_type => media_type,
            };
            Block::Image { source: Source::Base64 { media_type, data: Base64(&image.bytes) } }
        }
        Part::File(file) => Block::Document {
            source: Source::Base64 { media_type: PDF, data: Base64(&file.bytes) },
            title: file.name.as_deref(),
        },
        Part::Audio(_) => return Err(incapable("the model takes no audio")),
        Part::ToolCall(call) => {
            Block::ToolUse { id: call.plain_id(), name: &call.name, input: http::arguments(&call.arguments)? }
        }
        Part::ToolResult(result) => Block::ToolResult {
            tool_use_id: result.plain_id(),
            content: &result.text,
            is_error: result.is_error.then_some(true),
        },
    })
}

impl<'a> Content<'a> {
    fn of(blocks: Vec<Block<'a>>) -> Self {
        match blocks.as_slice() {
            [] => Self::Text("".into()),
            [Block::Text { text }] => Self::Text(text.clone()),
            _ => Self::Blocks(blocks),
        }
    }
}

impl<'a> Block<'a> {
    fn saying(text: &'a str) -> Self {
        Self::Text { text: text.into() }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::domain::inference::{Audio, Detail, File, Image, Message as Turn};
    use crate::provider::http::testing::{call, named, of, result, text};

    fn written(turns: Vec<Turn>) -> Value {
        serde_json::to_value(messages(&of(turns)).unwrap()).unwrap()
    }

    fn is_refused(request: &CompletionRequest) -> bool {
        matches!(messages(request), Err(ProviderError::Incapable(_)))
    }

    #[test]
    fn every_turn_is_told_in_its_place() {
        let conversation = vec![
            Turn::new(Role::System, vec![text("be kind")]),
            Turn::new(Role::User, vec![text("Hi")]),
            Turn::new(Role::Assistant, vec![text(""), call("toolu_1", "look", "{\"a\": 1.5}")]),
            Turn::new(Role::User, vec![text("Well?"), result("toolu_1", "18 °C", false)]),
            Turn::new(Role::Assistant, vec![text("")]),
            Turn::new(Role::Assistant, vec![text("It is"), call("toolu_1", "look", "")]),
            Turn::new(Role::User, vec![result("toolu_1", "", true)]),
        ];
        assert_eq!(
            written(conversation),
            json!([
                { "role": "user", "content": "Hi" },
                { "role": "assistant", "content": [
                    { "type": "tool_use", "id": "toolu_1", "name": "look", "input": { "a": 1.5 } },
                ] },
                { "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": "toolu_1", "content": "18 °C" },
                    { "type": "text", "text": "Well?" },
                ] },
                { "role": "assistant", "content": [
                    { "type": "text", "text": "It is" },
                    { "type": "tool_use", "id": "toolu_1", "name": "look", "input": {} },
                ] },
                { "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": "toolu_1", "is_error": true },
                ] },
            ])
        );
    }

    #[test]
    fn speakers_are_named_and_thoughts_go_back_with_their_proof() {
        let thought = Thinking { signature: Some("c2ln".to_owned()), ..Thinking::of_text("Hm.") };
        let unproven = Part::Thinking(Thinking::of_text("No."));
        let conversation = vec![
            named("alice", Role::User, vec![text("Hi")]),
            Turn::new(Role::Assistant, vec![Part::Thinking(thought), unproven, text("Hello")]),
            named("bob", Role::User, vec![text(""), result("toolu_1", "18 °C", false)]),
        ];
        let told = written(conversation);
        let who = json!({ "type": "text", "text": "The next words are those of \"alice\"." });
        assert_eq!(told[0]["content"], json!([who, { "type": "text", "text": "Hi" }]));
        let thought = json!({ "type": "thinking", "thinking": "Hm.", "signature": "c2ln" });
        assert_eq!(told[1]["content"], json!([thought, { "type": "text", "text": "Hello" }]));
        assert_eq!(told[2]["content"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn what_stands_above_is_gathered() {
        let told = |messages: &[Turn]| serde_json::to_value(system(messages).unwrap()).unwrap();
        let hello = Turn::new(Role::User, vec![text("Hi")]);
        assert_eq!(told(std::slice::from_ref(&hello)), Value::Null);
        let one = Turn::new(Role::System, vec![text("be kind"), text("")]);
        assert_eq!(told(&[one.clone(), hello.clone()]), "be kind");
        let two = [one, hello, Turn::new(Role::System, vec![text("be brief")])];
        let blocks = json!([{ "type": "text", "text": "be kind" }, { "type": "text", "text": "be brief" }]);
        assert_eq!(told(&two), blocks);
    }

    #[test]
    fn what_is_attached_goes_along() {
        let bytes = Bytes::from_static(b"hi");
        let detail = Some(Detail::Low);
        let image = Image { media_type: "image/jpg".to_owned(), detail, bytes: bytes.clone() };
        let file = File { name: Some("a.pdf".to_owned()), bytes: bytes.clone() };
        let shown = Turn::new(Role::User, vec![Part::Image(image), Part::File(file)]);
        let source = |media_type: &str| json!({ "type": "base64", "media_type": media_type, "data": "aGk=" });
        assert_eq!(
            written(vec![shown])[0]["content"],
            json!([
                { "type": "image", "source": source("image/jpeg") },
                { "type": "document", "source": source("application/pdf"), "title": "a.pdf" },
            ])
        );
        let heard = Part::Audio(Audio { format: "wav".to_owned(), bytes });
        assert!(is_refused(&of(vec![Turn::new(Role::User, vec![heard])])));
    }

    #[test]
    fn an_answer_goes_on_only_where_that_is_asked_for() {
        let request =
            of(vec![Turn::new(Role::User, vec![text("Hi")]), Turn::new(Role::Assistant, vec![text("So")])]);
        assert!(is_refused(&request));
        let begun = CompletionRequest { is_begun: true, ..request };
        assert_eq!(messages(&begun).unwrap().len(), 2);
    }
}
