//! From what is written to the model, with every mistake on the way noted.

mod actions;
mod checks;
mod contract;
mod convert;
mod members;
mod names;
mod steps;
mod streams;

pub(super) use contract::contract;
pub(super) use convert::scenarios;
