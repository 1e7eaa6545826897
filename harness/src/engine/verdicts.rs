//! From what was seen of an attempt to its cases.

use std::collections::BTreeSet;
use std::sync::Arc;

use plumbline_record::{Case, Level, Miss, Verdict, Verified};

use crate::observe::Outcome;
use crate::scenario::{Contract, OBSERVERS, Scenario, UpstreamExpectation};

/// Whether a scenario needs an observer.
pub(super) fn needs(scenario: &Scenario, observer: &str) -> bool {
    scenario.steps.iter().any(|step| match observer {
        "billing" => step.bills.is_some(),
        "keys" => step.key_used.is_some(),
        "logs" => step.logs.is_some(),
        _ => step.upstream.is_some(),
    })
}

/// The names of a scenario's cases: its own, then those of the observers that it needs.
pub fn case_names(scenario: &Scenario) -> impl Iterator<Item = String> {
    observers(scenario).map(move |observer| name(scenario, observer))
}

/// A case that a run of its scenario decides.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its name.
    pub name: String,
    /// The requirements that it verifies, each with its level, unless the gateway takes another of the answers that the
    /// contract allows.
    pub verifies: Vec<Verified>,
    /// Those that it verifies only where there is something to be looked at.
    pub may_verify: Vec<Verified>,
}

/// The cases of a scenario, before anything is known of a target.
pub fn planned(scenario: &Scenario, contract: Option<&Contract>) -> impl Iterator<Item = Planned> {
    observers(scenario).map(move |observer| Planned {
        name: name(scenario, observer),
        verifies: verifies(scenario, observer, contract),
        may_verify: may_verify(scenario, observer, contract),
    })
}

/// Whose cases a scenario has: none for itself, then the observers that it needs.
fn observers(scenario: &Scenario) -> impl Iterator<Item = Option<&'static str>> {
    let needed = OBSERVERS.into_iter().filter(move |observer| needs(scenario, observer));
    std::iter::once(None).chain(needed.map(Some))
}

/// The cases of a scenario that could not be run at all.
pub(super) fn all(
    scenario: &Scenario,
    contract: Option<&Contract>,
    verdict: Verdict,
    reason: &str,
) -> Vec<Case> {
    let case = |observer: Option<&str>| Case {
        name: name(scenario, observer),
        observer: observer.map(str::to_owned),
        verdict,
        reason: Some(reason.to_owned()),
        misses: Vec::new(),
        verifies: spoken_of(scenario, observer, contract),
        unreached: Vec::new(),
        checks: 0,
        expectation: None,
    };
    observers(scenario).map(case).collect()
}

/// The scenario's own case, of whose requirements its checks have `reached` some.
pub(super) fn own(
    scenario: &Scenario,
    contract: Option<&Contract>,
    misses: Vec<Miss>,
    broken: Option<String>,
    checks: u32,
    reached: &BTreeSet<Arc<str>>,
) -> Case {
    let (verdict, reason) = if let Some(broken) = broken {
        (Verdict::Error, Some(broken))
    } else if let Some(miss) = misses.iter().find(|miss| miss.level == Level::Must) {
        (Verdict::Failed, Some(reason(miss)))
    } else if checks == 0 {
        (Verdict::NotTestable, Some("nothing was checked".to_owned()))
    } else {
        (Verdict::Passed, None)
    };
    let (verifies, unreached) = by_reach(spoken_of(scenario, None, contract), verdict, reached);
    Case {
        name: name(scenario, None),
        observer: None,
        verdict,
        reason,
        misses,
        verifies,
        unreached,
        checks,
        expectation: None,
    }
}

