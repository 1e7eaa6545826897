//! From what is written to the model, with every mistake on the way noted.

mod actions;
mod checks;
mod contract;
mod convert;
mod covering;
mod dialect;
mod faults;
mod matchers;
mod members;
mod names;
mod polling;
mod portable;
mod said;
mod steps;
mod streams;
mod upstream;

pub(super) use contract::contract;
pub(super) use convert::scenarios;
pub(super) use dialect::dialect;
