//! The ways in which a provider can fail on command.

use std::time::Duration;

use axum::http::HeaderValue;

use crate::percent;

/// Most bytes that a fault is about.
pub(super) const MOST_BYTES: usize = 1024 * 1024 * 1024;
/// The longest that a fault holds anything up.
pub(super) const LONGEST_DELAY: Duration = Duration::from_mins(10);

/// One way of failing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    /// The status of the provider's error.
    pub(super) status: Option<u16>,
    /// Seconds after which the provider wants to be asked again.
    pub(super) retry_after: Option<u32>,
    /// What the provider's error says.
    pub(super) message: Option<String>,
    /// How long it holds up the answer, or each part of it.
    pub(super) delay: Option<Duration>,
    /// How many bytes it is about.
    pub(super) bytes: Option<usize>,
    /// How many events come first.
    pub(super) after_events: Option<u32>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// An error of the provider's own, with its body for the status.
    Status,
    /// An error that no provider documents.
    UnmappedError,
    /// Nothing for a while, then the answer.
    Delay,
    /// Pauses between the parts of the answer.
    SlowChunks,
    /// The answer byte by byte.
    SlowDrip,
    /// JSON that breaks off.
    TruncatedJson,
    /// JSON without the answer in it.
    MissingFields,
    /// A success with nothing in it.
    EmptySuccess,
    /// A page for people.
    Html,
    /// An event that is none.
    MalformedSse,
    /// A stream without its end, on a connection that ends.
    CutStream,
    /// An error of the provider's own in mid-stream.
    ErrorEvent,
    /// The connection is reset.
    Reset,
    /// A length that is announced and not sent.
    WrongContentLength,
    /// Much more than anybody should read.
    OversizedBody,
    /// No answer, ever.
    Hang,
}

impl FaultKind {
    /// Every kind, in the order of documentation.
    pub(super) const ALL: [Self; 16] = [
        Self::Status,
        Self::UnmappedError,
        Self::Delay,
        Self::SlowChunks,
        Self::SlowDrip,
        Self::TruncatedJson,
        Self::MissingFields,
        Self::EmptySuccess,
        Self::Html,
        Self::MalformedSse,
        Self::CutStream,
        Self::ErrorEvent,
        Self::Reset,
        Self::WrongContentLength,
        Self::OversizedBody,
        Self::Hang,
    ];

    /// The name in rules and headers.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::UnmappedError => "unmapped-error",
            Self::Delay => "delay",
            Self::SlowChunks => "slow-chunks",
            Self::SlowDrip => "slow-drip",
            Self::TruncatedJson => "truncated-json",
            Self::MissingFields => "missing-fields",
            Self::EmptySuccess => "empty-success",
            Self::Html => "html",
            Self::MalformedSse => "malformed-sse",
            Self::CutStream => "cut-stream",
            Self::ErrorEvent => "error-event",
            Self::Reset => "reset",
            Self::WrongContentLength => "wrong-content-length",
            Self::OversizedBody => "oversized-body",
            Self::Hang => "hang",
        }
    }

    /// The kind of this name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it can happen to an answer that comes in parts, or to one that does not.
    pub(super) const fn can_happen(self, streamed: bool) -> bool {
        streamed || !matches!(self, Self::MalformedSse | Self::CutStream | Self::ErrorEvent)
    }

    /// Whether it is an error that has a status and a text.
    pub(super) const fn is_error(self) -> bool {
        matches!(self, Self::Status | Self::UnmappedError | Self::ErrorEvent)
    }

    /// Whether it takes its time.
    pub(super) const fn has_delay(self) -> bool {
        matches!(self, Self::Status | Self::UnmappedError | Self::Delay | Self::SlowChunks | Self::SlowDrip)
    }

    /// Whether it is about a number of bytes.
    pub(super) const fn has_bytes(self) -> bool {
        matches!(self, Self::SlowChunks | Self::SlowDrip | Self::WrongContentLength | Self::OversizedBody)
    }

    /// Whether it can wait for a number of events.
    pub(super) const fn has_after_events(self) -> bool {
        matches!(
            self,
            Self::TruncatedJson
                | Self::MissingFields
                | Self::MalformedSse
                | Self::CutStream
                | Self::ErrorEvent
                | Self::Reset
                | Self::OversizedBody
        )
    }
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Self {
        Self {
            kind,
            status: None,
            retry_after: None,
            message: None,
            delay: None,
            bytes: None,
            after_events: None,
        }
    }
}

