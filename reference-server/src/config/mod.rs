//! The file of `plumbline serve --config`: which providers there are, and which of them serve a model.

mod bounds;
mod environment;
mod file;
mod mistake;
mod models;
mod notes;
mod placed;
mod provider;
mod providers;
mod read;
#[cfg(test)]
mod tests;

pub use mistake::ConfigMistake;
pub(crate) use read::world_plan;
pub use read::{Config, config_schema};
