use std::collections::{BTreeMap, BTreeSet};

use plumbline_record::{ContractRef, Level};

/// What a suite says of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractFacts {
    /// The contract, pinned, with its requirements.
    pub contract: ContractRef,
    /// The capabilities that its scenarios may require.
    pub capabilities: BTreeSet<String>,
    /// All its cases, by name.
    pub cases: BTreeMap<String, CaseFacts>,
}

/// What a suite says of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseFacts {
    /// The highest level of the requirements that it verifies.
    pub level: Level,
    /// The capabilities that its scenario requires.
    pub requires: Vec<String>,
    /// The requirements that it verifies, unless the gateway takes another of the answers that the contract allows.
    pub verifies: Vec<String>,
    /// Requirements that it verifies only where there is something to be looked at.
    pub may_verify: Vec<String>,
}

impl ContractFacts {
    /// Whether a record or a statement means this very contract.
    pub(super) fn is(&self, version: &str, digest: &str) -> bool {
        self.contract.version == version && self.contract.digest == digest
    }

    /// How binding a requirement is.
    pub(super) fn level(&self, requirement: &str) -> Option<Level> {
        let known = self.contract.requirements.iter().find(|known| known.id == requirement);
        known.map(|known| known.level)
    }

    /// The contract of that name.
    pub(super) fn named<'f>(all: &'f [Self], name: &str) -> Option<&'f Self> {
        all.iter().find(|facts| facts.contract.name == name)
    }
}
