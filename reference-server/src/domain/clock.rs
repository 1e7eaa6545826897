//! A world's time.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// A point in time, in microseconds since the Unix epoch; written as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i64);

impl Moment {
    /// The moment so many microseconds after the epoch.
    pub(crate) const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub(crate) const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch.
    pub(crate) const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The moment so much later.
    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Reads RFC 3339, with any offset.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse::<Timestamp>().ok().map(|timestamp| Self(timestamp.as_microsecond()))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Only a number that came from outside can lie beyond the year 9999.
        let timestamp = Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::MAX);
        write!(f, "{timestamp:.6}")
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("an RFC 3339 time is expected"))
    }
}

/// Wall time plus an offset, so that a world can be ahead of the others.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    offset_micros: AtomicI64,
    /// Told whenever it is moved.
    moved: Notify,
}

impl Clock {
    /// The world's present.
    pub(crate) fn now(&self) -> Moment {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX);
        Moment(wall.saturating_add(self.offset()))
    }

    /// Moves the world's present.
    pub(crate) fn advance(&self, micros: i64) {
        self.offset_micros.fetch_add(micros, Ordering::Relaxed);
        self.moved.notify_waiters();
    }

    /// Waits until so much of the world's time is over. Who moves the clock moves the end nearer.
    pub(crate) async fn sleep(&self, duration: Duration) {
        let (begun, offset) = (Instant::now(), self.offset());
        loop {
            let mut moved = pin!(self.moved.notified());
            // From here on no move is missed.
            moved.as_mut().enable();
            let skipped = u64::try_from(self.offset().saturating_sub(offset)).unwrap_or(0);
            let passed = begun.elapsed().saturating_add(Duration::from_micros(skipped));
            let left = duration.saturating_sub(passed);
            if left.is_zero() || timeout(left, moved).await.is_err() {
                return;
            }
        }
    }

    fn offset(&self) -> i64 {
        self.offset_micros.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;

    #[test]
    fn a_moment_reads_and_writes_rfc_3339_with_microseconds() {
        let moment = Moment::parse("2026-11-21T03:16:51.211505+01:00").unwrap();
        assert_eq!(moment.to_string(), "2026-11-21T02:16:51.211505Z");
        assert_eq!(Moment::from_micros(0).to_string(), "1970-01-01T00:00:00.000000Z");
        assert_eq!(Moment::parse("yesterday"), None);
        let stored = serde_json::to_string(&moment).unwrap();
        assert_eq!(serde_json::from_str::<Moment>(&stored).unwrap(), moment);
    }

    #[test]
    fn seconds_round_down_on_both_sides_of_the_epoch() {
        assert_eq!(Moment::from_micros(1_999_999).as_seconds(), 1);
        assert_eq!(Moment::from_micros(-1).as_seconds(), -1);
    }

    #[test]
    fn a_moved_clock_is_ahead_of_the_wall() {
        let (wall, ahead) = (Clock::default(), Clock::default());
        ahead.advance(3_600_000_000);
        assert!(ahead.now().as_micros() - wall.now().as_micros() > 3_599_000_000);
    }

    #[tokio::test(start_paused = true)]
    async fn who_sleeps_on_a_clock_wakes_earlier_when_it_is_moved() {
        let clock = Clock::default();
        let started = Instant::now();
        clock.sleep(Duration::from_secs(5)).await;
        assert_eq!(started.elapsed(), Duration::from_secs(5));
        let started = Instant::now();
        let moves = async {
            for _ in 0..2 {
                yield_now().await;
                clock.advance(1_800_000_000);
            }
        };
        tokio::join!(clock.sleep(Duration::from_secs(4_000)), moves);
        assert_eq!(started.elapsed(), Duration::from_secs(400));
    }
}
