//! Some deliberate defects, against exactly the cases that must notice them. `ci/test` proves all of them.

use std::collections::BTreeSet;

use plumbline_record::Verdict;
use plumbline_reference_server::catalogue;

use crate::support::run;

#[test]
fn every_requirement_has_a_defect_and_no_defect_breaks_what_is_no_requirement() {
    let folders = std::fs::read_dir(crate::support::root().join("scenarios")).unwrap();
    let contracts = folders.map(|folder| folder.unwrap().path().join("contract.yaml"));
    let texts: Vec<_> = contracts.filter_map(|contract| std::fs::read_to_string(contract).ok()).collect();
    assert!(texts.len() > 5, "{} contracts", texts.len());
    let required: BTreeSet<&str> = texts
        .iter()
        .flat_map(|text| text.split("\nrequirements:").nth(1).unwrap().lines())
        .filter_map(|line| line.trim().strip_prefix("- id: "))
        .map(str::trim)
        .collect();
    assert!(required.len() > 30, "{required:?}");
    let broken: BTreeSet<&str> = catalogue().iter().flat_map(|defect| defect.breaks).copied().collect();
    assert_eq!(required, broken);
}

/// Five of them, against exactly those sequences that verify what they break.
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
        let run = run(["SEQ_*", "--defect", id]);
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
        for case in run(["SEQ_*", "--defect", id]).cases().values() {
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
