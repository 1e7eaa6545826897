//! Deliberate defects: how a gateway can be wrong, one requirement at a time.
//!
//! A check that cannot tell a broken gateway from a sound one proves nothing. Each defect here breaks named
//! requirements and nothing else, and is consulted at one place only, so that a run with it on shows which
//! scenarios notice.

mod catalogue;
pub(crate) mod edits;
mod id;
mod info;
mod set;
mod tally;
#[cfg(test)]
mod tests;

pub use catalogue::{Defect, catalogue};
pub use info::{DefectInfo, UnknownDefect};
pub(crate) use set::DefectSet;
