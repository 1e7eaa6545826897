//! What pins a contract, so that two runs can be known to have demanded the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use plumbline_record::{ContractRef, RequirementRef};
use sha2::{Digest as _, Sha256};

use crate::check::Schemas;
use crate::scenario::{Contract, Requirement};
use crate::source::Suite;
use crate::target::hex;

/// A contract of a suite as the record keeps it.
///
/// Its digest is over the files that its requirements and scenarios are written in and over its JSON Schemas. It does not
/// depend on what is selected: a part of a contract is a part of the same contract.
pub fn pinned(contract: &Contract, suite: &Suite, schemas: &Schemas) -> ContractRef {
    let scenarios = suite.scenarios.iter().filter(|scenario| scenario.contract == contract.name);
    let places = scenarios.map(|scenario| &scenario.location);
    let places = places.chain(contract.requirements.values().map(|requirement| &requirement.location));
    let sources: BTreeSet<&str> = places.map(|place| place.file.as_str()).collect();
    let mut digest = Sha256::new();
    let mut add = |name: &str, text: &str| {
        for part in [name, text] {
            digest.update(part.as_bytes());
            digest.update([0]);
        }
    };
    for file in suite.files.iter().filter(|file| sources.contains(&*file.name)) {
        add(&file.name, &file.text);
    }
    for (name, schema) in schemas.of_contract(&contract.name) {
        add(name, &schema.to_string());
    }
    ContractRef {
        name: contract.name.to_string(),
        version: contract.version.to_string(),
        digest: hex(&digest.finalize()),
        requirements: contract.requirements.iter().map(in_words).collect(),
    }
}

/// A requirement as the record keeps it.
fn in_words((id, requirement): (&Arc<str>, &Requirement)) -> RequirementRef {
    RequirementRef {
        id: id.to_string(),
        level: requirement.level,
        text: requirement.text.clone(),
        source: requirement.source.clone(),
    }
}
