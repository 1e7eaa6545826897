use std::fmt;
use std::str::FromStr;

use crate::percent;

/// Most seconds that a provider can want to be left alone: a day.
const MOST_SECONDS: u32 = 86_400;
/// Longest text of a provider's error, in bytes.
const LONGEST_MESSAGE: usize = 4_096;

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

/// What a fault says that there is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FaultMistake {
    #[error(
        "a fault of the kind \"{0}\" is no error of the provider's, so it has neither \"status\" nor \"message\""
    )]
    NoError(FaultKind),
    #[error("only the kinds \"rate-limited\" and \"unavailable\" have \"retry_after\"")]
    NoRetry,
    #[error("\"message\" may have {LONGEST_MESSAGE} bytes and has more")]
    LongMessage,
    #[error("\"status\" must be a whole number from 400 to 599, not {0}")]
    NoStatus(u16),
    #[error("\"retry_after\" must be a whole number from 0 to {MOST_SECONDS}, not {0}")]
    LongRetry(u32),
}

impl Fault {
    /// The fault that a header asks for, by its kind and what else it says of it, such as
    /// `rate-limited; retry-after=7; message=not%20now`; nothing where there is no such fault.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(';').map(str::trim);
        let mut fault = match words.next()? {
            // What the first version of the header called it.
            "malformed-body" => Self::from(FaultKind::TruncatedJson),
            name => name.parse::<FaultKind>().ok()?.into(),
        };
        for word in words {
            match word.split_once('=')? {
                ("status", status) => fault.status = Some(status.parse().ok()?),
                ("retry-after", seconds) => fault.retry_after = Some(seconds.parse().ok()?),
                ("message", message) => fault.message = Some(percent::decoded(message)),
                _ => return None,
            }
        }
        fault.check().is_ok().then_some(fault)
    }

    /// Whether there is such a fault.
    ///
    /// # Errors
    ///
    /// With what there is not.
    pub(crate) fn check(&self) -> Result<(), FaultMistake> {
        let Self { kind, status, retry_after, message } = self;
        if (status.is_some() || message.is_some()) && !kind.is_error() {
            return Err(FaultMistake::NoError(*kind));
        }
        if retry_after.is_some() && !matches!(kind, FaultKind::RateLimited | FaultKind::Unavailable) {
            return Err(FaultMistake::NoRetry);
        }
        check_error(*status, *retry_after, message.as_deref())
    }
}

/// Whether a provider's error can have this status, this time to be left alone and this text.
///
/// # Errors
///
/// With what none can have.
pub(crate) fn check_error(
    status: Option<u16>,
    retry_after: Option<u32>,
    message: Option<&str>,
) -> Result<(), FaultMistake> {
    if message.is_some_and(|message| message.len() > LONGEST_MESSAGE) {
        return Err(FaultMistake::LongMessage);
    }
    match (status, retry_after) {
        (Some(status), _) if !(400..=599).contains(&status) => Err(FaultMistake::NoStatus(status)),
        (_, Some(seconds)) if seconds > MOST_SECONDS => Err(FaultMistake::LongRetry(seconds)),
        _ => Ok(()),
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

    #[test]
    fn a_header_says_more_of_its_fault() {
        let limited = Fault {
            status: Some(430),
            retry_after: Some(7),
            message: Some("not now; later".to_owned()),
            ..FaultKind::RateLimited.into()
        };
        let text = "rate-limited; status=430; retry-after=7; message=not%20now%3B%20later";
        assert_eq!(Fault::parse(text), Some(limited));
        let away = Fault { retry_after: Some(0), ..FaultKind::Unavailable.into() };
        assert_eq!(Fault::parse("unavailable;retry-after=0"), Some(away));
        for wrong in [
            "html; status=500",
            "rejected; retry-after=7",
            "rejected; status=200",
            "rejected; status=many",
            "rejected; status",
            "rate-limited; retry-after=86401",
            "rate-limited; delay=1s",
            "rate-limited;",
        ] {
            assert_eq!(Fault::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Fault::parse(&format!("rejected; message={}", "a".repeat(LONGEST_MESSAGE + 1))), None);
    }
}
