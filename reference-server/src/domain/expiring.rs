//! A memory that forgets: each entry when its time is over, and the oldest when there are too many.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use super::clock::Moment;

/// Entries by key, no more than so many.
#[derive(Debug)]
pub(crate) struct Expiring<K, V> {
    entries: HashMap<K, Entry<V>>,
    most: usize,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    ends: Moment,
}

impl<K: Clone + Eq + Hash, V> Expiring<K, V> {
    /// Room for so many entries.
    pub(crate) fn new(most: usize) -> Self {
        Self { entries: HashMap::new(), most }
    }

    /// What is remembered under a key. Its time begins anew.
    pub(crate) fn renew(
        &mut self,
        key: &K,
        now: Moment,
        lifetime: impl FnOnce(&V) -> Duration,
    ) -> Option<&V> {
        let entry = self.entries.get_mut(key).filter(|entry| entry.ends > now)?;
        entry.ends = now.plus(lifetime(&entry.value));
        Some(&entry.value)
    }

    /// Remembers a value. Where there are too many, those whose time is over are forgotten, or the one whose time is
    /// over first.
    pub(crate) fn keep(&mut self, key: K, value: V, now: Moment, lifetime: Duration) {
        if !self.entries.contains_key(&key) {
            self.make_room(now);
        }
        self.entries.insert(key, Entry { value, ends: now.plus(lifetime) });
    }

    /// How many entries there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn make_room(&mut self, now: Moment) {
        if self.entries.len() >= self.most {
            self.entries.retain(|_, entry| entry.ends > now);
        }
        if self.entries.len() >= self.most {
            let first = self.entries.iter().min_by_key(|(_, entry)| entry.ends).map(|(key, _)| key.clone());
            if let Some(first) = first {
                self.entries.remove(&first);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn an_entry_lives_until_its_time_is_over_or_begins_anew() {
        let mut memory = Expiring::new(10);
        let minute = |_: &&str| Duration::from_mins(1);
        memory.keep(1, "one", at(0), Duration::from_mins(1));
        assert_eq!(memory.renew(&1, at(59), minute), Some(&"one"));
        assert_eq!(memory.renew(&1, at(118), minute), Some(&"one"));
        assert_eq!(memory.renew(&1, at(178), minute), None);
        assert_eq!(memory.renew(&2, at(0), minute), None);
    }

    #[test]
    fn the_first_to_end_makes_room() {
        let mut memory = Expiring::new(2);
        let lifetime = |_: &&str| Duration::from_secs(1);
        memory.keep(1, "long", at(0), Duration::from_hours(1));
        memory.keep(2, "short", at(0), Duration::from_mins(1));
        memory.keep(3, "new", at(1), Duration::from_mins(1));
        assert_eq!((memory.len(), memory.renew(&2, at(1), lifetime)), (2, None));
        // What is over goes first, all of it; a key that is there already needs no room.
        memory.keep(3, "again", at(1), Duration::from_secs(1));
        assert_eq!(memory.len(), 2);
        memory.keep(4, "late", at(4_000), Duration::from_mins(1));
        assert_eq!(memory.len(), 1);
    }
}
