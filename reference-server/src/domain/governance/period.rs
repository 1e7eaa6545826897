//! When a window begins anew.

use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::duration::{ResetDuration, Span};
use crate::domain::clock::Moment;

/// The beginning of the window that a moment is in, where that is another window than the one that began at `since`.
/// By the calendar, windows begin where days, weeks, months or years do in UTC. A clock that went back turns none.
pub(super) fn began(since: Moment, reset: &ResetDuration, calendar: bool, now: Moment) -> Option<Moment> {
    if now <= since {
        return None;
    }
    match calendar.then(|| first_of(reset, now)).flatten() {
        Some(first) => (first > since).then_some(first),
        None => (age(since, now) >= reset.length()).then_some(now),
    }
}

/// The beginning of a window, or now where the clock has gone back by more than the window is long. That it begins a
/// little later than now is no such thing: of calls that come together the later may turn it first.
pub(super) fn anchored(since: Moment, reset: &ResetDuration, now: Moment) -> Moment {
    if since > now.plus(reset.length()) { now } else { since }
}

/// How long until it begins anew: no longer than it is long.
pub(super) fn left(since: Moment, reset: &ResetDuration, calendar: bool, now: Moment) -> Duration {
    match calendar.then(|| first_after(reset, now)).flatten() {
        Some(next) => age(now, next),
        None => age(now, since.plus(reset.length())).min(reset.length()),
    }
}

fn age(since: Moment, now: Moment) -> Duration {
    let micros = now.as_micros().saturating_sub(since.as_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// Where the day, week, month or year begins in which a moment lies.
fn first_of(reset: &ResetDuration, now: Moment) -> Option<Moment> {
    let today = day_of(now)?;
    let first = match reset.span {
        Span::Seconds(_) => return None,
        Span::Days(_) => today,
        Span::Weeks(_) => {
            let behind = today.weekday().since(Weekday::Monday);
            today.checked_sub(i64::from(behind).days()).ok()?
        }
        Span::Months(_) => today.first_of_month(),
        Span::Years(_) => today.first_of_year(),
    };
    beginning(first)
}

/// Where the next one begins.
fn first_after(reset: &ResetDuration, now: Moment) -> Option<Moment> {
    let first = day_of(first_of(reset, now)?)?;
    let one = match reset.span {
        Span::Seconds(_) => return None,
        Span::Days(_) => 1.day(),
        Span::Weeks(_) => 1.week(),
        Span::Months(_) => 1.month(),
        Span::Years(_) => 1.year(),
    };
    beginning(first.checked_add(one).ok()?)
}

fn day_of(moment: Moment) -> Option<Date> {
    let timestamp = Timestamp::from_microsecond(moment.as_micros()).ok()?;
    Some(timestamp.to_zoned(TimeZone::UTC).date())
}

fn beginning(day: Date) -> Option<Moment> {
    let zoned = day.to_zoned(TimeZone::UTC).ok()?;
    Some(Moment::from_micros(zoned.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment::parse(text).unwrap()
    }

    fn reset(text: &str) -> ResetDuration {
        ResetDuration::parse(text).unwrap()
    }

    #[test]
    fn a_rolling_window_turns_when_its_time_is_over() {
        let since = at("2026-11-21T10:00:00Z");
        let minute = reset("1m");
        assert_eq!(began(since, &minute, false, at("2026-11-21T10:00:59Z")), None);
        let over = at("2026-11-21T10:01:00Z");
        assert_eq!(began(since, &minute, false, over), Some(over));
        assert_eq!(left(since, &minute, false, at("2026-11-21T10:00:10Z")), Duration::from_secs(50));
    }

    #[test]
    fn a_clock_that_went_back_turns_nothing() {
        let since = at("2026-11-21T10:00:00Z");
        assert_eq!(began(since, &reset("1s"), false, at("2026-11-20T10:00:00Z")), None);
        assert_eq!(began(since, &reset("1d"), true, at("2026-11-20T10:00:00Z")), None);
    }

    #[test]
    fn nobody_waits_for_longer_than_a_window_is_long() {
        let (since, minute) = (at("2026-11-22T10:00:00Z"), reset("1m"));
        for now in ["2026-11-21T10:00:00Z", "2026-11-22T09:59:59Z"].map(at) {
            assert_eq!(left(since, &minute, false, now), Duration::from_mins(1));
        }
        let day_before = at("2026-11-21T10:00:00Z");
        assert_eq!(anchored(since, &minute, day_before), day_before);
        let second_before = at("2026-11-22T09:59:59Z");
        assert_eq!(anchored(since, &minute, second_before), since);
    }

    #[test]
    fn by_the_calendar_a_window_begins_with_its_day_week_month_or_year() {
        // A Saturday.
        let now = at("2026-11-21T10:30:00Z");
        let since = at("2025-06-01T00:00:00Z");
        for (text, first, seconds_left) in [
            ("1d", "2026-11-21T00:00:00Z", 48_600),
            ("1w", "2026-11-16T00:00:00Z", 135_000),
            ("1M", "2026-11-01T00:00:00Z", 826_200),
            ("1Y", "2026-01-01T00:00:00Z", 3_504_600),
        ] {
            assert_eq!(began(since, &reset(text), true, now), Some(at(first)), "{text}");
            assert_eq!(left(since, &reset(text), true, now).as_secs(), seconds_left, "{text}");
            // Within the same one nothing turns, however long ago it began.
            assert_eq!(began(at(first), &reset(text), true, now), None, "{text}");
        }
    }
}
