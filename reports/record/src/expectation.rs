use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Location;

/// What a user expects of a case, as their file of expectations says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// What the case is listed as.
    pub kind: ExpectationKind,
    /// Why, in the user's words.
    pub reason: String,
    /// Where more is said, such as a ticket.
    pub link: Option<String>,
    /// The pattern that matches the case, as it is written.
    pub pattern: String,
    /// Where the pattern is written.
    pub location: Location,
}

/// What a case can be listed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpectationKind {
    /// A known failure: it does not make the run fail, and that it passes is news.
    ExpectedFailure,
    /// It may pass or fail, and never decides the exit code.
    Flaky,
}

impl ExpectationKind {
    /// The words shown to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::ExpectedFailure => "expected failure",
            Self::Flaky => "flaky",
        }
    }
}

impl fmt::Display for ExpectationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}
