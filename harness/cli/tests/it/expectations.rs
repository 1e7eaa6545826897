//! Known failures and flaky cases: what they excuse, what they do not, and how their file is kept up to date.

use std::path::Path;
use std::process::Command;

use plumbline_record::{ExpectationKind, Verdict};
use tempfile::TempDir;

use crate::support::{Run, Served, plumbline, root, run_with, texts};

const BILLING: &str = "\
expected:
  # Ours.
  - cases: \"SEQ_BILLING_*[billing]\"
    reason: No billing events are written yet
    link: https://tracker.example/42
";

/// The billing sequences on a gateway that writes no billing events.
const BROKEN: [&str; 3] = ["SEQ_BILLING_*", "--defect", "billing-event-missing"];

/// A folder with an `expected.yaml` of this text.
fn folder(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("expected.yaml"), text).unwrap();
    folder
}

/// The binary in that folder.
fn inside(folder: &TempDir) -> Command {
    let mut command = plumbline();
    command.current_dir(folder.path());
    command
}

fn run(folder: &TempDir, arguments: &[&str]) -> Run {
    run_with(inside(folder), ["--expect", "expected.yaml"].iter().chain(arguments))
}

/// `plumbline expect update` with the record of a run.
fn update(folder: &TempDir, run: &Run, arguments: &[&str]) -> (i32, String, String) {
    let mut command = inside(folder);
    command.args(["expect", "update", "expected.yaml", "--record"]).arg(run.out.path().join("run.jsonl"));
    texts(command.args(arguments).output().unwrap())
}

fn read(folder: &TempDir) -> String {
    std::fs::read_to_string(folder.path().join("expected.yaml")).unwrap()
}

fn file(out: &Path, name: &str) -> String {
    std::fs::read_to_string(out.join(name)).unwrap()
}

#[test]
fn a_known_failure_does_not_make_the_run_fail() {
    let run = run(&folder(BILLING), &BROKEN);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    for part in [
        "Expected failures",
        "No billing events are written yet · https://tracker.example/42",
        "✗ SEQ_BILLING_001_TC01[billing]  failed",
        "as expected",
        "2 expected failures",
    ] {
        assert!(run.stdout.contains(part), "{part} is not in:\n{}", run.stdout);
    }
    assert!(!run.stdout.contains("\nFailures"), "{}", run.stdout);
    let case = &run.cases()["SEQ_BILLING_001_TC01[billing]"];
    let expectation = case.expectation.as_ref().unwrap();
    assert_eq!(case.verdict, Verdict::Failed);
    assert_eq!((expectation.kind, expectation.location.line), (ExpectationKind::ExpectedFailure, 3));
    let skipped = "<skipped message=\"expected failure: No billing events are written yet\"";
    assert!(file(run.out.path(), "junit.xml").contains(skipped));
    // The record holds what was expected, so a report needs no file.
    let again = plumbline().arg("report").arg(run.out.path().join("run.jsonl")).output().unwrap();
    assert_eq!(texts(again), (0, run.stdout, String::new()));
}

#[test]
fn every_other_failure_still_does() {
    let one = BILLING.replace("SEQ_BILLING_*", "SEQ_BILLING_001_TC01");
    let run = run(&folder(&one), &BROKEN);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(run.stdout.contains("✗ failed SEQ_BILLING_002_TC01[billing]"), "{}", run.stdout);
    assert!(!run.stdout.contains("✗ failed SEQ_BILLING_001_TC01[billing]"), "{}", run.stdout);
}

#[test]
fn what_passes_against_the_list_is_stale_until_it_is_taken_out() {
    let folder = folder(BILLING);
    let stale = run(&folder, &["SEQ_BILLING_*"]);
    assert_eq!(stale.code, 6, "{}", stale.stdout);
    for part in [
        "SEQ_BILLING_002_TC01[billing]  passes now",
        "`SEQ_BILLING_*[billing]` at expected.yaml:3:12",
        "or run `plumbline expect update expected.yaml`",
    ] {
        assert!(stale.stdout.contains(part), "{part} is not in:\n{}", stale.stdout);
    }
    assert!(file(stale.out.path(), "junit.xml").contains("type=\"stale-expectation\""));

    let (code, stdout, _) = update(&folder, &stale, &["--check"]);
    assert_eq!((code, stdout.as_str()), (6, "- SEQ_BILLING_*[billing]  passes now (line 3)\n"));
    assert_eq!(read(&folder), BILLING);
    let (code, again, stderr) = update(&folder, &stale, &[]);
    assert_eq!((code, again), (0, stdout), "{stderr}");
    assert_eq!(read(&folder), "expected:\n  # Ours.\n");
    assert_eq!(run(&folder, &["SEQ_BILLING_*"]).code, 0);
    assert_eq!(update(&folder, &stale, &["--check"]).0, 0);
}

#[test]
fn a_run_of_a_part_changes_nothing_about_the_rest() {
    let folder = folder(BILLING);
    let part = run(&folder, &["SEQ_BILLING_001_TC01"]);
    assert_eq!(part.code, 6, "{}", part.stdout);
    let (code, stdout, _) = update(&folder, &part, &[]);
    assert_eq!(code, 0);
    assert!(stdout.contains("! SEQ_BILLING_*[billing]  is left alone (line 3)"), "{stdout}");
    assert_eq!(read(&folder), BILLING);
}

