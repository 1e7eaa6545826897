//! What wires on which the two sides take turns make of a conversation.

use serde_json::{Map, Value};

use super::rejected;
use crate::domain::inference::{Message, Part, ProviderError, Role};

/// What one side says and shows until the other speaks.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) role: Role,
    pub(crate) parts: Vec<&'a Part>,
}

/// The turns of a conversation without what stands above it. Texts that say nothing are left out, and with them the
/// model's turns in which there is nothing else; what tools have answered comes first in its turn.
pub(crate) fn turns(messages: &[Message], says_nothing: impl Fn(&str) -> bool) -> Vec<Turn<'_>> {
    let mut turns: Vec<Turn<'_>> = Vec::with_capacity(messages.len());
    for message in messages.iter().filter(|message| message.role != Role::System) {
        let parts = message.parts.iter().filter(|part| match part {
            Part::Text(text) => !says_nothing(text),
            _ => true,
        });
        let mut parts = parts.peekable();
        match turns.last_mut() {
            Some(last) if last.role == message.role => last.parts.extend(parts),
            _ if message.role == Role::Assistant && parts.peek().is_none() => {}
            _ => turns.push(Turn { role: message.role, parts: parts.collect() }),
        }
    }
    for turn in &mut turns {
        turn.parts.sort_by_key(|part| !matches!(part, Part::ToolResult(_)));
    }
    turns
}

/// What a tool was given, as the object that it is; where nothing is written, it has no members.
pub(crate) fn arguments(text: &str) -> Result<Value, ProviderError> {
    if text.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_str(text) {
        Ok(arguments @ Value::Object(_)) => Ok(arguments),
        _ => Err(rejected("the arguments of a tool call are no object in JSON")),
    }
}

/// How the model is told what the file that follows is called, where the wire has no place for that.
pub(crate) fn introduction(name: &str) -> String {
    format!("The next file is called {name:?}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inference::ToolResult;

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn result(call_id: &str) -> Part {
        let call_id = call_id.to_owned();
        Part::ToolResult(ToolResult { call_id, text: "18 °C".to_owned(), is_error: false })
    }

    fn told(messages: &[(Role, Vec<Part>)]) -> Vec<(Role, Vec<String>)> {
        let messages: Vec<_> =
            messages.iter().map(|(role, parts)| Message { role: *role, parts: parts.clone() }).collect();
        let name = |part: &&Part| match part {
            Part::Text(text) => text.clone(),
            Part::ToolResult(result) => format!("result {}", result.call_id),
            part => panic!("{part:?}"),
        };
        let turns = turns(&messages, str::is_empty);
        turns.iter().map(|turn| (turn.role, turn.parts.iter().map(name).collect())).collect()
    }

    #[test]
    fn the_two_sides_take_turns() {
        let conversation = [
            (Role::User, vec![text("Hi"), text("")]),
            (Role::System, vec![text("be kind")]),
            (Role::User, vec![text("Well?")]),
            (Role::Assistant, vec![text("")]),
            (Role::User, vec![result("1")]),
            (Role::Assistant, vec![text("It is")]),
            (Role::Assistant, vec![text(" warm")]),
            (Role::User, vec![text("")]),
        ];
        let expected = [
            (Role::User, vec!["result 1".to_owned(), "Hi".to_owned(), "Well?".to_owned()]),
            (Role::Assistant, vec!["It is".to_owned(), " warm".to_owned()]),
            (Role::User, vec![]),
        ];
        assert_eq!(told(&conversation), expected);
    }

    #[test]
    fn arguments_are_an_object() {
        assert_eq!(arguments(" ").unwrap().to_string(), "{}");
        assert_eq!(arguments("{\"a\": 1.50}").unwrap().to_string(), "{\"a\":1.50}");
        for wrong in ["[]", "{", "1"] {
            assert!(matches!(arguments(wrong), Err(ProviderError::Rejected(_))), "{wrong}");
        }
    }
}
