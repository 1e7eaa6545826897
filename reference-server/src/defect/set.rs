//! Which defects a world has.

use std::sync::atomic::{AtomicU64, Ordering};

use super::edits::{self, Edits};
use super::tally::Tally;
use super::{Defect, catalogue};

/// So many words of bits hold all defects.
const WORDS: usize = 10;
/// How many defects there is room for.
#[cfg(test)]
pub(super) const ROOM: usize = WORDS * 64;

/// A set that is read on every request: asking it for one defect is one relaxed load.
#[derive(Debug, Default)]
pub(crate) struct DefectSet {
    words: [AtomicU64; WORDS],
    /// The chats of each key, for a defect that strikes after some.
    pub(crate) chats: Tally,
    /// The billing events of each key, for one that loses some.
    pub(crate) events: Tally,
    /// The polls of each job, for one that answers the second differently.
    pub(crate) polls: Tally,
}

impl DefectSet {
    /// Whether the defect is on.
    pub(crate) fn has(&self, defect: Defect) -> bool {
        let (word, bit) = place(defect);
        self.words.get(word).is_some_and(|word| word.load(Ordering::Relaxed) & bit != 0)
    }

    /// Whether any defect is on.
    pub(crate) fn any(&self) -> bool {
        self.words.iter().any(|word| word.load(Ordering::Relaxed) != 0)
    }

    /// The edits of those that are data and belong to this dialect.
    pub(crate) fn edits(&self, dialect: &str) -> Vec<&'static Edits> {
        let list = if self.any() { self.list() } else { Vec::new() };
        list.into_iter().filter_map(|defect| edits::of(defect, dialect)).collect()
    }

    /// Puts these on and all others off. What was counted for them is forgotten.
    pub(crate) fn set(&self, defects: &[Defect]) {
        self.chats.clear();
        self.events.clear();
        self.polls.clear();
        for (index, word) in self.words.iter().enumerate() {
            let own = defects.iter().map(|defect| place(*defect)).filter(|(word, _)| *word == index);
            word.store(own.fold(0, |bits, (_, bit)| bits | bit), Ordering::Relaxed);
        }
    }

    /// Those that are on, in the catalogue's order.
    pub(crate) fn list(&self) -> Vec<Defect> {
        catalogue().iter().map(|info| info.defect).filter(|defect| self.has(*defect)).collect()
    }

    /// Their ids.
    pub(crate) fn ids(&self) -> Vec<&'static str> {
        self.list().into_iter().map(Defect::id).collect()
    }
}

/// The word in which a defect's bit stands, and the bit.
const fn place(defect: Defect) -> (usize, u64) {
    let index = defect.index();
    (index / 64, 1 << (index % 64))
}
