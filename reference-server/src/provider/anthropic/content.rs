//! The turns of a conversation, and what stands above them.

use serde::Serialize;
use serde_json::Value;

use crate::domain::inference::{self, CompletionRequest, Part, ProviderError, Role, ToolCall, ToolResult};
use crate::provider::http::{self, Base64, rejected};

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
    Text(&'a str),
    Blocks(Vec<Block<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: &'a str,
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
        return Err(rejected("the last message is the assistant's, and leaves nothing to answer"));
    }
    let mut messages = Vec::with_capacity(request.messages.len());
    for message in &request.messages {
        let role = match message.role {
            Role::System => continue,
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let content = content(message)?;
        let is_silent = matches!(&content, Content::Text(""));
        if !is_silent || message.role == Role::User {
            messages.push(Message { role, content });
        }
    }
    Ok(messages)
}

/// What stands above the conversation, wherever in it it was said.
pub(super) fn system(turns: &[inference::Message]) -> Result<Option<System<'_>>, ProviderError> {
    let turns = turns.iter().filter(|message| message.role == Role::System);
    let blocks =
        turns.flat_map(|message| &message.parts).filter(|part| says_something(part)).map(|part| match part {
            Part::Text(text) => Ok(Block::Text { text }),
            _ => Err(rejected("a system message says something, and shows nothing")),
        });
    let blocks: Vec<_> = blocks.collect::<Result<_, _>>()?;
    Ok((!blocks.is_empty()).then(|| Content::of(blocks)))
}

/// What is said in a turn; what tools have answered comes first, because the wire wants it so.
fn content(message: &inference::Message) -> Result<Content<'_>, ProviderError> {
    let (results, rest): (Vec<_>, Vec<_>) = message
        .parts
        .iter()
        .filter(|part| says_something(part))
        .partition(|part| matches!(part, Part::ToolResult(_)));
    let blocks = results.into_iter().chain(rest).map(block);
    blocks.collect::<Result<_, _>>().map(Content::of)
}

fn says_something(part: &Part) -> bool {
    !matches!(part, Part::Text(text) if text.is_empty())
}

fn block(part: &Part) -> Result<Block<'_>, ProviderError> {
    Ok(match part {
        Part::Text(text) => Block::Text { text },
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
        Part::Audio(_) => return Err(rejected("the model takes no audio")),
        Part::ToolCall(ToolCall { id, name, arguments }) => {
            Block::ToolUse { id, name, input: http::arguments(arguments)? }
        }
        Part::ToolResult(ToolResult { call_id, text, is_error }) => {
            Block::ToolResult { tool_use_id: call_id, content: text, is_error: is_error.then_some(true) }
        }
    })
}

impl<'a> Content<'a> {
    fn of(blocks: Vec<Block<'a>>) -> Self {
        match blocks.as_slice() {
            [] => Self::Text(""),
            [Block::Text { text }] => Self::Text(text),
            _ => Self::Blocks(blocks),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::domain::inference::{Audio, Detail, File, Image};

    fn turn(role: Role, parts: Vec<Part>) -> inference::Message {
        inference::Message { role, parts }
    }

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn call(arguments: &str) -> Part {
        let (id, name) = ("toolu_1".to_owned(), "look".to_owned());
        Part::ToolCall(ToolCall { id, name, arguments: arguments.to_owned() })
    }

    fn result(text: &str, is_error: bool) -> Part {
        Part::ToolResult(ToolResult { call_id: "toolu_1".to_owned(), text: text.to_owned(), is_error })
    }

    fn asking(messages: Vec<inference::Message>) -> CompletionRequest {
        CompletionRequest { messages, ..CompletionRequest::default() }
    }

    fn written(messages: Vec<inference::Message>) -> Value {
        serde_json::to_value(super::messages(&asking(messages)).unwrap()).unwrap()
    }

    fn is_rejected(request: &CompletionRequest) -> bool {
        matches!(messages(request), Err(ProviderError::Rejected(_)))
    }

    #[test]
    fn every_turn_is_told_in_its_place() {
        let conversation = vec![
            turn(Role::System, vec![text("be kind")]),
            turn(Role::User, vec![text("Hi")]),
            turn(Role::Assistant, vec![text(""), call("{\"a\": 1.5}")]),
            turn(Role::User, vec![text("Well?"), result("18 °C", false)]),
            turn(Role::Assistant, vec![text("")]),
            turn(Role::Assistant, vec![text("It is"), call("")]),
            turn(Role::User, vec![result("", true)]),
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
    fn what_stands_above_is_gathered() {
        let told = |messages: &[inference::Message]| serde_json::to_value(system(messages).unwrap()).unwrap();
        let hello = turn(Role::User, vec![text("Hi")]);
        assert_eq!(told(std::slice::from_ref(&hello)), Value::Null);
        let one = turn(Role::System, vec![text("be kind"), text("")]);
        assert_eq!(told(&[one.clone(), hello.clone()]), "be kind");
        let two = [one, hello, turn(Role::System, vec![text("be brief")])];
        let blocks = json!([{ "type": "text", "text": "be kind" }, { "type": "text", "text": "be brief" }]);
        assert_eq!(told(&two), blocks);
    }

    #[test]
    fn what_is_attached_goes_along() {
        let bytes = Bytes::from_static(b"hi");
        let detail = Some(Detail::Low);
        let image = Image { media_type: "image/jpg".to_owned(), detail, bytes: bytes.clone() };
        let file = File { name: Some("a.pdf".to_owned()), bytes: bytes.clone() };
        let shown = turn(Role::User, vec![Part::Image(image), Part::File(file)]);
        let source = |media_type: &str| json!({ "type": "base64", "media_type": media_type, "data": "aGk=" });
        assert_eq!(
            written(vec![shown])[0]["content"],
            json!([
                { "type": "image", "source": source("image/jpeg") },
                { "type": "document", "source": source("application/pdf"), "title": "a.pdf" },
            ])
        );
        let heard = Part::Audio(Audio { format: "wav".to_owned(), bytes });
        assert!(is_rejected(&asking(vec![turn(Role::User, vec![heard])])));
    }

    #[test]
    fn an_answer_goes_on_only_where_that_is_asked_for() {
        let request =
            asking(vec![turn(Role::User, vec![text("Hi")]), turn(Role::Assistant, vec![text("So")])]);
        assert!(is_rejected(&request));
        let begun = CompletionRequest { is_begun: true, ..request };
        assert_eq!(messages(&begun).unwrap().len(), 2);
    }
}
