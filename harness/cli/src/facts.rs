//! What the scenarios say of their contracts, for a statement to be held against.

use plumbline_harness::check::Schemas;
use plumbline_harness::engine::{Planned, pinned, planned};
use plumbline_harness::scenario::{Contract, Scenario};
use plumbline_harness::source::Suite;
use plumbline_record::Verified;
use plumbline_reports::statement::{CaseFacts, ContractFacts};

/// The contracts of a suite, each with all its cases, whatever is selected of them.
pub(crate) fn facts(suite: &Suite, schemas: &Schemas) -> Vec<ContractFacts> {
    suite.contracts.values().map(|contract| of(contract, suite, schemas)).collect()
}

fn of(contract: &Contract, suite: &Suite, schemas: &Schemas) -> ContractFacts {
    let scenarios = suite.scenarios.iter().filter(|scenario| scenario.contract == contract.name);
    let cases = scenarios.flat_map(|scenario| {
        let facts = move |case: Planned| (case.name.clone(), facts_of(case, scenario));
        planned(scenario, Some(contract)).map(facts)
    });
    ContractFacts {
        contract: pinned(contract, suite, schemas),
        capabilities: contract.capabilities.keys().map(ToString::to_string).collect(),
        cases: cases.collect(),
    }
}

fn facts_of(case: Planned, scenario: &Scenario) -> CaseFacts {
    let Planned { verifies, may_verify, .. } = case;
    let ids = |verified: Vec<Verified>| verified.into_iter().map(|verified| verified.requirement).collect();
    CaseFacts {
        level: verifies.iter().map(|verified| verified.level).max().unwrap_or_default(),
        requires: scenario.requires.iter().map(ToString::to_string).collect(),
        verifies: ids(verifies),
        may_verify: ids(may_verify),
    }
}
