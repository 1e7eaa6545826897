//! Which answers of tools belong to which calls. Callers name neither but by the tool, unless they want to.

use std::collections::{HashMap, HashSet};

use crate::dialect::common::read::{self, Mistake, Read};
use crate::domain::inference::{Message, Part, ToolCall};

/// The calls that go by the same name.
#[derive(Default)]
struct Calls {
    /// Their ids, in order.
    ids: Vec<String>,
    /// So many have been answered.
    answered: usize,
    /// The number in the last id that was made up.
    number: usize,
}

impl Calls {
    /// Takes a call in, and gives it an id that no other has.
    fn add(&mut self, call: &mut ToolCall, used: &mut HashSet<String>) {
        let (name, proof) = (call.plain_id().to_owned(), call.proof().unwrap_or_default());
        let mut id = name.clone();
        while !used.insert(id.clone()) {
            self.number += 1;
            id = format!("{name}_{}", self.number);
        }
        call.id = ToolCall::proven_id(&id, &proof);
        self.ids.push(call.id.clone());
    }

    /// The call that the next answer is to; the last one, where there are more answers than calls.
    fn answered(&mut self) -> Option<&String> {
        let at = self.answered.min(self.ids.len().checked_sub(1)?);
        self.answered += 1;
        self.ids.get(at)
    }
}

/// Gives every call an id that no other has, and every answer of a tool that of the call which it follows.
pub(super) fn pair(turns: &mut [Message]) -> Read<()> {
    let (mut used, mut called) = (HashSet::new(), HashMap::<String, Calls>::new());
    for (index, turn) in turns.iter_mut().enumerate() {
        for part in &mut turn.parts {
            match part {
                Part::ToolCall(call) => {
                    called.entry(call.plain_id().to_owned()).or_default().add(call, &mut used);
                }
                Part::ToolResult(result) => {
                    let Some(id) = called.get_mut(result.plain_id()).and_then(Calls::answered) else {
                        let name = read::excerpt(&result.call_id);
                        let words =
                            format!("the function response for {name} does not follow a function call");
                        return Err(Mistake::other(words).in_element(index).in_member("contents"));
                    };
                    result.call_id.clone_from(id);
                }
                Part::Text(_) | Part::Image(_) | Part::File(_) | Part::Audio(_) | Part::Thinking(_) => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inference::Role;
    use crate::provider::http::testing::{call, result};

    fn paired(turns: &[(Role, Vec<Part>)]) -> Read<Vec<String>> {
        let mut turns: Vec<_> =
            turns.iter().map(|(role, parts)| Message::new(*role, parts.clone())).collect();
        pair(&mut turns)?;
        let ids = turns.into_iter().flat_map(|turn| turn.parts).filter_map(|part| match part {
            Part::ToolCall(call) => Some(call.id),
            Part::ToolResult(result) => Some(result.call_id),
            _ => None,
        });
        Ok(ids.collect())
    }

    #[test]
    fn calls_of_the_same_tool_are_told_apart() {
        let proven = ToolCall::proven_id("f", "c2ln");
        let ids = paired(&[
            (Role::Assistant, vec![call(&proven, "f", "{}"), call("f", "f", "{}"), call("f_1", "f_1", "{}")]),
            (
                Role::User,
                vec![result("f", "one", false), result("f", "two", false), result("f_1", "", false)],
            ),
            (Role::User, vec![result("f", "two, again", false)]),
        ])
        .unwrap();
        assert_eq!(ids[..3], [proven.as_str(), "f_1", "f_1_1"]);
        assert_eq!(ids[3..], [ids[0].as_str(), "f_1", "f_1_1", "f_1"]);
    }

    #[test]
    fn an_answer_follows_its_call() {
        let early = paired(&[
            (Role::Assistant, vec![call("f", "f", "{}")]),
            (Role::User, vec![result("g", "sun", false)]),
            (Role::Assistant, vec![call("g", "g", "{}")]),
        ]);
        assert_eq!(early.unwrap_err().bracketed(), "contents[1]");
    }
}
