//! The deterministic model behind the mock provider: rules in data, no clock, no chance, no I/O.

mod bindings;
#[cfg(test)]
mod conversations;
mod couplet;
mod echo;
mod embedding;
mod error;
mod fixture;
mod gallery;
mod hash;
mod limit;
mod model;
mod palette;
mod pattern;
mod prompt;
mod rule;
mod rulebook;
mod scene;
mod sentence;
mod speech;
mod style;
mod table;
mod template;
pub mod tokens;

pub use error::BrainError;
pub use model::Brain;
