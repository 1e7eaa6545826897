//! The simulator's control API under `/~control/`: worlds, their journals, faults and gates.

mod faults;
mod filter;
mod gates;
mod journal;
mod patience;
mod router;
mod worlds;

pub(super) use router::router;
