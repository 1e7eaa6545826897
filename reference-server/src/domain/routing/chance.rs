//! What is left to chance, the same in every run.

use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// A source of numbers that nobody foresees and everybody can repeat.
pub(crate) struct Chance(Mutex<StdRng>);

impl Chance {
    /// The numbers of a seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// The place of one of these weights, each as often as it weighs; nothing where none weighs anything.
    pub(crate) fn choose(&self, weights: impl Iterator<Item = (usize, u32)> + Clone) -> Option<usize> {
        let total: u64 = weights.clone().map(|(_, weight)| u64::from(weight)).sum();
        if total == 0 {
            return None;
        }
        let mut ticket = self.0.lock().random_range(0..total);
        for (place, weight) in weights {
            match ticket.checked_sub(u64::from(weight)) {
                Some(rest) => ticket = rest,
                None => return Some(place),
            }
        }
        None
    }

    /// Some time up to this one.
    pub(super) fn up_to(&self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.0.lock().random_range(0..=most))
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const DRAWS: u32 = 4_000;

    fn drawn(seed: u64, weights: &[u32]) -> Vec<u32> {
        let chance = Chance::seeded(seed);
        let mut drawn = vec![0; weights.len()];
        for _ in 0..DRAWS {
            drawn[chance.choose(weights.iter().copied().enumerate()).unwrap()] += 1;
        }
        drawn
    }

    #[test]
    fn nothing_is_chosen_of_nothing() {
        let chance = Chance::seeded(0);
        assert_eq!(chance.choose(std::iter::empty()), None);
        assert_eq!(chance.choose([(0, 0), (1, 0)].into_iter()), None);
        assert_eq!(chance.choose([(0, 0), (7, 1)].into_iter()), Some(7));
    }

    #[test]
    fn a_seed_gives_the_same_again_and_another_something_else() {
        let draws = |seed| {
            let chance = Chance::seeded(seed);
            (0..64).map(|_| chance.choose([(0, 1), (1, 1)].into_iter()).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
    }

    #[test]
    fn a_time_is_spread_over_the_whole_stretch() {
        let chance = Chance::seeded(0);
        let most = Duration::from_millis(200);
        let times: Vec<_> = (0..1_000).map(|_| chance.up_to(most)).collect();
        assert!(times.iter().all(|time| *time <= most));
        for quarter in 0..4 {
            let within = (most / 4 * quarter)..(most / 4 * (quarter + 1));
            let count = times.iter().filter(|time| within.contains(*time)).count();
            assert!((150..350).contains(&count), "{count} in quarter {quarter}");
        }
        assert_eq!(chance.up_to(Duration::ZERO), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn each_is_chosen_as_often_as_it_weighs(seed: u64, weights in vec(0..10_u32, 1..6)) {
            let total: u32 = weights.iter().sum();
            prop_assume!(total > 0);
            for (weight, drawn) in weights.iter().zip(drawn(seed, &weights)) {
                let share = f64::from(*weight) / f64::from(total);
                let expected = f64::from(DRAWS) * share;
                // Six standard deviations, which chance does not reach.
                let tolerance = 6.0 * (expected * (1.0 - share)).sqrt();
                prop_assert!((f64::from(drawn) - expected).abs() <= tolerance, "{} of {}", drawn, expected);
            }
        }
    }
}
