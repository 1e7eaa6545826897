//! What wires on which the two sides take turns make of a conversation.

use serde_json::{Map, Value};

use super::incapable;
use crate::domain::inference::{Message, Part, ProviderError, Role};

/// What one side says and shows until the other speaks.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) role: Role,
    pub(crate) parts: Vec<Said<'a>>,
}

/// A piece of a turn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said<'a> {
    /// Whoever has this name speaks next.
    By(&'a str),
    Part(&'a Part),
}

/// The turns of a conversation without what stands above it. Texts that say nothing are left out, and with them the
/// model's turns in which there is nothing else; what tools have answered comes first in its turn.
pub(crate) fn turns(messages: &[Message], says_nothing: impl Fn(&str) -> bool) -> Vec<Turn<'_>> {
    let mut turns: Vec<Turn<'_>> = Vec::with_capacity(messages.len());
    for message in messages.iter().filter(|message| message.role != Role::System) {
        let parts = message.parts.iter().filter(|part| match part {
            Part::Text(text) => !says_nothing(text),
            // What nothing proves is no thought for anybody else.
            Part::Thinking(thinking) => thinking.signature.is_some(),
            _ => true,
        });
        let mut parts = parts.peekable();
        let speaker = message.name.as_deref().filter(|_| parts.peek().is_some());
        let is_silent = parts.peek().is_none();
        let said = speaker.map(Said::By).into_iter().chain(parts.map(Said::Part));
        match turns.last_mut() {
            Some(last) if last.role == message.role => last.parts.extend(said),
            _ if message.role == Role::Assistant && is_silent => {}
            _ => turns.push(Turn { role: message.role, parts: said.collect() }),
        }
    }
    for turn in &mut turns {
        turn.parts.sort_by_key(|said| !matches!(said, Said::Part(Part::ToolResult(_))));
    }
    turns
}

/// How the model is told who speaks next, where the wire has no place for that.
pub(crate) fn speaker(name: &str) -> String {
    format!("The next words are those of {name:?}.")
}

/// What a tool was given, as the object that it is; where nothing is written, it has no members.
pub(crate) fn arguments(text: &str) -> Result<Value, ProviderError> {
    if text.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_str(text) {
        Ok(arguments @ Value::Object(_)) => Ok(arguments),
        _ => Err(incapable("the arguments of a tool call are no object in JSON")),
    }
}

/// How the model is told what the file that follows is called, where the wire has no place for that.
pub(crate) fn introduction(name: &str) -> String {
    format!("The next file is called {name:?}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inference::Thinking;
    use crate::provider::http::testing::{named, result, text};

    fn told(messages: &[Message]) -> Vec<(Role, Vec<String>)> {
        let name = |said: &Said<'_>| match said {
            Said::By(name) => format!("by {name}"),
            Said::Part(Part::Text(text)) => text.clone(),
            Said::Part(Part::Thinking(thinking)) => format!("thought {}", thinking.text),
            Said::Part(Part::ToolResult(result)) => format!("result {}", result.call_id),
            Said::Part(part) => panic!("{part:?}"),
        };
        let turns = turns(messages, str::is_empty);
        turns.iter().map(|turn| (turn.role, turn.parts.iter().map(name).collect())).collect()
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn the_two_sides_take_turns() {
        let conversation = [
            Message::new(Role::User, vec![text("Hi"), text("")]),
            Message::new(Role::System, vec![text("be kind")]),
            Message::new(Role::User, vec![text("Well?")]),
            Message::new(Role::Assistant, vec![text("")]),
            Message::new(Role::User, vec![result("1", "18 °C", false)]),
            Message::new(Role::Assistant, vec![text("It is")]),
            Message::new(Role::Assistant, vec![text(" warm")]),
            Message::new(Role::User, vec![text("")]),
        ];
        let expected = [
            (Role::User, texts(&["result 1", "Hi", "Well?"])),
            (Role::Assistant, texts(&["It is", " warm"])),
            (Role::User, vec![]),
        ];
        assert_eq!(told(&conversation), expected);
    }

    #[test]
    fn speakers_are_named_and_thoughts_proven() {
        let proven = Thinking { signature: Some("c2ln".to_owned()), ..Thinking::of_text("yes") };
        let thoughts = [Thinking::of_text("no"), proven].map(Part::Thinking).to_vec();
        let conversation = [
            named("alice", Role::User, vec![text("Hi")]),
            named("bob", Role::User, vec![text("")]),
            named("carol", Role::User, vec![text("Hello")]),
            Message::new(Role::Assistant, thoughts),
        ];
        let expected = [
            (Role::User, texts(&["by alice", "Hi", "by carol", "Hello"])),
            (Role::Assistant, texts(&["thought yes"])),
        ];
        assert_eq!(told(&conversation), expected);
    }

    #[test]
    fn arguments_are_an_object() {
        assert_eq!(arguments(" ").unwrap().to_string(), "{}");
        assert_eq!(arguments("{\"a\": 1.50}").unwrap().to_string(), "{\"a\":1.50}");
        for wrong in ["[]", "{", "1"] {
            assert!(matches!(arguments(wrong), Err(ProviderError::Incapable(_))), "{wrong}");
        }
    }
}
