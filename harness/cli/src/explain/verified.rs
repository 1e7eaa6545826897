//! Which requirements a step speaks of, before it has run.

use plumbline_harness::scenario::{Contract, Scenario, UpstreamExpectation};

/// The requirements that a scenario verifies, each once, in the order in which it comes to them.
pub(super) fn by_scenario<'s>(scenario: &'s Scenario, contract: Option<&'s Contract>) -> Vec<&'s str> {
    let mut found = Vec::new();
    for step in &scenario.steps {
        let lines = step.logs.iter().flat_map(|logs| &logs.checks);
        let lines = lines.filter_map(|check| check.verifies.as_deref());
        let key = step.key_used.iter().filter_map(|used| used.verifies.as_deref());
        let logs = step.logs.iter().filter_map(|logs| logs.verifies.as_deref());
        let upstream = step.upstream.iter().flat_map(UpstreamExpectation::verifies);
        let answers = step.verifies().chain(lines);
        for requirement in answers.chain(step.behind_bill(contract)).chain(key).chain(logs).chain(upstream) {
            if !found.contains(&requirement) {
                found.push(requirement);
            }
        }
    }
    found
}
