//! Which defects a world has.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Defect, catalogue};

/// A set that is read on every request: asking it is one relaxed load.
#[derive(Debug, Default)]
pub(crate) struct DefectSet(AtomicU64);

impl DefectSet {
    /// Whether the defect is on.
    pub(crate) fn has(&self, defect: Defect) -> bool {
        self.0.load(Ordering::Relaxed) & bit(defect) != 0
    }

    /// Whether any defect is on.
    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// Puts these on and all others off.
    pub(crate) fn set(&self, defects: &[Defect]) {
        self.0.store(defects.iter().fold(0, |bits, defect| bits | bit(*defect)), Ordering::Relaxed);
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

const fn bit(defect: Defect) -> u64 {
    1 << defect as u64
}
