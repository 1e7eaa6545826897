//! From the system prompt and the messages of a request to the domain's.

use serde_json::Value;

use super::caching::{self, End, Marks};
use super::pairing::Pairing;
use super::words::{too_many, unexpected_tag};
use super::{media, thoughts, tools};
use crate::dialect::common::read::{
    Members, Mistake, Problem, Read, boolean, excerpt, kind, list, string, string_of,
};
use crate::domain::inference::{Message, Part, Role, ToolCall, ToolResult};
use crate::domain::prompt_cache::Lifetime;

/// Most messages in one request, which is the service's limit.
const MOST_MESSAGES: usize = 100_000;
/// The longest name of a tool that was called.
const LONGEST_NAME: usize = 200;
/// The types of blocks, in the order in which an error names them.
const BLOCKS: [&str; 7] =
    ["document", "image", "redacted_thinking", "text", "thinking", "tool_result", "tool_use"];

/// A conversation, while it is read.
pub(super) struct Conversation<'m> {
    /// Turns that follow each other from the same speaker are one.
    pub(super) messages: Vec<Message>,
    marks: &'m mut Marks,
    pairing: Pairing,
}

/// Where a block stands.
#[derive(Clone, Copy)]
struct Turn {
    role: Role,
    /// The place among the messages.
    index: usize,
    is_last: bool,
}

impl<'m> Conversation<'m> {
    /// A conversation without a word; what is marked in it is noted.
    pub(super) fn new(marks: &'m mut Marks) -> Self {
        Self { messages: Vec::new(), marks, pairing: Pairing::default() }
    }

    /// Reads the system prompt.
    pub(super) fn system(&mut self, value: &Value) -> Read<()> {
        self.messages.push(Message::new(Role::System, Vec::new()));
        match value {
            // A prompt that says nothing is none.
            Value::String(text) if text.is_empty() => {}
            Value::String(text) => {
                self.push(Part::Text(text.clone()));
                self.end_block(None);
            }
            blocks => {
                list(|block| self.system_block(block))(blocks)?;
            }
        }
        self.messages.retain(|message| !message.parts.is_empty());
        Ok(())
    }

    fn system_block(&mut self, value: &Value) -> Read<()> {
        let members = Members::of(value)?;
        let kind = members.required("type", string)?;
        if kind != "text" {
            return Err(unexpected_tag(kind, &["text"]));
        }
        self.push(Part::Text(media::text(members)?));
        self.end_block(members.optional("cache_control", caching::control)?);
        Ok(())
    }

    /// Reads the messages.
    pub(super) fn messages(&mut self, value: &Value) -> Read<()> {
        let messages = value.as_array().ok_or_else(|| kind("an array", value))?;
        if messages.is_empty() {
            return Err(Mistake::other("at least one message is required"));
        }
        if messages.len() > MOST_MESSAGES {
            return Err(too_many(MOST_MESSAGES, messages.len()));
        }
        for (index, message) in messages.iter().enumerate() {
            let is_last = index + 1 == messages.len();
            self.message(message, index, is_last).map_err(|mistake| mistake.in_element(index))?;
        }
        std::mem::take(&mut self.pairing).finish()?;
        match self.messages.last() {
            Some(Message { role: Role::Assistant, parts, .. }) if ends_in_a_blank(parts) => {
                Err(Mistake::other("final assistant content cannot end with trailing whitespace"))
            }
            _ => Ok(()),
        }
    }

    /// Whether the last turn is the beginning of the answer.
    pub(super) fn is_begun(&self) -> bool {
        self.messages.last().is_some_and(|message| message.role == Role::Assistant)
    }

    fn message(&mut self, value: &Value, index: usize, is_last: bool) -> Read<()> {
        let members = Members::of(value)?;
        let role = members.required("role", role)?;
        if self.messages.last().is_none_or(|message| message.role != role) {
            self.messages.push(Message::new(role, Vec::new()));
        }
        members.required("content", |content| self.content(content, Turn { role, index, is_last }))?;
        members.only(&["role", "content"])
    }

    fn content(&mut self, value: &Value, turn: Turn) -> Read<()> {
        let is_empty = match value {
            Value::String(text) => text.is_empty(),
            Value::Array(blocks) => blocks.is_empty(),
            _ => return Err(kind("an array", value)),
        };
        if is_empty {
            return if turn.is_last && turn.role == Role::Assistant {
                Ok(())
            } else {
                Err(says_nothing(turn))
            };
        }
        if value.is_string() {
            self.pass_over(turn);
            self.push(Part::Text(media::said(value)?.to_owned()));
            self.end_block(None);
            return Ok(());
        }
        list(|block| self.block(block, turn))(value).map(drop)
    }

