/// What the process tells its caller. Each code has one meaning and keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Every case that could be decided passed, or failed as it was expected to.
    Conformant = 0,
    /// At least one case failed or broke, and nothing excuses it.
    NotConformant = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A scenario, a descriptor or another configuration file is wrong.
    Configuration = 3,
    /// The gateway could not be reached at all.
    Unreachable = 4,
    /// No case was decided.
    NothingChecked = 5,
    /// A case passed that is listed as a known failure, and nothing worse happened.
    StaleExpectation = 6,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
