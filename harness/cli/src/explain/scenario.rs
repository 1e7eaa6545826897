//! A scenario in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use plumbline_harness::engine::case_names;
use plumbline_harness::scenario::{Contract, Scenario, Step};
use plumbline_reference_server::DefectInfo;

use super::requirement::{breakers, place};
use super::step::lines;
use super::{by_hand, verified};

/// What a scenario needs, does, checks and verifies, and how to do the same by hand.
pub(super) fn explain(scenario: &Scenario, contract: Option<&Contract>, defects: &[DefectInfo]) -> String {
    let Scenario { id, title, group, location, .. } = scenario;
    let mut text = format!("{id}  {title}\n");
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  scenario of {}, group {group}, {}", scenario.contract, place(location));
    for (what, words) in [("tags", &scenario.tags), ("covers", &scenario.covers)] {
        if !words.is_empty() {
            let _ = writeln!(text, "  {what} {}", words.join(", "));
        }
    }
    needs(scenario, contract, &mut text);
    steps("Steps", &scenario.steps, contract, &mut text);
    steps("In the end, whatever happened", &scenario.always, contract, &mut text);
    verifies(scenario, contract, defects, &mut text);
    let _ = write!(text, "\nBy hand\n\n{}", by_hand::commands(scenario, contract));
    text
}

/// What a gateway and its descriptor must bring.
fn needs(scenario: &Scenario, contract: Option<&Contract>, text: &mut String) {
    let meaning = |words: Option<&BTreeMap<Arc<str>, String>>, word: &str| {
        words.and_then(|words| words.get(word)).cloned().unwrap_or_default()
    };
    let mut rows = Vec::new();
    if let Some(dialect) = &scenario.dialect {
        rows.push(("dialect", dialect.name.to_string(), dialect.title.to_string()));
    }
    for word in &scenario.requires {
        rows.push(("capability", word.to_string(), meaning(contract.map(|known| &known.capabilities), word)));
    }
    for word in scenario.roles() {
        rows.push(("role", word.to_string(), meaning(contract.map(|known| &known.roles), word)));
    }
    for (role, keys) in scenario.own_keys() {
        let meaning = format!("{keys} more of them, minted: each request of a burst has its own");
        rows.push(("keys", role.to_string(), meaning));
    }
    for word in &scenario.models {
        rows.push(("model", word.to_string(), meaning(contract.map(|known| &known.models), word)));
    }
    for (word, needed) in &scenario.providers {
        rows.push(("providers", word.to_string(), format!("Who serves it: {needed} of them in `served_by`")));
    }
    for case in case_names(scenario) {
        if let Some((_, observer)) = case.split_once('[') {
            let observer = observer.trim_end_matches(']').to_owned();
            rows.push(("observer", observer, format!("Without it {case} is not testable")));
        }
    }
    if rows.is_empty() {
        return;
    }
    let width = rows.iter().map(|(_, word, _)| word.len()).max().unwrap_or(0);
    text.push_str("\nNeeds\n");
    for (kind, word, meaning) in rows {
        let _ = writeln!(text, "  {kind:10}  {word:width$}  {meaning}");
    }
}

fn steps(heading: &str, steps: &[Step], contract: Option<&Contract>, text: &mut String) {
    if steps.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{heading}");
    for (index, step) in steps.iter().enumerate() {
        let _ = writeln!(text, "  {}. {}  {}", index + 1, step.name, place(&step.location));
        for line in lines(step, contract) {
            let _ = writeln!(text, "     {line}");
        }
    }
}

/// The requirements behind its checks, and the defects that show whether they are worth anything.
fn verifies(scenario: &Scenario, contract: Option<&Contract>, defects: &[DefectInfo], text: &mut String) {
    let requirements = verified::by_scenario(scenario, contract);
    if requirements.is_empty() {
        return;
    }
    text.push_str("\nVerifies\n");
    for id in requirements {
        let known = contract.and_then(|contract| contract.requirements.get(id));
        match known {
            None => {
                let _ = writeln!(text, "  {id}");
            }
            Some(requirement) => {
                let _ = writeln!(text, "  {} {id}  {}", requirement.level, requirement.text);
                let _ = writeln!(text, "    source: {}", requirement.source);
            }
        }
        let breakers: Vec<_> = breakers(id, defects).map(|defect| defect.id).collect();
        if !breakers.is_empty() {
            let _ = writeln!(text, "    broken by {}", breakers.join(", "));
        }
    }
}
