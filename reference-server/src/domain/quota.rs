//! How much a key may ask for in a minute, on the world's clock.

use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::clock::Moment;

/// The length of a window.
const WINDOW: Duration = Duration::from_mins(1);

/// What a key may ask for in a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// Requests.
    pub(crate) requests: u64,
    /// Tokens of questions and answers.
    pub(crate) tokens: u64,
}

/// What a key has where nothing else is said of it.
pub(crate) const GENEROUS: Limits = Limits { requests: 1_000_000_000, tokens: 1_000_000_000 };

/// What is left of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    /// Until all of it is there again.
    pub(crate) resets_in: Duration,
}

/// Where a key stands, with the request that was just counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) requests: Allowance,
    pub(crate) tokens: Allowance,
}

/// A limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limit of {what} a minute is reached")]
pub(crate) struct Exceeded {
    /// `requests` or `tokens`.
    pub(crate) what: &'static str,
    pub(crate) standing: Standing,
    /// When the next request is let in.
    pub(crate) retry_after: Duration,
}

/// What a key may ask for, and has asked for.
#[derive(Debug)]
pub(crate) struct Quota {
    pub(crate) limits: Limits,
    window: Mutex<Window>,
}

/// What a key has asked for since a moment.
#[derive(Clone, Copy, Debug)]
struct Window {
    since: Moment,
    requests: u64,
    tokens: u64,
}

impl Quota {
    /// Limits of which nothing is used yet.
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, window: Mutex::new(Window::since(Moment::from_micros(0))) }
    }

    /// Counts a request, if it is within the limits.
    pub(crate) fn admit(&self, now: Moment) -> Result<Standing, Exceeded> {
        let mut window = self.window.lock();
        window.turn(now);
        if let Some(exceeded) = window.exceeded(self.limits, now) {
            return Err(exceeded);
        }
        window.requests += 1;
        Ok(window.standing(self.limits, now))
    }

    /// The limit that is reached, if one is. Nothing is counted.
    pub(crate) fn exceeded(&self, now: Moment) -> Option<Exceeded> {
        let mut window = self.window.lock();
        window.turn(now);
        window.exceeded(self.limits, now)
    }

    /// Counts the tokens that a request has used.
    pub(crate) fn spend(&self, tokens: u64, now: Moment) {
        let mut window = self.window.lock();
        window.turn(now);
        window.tokens = window.tokens.saturating_add(tokens);
    }
}

impl Window {
    fn since(since: Moment) -> Self {
        Self { since, requests: 0, tokens: 0 }
    }

    /// Begins anew where its time is over.
    fn turn(&mut self, now: Moment) {
        if self.age(now) >= WINDOW {
            *self = Self::since(now);
        }
    }

    fn age(&self, now: Moment) -> Duration {
        let micros = now.as_micros().saturating_sub(self.since.as_micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    fn exceeded(&self, limits: Limits, now: Moment) -> Option<Exceeded> {
        let full = [("requests", self.requests >= limits.requests), ("tokens", self.tokens >= limits.tokens)];
        let (what, _) = full.into_iter().find(|(_, is_full)| *is_full)?;
        let standing = self.standing(limits, now);
        Some(Exceeded { what, standing, retry_after: standing.requests.resets_in })
    }

    fn standing(&self, limits: Limits, now: Moment) -> Standing {
        let resets_in = WINDOW.saturating_sub(self.age(now));
        let left = |limit: u64, used| Allowance { limit, remaining: limit.saturating_sub(used), resets_in };
        Standing { requests: left(limits.requests, self.requests), tokens: left(limits.tokens, self.tokens) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { requests: 3, tokens: 2_000 };

    fn at(seconds: i64) -> Moment {
        Moment::from_micros(1_800_000_000_000_000 + seconds * 1_000_000)
    }

    #[test]
    fn a_window_has_so_many_requests_and_the_next_one_has_them_again() {
        let quota = Quota::new(LIMITS);
        for left in [2, 1, 0] {
            assert_eq!(quota.admit(at(0)).unwrap().requests.remaining, left);
        }
        let exceeded = quota.admit(at(10)).unwrap_err();
        assert_eq!((exceeded.what, exceeded.retry_after), ("requests", Duration::from_secs(50)));
        assert!(quota.admit(at(59)).is_err());
        let standing = quota.admit(at(60)).unwrap();
        assert_eq!((standing.requests.limit, standing.requests.remaining), (3, 2));
        assert_eq!(standing.requests.resets_in, WINDOW);
    }

    #[test]
    fn tokens_that_were_used_count_against_the_next_request() {
        let quota = Quota::new(LIMITS);
        quota.admit(at(0)).unwrap();
        quota.spend(1_999, at(1));
        assert_eq!(quota.admit(at(2)).unwrap().tokens.remaining, 1);
        quota.spend(5, at(3));
        let exceeded = quota.admit(at(4)).unwrap_err();
        assert_eq!((exceeded.what, exceeded.standing.tokens.remaining), ("tokens", 0));
        assert!(quota.admit(at(60)).is_ok());
    }
}
