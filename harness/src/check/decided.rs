use std::collections::BTreeSet;
use std::sync::Arc;

use plumbline_record::Miss;

/// What was decided about an answer.
#[derive(Debug, Default)]
pub struct Decided {
    /// The checks that missed.
    pub misses: Vec<Miss>,
    /// How many checks were decided.
    pub checks: u32,
    /// The requirements that they verify; what stands behind a check that was not reached is not among them.
    pub reached: BTreeSet<Arc<str>>,
}

impl Decided {
    /// Adds a check that verifies this, with its miss where it missed.
    pub fn add(&mut self, verifies: Option<&Arc<str>>, miss: Option<Miss>) {
        self.checks += 1;
        self.reached.extend(verifies.cloned());
        self.misses.extend(miss);
    }

    /// Adds what was decided besides.
    pub fn extend(&mut self, other: Self) {
        self.misses.extend(other.misses);
        self.checks += other.checks;
        self.reached.extend(other.reached);
    }
}
