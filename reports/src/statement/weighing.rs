//! What follows from the lists of a contract's cases: what is known of its requirements, its counts, what may be claimed, and
//! why no more than that. Whoever writes a statement and whoever checks one ask here.

use std::collections::{BTreeMap, BTreeSet};

use super::standing::Standing;
use super::{CaseCounts, Claim, Contract, ContractFacts, Levels, Outcome, RequirementCounts, Requirements};
use crate::listing::plural;

/// What a list says of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) outcome: Outcome,
    /// Whether somebody knows of it and lets it be, so that it is neither held against the gateway nor in its favour.
    excused: bool,
}

impl Contract {
    /// The cases that the lists name. The others passed.
    pub(super) fn listed(&self) -> impl Iterator<Item = (&str, Listed)> {
        let plain = |case, outcome| (case, Listed { outcome, excused: false });
        let excused = |case, outcome| (case, Listed { outcome, excused: true });
        let failed = self.failed.iter().map(move |failure| plain(failure.case.as_str(), failure.outcome));
        let expected = self.expected_failures.iter().flat_map(|expected| &expected.cases);
        let expected = expected.map(move |case| excused(case.as_str(), Outcome::Failed));
        let flaky = self.flaky.iter().map(move |flaky| excused(flaky.case.as_str(), flaky.outcome));
        let unsupported = self.unsupported.iter().flat_map(|unsupported| &unsupported.cases);
        let unsupported = unsupported.map(move |case| plain(case.as_str(), Outcome::Unsupported));
        let untested = self.untested.iter().flat_map(move |untested| {
            untested.cases.iter().map(move |case| plain(case.as_str(), untested.outcome))
        });
        failed.chain(expected).chain(flaky).chain(unsupported).chain(untested)
    }

    /// The cases by level and outcome, as the lists tell them.
    pub(super) fn counted_cases(&self, facts: &ContractFacts) -> Levels<CaseCounts> {
        let listed: BTreeMap<&str, Listed> = self.listed().collect();
        let mut counts = Levels::<CaseCounts>::default();
        for (name, case) in &facts.cases {
            let outcome = listed.get(name.as_str()).map_or(Outcome::Passed, |listed| listed.outcome);
            counts.at_mut(case.level).add(outcome);
        }
        counts
    }

    /// What is known of each requirement, without the counts. Of one whose cases passed, `is_reached` says whether they looked
    /// at it: that no list of cases tells.
    pub(super) fn weighed_requirements(
        &self,
        facts: &ContractFacts,
        is_reached: impl Fn(&str) -> bool,
    ) -> Requirements {
        let outcomes: BTreeMap<&str, Listed> = self.listed().collect();
        let outcome = |case: &String| outcomes.get(case.as_str()).map_or(Outcome::Passed, |one| one.outcome);
        let (missed, warned) = (self.missed(), self.warned());
        let mut lists = Requirements::default();
        for known in &facts.contract.requirements {
            let id = known.id.as_str();
            let (mut own, mut all) = (Vec::new(), Vec::new());
            for (name, case) in &facts.cases {
                let is_own = case.verifies.contains(&known.id);
                if is_own || case.may_verify.contains(&known.id) {
                    all.push(outcome(name));
                }
                if is_own {
                    own.push(outcome(name));
                }
            }
            let standing = if missed.contains(id) {
                Standing::Missed
            } else if warned.contains(id) {
                Standing::Warned
            } else if all.contains(&Outcome::Passed) && is_reached(id) {
                Standing::Kept
            } else if own.contains(&Outcome::Passed) {
                Standing::Unreached
            } else if !all.is_empty() && all.iter().all(|outcome| *outcome == Outcome::Unsupported) {
                Standing::Unsupported
            } else {
                Standing::Undecided
            };
            lists.add(id, standing);
        }
        lists
    }