#[test]
fn new_failures_are_added_for_a_reason() {
    let folder = folder("");
    let failing = run(&folder, &BROKEN);
    assert_eq!(failing.code, 1);
    let (code, _, stderr) = update(&folder, &failing, &[]);
    assert_eq!(code, 2);
    assert!(stderr.contains("--reason") && stderr.contains("SEQ_BILLING_001_TC01[billing]"), "{stderr}");
    std::fs::remove_file(folder.path().join("expected.yaml")).unwrap();
    let reason = ["--reason", "Not yet: #1", "--link", "https://tracker.example/1"];
    let (code, stdout, stderr) = update(&folder, &failing, &reason);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("+ SEQ_BILLING_001_TC01[billing]  failed"), "{stdout}");
    let expected = "expected:\n  - cases:\n      - \"SEQ_BILLING_001_TC01[billing]\"\n      \
                    - \"SEQ_BILLING_002_TC01[billing]\"\n    reason: \"Not yet: #1\"\n    \
                    link: \"https://tracker.example/1\"\n";
    assert_eq!(read(&folder), expected);
    assert_eq!(run(&folder, &BROKEN).code, 0);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_mistake_in_the_file_is_told_before_anything_is_sent() {
    for (text, parts) in [
        (
            "expected:\n  - { cases: SEQ_BILING_001_TC01, reason: x }\n",
            &["expected.yaml:2:14", "matches no case", "did you mean `SEQ_BILLING_001_TC01`?"][..],
        ),
        (
            "expected:\n  - { cases: SEQ_BILLING_001_TC01, reason: x }\nflaky:\n  - { cases: \"SEQ_*\", reason: y }\n",
            &["expected.yaml:4:14", "is listed twice, in line 2 and in line 4"],
        ),
        ("expected:\n  - cases: SEQ_BILLING_001_TC01\n", &["expected.yaml:2:5", "`reason` is missing"]),
    ] {
        let folder = folder(text);
        // What is listed is matched against the whole suite, whatever is selected.
        let run = run(&folder, &["SEQ_MODEL_*", "--target", "http://127.0.0.1:1"]);
        assert_eq!(run.code, 3, "{}", run.stderr);
        let lint = texts(inside(&folder).args(["lint", "--expect", "expected.yaml"]).output().unwrap());
        assert_eq!(lint.0, 3);
        for told in [&run.stderr, &lint.1] {
            assert!(parts.iter().all(|part| told.contains(part)), "{parts:?}: {told}");
        }
    }
    let lint = inside(&folder(BILLING)).args(["lint", "--expect", "expected.yaml"]).output().unwrap();
    assert_eq!(texts(lint).0, 0);
}

#[test]
fn an_error_is_nothing_that_can_be_expected() {
    let folder = folder("");
    let log = folder.path().join("gateway.log");
    let served = Served::start(["--log".as_ref(), log.as_os_str()]);
    let url = format!("http://{}", served.address);
    let target = root().join("targets/local.yaml");
    for (list, code) in [("expected", 1), ("flaky", 5)] {
        let text = format!("{list}:\n  - {{ cases: \"SEQ_BILLING_001_TC01*\", reason: x }}\n");
        std::fs::write(folder.path().join("expected.yaml"), text).unwrap();
        let mut command = inside(&folder);
        // With another token no keys are minted, so no scenario can be set up.
        command.env("PLUMBLINE_CONTROL_TOKEN", "another").env("PLUMBLINE_GATEWAY_LOG", &log);
        let against = ["--target", target.to_str().unwrap(), "--url", &url];
        let listed = ["SEQ_BILLING_001_TC01", "--expect", "expected.yaml"];
        let run = run_with(command, listed.iter().chain(&against));
        assert_eq!(run.code, code, "{list}: {}{}", run.stdout, run.stderr);
        assert!(run.verdicts().values().all(|verdict| *verdict == Verdict::Error), "{}", run.stdout);
    }
}

#[test]
fn known_failures_are_neither_repeated_nor_a_reason_to_stop_and_flaky_ones_are_repeated() {
    let attempts = |run: &Run| file(run.out.path(), "run.jsonl").matches("{\"scenario-started\"").count();
    let again = [&BROKEN[..], &["--retries", "2"]].concat();
    let expected = run(&folder(BILLING), &again);
    assert_eq!((expected.code, attempts(&expected)), (0, 2), "{}", expected.stdout);
    let fast = run(&folder(BILLING), &[&BROKEN[..], &["--fail-fast", "--jobs", "1"]].concat());
    assert_eq!((fast.code, attempts(&fast)), (0, 2), "{}", fast.stdout);
    let flaky = run(&folder(&BILLING.replace("expected:", "flaky:")), &again);
    assert_eq!((flaky.code, attempts(&flaky)), (0, 6), "{}", flaky.stdout);
    assert!(flaky.stdout.contains("\nFlaky\n"), "{}", flaky.stdout);
}

#[test]
fn expect_alone_shows_what_it_can_do() {
    let (code, _, stderr) = texts(plumbline().arg("expect").output().unwrap());
    assert_eq!(code, 2);
    assert!(stderr.contains("update"), "{stderr}");
}
