//! Which requirements a step speaks of, before it has run.

use plumbline_harness::scenario::{BillExpectation, Contract, Scenario, Step, UpstreamExpectation};

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
        for requirement in answers.chain(by_bill(step, contract)).chain(key).chain(logs).chain(upstream) {
            if !found.contains(&requirement) {
                found.push(requirement);
            }
        }
    }
    found
}

/// The requirements behind what a step must have been billed.
pub(crate) fn by_bill<'s>(step: &Step, contract: Option<&'s Contract>) -> Vec<&'s str> {
    let Some(ids) = contract.and_then(|contract| contract.billing.as_ref()) else { return Vec::new() };
    match &step.bills {
        None => Vec::new(),
        Some(BillExpectation::None { .. }) => vec![&ids.none],
        Some(BillExpectation::One { model, usage, role, .. }) => {
            let parts = [
                (true, &ids.one),
                (model.is_some(), &ids.model),
                (usage.is_some(), &ids.usage),
                (role.is_some(), &ids.key),
                // Wherever the target pins a price.
                (true, &ids.cost),
            ];
            parts.into_iter().filter(|(told, _)| *told).map(|(_, id)| &**id).collect()
        }
    }
}
