use std::collections::BTreeMap;

use plumbline_record::{Case, Level, ScenarioFinished};
use plumbline_reports::proof::Proof;
use plumbline_reports::{CatalogueId, Coverage, Covering};

use crate::proof::{missing, passing, proof, shown};

fn covering(scenario: &str, covers: &str) -> Covering {
    Covering { scenario: scenario.into(), covers: vec![covers.into()], steps: BTreeMap::new() }
}

fn coverage(ids: &[&str], scenarios: &[Covering], proof: &Proof) -> Coverage {
    let entry = |id: &&str| CatalogueId { id: (*id).into(), title: format!("What {id} is") };
    Coverage::new("gsai", ids.iter().map(entry).collect(), scenarios, proof)
}

/// `A` passes and is known to fail, `B` passes whatever happens.
fn proved() -> Proof {
    let mut proof = proof();
    proof.add("wrong-model", &[missing("A", Level::Must, Some("chat.model-echoed")), passing("B")]);
    proof
}

#[test]
fn an_id_counts_when_a_scenario_passes_and_can_fail() {
    let scenarios = [covering("A", "TC-1"), covering("B", "TC-1"), covering("C", "C")];
    let coverage = coverage(&["TC-1"], &scenarios, &proved());
    assert!(coverage.is_complete());
    assert_eq!(
        shown(|out| coverage.render(out)),
        "1 scenario beyond the catalogue\n    C\n\
         ✓ gsai: 1 of 1 catalogue ids have a scenario that passes and is known to fail\n"
    );
}

#[test]
fn every_gap_says_what_is_missing() {
    let mut proof = proved();
    let failing: ScenarioFinished = missing("D", Level::Must, None);
    proof.baseline(&[passing("A"), passing("B"), failing]);
    let scenarios =
        [covering("A", "TC-1"), covering("B", "TC-2"), covering("D", "TC-3"), covering("E", "TC-4")];
    let coverage = coverage(&["TC-1", "TC-2", "TC-3", "TC-4", "TC-5"], &scenarios, &proof);
    assert!(!coverage.is_complete());
    assert_eq!(
        shown(|out| coverage.render(out)),
        "✗ TC-2  What TC-2 is\n    no defect makes it miss what the defect breaks: B\n\
         ✗ TC-3  What TC-3 is\n    did not pass on the reference gateway: D\n\
         ✗ TC-4  What TC-4 is\n    did not pass on the reference gateway: E\n\
         ✗ TC-5  What TC-5 is\n    no scenario covers it\n\
         ✗ gsai: 1 of 5 catalogue ids have a scenario that passes and is known to fail\n"
    );
}

#[test]
fn an_id_counts_in_whatever_dialect_its_scenario_can_fail() {
    let ids = ["G_1@anthropic", "G_1@openai"];
    let scenarios = ids.map(|id| covering(id, "G_1"));
    let mut proof = proof();
    proof.baseline(&ids.map(passing));
    proof.add("wrong-model", &ids.map(passing));
    let lacking = coverage(&["G_1"], &scenarios, &proof);
    assert_eq!(
        shown(|out| lacking.render(out)),
        "✗ G_1  What G_1 is\n    no defect makes it miss what the defect breaks: G_1@anthropic, G_1@openai\n\
         ✗ gsai: 0 of 1 catalogue ids have a scenario that passes and is known to fail\n"
    );
    proof.add("wrong-model", &[missing(ids[0], Level::Must, Some("chat.model-echoed")), passing(ids[1])]);
    assert!(coverage(&["G_1"], &scenarios, &proof).is_complete());
}

#[test]
fn an_id_of_a_step_counts_where_that_step_can_fail() {
    let steps = |step: &str, id: &str| (step.to_owned(), vec![id.to_owned()]);
    let flow = Covering {
        scenario: "A".into(),
        covers: ["TC-1", "TC-2", "TC-3"].map(str::to_owned).into(),
        steps: [
            steps("create", "TC-1"),
            steps("read", "TC-2"),
            steps("delete", "TC-3"),
            steps("gone", "TC-3"),
        ]
        .into(),
    };
    let missed_in = |step: &str| {
        let mut finished = missing("A", Level::Must, Some("chat.model-echoed"));
        for Case { misses, .. } in &mut finished.cases {
            for miss in misses {
                step.clone_into(&mut miss.step);
            }
        }
        finished
    };
    let mut proof = proof();
    proof.add("wrong-model", &[missed_in("create"), passing("B")]);
    // What misses something that the defect does not break says nothing of its step.
    proof.add("wild-words", &[missed_in("read"), passing("B")]);
    let covered = |proof: &Proof| coverage(&["TC-1", "TC-2", "TC-3"], std::slice::from_ref(&flow), proof);
    assert_eq!(
        shown(|out| covered(&proof).render(out)),
        "✗ TC-2  What TC-2 is\n    no defect makes it miss what the defect breaks: A in its step read\n\
         ✗ TC-3  What TC-3 is\n    no defect makes it miss what the defect breaks: A in its steps delete, gone\n\
         ✗ gsai: 1 of 3 catalogue ids have a scenario that passes and is known to fail\n"
    );
    // The same is read of a proof that was written down.
    let read = Proof::from_json(&proof.to_json().unwrap()).unwrap();
    assert_eq!(covered(&read), covered(&proof));
    proof.add("wrong-model", &[missed_in("gone"), passing("B")]);
    assert!(shown(|out| covered(&proof).render(out)).contains("TC-1"), "another trial of the same defect");
    assert!(!shown(|out| covered(&proof).render(out)).contains("TC-3"));
}

#[test]
fn a_catalogue_steers_no_terminal() {
    let odd = CatalogueId { id: "X\u{1b}[2J".into(), title: "a\u{7}\nb".into() };
    let coverage = Coverage::new("gsai", vec![odd], &[], &proved());
    let told = shown(|out| coverage.render(out));
    assert!(told.starts_with("✗ X\\u{1b}[2J  a\\u{7}\\nb\n"), "{told}");
}
