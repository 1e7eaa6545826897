//! The turns of a conversation, and what stands above them.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::names::Names;
use crate::domain::inference::{self, CompletionRequest, Part, ProviderError, Role, Thinking};
use crate::provider::http::{self, Base64, Said, arguments, incapable, introduction, speaker, turns};

/// The format of the files that models read.
const PDF: &str = "pdf";

/// A turn.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

/// A piece of a turn.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Block<'a> {
    Text(Cow<'a, str>),
    ReasoningContent {
        reasoning_text: ReasoningText<'a>,
    },
    Image {
        format: &'a str,
        source: Source<'a>,
    },
    Document {
        format: &'static str,
        name: String,
        source: Source<'a>,
    },
    ToolUse {
        tool_use_id: &'a str,
        name: &'a str,
        input: Value,
    },
    ToolResult {
        tool_use_id: &'a str,
        content: Vec<Text<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<&'static str>,
    },
}

#[derive(Debug, Serialize)]
struct ReasoningText<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Source<'a> {
    bytes: Base64<'a>,
}

/// A text where there can be something else.
#[derive(Debug, Serialize)]
pub(super) struct Text<'a> {
    text: Cow<'a, str>,
}

/// The turns of a request. Texts of blanks, which the wire does not take, are left out.
pub(super) fn messages(request: &CompletionRequest) -> Result<Vec<Message<'_>>, ProviderError> {
    let turns = turns(&request.messages, is_blank);
    if !request.is_begun && turns.last().is_some_and(|turn| turn.role == Role::Assistant) {
        // The wire would take it for the beginning of the answer.
        return Err(incapable("the last message is the assistant's, and leaves nothing to answer"));
    }
    let mut names = Names::default();
    turns.into_iter().map(|turn| message(turn, &mut names)).collect()
}

/// What stands above the conversation, wherever in it it was said.
pub(super) fn system(turns: &[inference::Message]) -> Result<Vec<Text<'_>>, ProviderError> {
    let mut texts = Vec::new();
    for message in turns.iter().filter(|message| message.role == Role::System) {
        let mut name = message.name.as_deref();
        for part in &message.parts {
            let Part::Text(text) = part else {
                return Err(incapable("a system message says something, and shows nothing"));
            };
            if !is_blank(text) {
                texts.extend(name.take().map(|name| Text { text: speaker(name).into() }));
                texts.push(Text { text: text.into() });
            }
        }
    }
    Ok(texts)
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn message<'a>(turn: http::Turn<'a>, names: &mut Names) -> Result<Message<'a>, ProviderError> {
    let mut content = Vec::with_capacity(turn.parts.len());
    for said in turn.parts {
        match said {
            Said::By(name) => content.push(Block::Text(speaker(name).into())),
            Said::Part(part) => add(&mut content, part, names)?,
        }
    }
    let shows_file = content.iter().any(|block| matches!(block, Block::Document { .. }));
    if shows_file && !content.iter().any(|block| matches!(block, Block::Text(_))) {
        return Err(incapable("a message that shows the model a file says something as well"));
    }
    Ok(Message { role: if turn.role == Role::Assistant { "assistant" } else { "user" }, content })
}

/// Adds a part. How closely to look at an image has no place in the wire: the model always looks as closely as it can.
fn add<'a>(content: &mut Vec<Block<'a>>, part: &'a Part, names: &mut Names) -> Result<(), ProviderError> {
    let block = match part {
        Part::Text(text) => Block::Text(text.into()),
        Part::Thinking(Thinking { text, signature }) => {
            let signature = signature.as_deref();
            Block::ReasoningContent { reasoning_text: ReasoningText { text, signature } }
        }
        Part::Image(image) => {
            let source = Source { bytes: Base64(&image.bytes) };
            Block::Image { format: image_format(&image.media_type)?, source }
        }
        Part::File(file) => {
            let name = names.name(file.name.as_deref());
            // The wire takes few characters in a name.
            if let Some(given) = file.name.as_deref().filter(|given| *given != name && !is_blank(given)) {
                content.push(Block::Text(introduction(given).into()));
            }
            Block::Document { format: PDF, name, source: Source { bytes: Base64(&file.bytes) } }
        }
        Part::Audio(_) => return Err(incapable("the model takes no audio")),
        Part::ToolCall(call) => Block::ToolUse {
            tool_use_id: call.plain_id(),
            name: &call.name,
            input: arguments(&call.arguments)?,
        },
        Part::ToolResult(result) => {
            let text = result.text.as_str();
            Block::ToolResult {
                tool_use_id: result.plain_id(),
                content: if is_blank(text) { Vec::new() } else { vec![Text { text: text.into() }] },
                status: result.is_error.then_some("error"),
            }
        }
    };
    content.push(block);
    Ok(())
}

