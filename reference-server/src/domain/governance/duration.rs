//! How long a window is, as it is written: `30s`, `5m`, `1h`, `1d`, `1w`, `1M`, `1Y`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// The longest window.
const LONGEST: u64 = 10 * 365 * DAY;

/// After which time a window begins anew, told as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct ResetDuration {
    text: Arc<str>,
    pub(super) span: Span,
}

/// A span of time. The calendar knows those of a day and more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    Seconds(u64),
    Days(u64),
    Weeks(u64),
    Months(u64),
    Years(u64),
}

impl ResetDuration {
    /// Reads a whole number from 1 and a unit; up to ten years.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let unit = text.chars().next_back()?;
        let number = text.strip_suffix(unit)?;
        let count = number.parse::<u64>().ok().filter(|count| *count > 0 && !number.starts_with('+'))?;
        let span = match unit {
            's' => Span::Seconds(count),
            'm' => Span::Seconds(count.checked_mul(MINUTE)?),
            'h' => Span::Seconds(count.checked_mul(HOUR)?),
            'd' => Span::Days(count),
            'w' => Span::Weeks(count),
            'M' => Span::Months(count),
            'Y' => Span::Years(count),
            _ => return None,
        };
        span.seconds().filter(|seconds| *seconds <= LONGEST)?;
        Some(Self { text: text.into(), span })
    }

    /// How long it is where no calendar is asked: a month has 30 days, a year 365.
    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs(self.span.seconds().unwrap_or(LONGEST))
    }

    /// Whether a calendar knows where such windows begin: one day, week, month or year does.
    pub(super) fn is_of_calendar(&self) -> bool {
        matches!(self.span, Span::Days(1) | Span::Weeks(1) | Span::Months(1) | Span::Years(1))
    }
}

impl Span {
    fn seconds(self) -> Option<u64> {
        match self {
            Self::Seconds(count) => Some(count),
            Self::Days(count) => count.checked_mul(DAY),
            Self::Weeks(count) => count.checked_mul(7 * DAY),
            Self::Months(count) => count.checked_mul(30 * DAY),
            Self::Years(count) => count.checked_mul(365 * DAY),
        }
    }
}

impl fmt::Display for ResetDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for ResetDuration {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a duration such as `30s`, `1h` or `1M` is expected")
    }
}

impl From<ResetDuration> for String {
    fn from(reset: ResetDuration) -> Self {
        (*reset.text).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for (text, seconds) in [
            ("30s", 30),
            ("5m", 300),
            ("1h", 3_600),
            ("1d", 86_400),
            ("1w", 604_800),
            ("1M", 2_592_000),
            ("1Y", 31_536_000),
        ] {
            let reset = ResetDuration::parse(text).unwrap();
            assert_eq!((reset.length().as_secs(), reset.to_string().as_str()), (seconds, text));
        }
    }

    #[test]
    fn everything_else_is_none() {
        for text in
            ["", "m", "5", "0s", "-1m", "+1m", "1.5h", "1x", "1 h", "11Y", "99999999999999999999s", "5µ"]
        {
            assert_eq!(ResetDuration::parse(text), None, "{text}");
        }
    }
}
