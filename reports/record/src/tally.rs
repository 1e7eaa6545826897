use serde::{Deserialize, Serialize};

use crate::{Case, ExitCode, Verdict};

/// Cases counted by verdict; only a scenario's last attempt counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Cases whose every MUST check held.
    pub passed: usize,
    /// Cases that missed a MUST check.
    pub failed: usize,
    /// Cases in which Plumbline or its surroundings broke.
    pub error: usize,
    /// Cases whose capability the gateway never claimed.
    pub unsupported: usize,
    /// Cases that lack an observer, a credential or another fixture.
    pub not_testable: usize,
    /// Cases left out by the user.
    pub disabled: usize,
    /// Checks at SHOULD that missed.
    pub warnings: usize,
    /// Cases that passed only after a failed attempt.
    pub flaky: usize,
    /// Of those that failed, the ones that are listed as known failures.
    #[serde(default)]
    pub expected_failures: usize,
    /// Of those that failed or are in error, the ones that are listed as flaky.
    #[serde(default)]
    pub flaky_failures: usize,
    /// Of those that passed, the ones that are listed as known failures.
    #[serde(default)]
    pub stale: usize,
}

impl Tally {
    /// Counts one case of a last attempt.
    pub fn add(&mut self, case: &Case, attempt: u32) {
        match case.verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed => self.failed += 1,
            Verdict::Error => self.error += 1,
            Verdict::Unsupported => self.unsupported += 1,
            Verdict::NotTestable => self.not_testable += 1,
            Verdict::Disabled => self.disabled += 1,
        }
        self.warnings += case.warnings().count();
        if case.observer.is_none() && case.verdict == Verdict::Passed && attempt > 1 {
            self.flaky += 1;
        }
        self.expected_failures += usize::from(case.is_expected_failure());
        self.flaky_failures += usize::from(case.is_flaky_failure());
        self.stale += usize::from(case.is_stale());
    }

    /// Counts what another run has counted.
    pub fn join(&mut self, other: Self) {
        let Self { passed, failed, error, unsupported, not_testable, disabled, warnings, flaky, .. } = other;
        self.passed += passed;
        self.failed += failed;
        self.error += error;
        self.unsupported += unsupported;
        self.not_testable += not_testable;
        self.disabled += disabled;
        self.warnings += warnings;
        self.flaky += flaky;
        self.expected_failures += other.expected_failures;
        self.flaky_failures += other.flaky_failures;
        self.stale += other.stale;
    }

    /// All cases.
    pub fn total(&self) -> usize {
        self.passed + self.failed + self.error + self.unsupported + self.not_testable + self.disabled
    }

    /// Cases that failed or broke, and that the user excuses.
    pub fn excused(&self) -> usize {
        self.expected_failures + self.flaky_failures
    }

    /// The exit code that these counts alone ask for.
    ///
    /// `strict` turns a case that could not be tested into one that is not conformant.
    pub fn exit_code(&self, strict: bool) -> ExitCode {
        if self.failed + self.error > self.excused() || (strict && self.not_testable > 0) {
            ExitCode::NotConformant
        } else if self.stale > 0 {
            ExitCode::StaleExpectation
        } else if self.passed + self.failed == 0 {
            ExitCode::NothingChecked
        } else {
            ExitCode::Conformant
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expectation, ExpectationKind, Location};

    fn case(verdict: Verdict, kind: Option<ExpectationKind>) -> Case {
        let expectation = kind.map(|kind| Expectation {
            kind,
            reason: "known".into(),
            link: None,
            pattern: "A".into(),
            location: Location::default(),
        });
        Case {
            name: "A".into(),
            observer: None,
            verdict,
            reason: None,
            misses: Vec::new(),
            verifies: Vec::new(),
            unreached: Vec::new(),
            checks: 1,
            expectation,
        }
    }

    fn code(cases: &[(Verdict, Option<ExpectationKind>)]) -> ExitCode {
        let mut tally = Tally::default();
        for (verdict, kind) in cases {
            tally.add(&case(*verdict, *kind), 1);
        }
        tally.exit_code(false)
    }

    #[test]
    fn an_expected_failure_is_excused_and_nothing_else_by_it() {
        let expected = Some(ExpectationKind::ExpectedFailure);
        let failed = (Verdict::Failed, expected);
        assert_eq!(code(&[failed]), ExitCode::Conformant);
        assert_eq!(code(&[failed, (Verdict::Failed, None)]), ExitCode::NotConformant);
        assert_eq!(code(&[failed, (Verdict::Error, expected)]), ExitCode::NotConformant);
        assert_eq!(code(&[(Verdict::NotTestable, expected)]), ExitCode::NothingChecked);
    }

    #[test]
    fn a_stale_expectation_outranks_success_but_not_failure() {
        let stale = (Verdict::Passed, Some(ExpectationKind::ExpectedFailure));
        assert_eq!(code(&[stale, (Verdict::Passed, None)]), ExitCode::StaleExpectation);
        assert_eq!(code(&[stale, (Verdict::Failed, None)]), ExitCode::NotConformant);
    }

    #[test]
    fn a_flaky_case_may_do_as_it_likes() {
        let flaky = Some(ExpectationKind::Flaky);
        for verdict in [Verdict::Passed, Verdict::Failed, Verdict::Error] {
            assert_eq!(code(&[(verdict, flaky), (Verdict::Passed, None)]), ExitCode::Conformant, "{verdict}");
        }
    }

    #[test]
    fn failure_outranks_nothing_checked_and_missing_fixtures_never_pass() {
        let none = Tally { not_testable: 3, ..Tally::default() };
        assert_eq!(none.exit_code(false), ExitCode::NothingChecked);
        assert_eq!(none.exit_code(true), ExitCode::NotConformant);
        let failed = Tally { failed: 1, ..Tally::default() };
        assert_eq!(failed.exit_code(false), ExitCode::NotConformant);
        let green = Tally { passed: 1, not_testable: 1, ..Tally::default() };
        assert_eq!(green.exit_code(false), ExitCode::Conformant);
        assert_eq!(green.exit_code(true), ExitCode::NotConformant);
    }
}
