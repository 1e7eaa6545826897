use std::fmt;

use serde::{Deserialize, Serialize};

/// What was decided about one case.
///
/// The order is from best to worst, so that the verdict of a whole is the maximum of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every MUST check held.
    Passed,
    /// Left out by the user.
    Disabled,
    /// The gateway never claimed the capability, or refused it in the way its contract allows.
    Unsupported,
    /// An observer, a credential or another fixture is missing, so nothing could be decided.
    NotTestable,
    /// A MUST check missed.
    Failed,
    /// Plumbline or its surroundings broke, not the gateway.
    Error,
}

impl Verdict {
    /// Every verdict, best first.
    pub const ALL: [Self; 6] =
        [Self::Passed, Self::Disabled, Self::Unsupported, Self::NotTestable, Self::Failed, Self::Error];

    /// The word shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Disabled => "disabled",
            Self::Unsupported => "unsupported",
            Self::NotTestable => "not testable",
            Self::Failed => "failed",
            Self::Error => "error",
        }
    }

    /// Whether it makes a run not conformant, unless the user excuses it.
    pub fn is_adverse(self) -> bool {
        matches!(self, Self::Failed | Self::Error)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// How binding a requirement or a check is, as RFC 2119 means the words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Noted, never counted against the gateway.
    May,
    /// A miss is a warning: shown and counted, not a failure.
    Should,
    /// A miss is a failure.
    #[default]
    Must,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::May => "MAY",
            Self::Should => "SHOULD",
            Self::Must => "MUST",
        })
    }
}
