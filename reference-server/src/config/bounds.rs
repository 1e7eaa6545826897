//! Numbers and durations within their bounds.

use std::ops::RangeInclusive;
use std::time::Duration;

use humantime::{format_duration, parse_duration};

use super::notes::Notes;
use super::placed::Placed;

/// How long something may take.
pub(super) const LIMIT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(1);
/// How long may be waited.
pub(super) const PAUSE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_mins(10);
/// How long something may be left alone or remembered.
pub(super) const REST: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(24);

/// A duration, or the usual one where none is written or it is none.
pub(super) fn duration(
    written: Option<&Placed<String>>,
    bounds: &RangeInclusive<Duration>,
    usual: Duration,
    notes: &mut Notes<'_>,
) -> Duration {
    let Some(written) = written else { return usual };
    match parse_duration(written) {
        Ok(duration) if bounds.contains(&duration) => return duration,
        Ok(_) => {
            let (least, most) = (format_duration(*bounds.start()), format_duration(*bounds.end()));
            let hint = Some(format!("it can be from {least} to {most}"));
            notes.note(written.place(), format!("`{}` is out of bounds", **written), hint);
        }
        Err(error) => {
            let hint = Some("write, for example, `500ms`, `5s` or `1m 30s`".to_owned());
            notes.note(written.place(), format!("`{}` is not a duration: {error}", **written), hint);
        }
    }
    usual
}

/// A number, or the usual one where none is written or it is out of bounds.
pub(super) fn number(
    written: Option<&Placed<u32>>,
    bounds: &RangeInclusive<u32>,
    usual: u32,
    notes: &mut Notes<'_>,
) -> u32 {
    let Some(written) = written else { return usual };
    if bounds.contains(&**written) {
        return **written;
    }
    let hint = Some(format!("it can be from {} to {}", bounds.start(), bounds.end()));
    notes.note(written.place(), format!("{} is out of bounds", **written), hint);
    usual
}

/// A text of the provider's own, such as the name of a model or a region: of so many visible characters, which fit
/// into headers and addresses. Nothing where it is none.
pub(super) fn name<'w>(written: &'w Placed<String>, most: usize, notes: &mut Notes<'_>) -> Option<&'w str> {
    if (1..=most).contains(&written.len()) && written.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(written);
    }
    let hint = Some(format!("it has 1 to {most} visible ASCII characters"));
    notes.note(written.place(), format!("{:?} is no name", **written), hint);
    None
}