impl Fault {
    /// The fault that a caller asks for in a header, such as `status; status=429; message=not%20now`; nothing where the
    /// header names none. Also reads the kinds that the gateway has for its own provider in process.
    pub(super) fn from_header(value: &HeaderValue) -> Option<Self> {
        let text = value.to_str().ok()?;
        let mut words = text.split(';').map(str::trim);
        let mut fault = Self::named(words.next()?)?;
        for word in words {
            let (name, value) = word.split_once('=')?;
            match name {
                "status" => {
                    fault.status = Some(value.parse::<u16>().ok().filter(|status| is_error(*status))?);
                }
                "retry-after" => fault.retry_after = Some(value.parse().ok()?),
                "message" => fault.message = Some(percent::decoded(value)),
                "delay" => fault.delay = Some(pause(value)?),
                "bytes" => {
                    fault.bytes = Some(value.parse::<usize>().ok().filter(|bytes| *bytes <= MOST_BYTES)?);
                }
                "after-events" => fault.after_events = Some(value.parse().ok()?),
                _ => return None,
            }
        }
        Some(fault)
    }

    fn named(name: &str) -> Option<Self> {
        let status = |status| Self { status: Some(status), ..FaultKind::Status.into() };
        match name {
            "rejected" => Some(status(400)),
            "rate-limited" => Some(status(429)),
            "unavailable" => Some(status(503)),
            "truncated-stream" => Some(FaultKind::CutStream.into()),
            "malformed-body" => Some(FaultKind::TruncatedJson.into()),
            name => FaultKind::from_name(name).map(Self::from),
        }
    }
}

/// Reads how long something is held up; nothing for what is no such time.
pub(super) fn pause(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok().filter(|pause| *pause <= LONGEST_DELAY)
}

/// Whether an error can have this status.
fn is_error(status: u16) -> bool {
    (400..=599).contains(&status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Fault> {
        Fault::from_header(&HeaderValue::from_str(text).unwrap())
    }

    #[test]
    fn every_kind_is_read_by_its_name() {
        for kind in FaultKind::ALL {
            assert_eq!(read(kind.name()), Some(kind.into()));
        }
        // And whatever the gateway passes on.
        for kind in crate::provider::FaultKind::ALL {
            assert!(read(kind.name()).is_some(), "{kind}");
        }
        assert_eq!(read("gremlins"), None);
    }

    #[test]
    fn a_header_says_more_of_its_fault() {
        let limited = Fault {
            status: Some(429),
            retry_after: Some(7),
            message: Some("not now; later".to_owned()),
            ..FaultKind::Status.into()
        };
        assert_eq!(read("rate-limited; retry-after=7; message=not%20now%3B%20later"), Some(limited));
        let slow =
            Fault { delay: Some(Duration::from_millis(250)), bytes: Some(3), ..FaultKind::SlowDrip.into() };
        assert_eq!(read("slow-drip;delay=250ms;bytes=3"), Some(slow));
        let cut = Fault { after_events: Some(2), ..FaultKind::CutStream.into() };
        assert_eq!(read("cut-stream; after-events=2"), Some(cut));
        for wrong in [
            "status; status=200",
            "status; status",
            "hang; forever=yes",
            "delay; delay=1h",
            "hang; bytes=9999999999",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