    /// The requirements of which a MUST check missed in a case.
    fn missed(&self) -> BTreeSet<&str> {
        let failed = self.failed.iter().flat_map(|failure| &failure.requirements);
        let expected = self.expected_failures.iter().flat_map(|expected| &expected.requirements);
        let flaky = self.flaky.iter().flat_map(|flaky| &flaky.requirements);
        failed.chain(expected).chain(flaky).map(String::as_str).collect()
    }

    /// The requirements of which a check below MUST missed in a case.
    fn warned(&self) -> BTreeSet<&str> {
        self.warnings.iter().filter_map(|warning| warning.requirement.as_deref()).collect()
    }

    /// The requirements by level, as the lists tell them.
    pub(super) fn counted_requirements(&self, facts: &ContractFacts) -> Levels<RequirementCounts> {
        let lists = &self.requirements;
        let mut counts = Levels::<RequirementCounts>::default();
        for requirement in &facts.contract.requirements {
            counts.at_mut(requirement.level).add(lists.standing(&requirement.id));
        }
        counts
    }

    /// What may be said of a capability that the gateway declares.
    pub(super) fn shown(&self, capability: &str, facts: &ContractFacts) -> Claim {
        let listed: BTreeMap<&str, Listed> = self.listed().collect();
        let own = facts.cases.iter().filter(|(_, case)| case.requires.iter().any(|one| one == capability));
        let (mut has_passed, mut is_in_doubt) = (false, false);
        for (name, _) in own {
            match listed.get(name.as_str()) {
                None => has_passed = true,
                Some(Listed { outcome: Outcome::Failed | Outcome::Error, excused: false }) => {
                    return Claim::NotConformant;
                }
                // It takes another capability as well, one that is not claimed.
                Some(Listed { outcome: Outcome::Unsupported, .. }) => {}
                Some(_) => is_in_doubt = true,
            }
        }
        if has_passed && !is_in_doubt { Claim::Conformant } else { Claim::Partial }
    }

    /// What may be claimed, and why no more than that. `whole` is whether the run came to its end.
    ///
    /// Nothing that is missing becomes a pass: whatever was claimed and not checked keeps the gateway from being conformant,
    /// and so does whatever had to be excused.
    pub(super) fn conclusion(&self, whole: bool) -> (Claim, Vec<String>) {
        let plain = |outcome: Outcome| {
            let own = self.listed().filter(|(_, listed)| listed.outcome == outcome && !listed.excused);
            own.count()
        };
        let expected: usize = self.expected_failures.iter().map(|expected| expected.cases.len()).sum();
        let cases = [
            (plain(Outcome::Failed), "failed"),
            (plain(Outcome::Error), "in error"),
            (expected, "failed as expected"),
            (self.flaky.len(), "flaky"),
            (plain(Outcome::NotTestable), "not testable"),
            (plain(Outcome::Disabled), "disabled"),
            (plain(Outcome::NotRun), "not run"),
        ];
        let found = cases.into_iter().filter(|(count, _)| *count > 0);
        let mut because: Vec<_> =
            found.map(|(count, words)| format!("{} {words}", plural(count, "case"))).collect();
        let undecided = self.requirements.undecided.len();
        if undecided > 0 {
            because.push(format!("{} undecided", plural(undecided, "requirement")));
        }
        let declared = self.capabilities.declared.iter();
        let unshown: Vec<_> = declared
            .filter(|(_, claim)| **claim != Claim::Conformant)
            .map(|(name, _)| name.as_str())
            .collect();
        if !unshown.is_empty() {
            because.push(format!("declared and not shown: {}", unshown.join(", ")));
        }
        if self.cases.all().iter().all(|counts| counts.passed == 0) {
            because.push("no case passed".to_owned());
        }
        if !whole {
            because.push("the run did not come to its end".to_owned());
        }
        let claim = if !self.failed.is_empty() {
            Claim::NotConformant
        } else if because.is_empty() {
            Claim::Conformant
        } else {
            Claim::Partial
        };
        (claim, because)
    }
}
