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
    }

    /// All cases.
    pub fn total(&self) -> usize {
        self.passed + self.failed + self.error + self.unsupported + self.not_testable + self.disabled
    }

    /// The exit code that these counts alone ask for.
    ///
    /// `strict` turns a case that could not be tested into one that is not conformant.
    pub fn exit_code(&self, strict: bool) -> ExitCode {
        if self.failed + self.error > 0 || (strict && self.not_testable > 0) {
            ExitCode::NotConformant
        } else if self.passed == 0 {
            ExitCode::NothingChecked
        } else {
            ExitCode::Conformant
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
