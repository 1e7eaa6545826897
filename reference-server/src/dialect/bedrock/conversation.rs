//! Whether the turns of a conversation go together: each side speaks in its turn, and each call of a tool is answered
//! in the turn after it.

use std::collections::HashSet;

use crate::dialect::common::read::{Mistake, Read, excerpt};
use crate::domain::inference::{Message, Part, Role};

/// That these turns are a conversation, in which tools may be called or not.
pub(super) fn holds_together(turns: &[Message], has_tools: bool) -> Read<()> {
    if turns.first().is_none_or(|first| first.role != Role::User) {
        return Err(Mistake::other(
            "A conversation must start with a user message. Try again with a conversation that starts with a user \
             message.",
        ));
    }
    if turns.iter().zip(turns.iter().skip(1)).any(|(one, next)| one.role == next.role) {
        return Err(Mistake::other(
            "A conversation must alternate between user and assistant roles. Make sure the conversation alternates \
             between user and assistant roles and try again.",
        ));
    }
    let is_of_tools = |part: &Part| matches!(part, Part::ToolCall(_) | Part::ToolResult(_));
    if !has_tools && turns.iter().flat_map(|turn| &turn.parts).any(is_of_tools) {
        return Err(Mistake::other(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        ));
    }
    let mut asked = Vec::new();
    // Behind the last turn nothing is answered any more.
    for (index, turn) in turns.iter().map(Some).chain([None]).enumerate() {
        let parts = || turn.into_iter().flat_map(|turn| &turn.parts);
        let answers = parts().filter_map(|part| match part {
            Part::ToolResult(result) => Some(result.call_id.as_str()),
            _ => None,
        });
        are_answered(&asked, &answers.collect::<Vec<_>>(), index)?;
        let calls = parts().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call.id.as_str()),
            _ => None,
        });
        asked = calls.collect();
    }
    Ok(())
}

/// That the calls of the turn before this one are answered in it, each once, and nothing else is.
fn are_answered(asked: &[&str], answers: &[&str], index: usize) -> Read<()> {
    let (calls, results): (HashSet<_>, HashSet<_>) = (asked.iter().collect(), answers.iter().collect());
    let place = format!("messages.{index}.content");
    if calls.len() < asked.len() {
        return Err(Mistake::other(format!("The toolUse blocks before {place} contain duplicate Ids.")));
    }
    let missing: Vec<_> = asked.iter().filter(|id| !results.contains(id)).copied().collect();
    if !missing.is_empty() {
        let ids = missing.join(", ");
        let words = format!("Expected toolResult blocks at {place} for the following Ids: {}", excerpt(&ids));
        return Err(Mistake::other(words));
    }
    if answers.len() > asked.len() {
        return Err(Mistake::other(format!(
            "The number of toolResult blocks at {place} exceeds the number of toolUse blocks of previous turn."
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inference::{ToolCall, ToolResult};

    fn turn(role: Role, parts: Vec<Part>) -> Message {
        Message::new(role, parts)
    }

    fn user(answered: &[&str]) -> Message {
        let result = |id: &&str| {
            Part::ToolResult(ToolResult { call_id: (*id).to_owned(), text: String::new(), is_error: false })
        };
        turn(Role::User, answered.iter().map(result).collect())
    }

    fn assistant(called: &[&str]) -> Message {
        let call = |id: &&str| {
            Part::ToolCall(ToolCall {
                id: (*id).to_owned(),
                name: "f".to_owned(),
                arguments: "{}".to_owned(),
            })
        };
        turn(Role::Assistant, called.iter().map(call).collect())
    }

    fn refused(turns: &[Message], has_tools: bool) -> String {
        format!("{:?}", holds_together(turns, has_tools).unwrap_err().problem)
    }

    #[test]
    fn sides_take_turns_and_the_user_begins() {
        assert_eq!(holds_together(&[user(&[]), assistant(&[]), user(&[])], false), Ok(()));
        assert!(refused(&[], false).contains("must start with a user message"));
        assert!(refused(&[assistant(&[])], false).contains("must start with a user message"));
        assert!(refused(&[user(&[]), user(&[])], false).contains("must alternate"));
    }

    #[test]
    fn calls_are_answered_in_the_next_turn_each_once() {
        let called = [user(&[]), assistant(&["a", "b"])];
        let with = |next: Message| [called.as_slice(), &[next]].concat();
        assert_eq!(holds_together(&with(user(&["b", "a"])), true), Ok(()));
        assert!(refused(&with(user(&["b", "a"])), false).contains("toolConfig field must be defined"));
        assert!(
            refused(&with(user(&["b"])), true).contains("at messages.2.content for the following Ids: a")
        );
        assert!(refused(&called, true).contains("at messages.2.content for the following Ids: a, b"));
        assert!(refused(&with(user(&["b", "a", "c"])), true).contains("exceeds the number"));
        assert!(refused(&[user(&["a"])], true).contains("messages.0.content exceeds the number"));
        let doubled = [user(&[]), assistant(&["a", "a"]), user(&["a", "a"])];
        assert!(refused(&doubled, true).contains("duplicate Ids"));
    }
}
