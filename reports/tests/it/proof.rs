use plumbline_record::{Case, ExitCode, Level, Miss, ScenarioFinished, Verdict};
use plumbline_reports::proof::{Defect, Proof, ProofError, Requirement, markdown, render};

use crate::events::{case, finished, miss};
use crate::terminal::unstyled;

pub(crate) fn requirement(id: &str) -> Requirement {
    Requirement {
        id: id.into(),
        contract: "gsai".into(),
        level: Level::Must,
        text: format!("What {id} demands."),
    }
}

pub(crate) fn defect(id: &str, breaks: &[&str]) -> Defect {
    Defect {
        id: id.into(),
        breaks: breaks.iter().map(ToString::to_string).collect(),
        text: format!("what {id} does | wrong"),
        wild: id.starts_with("wild"),
    }
}

/// A scenario whose case passed.
pub(crate) fn passing(id: &str) -> ScenarioFinished {
    finished(id, 1, vec![case(id, Verdict::Passed)])
}

/// A scenario whose case missed a check of a requirement.
pub(crate) fn missing(id: &str, level: Level, requirement: Option<&str>) -> ScenarioFinished {
    let verdict = if level == Level::Must { Verdict::Failed } else { Verdict::Passed };
    let miss = Miss { requirement: requirement.map(str::to_owned), ..miss(level) };
    finished(id, 1, vec![Case { misses: vec![miss], ..case(id, verdict) }])
}

/// Two requirements, a defect of each, and two scenarios that pass without one.
pub(crate) fn proof() -> Proof {
    let mut proof = Proof::new(
        vec![requirement("chat.model-echoed"), requirement("chat.polite")],
        vec![defect("wrong-model", &["chat.model-echoed"]), defect("wild-words", &["chat.polite"])],
    );
    proof.baseline(&[passing("A"), passing("B")]);
    proof
}