    fn block(&mut self, value: &Value, turn: Turn) -> Read<()> {
        let members = Members::of(value)?;
        let kind = members.required("type", string)?;
        if kind != "tool_result" {
            self.pass_over(turn);
        }
        match (kind, turn.role) {
            ("text", _) => self.push(Part::Text(media::text(members)?)),
            ("image", Role::User) => self.push(Part::Image(media::image(members)?)),
            // The latest version takes none of the assistant's, which is seen to before.
            ("document", _) => {
                for part in media::document(members)? {
                    self.push(part);
                }
            }
            ("tool_result", Role::User) => self.tool_result(members)?,
            ("tool_use", Role::Assistant) => self.tool_use(members, turn)?,
            ("thinking", Role::Assistant) => self.push(Part::Thinking(thoughts::thinking(members)?)),
            ("redacted_thinking", Role::Assistant) => {
                members.required("data", string)?;
                members.only(&["type", "data"])?;
            }
            ("image" | "tool_result", _) => return Err(misplaced(kind, "user")),
            ("tool_use" | "thinking" | "redacted_thinking", _) => return Err(misplaced(kind, "assistant")),
            (kind, _) => return Err(unexpected_tag(kind, &BLOCKS)),
        }
        self.end_block(members.optional("cache_control", caching::control)?);
        Ok(())
    }

    fn tool_use(&mut self, members: Members<'_>, turn: Turn) -> Read<()> {
        let id = members.required("id", tools::identifier)?;
        let name = members.required("name", string_of(1..=LONGEST_NAME))?;
        let input = members.required("input", tools::object)?;
        // Who called comes with some calls and says nothing to a model.
        members.only(&["type", "id", "name", "input", "cache_control", "caller"])?;
        self.pairing.called(id, turn.index)?;
        let (id, name, arguments) = (id.to_owned(), name.to_owned(), input.to_string());
        self.push(Part::ToolCall(ToolCall { id, name, arguments }));
        Ok(())
    }

    /// What a tool shows comes behind what it says.
    fn tool_result(&mut self, members: Members<'_>) -> Read<()> {
        let id = members.required("tool_use_id", tools::identifier)?;
        let is_error = members.optional("is_error", boolean)?.unwrap_or(false);
        let (mut text, mut shown) = (String::new(), Vec::new());
        members.optional("content", |content| {
            if let Some(said) = content.as_str() {
                text.push_str(said);
                return Ok(());
            }
            for part in list(media::nested)(content)?.into_iter().flatten() {
                match part {
                    Part::Text(said) => {
                        text.push_str(if text.is_empty() { "" } else { "\n" });
                        text.push_str(&said);
                    }
                    other => shown.push(other),
                }
            }
            Ok(())
        })?;
        members.only(&["type", "tool_use_id", "content", "is_error", "cache_control"])?;
        self.pairing.answered(id)?;
        self.push(Part::ToolResult(ToolResult { call_id: id.to_owned(), text, is_error }));
        for part in shown {
            self.push(part);
        }
        Ok(())
    }

    fn pass_over(&mut self, turn: Turn) {
        if turn.role == Role::User {
            self.pairing.passed_over();
        }
    }

    fn push(&mut self, part: Part) {
        if let Some(message) = self.messages.last_mut() {
            message.parts.push(part);
        }
    }

    fn end_block(&mut self, mark: Option<Lifetime>) {
        let parts = self.messages.last().map_or(0, |message| message.parts.len());
        self.marks.block(mark, End { tools: usize::MAX, messages: self.messages.len(), parts });
    }
}

fn role(value: &Value) -> Read<Role> {
    const ROLES: &[&str] = &["user", "assistant"];
    match string(value)? {
        "user" => Ok(Role::User),
        "assistant" => Ok(Role::Assistant),
        "system" => Err(Mistake::other(
            "Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, not \"system\" \
             as an input message role.",
        )),
        other => Err(Mistake::new(Problem::NotOneOf { allowed: ROLES, found: excerpt(other) })),
    }
}

fn says_nothing(turn: Turn) -> Mistake {
    Mistake::other(match turn.role {
        Role::User | Role::System => "user messages must have non-empty content",
        Role::Assistant => {
            "all messages must have non-empty content except for the optional final assistant message"
        }
    })
}

/// That blocks of this type are those of another role.
pub(super) fn misplaced(kind: &str, role: &str) -> Mistake {
    Mistake::other(format!("`{kind}` blocks can only be in `{role}` messages"))
}

