//! Counts for defects that strike only after a while.

use std::collections::HashMap;

use parking_lot::Mutex;
use uuid::Uuid;

/// How often something has happened to each key. Only a defect that is on counts.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<HashMap<Uuid, u64>>);

impl Tally {
    /// Counts once more; how often it has happened with this time.
    pub(crate) fn count(&self, key: Uuid) -> u64 {
        let mut counts = self.0.lock();
        let count = counts.entry(key).or_default();
        *count = count.saturating_add(1);
        *count
    }

    /// Begins again.
    pub(super) fn clear(&self) {
        self.0.lock().clear();
    }
}
