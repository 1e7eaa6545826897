//! What is said of providers, in words.

use plumbline_harness::scenario::{CheckLevel, Gate, UpstreamExpectation};

use super::check::{binding, sentence};
use super::shape::short;

/// What a gateway must have asked of its providers: lines, each indented as deep as it belongs.
pub(super) fn upstream(upstream: &UpstreamExpectation) -> Vec<String> {
    let UpstreamExpectation { calls, count, each, every, lacks, outcome } = upstream;
    let told = |level: CheckLevel, verifies: Option<&str>| format!("[{}]", binding(level, verifies));
    let mut lines = vec![format!("makes {calls}  {}", told(count.level, count.verifies.as_deref()))];
    for (number, checks) in (1..).zip(each) {
        lines.extend(checks.iter().map(|check| format!("  - of call {number}, {}", sentence(check))));
    }
    lines.extend(every.iter().map(|check| format!("  - of every call, {}", sentence(check))));
    lines.extend(lacks.iter().map(|lacking| {
        let clause = told(lacking.clause.level, lacking.clause.verifies.as_deref());
        format!("  - no call holds {}  {clause}", short(lacking.text.source()))
    }));
    lines.extend(outcome.iter().map(|(outcome, clause)| {
        let clause = told(clause.level, clause.verifies.as_deref());
        format!("  - the last call is {}  {clause}", outcome.name())
    }));
    lines
}

pub(super) fn gate(gate: &Gate) -> String {
    let Gate { joined, clause } = gate;
    let told = binding(clause.level, clause.verifies.as_deref());
    format!("passes on each piece of the {joined} before the provider sends the next  [{told}]")
}