fn ends_in_a_blank(parts: &[Part]) -> bool {
    matches!(parts.last(), Some(Part::Text(text)) if text.ends_with(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::words::told;
    use super::*;

    fn read(messages: &Value) -> Read<Vec<Message>> {
        let mut marks = Marks::default();
        let mut conversation = Conversation::new(&mut marks);
        conversation.messages(messages)?;
        Ok(conversation.messages)
    }

    fn refused(messages: &Value) -> String {
        told(&read(messages).unwrap_err())
    }

    fn said(content: &Value) -> Value {
        json!([{ "role": "user", "content": content }])
    }

    #[test]
    fn turns_of_one_speaker_are_one() {
        let messages = read(&json!([
            { "role": "user", "content": "one" },
            { "role": "user", "content": [{ "type": "text", "text": "two", "citations": null }] },
            { "role": "assistant", "content": "three" },
        ]))
        .unwrap();
        let roles: Vec<_> = messages.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::User, Role::Assistant]);
        assert_eq!(messages[0].text(), "one\ntwo");
    }

    #[test]
    fn calls_and_results_are_taken_over() {
        let messages = read(&json!([
            { "role": "user", "content": "Hi" },
            { "role": "assistant", "content": [
                { "type": "thinking", "thinking": "Hm.", "signature": "c2ln" },
                { "type": "redacted_thinking", "data": "x" },
                { "type": "tool_use", "id": "toolu_1", "name": "f", "input": { "a": 1 } },
                { "type": "tool_use", "id": "toolu_2", "name": "g", "input": {} },
            ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "toolu_2" },
                { "type": "tool_result", "tool_use_id": "toolu_1", "is_error": true, "content": [
                    { "type": "text", "text": "no" }, { "type": "text", "text": "such" },
                ] },
                { "type": "text", "text": "Go on." },
            ] },
        ]))
        .unwrap();
        let [Part::Thinking(thought), Part::ToolCall(first), Part::ToolCall(_)] = &messages[1].parts[..]
        else {
            panic!("{:?}", messages[1]);
        };
        assert_eq!((thought.text.as_str(), thought.signature.as_deref()), ("Hm.", Some("c2ln")));
        assert_eq!((first.id.as_str(), first.arguments.as_str()), ("toolu_1", "{\"a\":1}"));
        let [Part::ToolResult(empty), Part::ToolResult(failed), Part::Text(_)] = &messages[2].parts[..]
        else {
            panic!("{:?}", messages[2]);
        };
        assert_eq!((empty.text.as_str(), empty.is_error), ("", false));
        assert_eq!((failed.text.as_str(), failed.is_error), ("no\nsuch", true));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let text = |text: &str| json!({ "type": "text", "text": text });
        for (messages, words) in [
            (json!([]), "at least one message is required"),
            (json!("Hi"), "Input should be a valid list"),
            (json!([{ "role": "user" }]), "0.content: Field required"),
            (json!([{ "role": "tool", "content": "Hi" }]), "0.role: Input should be 'user' or 'assistant'"),
            (
                json!([{ "role": "user", "content": "Hi", "name": "A" }]),
                "0.name: Extra inputs are not permitted",
            ),
            (said(&json!("")), "0.content: user messages must have non-empty content"),
            (said(&json!([text("Hi"), text("")])), "0.content.1.text: text content blocks must be non-empty"),
            (said(&json!([{ "type": "text" }])), "0.content.0.text: Field required"),
            (
                said(&json!([{ "type": "thinking", "thinking": "", "signature": "" }])),
                "0.content.0: `thinking` blocks can only be in `assistant` messages",
            ),
            (
                json!([{ "role": "user", "content": "Hi" }, { "role": "assistant", "content": "So " }]),
                "final assistant content cannot end with trailing whitespace",
            ),
        ] {
            assert_eq!(refused(&messages), words);
        }
        assert!(refused(&json!([{ "role": "system", "content": "Hi" }])).contains("top-level `system`"));
        assert!(refused(&said(&json!([{ "type": "video" }]))).starts_with("0.content.0: Input tag 'video'"));
    }

    #[test]
    fn results_must_answer_the_turn_before() {
        let called = json!({ "role": "assistant", "content": [
            { "type": "tool_use", "id": "toolu_1", "name": "f", "input": {} },
        ] });
        let result = json!({ "type": "tool_result", "tool_use_id": "toolu_1", "content": "yes" });
        let hello = json!({ "role": "user", "content": "Hi" });
        for next in [
            json!({ "role": "user", "content": "No." }),
            json!({ "role": "user", "content": [{ "type": "text", "text": "No." }, result] }),
        ] {
            let told = refused(&json!([hello, called, next]));
            assert!(told.starts_with("1: `tool_use` ids were found without"), "{told}");
        }
        let told = refused(&json!([hello, { "role": "user", "content": [result] }]));
        assert!(told.starts_with("1.content.0: unexpected `tool_use_id` found"), "{told}");
    }

    #[test]
    fn a_system_prompt_is_a_text_or_blocks() {
        let read = |value: &Value| {
            let mut marks = Marks::default();
            let mut conversation = Conversation::new(&mut marks);
            conversation.system(value).map(|()| conversation.messages)
        };
        assert_eq!(read(&json!("be kind")).unwrap()[0].text(), "be kind");
        assert!(read(&json!("")).unwrap().is_empty());
        let blocks = json!([{ "type": "text", "text": "be" }, { "type": "text", "text": "kind" }]);
        assert_eq!(read(&blocks).unwrap()[0].parts.len(), 2);
        assert!(read(&json!([{ "type": "image" }])).is_err());
    }
}
