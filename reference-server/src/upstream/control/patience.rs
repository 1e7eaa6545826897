//! How long a caller of the control API waits for something to happen.

use std::time::Duration;

use crate::control::error::ControlError;
use crate::control::input::Query;

/// The longest that anybody waits, in milliseconds.
const LONGEST: u64 = 30_000;

/// What `wait_ms` in a query asks for; not at all where it is missing.
pub(super) fn patience(query: &Query<'_>) -> Result<Duration, ControlError> {
    match query.count("wait_ms")?.unwrap_or(0) {
        milliseconds if milliseconds > LONGEST => Err(ControlError::bad_request(format!(
            "wait_ms may be {LONGEST} at most, not {milliseconds}; ask again after that"
        ))),
        milliseconds => Ok(Duration::from_millis(milliseconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_without_end() {
        let read = |query| patience(&Query::read(Some(query), &["wait_ms"]).unwrap());
        assert_eq!(read(""), Ok(Duration::ZERO));
        assert_eq!(read("wait_ms=30000"), Ok(Duration::from_secs(30)));
        assert!(read("wait_ms=30001").unwrap_err().message.contains("30000 at most"));
    }
}