fn image_format(media_type: &str) -> Result<&str, ProviderError> {
    match media_type.strip_prefix("image/") {
        Some("jpg") => Ok("jpeg"),
        Some(format) => Ok(format),
        None => Err(incapable("an image is of no type that the model takes")),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::domain::inference::{Audio, File, Image, Message as Turn};
    use crate::provider::http::testing::{call, named, of, result, text};

    fn file(name: Option<&str>) -> Part {
        Part::File(File { name: name.map(str::to_owned), bytes: Bytes::from_static(b"hi") })
    }

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
            Turn::new(Role::User, vec![text("Hi"), text(" \n")]),
            Turn::new(Role::User, vec![text("there")]),
            Turn::new(Role::Assistant, vec![text(""), call("tooluse_1", "look", "{\"a\": 1.5}")]),
            Turn::new(Role::User, vec![text("Well?"), result("tooluse_1", "18 °C", false)]),
            Turn::new(Role::Assistant, vec![text("It is"), call("tooluse_1", "look", "")]),
            Turn::new(Role::User, vec![result("tooluse_1", " ", true)]),
        ];
        assert_eq!(
            written(conversation),
            json!([
                { "role": "user", "content": [{ "text": "Hi" }, { "text": "there" }] },
                { "role": "assistant", "content": [
                    { "toolUse": { "toolUseId": "tooluse_1", "name": "look", "input": { "a": 1.5 } } },
                ] },
                { "role": "user", "content": [
                    { "toolResult": { "toolUseId": "tooluse_1", "content": [{ "text": "18 °C" }] } },
                    { "text": "Well?" },
                ] },
                { "role": "assistant", "content": [
                    { "text": "It is" },
                    { "toolUse": { "toolUseId": "tooluse_1", "name": "look", "input": {} } },
                ] },
                { "role": "user", "content": [
                    { "toolResult": { "toolUseId": "tooluse_1", "content": [], "status": "error" } },
                ] },
            ])
        );
    }

    #[test]
    fn speakers_are_named_and_thoughts_go_back_with_their_proof() {
        let thought = Thinking { signature: Some("c2ln".to_owned()), ..Thinking::of_text("Hm.") };
        let told = written(vec![
            named("alice", Role::User, vec![text("Hi")]),
            Turn::new(Role::Assistant, vec![Part::Thinking(thought), text("Hello")]),
            Turn::new(Role::User, vec![text("Well?")]),
        ]);
        let who = json!({ "text": "The next words are those of \"alice\"." });
        assert_eq!(told[0]["content"], json!([who, { "text": "Hi" }]));
        let thought =
            json!({ "reasoningContent": { "reasoningText": { "text": "Hm.", "signature": "c2ln" } } });
        assert_eq!(told[1]["content"], json!([thought, { "text": "Hello" }]));
    }

    #[test]
    fn what_stands_above_is_gathered() {
        let conversation = [
            Turn::new(Role::System, vec![text("be kind"), text(" ")]),
            Turn::new(Role::User, vec![text("Hi")]),
            Turn::new(Role::System, vec![text("be brief")]),
        ];
        let told = serde_json::to_value(system(&conversation).unwrap()).unwrap();
        assert_eq!(told, json!([{ "text": "be kind" }, { "text": "be brief" }]));
        assert!(system(&[Turn::new(Role::System, vec![file(None)])]).is_err());
    }

    #[test]
    fn what_is_attached_goes_along() {
        let bytes = Bytes::from_static(b"hi");
        let image = |media_type: &str| {
            Part::Image(Image { media_type: media_type.to_owned(), detail: None, bytes: bytes.clone() })
        };
        let shown = vec![text("Look."), image("image/jpg"), file(Some("a.pdf")), file(Some("b")), file(None)];
        let document = |name: &str| {
            let source = json!({ "bytes": "aGk=" });
            json!({ "document": { "format": "pdf", "name": name, "source": source } })
        };
        assert_eq!(
            written(vec![Turn::new(Role::User, shown)])[0]["content"],
            json!([
                { "text": "Look." },
                { "image": { "format": "jpeg", "source": { "bytes": "aGk=" } } },
                { "text": "The next file is called \"a.pdf\"." },
                document("a pdf"),
                document("b"),
                document("file"),
            ])
        );
        let heard = Part::Audio(Audio { format: "wav".to_owned(), bytes: bytes.clone() });
        for wrong in [heard, image("pixels"), file(None), file(Some("b"))] {
            assert!(is_refused(&of(vec![Turn::new(Role::User, vec![wrong.clone()])])), "{wrong:?}");
        }
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
