use plumbline_record::{ExitCode, ExpectationKind, Verdict};
use plumbline_reports::{Summary, TerminalOptions, junit, render};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus};

use crate::events::{billing, case, failed, finished, listed, summary, undecided};
use crate::terminal::unstyled;

const EXPECTED: ExpectationKind = ExpectationKind::ExpectedFailure;

const HEADER: &str = "reference at http://127.0.0.1:4000 · gsai 1.2 · Plumbline 0.1.0 · seed 7\n\n";

fn text(summary: &Summary) -> String {
    let mut out = Vec::new();
    assert!(render(summary, &TerminalOptions::default(), &mut out).is_ok());
    unstyled(&String::from_utf8_lossy(&out))
}

/// Everything went as the user expects.
fn excused() -> Summary {
    let unseen = listed(EXPECTED, undecided("A", Verdict::NotTestable, "no observer"));
    summary([
        finished("A", 1, vec![listed(EXPECTED, failed("A")), billing(unseen)]),
        finished("C", 1, vec![listed(ExpectationKind::Flaky, failed("C"))]),
        finished("E", 1, vec![case("E", Verdict::Passed)]),
    ])
}

fn stale() -> Summary {
    summary([finished("D", 1, vec![listed(EXPECTED, case("D", Verdict::Passed))])])
}

/// An error is nothing that is expected.
fn broken() -> Summary {
    let broke = listed(EXPECTED, undecided("B", Verdict::Error, "out of sockets"));
    summary([finished("B", 1, vec![broke]), finished("E", 1, vec![case("E", Verdict::Passed)])])
}

#[test]
fn what_is_excused_is_told_apart_with_its_reason() {
    assert_eq!(excused().exit_code(false), ExitCode::Conformant);
    let expected = "\
✓ SEQ_CHAT  3 scenarios, 1 case passed, 2 failed, 1 not testable, 1 expected failure, 1 flaky failure

Expected failures

  Known since May · https://tracker.example/42
    ✗ A  failed
    ? A[billing]  not decided, not testable: no observer

Flaky

  Known since May · https://tracker.example/42
    ✗ C  failed: chat: $.model: expected \"gpt-mini\", found \"gpt-maxi\"

requirements  kept  missed  not decided
gsai MUST        0       1            0
gsai SHOULD      1       0            0

✓ as expected: 1 passed, 2 failed, 1 not testable, 1 expected failure, 1 flaky failure in 1.50 s
";
    assert_eq!(text(&excused()), format!("{HEADER}{expected}"));
}

#[test]
fn what_passes_against_the_list_is_a_call_to_action() {
    assert_eq!(stale().exit_code(false), ExitCode::StaleExpectation);
    let expected = "\
✓ SEQ_CHAT  1 scenario, 1 case passed, 1 stale expectation

Stale expectations

  ! D  passes now, and is listed: `?` at expected.yaml:3:12

  Take what passes out of expected.yaml, or run `plumbline expect update expected.yaml`

requirements  kept  missed  not decided
gsai MUST        1       0            0
gsai SHOULD      1       0            0

✗ stale expectations: 1 passed, 1 stale expectation in 1.50 s
";
    assert_eq!(text(&stale()), format!("{HEADER}{expected}"));
}

#[test]
fn an_error_is_told_in_full_though_its_case_is_listed() {
    assert_eq!(broken().exit_code(false), ExitCode::NotConformant);
    let text = text(&broken());
    for part in [
        "⊗ SEQ_CHAT  2 scenarios",
        "    ⊗ B  error: out of sockets\n",
        "Failures\n\n⊗ error B",
        "    ⊗ B  error, which nothing excuses: out of sockets\n",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn a_flaky_case_that_passes_is_shown() {
    let summary =
        summary([finished("C", 1, vec![listed(ExpectationKind::Flaky, case("C", Verdict::Passed))])]);
    assert_eq!(summary.exit_code(false), ExitCode::Conformant);
    let text = text(&summary);
    assert!(
        text.contains("Flaky\n\n  Known since May · https://tracker.example/42\n    ✓ C  passed\n"),
        "{text}"
    );
    assert!(text.contains("✓ conformant: 1 passed in"), "{text}");
}

fn test_case(summary: &Summary, name: &str) -> Option<TestCase> {
    let suites = junit(summary, false).test_suites;
    let mut cases = suites.into_iter().flat_map(|suite| suite.test_cases);
    cases.find(|case| case.name.as_str() == name)
}

fn properties(case: &TestCase, name: &str) -> Vec<String> {
    let named = case.properties.iter().filter(|property| property.name.as_str() == name);
    named.map(|property| property.value.as_str().to_owned()).collect()
}

#[test]
fn in_junit_what_is_excused_is_skipped() {
    let report = junit(&excused(), false);
    assert_eq!((report.tests, report.failures, report.errors, report.skipped), (4, 0, 0, 3));
    for (name, word) in [("A", "expected failure"), ("C", "flaky")] {
        let case = test_case(&excused(), name).unwrap();
        let TestCaseStatus::Skipped { message, ty, description } = &case.status else {
            panic!("{name} is not skipped");
        };
        assert_eq!(message.as_deref(), Some(format!("{word}: Known since May").as_str()));
        assert_eq!(ty.as_deref(), Some(word));
        assert_eq!(description.as_deref(), Some("chat: $.model: expected \"gpt-mini\", found \"gpt-maxi\""));
        assert_eq!(properties(&case, "expectation"), [format!("{word}: Known since May")]);
        assert_eq!(properties(&case, "link"), ["https://tracker.example/42"]);
        assert!(case.system_out.is_none());
    }
}

#[test]
fn in_junit_a_stale_expectation_is_a_failure_and_an_error_an_error() {
    let case = test_case(&stale(), "D").unwrap();
    let TestCaseStatus::NonSuccess { kind, message, ty, description, .. } = &case.status else {
        panic!("D is no failure");
    };
    assert_eq!(*kind, NonSuccessKind::Failure);
    assert_eq!(message.as_deref(), Some("passed, and is listed as an expected failure: Known since May"));
    assert_eq!(ty.as_deref(), Some("stale-expectation"));
    let description = description.as_deref().unwrap();
    assert!(description.contains("`?` at expected.yaml:3:12"), "{description}");
    assert!(description.contains("`plumbline expect update expected.yaml`"), "{description}");

    let report = junit(&broken(), false);
    assert_eq!((report.failures, report.errors, report.skipped), (0, 1, 0));
}
