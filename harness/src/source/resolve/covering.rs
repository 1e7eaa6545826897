//! Reads which ids of a catalogue a scenario covers, as a whole and by single steps.

use std::collections::HashSet;

use super::convert::{Reading, values};
use crate::scenario::Step;
use crate::source::written::file::{ScenarioEntry, StepEntry};
use crate::source::written::wrappers::{Located, Recovered};

impl Reading<'_, '_> {
    /// Notes ids that are none, and those that nothing in a step can cover.
    pub(super) fn covered(&mut self, entry: &ScenarioEntry) {
        for step in read(&entry.steps) {
            let mut seen = HashSet::new();
            for id in &step.covers {
                let is_id = !id.is_empty() && !id.contains(|c: char| c == ',' || c.is_whitespace());
                let (message, hint) = if !is_id {
                    let message = format!("`{}` is not an id of a catalogue", **id);
                    (message, "write a list, as in `[J-1, J-2]`: an id has no comma and no space")
                } else if !seen.insert(id.as_str()) {
                    (format!("the step covers `{}` twice", **id), "take one of them out")
                } else if entry.covers.iter().any(|own| own.value == id.value) {
                    let message = format!("the scenario covers `{}` as a whole already", **id);
                    (message, "a step is more exact: take it out of the scenario's `covers`")
                } else if !checks_something(step) {
                    ("a step that checks nothing covers nothing".to_owned(), "write it at the step that does")
                } else {
                    continue;
                };
                self.notes.add(id.span, message, Some(hint.to_owned()));
            }
        }
        for id in read(&entry.always).flat_map(|step| &step.covers) {
            let hint = "write it at a step under `steps`".to_owned();
            self.notes.add(id.span, "a step that is not judged covers nothing", Some(hint));
        }
    }
}

/// The steps that could be read.
fn read(steps: &[Recovered<Located<StepEntry>>]) -> impl Iterator<Item = &StepEntry> {
    steps.iter().filter_map(|step| step.0.as_deref())
}

/// Whether anything of a step can miss. That the end of a poll comes is a check of its own.
fn checks_something(step: &StepEntry) -> bool {
    let StepEntry { poll, gate, expect, replies, capture, bills, key, logs, upstream, .. } = step;
    let given = [
        poll.is_some(),
        gate.is_some(),
        expect.is_some(),
        bills.is_some(),
        key.is_some(),
        logs.is_some(),
        upstream.is_some(),
    ];
    given.contains(&true) || !replies.is_empty() || !capture.is_empty()
}

/// What a scenario covers: what it says itself, its own id where nothing is said, and what its steps cover.
pub(super) fn covered(own: Vec<Located<String>>, id: String, steps: &[Step]) -> Vec<String> {
    let mut covers = values(own);
    let by_steps = steps.iter().flat_map(|step| &step.covers);
    if covers.is_empty() && by_steps.clone().next().is_none() {
        covers.push(id);
    }
    for id in by_steps {
        if !covers.contains(id) {
            covers.push(id.clone());
        }
    }
    covers
}
