//! What pins a contract, so that two runs can be known to have demanded the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use plumbline_record::{ContractRef, RequirementRef};
use sha2::{Digest as _, Sha256};

use crate::check::Schemas;
use crate::scenario::{Contract, Expect, Requirement, Step};
use crate::source::Suite;
use crate::target::hex;

/// A contract of a suite as the record keeps it.
///
/// Its digest is over the files that its requirements, dialects and scenarios are written in, and over its JSON Schemas
/// and those of others that it names. It does not depend on what is selected: a part of a contract is a part of the same
/// contract.
pub fn pinned(contract: &Contract, suite: &Suite, schemas: &Schemas) -> ContractRef {
    let scenarios = suite.scenarios.iter().filter(|scenario| scenario.contract == contract.name);
    let scenarios: Vec<_> = scenarios.collect();
    let places = scenarios.iter().map(|scenario| &scenario.location);
    let places = places.chain(contract.requirements.values().map(|requirement| &requirement.location));
    let places = places.chain(contract.dialects.values().map(|dialect| &dialect.location));
    let sources: BTreeSet<&str> = places.map(|place| place.file.as_str()).collect();
    let situations = contract.dialects.values().flat_map(|dialect| dialect.situations.values());
    let mut named: BTreeSet<&str> = situations.flat_map(Expect::schemas).collect();
    let steps = scenarios.iter().flat_map(|scenario| scenario.steps.iter().chain(&scenario.always));
    named.extend(steps.flat_map(Step::schemas));
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
    for (name, schema) in schemas.of_contract(&contract.name, &named) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Templates;
    use crate::source::{Files, load};

    const CONTRACT: &str = "contract: one
version: '1'
title: One
requests: [{ name: question, text: A question }]
situations: [{ name: answered, text: It is answered }, { name: refused, text: It is not }]
requirements: [{ id: one.answers, level: MUST, text: It answers., source: tests }]
";
    const DIALECT: &str = "contract: one
dialect: wire
title: A wire
requests: { question: { call: GET / } }
situations: { answered: { status: 200, schema: wire/answer }, refused: { status: 400 } }
";
    const SCENARIOS: &str = "contract: one
scenarios:
  - id: ONE
    title: A question is answered
    steps:
      - name: one
        ask: question
        expect: { situation: answered, any_of: [{ name: a, schema: wire/named }, { name: b, status: 200 }] }
";

    /// The digest of the contract, with one text in place of another wherever it stands.
    fn digest(text: &str, other: &str) -> String {
        let files = [
            ("one/contract.yaml", CONTRACT),
            ("one/dialects/wire.yaml", DIALECT),
            ("one/a.yaml", SCENARIOS),
            ("two/b.yaml", "contract: two\nscenarios: []\n"),
        ];
        let files = files.map(|(name, own)| (name, own.replace(text, other)));
        let schemas = ["one/own", "wire/answer", "wire/named", "wire/other"];
        let schemas = schemas.map(|name| (name, format!("{{\"title\":\"{name}\"}}").replace(text, other)));
        let names = schemas.each_ref().map(|(name, _)| *name);
        let files = Files::in_memory(files.iter().map(|(name, text)| (*name, text.as_str())));
        let templates = Templates::new(Arc::new(|_: &str| None::<Vec<u8>>));
        let (suite, mistakes) = load(files, &names, templates);
        let two = |mistake: &crate::source::Mistake| &*mistake.file.name == "two/b.yaml";
        assert!(mistakes.iter().all(two), "{mistakes:#?}");
        let schemas = Schemas::new(schemas.iter().map(|(name, text)| (*name, text.as_str()))).unwrap();
        pinned(&suite.contracts["one"], &suite, &schemas).digest
    }

    #[test]
    fn a_digest_is_over_all_that_is_demanded_and_nothing_else() {
        let plain = digest("", "");
        for (text, other) in [
            ("A question is answered", "A question"),
            ("text: It answers.", "text: It answers well."),
            // What a dialect demands where no scenario looks counts as well.
            ("refused: { status: 400 }", "refused: { status: 401 }"),
            ("\"one/own\"", "\"own\""),
            ("\"wire/answer\"", "\"answer\""),
            ("\"wire/named\"", "\"named\""),
        ] {
            assert_ne!(digest(text, other), plain, "{text}");
        }
        for (text, other) in [("\"wire/other\"", "\"other\""), ("contract: two", "contract: three")] {
            assert_eq!(digest(text, other), plain, "{text}");
        }
    }
}
