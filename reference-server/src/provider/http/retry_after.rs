use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The headers in which some providers tell it in milliseconds, which is closer.
const IN_MILLISECONDS: [&str; 2] = ["retry-after-ms", "x-amz-retry-after"];
/// The date of RFC 9110 is one of RFC 2822's.
static DATE: DateTimeParser = DateTimeParser::new();

/// After how many seconds from now to ask again, as headers tell it: in milliseconds, in seconds, or as a date.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<u32> {
    let told = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let close = IN_MILLISECONDS.iter().find_map(|name| whole(told(name)?.parse::<f64>().ok()? / 1_000.0));
    close.or_else(|| {
        let told = told(RETRY_AFTER.as_str())?;
        whole_seconds(told).or_else(|| until(told, now))
    })
}

/// So many seconds, which may be told with a fraction. Part of a second is waited for too.
pub(crate) fn whole_seconds(told: &str) -> Option<u32> {
    whole(told.parse().ok()?)
}

fn whole(seconds: f64) -> Option<u32> {
    let wait = Duration::try_from_secs_f64(seconds).ok()?;
    u32::try_from(wait.as_secs()).ok()?.checked_add(u32::from(wait.subsec_nanos() > 0))
}

/// The seconds until a date.
fn until(date: &str, now: Timestamp) -> Option<u32> {
    let seconds = DATE.parse_timestamp(date).ok()?.as_second().saturating_sub(now.as_second());
    // A date that is over is as good as now.
    u32::try_from(seconds.max(0)).ok()
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn told(headers: &[(&'static str, &'static str)]) -> Option<u32> {
        let pair = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let now = "1994-11-06T08:49:37Z".parse().unwrap();
        retry_after(&headers.iter().copied().map(pair).collect(), now)
    }

    #[test]
    fn seconds_and_dates_are_read() {
        for (value, seconds) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("1.5", Some(2)),
            ("6.000", Some(6)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:49:36 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("inf", None),
            ("99999999999", None),
            ("", None),
        ] {
            assert_eq!(told(&[("retry-after", value)]), seconds, "{value:?}");
        }
        assert_eq!(told(&[]), None);
    }

    #[test]
    fn milliseconds_go_first() {
        assert_eq!(told(&[("retry-after-ms", "1200"), ("retry-after", "9")]), Some(2));
        assert_eq!(told(&[("x-amz-retry-after", "3000")]), Some(3));
        assert_eq!(told(&[("retry-after-ms", "soon"), ("retry-after", "9")]), Some(9));
    }
}
