//! Whether each call of a tool is answered in the turn after it.

use std::collections::HashSet;

use crate::dialect::common::read::{Mistake, Read, excerpt};

/// The calls of a conversation, while it is read.
#[derive(Default)]
pub(super) struct Pairing {
    known: HashSet<String>,
    /// Calls of the turn before, in order.
    calls: Vec<String>,
    /// Those of them that are still to be answered.
    open: HashSet<String>,
    /// The message of the last call.
    called_in: usize,
    /// The first message whose calls nobody answered, and these.
    unanswered: Option<(usize, Vec<String>)>,
}

impl Pairing {
    /// The model calls a tool in this message.
    pub(super) fn called(&mut self, id: &str, message: usize) -> Read<()> {
        if !self.known.insert(id.to_owned()) {
            return Err(Mistake::other("`tool_use` ids must be unique"));
        }
        self.calls.push(id.to_owned());
        self.open.insert(id.to_owned());
        self.called_in = message;
        Ok(())
    }

    /// The caller tells what came of a call.
    pub(super) fn answered(&mut self, id: &str) -> Read<()> {
        // Of a result that comes too late its call is told, which is the mistake.
        if self.open.remove(id) || self.unanswered.is_some() {
            return Ok(());
        }
        Err(Mistake::other(format!(
            "unexpected `tool_use_id` found in `tool_result` blocks: {}. Each `tool_result` block must have a \
             corresponding `tool_use` block in the previous message.",
            excerpt(id)
        )))
    }

    /// The caller says something else: from now on no call can be answered any more.
    pub(super) fn passed_over(&mut self) {
        let (mut calls, open) = (std::mem::take(&mut self.calls), std::mem::take(&mut self.open));
        if !open.is_empty() && self.unanswered.is_none() {
            calls.retain(|id| open.contains(id));
            self.unanswered = Some((self.called_in, calls));
        }
    }

    /// That no call is left unanswered where the conversation ends.
    pub(super) fn finish(mut self) -> Read<()> {
        self.passed_over();
        let Some((message, ids)) = self.unanswered else { return Ok(()) };
        let words = format!(
            "`tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` block \
             must have a corresponding `tool_result` block in the next message.",
            excerpt(&ids.join(", "))
        );
        Err(Mistake::other(words).in_element(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(ids: &[&str]) -> Pairing {
        let mut pairing = Pairing::default();
        for id in ids {
            pairing.called(id, 1).unwrap();
        }
        pairing
    }

    #[test]
    fn answered_calls_are_fine_in_any_order() {
        let mut pairing = calls(&["a", "b"]);
        pairing.answered("b").unwrap();
        pairing.answered("a").unwrap();
        pairing.passed_over();
        assert_eq!(pairing.finish(), Ok(()));
    }

    #[test]
    fn a_call_is_answered_at_once_or_not_at_all() {
        let mut pairing = calls(&["a", "b"]);
        pairing.answered("a").unwrap();
        pairing.passed_over();
        pairing.answered("b").unwrap();
        let mistake = pairing.finish().unwrap_err();
        assert_eq!(mistake.dotted(), "1");
        assert!(format!("{mistake:?}").contains("immediately after: b."), "{mistake:?}");
        assert!(calls(&["a"]).finish().is_err());
    }

    #[test]
    fn an_answer_to_nothing_and_a_second_call_of_the_same_id_are_refused() {
        let mut pairing = calls(&["a"]);
        assert!(pairing.called("a", 3).is_err());
        assert!(pairing.answered("b").is_err());
        pairing.answered("a").unwrap();
        assert!(pairing.answered("a").is_err());
    }
}