pub(crate) fn shown(write: impl Fn(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    assert!(write(&mut out).is_ok());
    unstyled(&String::from_utf8_lossy(&out))
}

fn text(proof: &Proof) -> String {
    shown(|out| render(proof, out))
}

#[test]
fn a_miss_of_what_a_defect_breaks_kills_and_a_warning_counts() {
    let mut proof = proof();
    proof.add("wrong-model", &[missing("A", Level::Must, Some("chat.model-echoed")), passing("B")]);
    proof.add("wild-words", &[passing("A"), missing("B", Level::Should, Some("chat.polite"))]);
    assert_eq!(proof.exit_code(), ExitCode::Conformant);
    assert_eq!(
        text(&proof),
        "✓ wrong-model  chat.model-echoed ← A (1)\n\
         ✓ wild-words  chat.polite ← B (1)\n\
         \n\
         ✓ proved: 2 defects caught; 2 requirements, 2 scenarios\n"
    );
}

#[test]
fn what_no_check_notices_survives() {
    let mut proof = proof();
    proof.add("wrong-model", &[passing("A"), passing("B")]);
    assert_eq!(proof.exit_code(), ExitCode::NotConformant);
    assert!(!proof.is_caught("wrong-model"));
    let text = text(&proof);
    assert!(text.starts_with("✗ wrong-model  chat.model-echoed survives\n"), "{text}");
    assert!(text.contains("no check of it misses, not in A, B\n"), "{text}");
    assert!(text.ends_with("✗ not proved: 1 survivor\n"), "{text}");
}

#[test]
fn whoever_misses_something_else_is_a_bystander_and_so_is_whoever_breaks() {
    for stray in [
        missing("B", Level::Must, Some("chat.polite")),
        missing("B", Level::Should, Some("chat.polite")),
        missing("B", Level::Must, None),
        finished("B", 1, vec![case("B", Verdict::Failed)]),
        finished("B", 1, vec![case("B", Verdict::Error)]),
    ] {
        let mut proof = proof();
        proof.add("wrong-model", &[missing("A", Level::Must, Some("chat.model-echoed")), stray]);
        assert_eq!(proof.exit_code(), ExitCode::NotConformant);
        assert_eq!(proof.survivors().count(), 0);
        let text = text(&proof);
        assert!(text.contains(" B as a bystander of wrong-model"), "{text}");
        assert!(text.ends_with("✗ not proved: 1 bystander\n"), "{text}");
    }
}

/// What an observer saw go wrong in a step.
fn observed(observer: &str, step: &str) -> Case {
    let miss = Miss { requirement: Some("chat.polite".into()), step: step.into(), ..miss(Level::Must) };
    let failed = case(&format!("A[{observer}]"), Verdict::Failed);
    Case { observer: Some(observer.into()), misses: vec![miss], ..failed }
}

#[test]
fn what_providers_were_asked_wrongly_where_the_defect_was_noticed_is_no_bystander() {
    for (observer, level, step, is_caught) in [
        ("upstream", Level::Must, "chat", true),
        ("upstream", Level::Must, "other", false),
        ("upstream", Level::Should, "chat", false),
        ("billing", Level::Must, "chat", false),
    ] {
        let mut proof = proof();
        let mut both = missing("A", level, Some("chat.model-echoed"));
        both.cases.push(observed(observer, step));
        proof.add("wrong-model", &[both]);
        assert_eq!(proof.is_caught("wrong-model"), is_caught, "{observer} {level:?} {step}");
    }
}

#[test]
fn a_bystander_shows_its_miss_with_its_place() {
    let mut proof = proof();
    proof.add("wild-words", &[missing("A", Level::Must, Some("chat.model-echoed"))]);
    let text = text(&proof);
    assert!(text.contains("gsai/sequence.yaml:31:17"), "{text}");
}

#[test]
fn a_case_may_miss_more_than_the_defect_breaks() {
    let mut proof = proof();
    let mut both = missing("A", Level::Must, Some("chat.model-echoed"));
    both.cases[0].misses.push(Miss { requirement: None, ..miss(Level::Must) });
    proof.add("wrong-model", &[both]);
    assert!(proof.is_caught("wrong-model"));
}

#[test]
fn a_requirement_that_nothing_breaks_is_not_proved() {
    let mut proof = Proof::new(vec![requirement("chat.polite")], vec![defect("wrong-model", &["other"])]);
    proof.baseline(&[passing("A")]);
    assert_eq!(proof.exit_code(), ExitCode::NotConformant);
    let text = text(&proof);
    assert!(text.contains("✗ not broken by any defect chat.polite\n"), "{text}");
    assert!(text.ends_with("✗ not proved: 1 requirement not broken by any defect\n"), "{text}");
}

#[test]
fn without_a_defect_every_case_must_pass() {
    for wrong in [
        missing("A", Level::Must, None),
        missing("A", Level::Should, None),
        finished("A", 1, vec![case("A", Verdict::NotTestable)]),
    ] {
        let mut proof = proof();
        proof.baseline(&[wrong, passing("B")]);
        assert!(!proof.is_sound());
        assert!(!proof.passed("A") && proof.passed("B"));
        assert_eq!(proof.exit_code(), ExitCode::NotConformant);
        let text = text(&proof);
        assert!(text.contains(" A without a defect\n"), "{text}");
    }
}

#[test]
fn nothing_selected_is_nothing_checked_and_an_interruption_proves_nothing() {
    let mut nothing = Proof::new(Vec::new(), Vec::new());
    nothing.baseline(&[]);
    assert_eq!(nothing.exit_code(), ExitCode::NothingChecked);
    let mut interrupted = proof();
    interrupted.interrupt();
    assert_eq!(interrupted.exit_code(), ExitCode::NotConformant);
    assert!(text(&interrupted).ends_with("✗ not proved: interrupted after 0 defects\n"));
}

#[test]
fn a_choice_of_scenarios_is_asked_only_for_what_they_verify() {
    let mut proof = Proof::new(
        vec![requirement("chat.polite"), requirement("never.verified")],
        vec![defect("rude", &["chat.polite", "never.verified"])],
    );
    proof.baseline(&[passing("A")]);
    proof.add("rude", &[missing("A", Level::Must, Some("chat.polite"))]);
    assert!(!proof.is_proved());
    proof.narrow();
    assert!(proof.is_proved());
}

#[test]
fn the_page_is_the_same_whatever_finished_first() {
    let page = |order: [&str; 2]| {
        let mut proof = proof();
        let missed = order.map(|id| missing(id, Level::Must, Some("chat.polite")));
        proof.baseline(&order.map(passing));
        proof.add("wild-words", &missed);
        markdown(&proof)
    };
    let text = page(["A", "B"]);
    assert_eq!(text, page(["B", "A"]));
    let row = r"| `wild-words` (wild) | what wild-words does \| wrong | `chat.polite` | `A`, `B` |";
    assert!(text.contains(row), "{text}");
    assert!(
        text.contains("| `chat.polite` | MUST | What chat.polite demands. | `wild-words` (wild) |"),
        "{text}"
    );
}

#[test]
fn a_proof_is_read_as_it_was_written() {
    let mut proof = proof();
    proof.add("wrong-model", &[missing("A", Level::Must, Some("chat.model-echoed")), passing("B")]);
    let json = proof.to_json().unwrap();
    assert_eq!(Proof::from_json(&json).unwrap(), proof);
    let of_format = |format: &str| json.replacen("\"format\": 2", &format!("\"format\": {format}"), 1);
    assert!(matches!(Proof::from_json(&of_format("99")), Err(ProofError::Format { found: 99 })));
    // What it says of scenarios is right, but nothing that a step covers would seem to be covered.
    let earlier = Proof::from_json(&of_format("1")).unwrap_err();
    assert!(matches!(earlier, ProofError::Outdated { found: 1 }));
    assert!(earlier.to_string().contains("write it again with `plumbline prove --json`"), "{earlier}");
    assert!(matches!(Proof::from_json("{}"), Err(ProofError::Malformed(_))));
}

#[test]
fn a_strangers_proof_steers_no_terminal() {
    let mut sound = proof();
    sound.add("wrong-model", &[missing("A", Level::Must, Some("chat.model-echoed")), passing("B")]);
    let odd = sound.to_json().unwrap().replace("wrong-model", "wrong\\u001b[2J\\u202e");
    let read = Proof::from_json(&odd).unwrap();
    assert_eq!(read.exit_code(), sound.exit_code());
    for told in [text(&read), markdown(&read)] {
        assert!(told.contains("wrong\\u{1b}[2J\\u{202e}"), "{told}");
        assert!(!told.contains(['\u{1b}', '\u{202e}']), "{told}");
    }
}
