use std::fmt;
use std::str::FromStr;

/// One way in which a provider fails on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// The status of the provider's error, where it is not the kind's own.
    pub status: Option<u16>,
    /// Seconds after which the provider wants to be asked again, where it says so.
    pub retry_after: Option<u32>,
    /// What the provider's error says, where it is not the kind's own text.
    pub message: Option<String>,
}

impl Fault {
    /// The fault that a header names; nothing for a name that is none.
    pub fn parse(name: &str) -> Option<Self> {
        match name.trim() {
            // What the first version of the header called it.
            "malformed-body" => Some(FaultKind::TruncatedJson.into()),
            name => name.parse::<FaultKind>().ok().map(Self::from),
        }
    }
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Self {
        Self { kind, status: None, retry_after: None, message: None }
    }
}

/// What can go wrong at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A success in JSON that does not have the answer in it.
    MissingFields,
    /// A success that is an empty object.
    EmptySuccess,
    /// A page for people where JSON should be.
    Html,
    /// A success whose JSON breaks off.
    TruncatedJson,
    /// The provider refuses the request as the caller's mistake.
    Rejected,
    /// The provider takes no more requests for now.
    RateLimited,
    /// An error with a status and a body that no provider documents.
    UnmappedError,
    /// The provider cannot work.
    Unavailable,
    /// A stream breaks off after a few parts; answers that are not streamed stay whole.
    TruncatedStream,
}

/// A name that is no kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such kind of fault")]
pub struct UnknownFaultKind;

impl FaultKind {
    /// Every kind, in the order of documentation.
    pub const ALL: [Self; 9] = [
        Self::MissingFields,
        Self::EmptySuccess,
        Self::Html,
        Self::TruncatedJson,
        Self::Rejected,
        Self::RateLimited,
        Self::UnmappedError,
        Self::Unavailable,
        Self::TruncatedStream,
    ];

    /// The name in headers and rules.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MissingFields => "missing-fields",
            Self::EmptySuccess => "empty-success",
            Self::Html => "html",
            Self::TruncatedJson => "truncated-json",
            Self::Rejected => "rejected",
            Self::RateLimited => "rate-limited",
            Self::UnmappedError => "unmapped-error",
            Self::Unavailable => "unavailable",
            Self::TruncatedStream => "truncated-stream",
        }
    }

    /// Whether it is an error of the provider's, with a status and a text, and not a spoiled success.
    pub const fn is_error(self) -> bool {
        matches!(self, Self::Rejected | Self::RateLimited | Self::UnmappedError | Self::Unavailable)
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for FaultKind {
    type Err = UnknownFaultKind;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or(UnknownFaultKind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_by_its_name() {
        for kind in FaultKind::ALL {
            assert_eq!(Fault::parse(kind.name()), Some(kind.into()));
            assert_eq!(Fault::parse(&format!(" {kind} ")), Some(kind.into()));
        }
    }

    #[test]
    fn the_older_name_is_an_alias_and_other_names_are_none() {
        assert_eq!(Fault::parse("malformed-body"), Fault::parse("truncated-json"));
        assert!("malformed-body".parse::<FaultKind>().is_err());
        assert_eq!(Fault::parse("Rejected"), None);
        assert_eq!(Fault::parse(""), None);
    }
}
