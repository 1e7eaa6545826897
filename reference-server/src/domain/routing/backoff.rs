//! How often a route is asked for one request, and how long is waited in between.

use std::time::Duration;

use super::chance::Chance;
use crate::domain::inference::ProviderError;

/// How often, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retries {
    /// Most attempts at one route, the first included.
    pub(crate) attempts: u32,
    /// The longest pause after the first attempt; it doubles with each further one.
    pub(crate) backoff: Duration,
    /// The longest pause there is.
    pub(crate) most: Duration,
}

impl Retries {
    /// How long to wait after so many attempts that failed, the last with this error; nothing where the route is not
    /// asked again. What a provider says goes before what chance says.
    pub(super) fn pause(&self, failed: u32, error: &ProviderError, chance: &Chance) -> Option<Duration> {
        if failed >= self.attempts {
            return None;
        }
        if let Some(wanted) = error.retry_after() {
            return (wanted <= self.most).then_some(wanted);
        }
        let doubled = 2_u32.saturating_pow(failed.saturating_sub(1));
        Some(chance.up_to(self.backoff.saturating_mul(doubled).min(self.most)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRIES: Retries =
        Retries { attempts: 4, backoff: Duration::from_millis(200), most: Duration::from_millis(700) };

    fn unavailable() -> ProviderError {
        ProviderError::unavailable(String::new())
    }

    fn limited(milliseconds: u64) -> ProviderError {
        let retry_after = Some(Duration::from_millis(milliseconds));
        ProviderError::RateLimited { message: String::new(), retry_after }
    }

    /// The longest of many pauses, which is near the bound that they have.
    fn longest(failed: u32) -> Duration {
        let chance = Chance::seeded(0);
        let pauses = (0..1_000).map(|_| RETRIES.pause(failed, &unavailable(), &chance).unwrap());
        pauses.max().unwrap()
    }

    #[test]
    fn the_bound_of_a_pause_doubles_up_to_the_longest() {
        for (failed, bound) in [(1, 200), (2, 400), (3, 700)] {
            let (longest, bound) = (longest(failed), Duration::from_millis(bound));
            assert!(longest <= bound && longest > bound.mul_f64(0.9), "{failed}: {longest:?}");
        }
    }

    #[test]
    fn there_is_an_end_to_attempts() {
        let chance = Chance::seeded(0);
        assert_eq!(RETRIES.pause(4, &unavailable(), &chance), None);
        let many = Retries { attempts: u32::MAX, ..RETRIES };
        assert!(many.pause(1_000_000, &unavailable(), &chance).unwrap() <= RETRIES.most);
    }

    #[test]
    fn what_the_provider_wants_is_waited_for_or_not_at_all() {
        let chance = Chance::seeded(0);
        let patient = Retries { most: Duration::from_secs(5), ..RETRIES };
        assert_eq!(patient.pause(1, &limited(5_000), &chance), Some(Duration::from_secs(5)));
        assert_eq!(patient.pause(1, &limited(20), &chance), Some(Duration::from_millis(20)));
        assert_eq!(patient.pause(1, &limited(0), &chance), Some(Duration::ZERO));
        assert_eq!(patient.pause(1, &limited(5_001), &chance), None);
        assert_eq!(patient.pause(4, &limited(1), &chance), None);
        let message = String::new();
        let unavailable = ProviderError::Unavailable { message, retry_after: Some(Duration::from_secs(3)) };
        assert_eq!(patient.pause(1, &unavailable, &chance), Some(Duration::from_secs(3)));
    }
}
