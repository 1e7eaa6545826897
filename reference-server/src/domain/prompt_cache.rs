//! Beginnings of prompts that a world has processed before, per key, on the world's clock.

use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use super::clock::Moment;
use super::expiring::Expiring;
use super::inference::Usage;

/// How many beginnings a world remembers.
const REMEMBERED: usize = 10_000;

/// What tells one beginning of a prompt from every other.
pub(crate) type PrefixDigest = [u8; 32];

/// How long a beginning is remembered after its last use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifetime {
    FiveMinutes,
    OneHour,
}

impl Lifetime {
    const fn duration(self) -> Duration {
        match self {
            Self::FiveMinutes => Duration::from_mins(5),
            Self::OneHour => Duration::from_hours(1),
        }
    }
}

/// How many of a prompt's tokens came out of the memory, and how many went into it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CacheUse {
    pub(crate) read: u64,
    /// For five minutes.
    pub(crate) written_5m: u64,
    /// For an hour.
    pub(crate) written_1h: u64,
}

impl CacheUse {
    /// Tokens that went into the memory.
    pub(crate) const fn written(self) -> u64 {
        self.written_5m.saturating_add(self.written_1h)
    }
}

impl From<Usage> for CacheUse {
    /// What a provider tells of a memory of its own. For how long something went in it does not tell.
    fn from(usage: Usage) -> Self {
        Self { read: usage.cached_tokens, written_5m: usage.cache_written_tokens, written_1h: 0 }
    }
}

/// The memory of a world.
#[derive(Debug)]
pub(crate) struct PromptCache(Mutex<Expiring<(Uuid, PrefixDigest), Entry>>);

#[derive(Clone, Copy, Debug)]
struct Entry {
    tokens: u64,
    lifetime: Lifetime,
}

impl Default for PromptCache {
    fn default() -> Self {
        Self(Mutex::new(Expiring::new(REMEMBERED)))
    }
}

impl PromptCache {
    /// The tokens of a beginning, if a key's is remembered. Its time begins anew.
    pub(crate) fn recall(&self, key: Uuid, prefix: &PrefixDigest, now: Moment) -> Option<u64> {
        let mut entries = self.0.lock();
        let entry = entries.renew(&(key, *prefix), now, |entry| entry.lifetime.duration())?;
        Some(entry.tokens)
    }

    /// Remembers a beginning for a key.
    pub(crate) fn keep(&self, key: Uuid, prefix: PrefixDigest, tokens: u64, lifetime: Lifetime, now: Moment) {
        let entry = Entry { tokens, lifetime };
        self.0.lock().keep((key, prefix), entry, now, lifetime.duration());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_beginning_is_remembered_for_its_lifetime_after_each_use() {
        let (cache, key) = (PromptCache::default(), Uuid::from_u128(1));
        cache.keep(key, [1; 32], 2_000, Lifetime::FiveMinutes, at(0));
        cache.keep(key, [2; 32], 3_000, Lifetime::OneHour, at(0));
        assert_eq!(cache.recall(key, &[1; 32], at(299)), Some(2_000));
        assert_eq!(cache.recall(key, &[1; 32], at(598)), Some(2_000));
        assert_eq!(cache.recall(key, &[1; 32], at(898)), None);
        assert_eq!(cache.recall(key, &[2; 32], at(3_599)), Some(3_000));
        assert_eq!(cache.recall(key, &[2; 32], at(7_199)), None);
    }

    #[test]
    fn keys_share_nothing() {
        let cache = PromptCache::default();
        cache.keep(Uuid::from_u128(1), [1; 32], 2_000, Lifetime::FiveMinutes, at(0));
        assert_eq!(cache.recall(Uuid::from_u128(2), &[1; 32], at(0)), None);
        assert_eq!(cache.recall(Uuid::from_u128(1), &[2; 32], at(0)), None);
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered() {
        let (cache, key) = (PromptCache::default(), Uuid::from_u128(1));
        let digest = |number: usize| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_le_bytes());
            digest
        };
        for number in 0..=REMEMBERED {
            let now = at(i64::try_from(number).unwrap() / 1_000);
            cache.keep(key, digest(number), 1_024, Lifetime::FiveMinutes, now);
        }
        assert_eq!(cache.0.lock().len(), REMEMBERED);
        assert_eq!(cache.recall(key, &digest(REMEMBERED), at(10)), Some(1_024));
        cache.keep(key, [9; 32], 1_024, Lifetime::OneHour, at(1_000));
        assert_eq!(cache.0.lock().len(), 1);
    }
}
