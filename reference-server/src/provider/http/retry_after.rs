use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The headers in which some providers tell it in milliseconds, which is closer.
const IN_MILLISECONDS: [&str; 2] = ["retry-after-ms", "x-amz-retry-after"];
/// The date of RFC 9110 is one of RFC 2822's.
static DATE: DateTimeParser = DateTimeParser::new();

/// How long from now to wait before asking again, as headers tell it: in milliseconds, in seconds, or as a date.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let told = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let close = IN_MILLISECONDS.iter().find_map(|name| wait(told(name)?.parse::<f64>().ok()? / 1_000.0));
    close.or_else(|| {
        let told = told(RETRY_AFTER.as_str())?;
        in_seconds(told).or_else(|| until(told, now))
    })
}

/// So many seconds, which may be told with a fraction.
pub(crate) fn in_seconds(told: &str) -> Option<Duration> {
    wait(told.parse().ok()?)
}

fn wait(seconds: f64) -> Option<Duration> {
    let wait = Duration::try_from_secs_f64(seconds).ok()?;
    // Nobody waits longer than a lifetime.
    (wait.as_secs() < u64::from(u32::MAX)).then_some(wait)
}

/// The time until a date.
fn until(date: &str, now: Timestamp) -> Option<Duration> {
    let seconds = DATE.parse_timestamp(date).ok()?.as_second().saturating_sub(now.as_second());
    // A date that is over is as good as now.
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn told(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let pair = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let now = "1994-11-06T08:49:37Z".parse().unwrap();
        retry_after(&headers.iter().copied().map(pair).collect(), now)
    }

    #[test]
    fn seconds_and_dates_are_read() {
        for (value, milliseconds) in [
            ("7", Some(7_000)),
            (" 0 ", Some(0)),
            ("1.5", Some(1_500)),
            ("6.000", Some(6_000)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60_000)),
            ("Sun, 06 Nov 1994 08:49:36 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("inf", None),
            ("99999999999", None),
            ("", None),
        ] {
            let wait = milliseconds.map(Duration::from_millis);
            assert_eq!(told(&[("retry-after", value)]), wait, "{value:?}");
        }
        assert_eq!(told(&[]), None);
    }

    #[test]
    fn milliseconds_go_first() {
        let wait = |milliseconds| Some(Duration::from_millis(milliseconds));
        assert_eq!(told(&[("retry-after-ms", "20"), ("retry-after", "9")]), wait(20));
        assert_eq!(told(&[("x-amz-retry-after", "3000")]), wait(3_000));
        assert_eq!(told(&[("retry-after-ms", "soon"), ("retry-after", "9")]), wait(9_000));
    }
}
