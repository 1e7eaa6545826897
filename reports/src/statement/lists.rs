//! Whether the lists of a statement can stand beside each other and beside what the contract says of their cases.

use std::collections::{BTreeMap, BTreeSet};

use super::standing::Standing;
use super::verifying::{Finding, list_of, told};
use super::{Capabilities, CaseCounts, CaseFacts, Contract, ContractFacts, Outcome, Statement};

pub(super) const FAILED: &[Outcome] = &[Outcome::Failed, Outcome::Error];
pub(super) const UNTESTED: &[Outcome] = &[Outcome::NotTestable, Outcome::Disabled, Outcome::NotRun];
const DECIDED: &[Outcome] = &[Outcome::Passed, Outcome::Failed, Outcome::Error];
/// Of these no answer was ever looked at.
const UNSEEN: &[Outcome] = &[Outcome::Unsupported, Outcome::Disabled, Outcome::NotRun];

impl Statement {
    /// Whether no case of any contract was decided, so that nothing is told of the gateway.
    pub fn tells_nothing(&self) -> bool {
        let counts = self.contracts.iter().flat_map(|contract| contract.cases.all());
        counts.map(CaseCounts::decided).sum::<usize>() == 0
    }

    /// Whether it says something, and of each contract one thing only.
    pub(super) fn check_contracts(&self, findings: &mut Vec<Finding>) {
        if self.tells_nothing() {
            let message = "nothing is told: no case of any contract passed or failed".to_owned();
            findings.push(Finding::new(["contracts"], message));
        }
        let mut named: BTreeSet<&String> = self.contracts.iter().map(|contract| &contract.name).collect();
        for (list, names) in [("not_run", &self.not_run), ("not_claimed", &self.not_claimed)] {
            for name in names.iter().filter(|name| !named.insert(*name)) {
                findings.push(Finding::new([list], format!("something else is said of `{name}` as well")));
            }
        }
    }
}

impl Contract {
    /// Whether each case and each requirement is in one list at most, and in one that it can be in.
    pub(super) fn check_lists(&self, facts: Option<&ContractFacts>, findings: &mut Vec<Finding>) {
        let mut named = BTreeSet::new();
        for (case, listed) in self.listed() {
            let list = list_of(listed.outcome);
            if !named.insert(case) {
                findings.push(Finding::new([list], format!("the case `{case}` is listed twice")));
            }
            if facts.is_some_and(|facts| !facts.cases.contains_key(case)) {
                findings.push(Finding::new([list], format!("the contract has no case `{case}`")));
            }
        }
        self.check_outcomes(findings);
        self.check_groups(findings);
        self.check_requirements(facts, findings);
        if let Some(facts) = facts {
            self.check_capabilities(facts, findings);
            self.check_support(facts, findings);
            self.check_warnings(facts, findings);
        }
    }

    fn check_outcomes(&self, findings: &mut Vec<Finding>) {
        let failed = self.failed.iter().map(|one| ("failed", one.outcome, FAILED));
        let flaky = self.flaky.iter().map(|one| ("flaky", one.outcome, DECIDED));
        let untested = self.untested.iter().map(|one| ("untested", one.outcome, UNTESTED));
        for (list, outcome, allowed) in failed.chain(flaky).chain(untested) {
            if !allowed.contains(&outcome) {
                let message = format!("what came to {} does not belong into this list", told(&outcome));
                findings.push(Finding::new([list], message));
            }
        }
        for flaky in self.flaky.iter().filter(|flaky| flaky.attempts < 2 && flaky.reason.is_none()) {
            let message = format!("`{}` is not listed as flaky and was tried once", flaky.case);
            findings.push(Finding::new(["flaky"], message));
        }
    }

    fn check_groups(&self, findings: &mut Vec<Finding>) {
        let expected = self.expected_failures.iter().map(|group| ("expected_failures", &group.cases));
        let unsupported = self.unsupported.iter().map(|group| ("unsupported", &group.cases));
        let untested = self.untested.iter().map(|group| ("untested", &group.cases));
        for (list, _) in expected.chain(unsupported).chain(untested).filter(|(_, cases)| cases.is_empty()) {
            findings.push(Finding::new([list], "a reason is given for no case".to_owned()));
        }
    }

    fn check_requirements(&self, facts: Option<&ContractFacts>, findings: &mut Vec<Finding>) {
        let is_unknown = |id: &str| facts.is_some_and(|facts| facts.level(id).is_none());
        let mut named = BTreeSet::new();
        for standing in Standing::LISTED {
            let list = standing.word();
            for id in self.requirements.list(standing) {
                if !named.insert(id) {
                    let message = format!("the requirement `{id}` is listed twice");
                    findings.push(Finding::new(["requirements", list], message));
                }
                if is_unknown(id) {
                    let message = format!("the contract has no requirement `{id}`");
                    findings.push(Finding::new(["requirements", list], message));
                }
            }
        }
        let failed = self.failed.iter().map(|one| ("failed", &one.requirements));
        let expected = self.expected_failures.iter().map(|one| ("expected_failures", &one.requirements));
        let flaky = self.flaky.iter().map(|one| ("flaky", &one.requirements));
        for (list, ids) in failed.chain(expected).chain(flaky) {
            for id in ids.iter().filter(|id| is_unknown(id)) {
                findings.push(Finding::new([list], format!("the contract has no requirement `{id}`")));
            }
        }
    }

