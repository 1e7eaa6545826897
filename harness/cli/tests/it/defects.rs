//! Who tests the tests: each deliberate defect is caught by checks of what it breaks, and by no others.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use plumbline_record::Verdict;
use plumbline_reference_server::{DefectInfo, catalogue};

use crate::support::run;

#[test]
fn every_defect_is_caught_and_nobody_else_is_blamed() {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut wrong = Vec::new();
        while let Some(defect) = catalogue().get(next.fetch_add(1, Ordering::Relaxed)) {
            wrong.extend(prove(defect));
        }
        wrong
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with how a defect is caught.
fn prove(defect: &DefectInfo) -> Vec<String> {
    let run = run(["--defect", defect.id]);
    let mut wrong = Vec::new();
    if run.code != 1 {
        wrong.push(format!("{}: exit code {}", defect.id, run.code));
    }
    let breaks: BTreeSet<&str> = defect.breaks.iter().copied().collect();
    let mut killed = BTreeSet::new();
    for case in run.cases().values() {
        let missed: BTreeSet<&str> =
            case.misses.iter().map(|miss| miss.requirement.as_deref().unwrap_or("none")).collect();
        killed.extend(breaks.iter().copied().filter(|id| missed.contains(id)));
        let bystander = !missed.is_empty() && missed.is_disjoint(&breaks);
        if bystander || case.verdict == Verdict::Error {
            wrong.push(format!("{}: bystander {}: {:?}", defect.id, case.name, case.reason));
        }
    }
    for survivor in breaks.difference(&killed) {
        wrong.push(format!("{}: no check of {survivor} misses", defect.id));
    }
    wrong
}

#[test]
fn every_requirement_has_a_defect_that_breaks_it() {
    let text = std::fs::read_to_string(crate::support::root().join("scenarios/gsai/contract.yaml")).unwrap();
    let required: BTreeSet<&str> = text
        .split("requirements:")
        .nth(1)
        .unwrap()
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- id: "))
        .map(str::trim)
        .collect();
    assert!(required.len() > 30, "{required:?}");
    let broken: BTreeSet<&str> = catalogue().iter().flat_map(|defect| defect.breaks).copied().collect();
    assert_eq!(required.difference(&broken).collect::<Vec<_>>(), Vec::<&&str>::new());
}

/// The five of the issue, against exactly the scenarios that verify what they break.
#[test]
fn a_defect_fails_exactly_the_scenarios_that_verify_what_it_breaks() {
    for (id, expected) in [
        (
            "scope-not-enforced",
            &["SEQ_AUTH_SCOPE_001_TC01", "SEQ_AUTH_SCOPE_002_TC01", "SEQ_AUTH_SCOPE_003_TC01"][..],
        ),
        (
            "history-dropped",
            &[
                "SEQ_CONVERSATION_001_TC01",
                "SEQ_CONVERSATION_001_TC02",
                "SEQ_CONVERSATION_003_TC01",
                "SEQ_CONVERSATION_003_TC02",
                "SEQ_CONVERSATION_003_TC03",
            ],
        ),
    ] {
        let run = run(["--defect", id]);
        let failed: Vec<_> = run
            .verdicts()
            .into_iter()
            .filter(|(name, verdict)| *verdict == Verdict::Failed && !name.contains('['))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(failed, expected, "{id}");
    }
    for id in ["wrong-model-echoed", "billing-event-missing", "billing-event-on-failure"] {
        let breaks = catalogue().iter().find(|defect| defect.id == id).unwrap().breaks;
        for case in run(["--defect", id]).cases().values() {
            let verifies =
                case.verifies.iter().any(|verified| breaks.contains(&verified.requirement.as_str()));
            let failed = case.verdict == Verdict::Failed;
            // `billing.event-per-success` is verified wherever something is billed, so all of those must fail; an
            // event on a failure needs a call that fails behind authentication.
            if id == "billing-event-on-failure" {
                assert!(!failed || verifies, "{id}: {}", case.name);
            } else {
                assert_eq!(failed, verifies, "{id}: {}: {:?}", case.name, case.reason);
            }
        }
    }
}
