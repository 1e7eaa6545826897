//! Who tests the tests: which deliberate defects the scenarios notice, and whether the right ones do.
//!
//! Fold what finished on a sound gateway and with each defect into a [`Proof`]; it decides, [`render()`] and
//! [`markdown()`] tell. Nothing here knows a gateway: defects and requirements come in as plain facts.

mod facts;
mod format;
mod markdown;
mod terminal;
mod trial;
mod verdict;

pub use facts::{Defect, Requirement};
pub use format::{FORMAT, ProofError};
pub use markdown::markdown;
pub use terminal::render;
pub use trial::{Sound, Trial, Wrong};
pub use verdict::Proof;