    fn check_capabilities(&self, facts: &ContractFacts, findings: &mut Vec<Finding>) {
        let Capabilities { declared, not_declared, unknown } = &self.capabilities;
        let told: BTreeSet<&String> = declared.keys().chain(not_declared).collect();
        if !told.into_iter().eq(&facts.capabilities) {
            let message = "declared and not declared are not all the capabilities of the contract";
            findings.push(Finding::new(["capabilities"], message.to_owned()));
        }
        for name in not_declared.iter().filter(|name| declared.contains_key(*name)) {
            let message = format!("`{name}` is declared as well");
            findings.push(Finding::new(["capabilities", "not_declared"], message));
        }
        for (dialect, spoken) in &self.dialects {
            for name in spoken.capabilities.iter().filter(|name| !declared.contains_key(*name)) {
                let message = format!("`{name}` is not declared");
                findings.push(Finding::new(["dialects", dialect, "capabilities"], message));
            }
        }
        for name in unknown.iter().filter(|name| facts.capabilities.contains(*name)) {
            let message = format!("the contract knows the capability `{name}`");
            findings.push(Finding::new(["capabilities", "unknown"], message));
        }
    }

    /// Whether what is unsupported requires something that is not declared, and the other way round.
    fn check_support(&self, facts: &ContractFacts, findings: &mut Vec<Finding>) {
        let outcomes = self.outcomes();
        let outcome = |case: &str| outcomes.get(case).copied().unwrap_or(Outcome::Passed);
        // Who does not speak a dialect of a contract supports none of its cases.
        let is_left_out = |case: &str| matches!(outcome(case), Outcome::Unsupported | Outcome::NotRun);
        let seen = facts.cases.keys().filter(|case| !is_left_out(case));
        let spoken: BTreeSet<_> =
            seen.filter_map(|case| dialect(case)).chain(self.dialects.keys().map(String::as_str)).collect();
        for (name, case) in &facts.cases {
            let dialect = dialect(name);
            match (outcome(name), self.missing(case, dialect, facts)) {
                (Outcome::Unsupported, None) if dialect.is_none_or(|own| spoken.contains(own)) => {
                    let message = format!("`{name}` requires nothing that is not declared");
                    findings.push(Finding::new(["unsupported"], message));
                }
                (outcome, _) if !UNSEEN.contains(&outcome) && !self.offers(dialect) => {
                    let message = format!("`{name}` is of a dialect that is not offered");
                    findings.push(Finding::new(["dialects"], message));
                }
                (outcome, Some(word)) if !UNSEEN.contains(&outcome) => {
                    let message = format!(
                        "`{name}` requires `{word}`, which is not declared, and came to {} all the same",
                        told(&outcome)
                    );
                    findings.push(Finding::new(["capabilities", "not_declared"], message));
                }
                _ => {}
            }
        }
    }

    /// Whether a case of this dialect, or of none, belongs to what is offered. Where no dialect is named, all of them may be.
    fn offers(&self, dialect: Option<&str>) -> bool {
        self.dialects.is_empty() || dialect.is_none_or(|dialect| self.dialects.contains_key(dialect))
    }

    /// What a case requires of what the contract knows and the gateway does not declare, in the case's dialect.
    fn missing<'c>(
        &self,
        case: &'c CaseFacts,
        dialect: Option<&str>,
        facts: &ContractFacts,
    ) -> Option<&'c String> {
        let spoken = dialect.and_then(|dialect| self.dialects.get(dialect));
        let is_declared = |word: &String| match spoken {
            Some(spoken) => spoken.capabilities.contains(word),
            None => self.capabilities.declared.contains_key(word),
        };
        case.requires.iter().find(|word| facts.capabilities.contains(*word) && !is_declared(word))
    }

    fn check_warnings(&self, facts: &ContractFacts, findings: &mut Vec<Finding>) {
        let outcomes = self.outcomes();
        for warning in &self.warnings {
            let (case, requirement) = (&warning.case, warning.requirement.as_deref());
            let message = if !facts.cases.contains_key(case) {
                format!("the contract has no case `{case}`")
            } else if outcomes.get(case.as_str()).is_some_and(|outcome| UNSEEN.contains(outcome)) {
                format!("`{case}` did not run, so that nothing of it can have missed")
            } else if let Some(id) = requirement.filter(|id| facts.level(id).is_none()) {
                format!("the contract has no requirement `{id}`")
            } else {
                continue;
            };
            findings.push(Finding::new(["warnings"], message));
        }
    }

    /// What came of the cases that the lists name.
    fn outcomes(&self) -> BTreeMap<&str, Outcome> {
        self.listed().map(|(case, listed)| (case, listed.outcome)).collect()
    }
}

/// The dialect that a case of a portable contract is spelt in, as in `ID@openai` and `ID@openai[upstream]`.
fn dialect(case: &str) -> Option<&str> {
    let (_, spelt) = case.split_once('@')?;
    Some(spelt.split_once('[').map_or(spelt, |(dialect, _)| dialect))
}
