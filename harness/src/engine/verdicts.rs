//! From what was seen of an attempt to its cases.

use std::collections::BTreeSet;
use std::sync::Arc;

use plumbline_record::{Case, Level, Miss, Verdict, Verified};

use crate::observe::Outcome;
use crate::scenario::{BillExpectation, Contract, OBSERVERS, Scenario, Step, UpstreamExpectation};

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
    /// The requirements that it may speak of, each with its level.
    pub verifies: Vec<Verified>,
}

/// The cases of a scenario, before anything is known of a target.
pub fn planned(scenario: &Scenario, contract: Option<&Contract>) -> impl Iterator<Item = Planned> {
    observers(scenario).map(move |observer| Planned {
        name: name(scenario, observer),
        verifies: verifies(scenario, observer, contract),
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
        verifies: verifies(scenario, observer, contract),
        checks: 0,
        expectation: None,
    };
    observers(scenario).map(case).collect()
}

/// The scenario's own case. One that passed verifies only what its checks have `reached`.
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
    let mut verifies = verifies(scenario, None, contract);
    if verdict == Verdict::Passed {
        verifies.retain(|verified| reached.contains(verified.requirement.as_str()));
    }
    Case {
        name: name(scenario, None),
        observer: None,
        verdict,
        reason,
        misses,
        verifies,
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
        (None, None, None) if outcome.checks == 0 => {
            (Verdict::NotTestable, Some("no step that it observes came to its end".to_owned()))
        }
        (None, None, None) => (Verdict::Passed, None),
    };
    let mut verifies = verifies(scenario, Some(observer), contract);
    verifies.extend(outcome.verifies);
    verifies.sort();
    verifies.dedup();
    Case {
        name: name(scenario, Some(observer)),
        observer: Some(observer.to_owned()),
        verdict,
        reason,
        misses: outcome.misses,
        verifies,
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

/// The requirements that a case speaks of, whether or not its checks were reached.
fn verifies(scenario: &Scenario, observer: Option<&str>, contract: Option<&Contract>) -> Vec<Verified> {
    let mut ids: Vec<&str> = scenario
        .steps
        .iter()
        .flat_map(|step| match observer {
            None => step.verifies().collect::<Vec<_>>(),
            Some("billing") => billing(step, contract),
            Some("keys") => step.key_used.iter().filter_map(|used| used.verifies.as_deref()).collect(),
            Some("upstream") => step.upstream.iter().flat_map(UpstreamExpectation::verifies).collect(),
            Some(_) => step
                .logs
                .iter()
                .flat_map(|logs| logs.checks.iter().map(|check| &check.verifies).chain([&logs.verifies]))
                .filter_map(|id| id.as_deref())
                .collect(),
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let level = |id: &str| contract.and_then(|contract| Some(contract.requirements.get(id)?.level));
    ids.into_iter()
        .map(|id| Verified { requirement: id.to_owned(), level: level(id).unwrap_or_default() })
        .collect()
}

fn billing<'c>(step: &Step, contract: Option<&'c Contract>) -> Vec<&'c str> {
    let ids = contract.and_then(|contract| contract.billing.as_ref());
    match (&step.bills, ids) {
        (Some(BillExpectation::None { .. }), Some(ids)) => vec![&ids.none],
        (Some(BillExpectation::One { .. }), Some(ids)) => vec![&ids.one],
        _ => Vec::new(),
    }
}
