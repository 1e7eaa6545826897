use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// The date of RFC 9110 is one of RFC 2822's.
static DATE: DateTimeParser = DateTimeParser::new();

/// After how many seconds from now to ask again, as the header `retry-after` tells it: in seconds, or as a date.
pub(super) fn retry_after(told: &str, now: Timestamp) -> Option<u32> {
    let told = told.trim();
    if let Ok(seconds) = told.parse() {
        return Some(seconds);
    }
    let seconds = DATE.parse_timestamp(told).ok()?.as_second().saturating_sub(now.as_second());
    // A date that is over is as good as now.
    u32::try_from(seconds.max(0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read() {
        let now = "1994-11-06T08:49:37Z".parse().unwrap();
        for (told, seconds) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:49:36 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("99999999999", None),
            ("", None),
        ] {
            assert_eq!(retry_after(told, now), seconds, "{told:?}");
        }
    }
}