/// The case of an observer.
pub(super) fn observed(
    scenario: &Scenario,
    contract: Option<&Contract>,
    observer: &str,
    outcome: Outcome,
) -> Case {
    let must = outcome.misses.iter().find(|miss| miss.level == Level::Must);
    let (verdict, reason) = match (must, outcome.broken, outcome.undecided) {
        (Some(miss), _, _) => (Verdict::Failed, Some(reason(miss))),
        (None, Some(broken), _) => (Verdict::Error, Some(broken)),
        (None, None, Some(undecided)) => (Verdict::NotTestable, Some(undecided)),
        (None, None, None) if outcome.checks == 0 => (
            Verdict::NotTestable,
            Some(
                "no step that it observes came to its end as expected, and nothing else decides it"
                    .to_owned(),
            ),
        ),
        (None, None, None) => (Verdict::Passed, None),
    };
    let all = spoken_of(scenario, Some(observer), contract);
    let (verifies, unreached) = by_reach(all, verdict, &outcome.reached);
    Case {
        name: name(scenario, Some(observer)),
        observer: Some(observer.to_owned()),
        verdict,
        reason,
        misses: outcome.misses,
        verifies,
        unreached,
        checks: outcome.checks,
        expectation: None,
    }
}

fn name(scenario: &Scenario, observer: Option<&str>) -> String {
    match observer {
        None => scenario.id.to_string(),
        Some(observer) => format!("{}[{observer}]", scenario.id),
    }
}

fn reason(miss: &Miss) -> String {
    format!("step `{}`, {}: expected {}, found {}", miss.step, miss.subject, miss.expected, miss.actual)
}

/// The requirements that a case verifies, and those that none of its checks came to: what was not looked at must not seem to
/// be verified by a case that passed. Of any other, nobody takes it for verified.
fn by_reach(
    all: Vec<Verified>,
    verdict: Verdict,
    reached: &BTreeSet<Arc<str>>,
) -> (Vec<Verified>, Vec<Verified>) {
    let is_verified =
        |verified: &Verified| verdict != Verdict::Passed || reached.contains(verified.requirement.as_str());
    all.into_iter().partition(is_verified)
}

/// The requirements that a case speaks of, whether or not its checks were reached.
fn spoken_of(scenario: &Scenario, observer: Option<&str>, contract: Option<&Contract>) -> Vec<Verified> {
    let mut all = verifies(scenario, observer, contract);
    all.extend(may_verify(scenario, observer, contract));
    all.sort();
    all.dedup();
    all
}

/// The requirements that a case verifies, where the gateway takes no other of the answers that the contract allows.
fn verifies(scenario: &Scenario, observer: Option<&str>, contract: Option<&Contract>) -> Vec<Verified> {
    let ids = scenario.steps.iter().flat_map(|step| match observer {
        None => step.verifies().collect::<Vec<_>>(),
        Some("billing") => step.behind_bill(contract).into_iter().take(1).collect(),
        Some("keys") => step.key_used.iter().filter_map(|used| used.verifies.as_deref()).collect(),
        Some("upstream") => step.upstream.iter().flat_map(UpstreamExpectation::verifies).collect(),
        Some(_) => step
            .logs
            .iter()
            .flat_map(|logs| logs.checks.iter().map(|check| &check.verifies).chain([&logs.verifies]))
            .filter_map(|id| id.as_deref())
            .collect(),
    });
    with_levels(ids, contract)
}

/// The requirements that a case verifies only where there is something to be looked at: a target may tell less of a bill than
/// there is to know.
fn may_verify(scenario: &Scenario, observer: Option<&str>, contract: Option<&Contract>) -> Vec<Verified> {
    let steps = scenario.steps.iter().filter(|_| observer == Some("billing"));
    with_levels(steps.flat_map(|step| step.behind_bill(contract).into_iter().skip(1)), contract)
}

/// Requirements with their levels, each once.
fn with_levels<'c>(ids: impl Iterator<Item = &'c str>, contract: Option<&Contract>) -> Vec<Verified> {
    let ids: BTreeSet<&str> = ids.collect();
    let level = |id: &str| contract.and_then(|contract| Some(contract.requirements.get(id)?.level));
    ids.into_iter()
        .map(|id| Verified { requirement: id.to_owned(), level: level(id).unwrap_or_default() })
        .collect()
}
