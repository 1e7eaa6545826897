//! The deterministic model behind the mock provider: rules in data, no clock, no chance, no I/O.

mod attachments;
mod bindings;
#[cfg(test)]
mod conversations;
mod couplet;
mod draft;
mod echo;
mod embedding;
mod error;
mod fixture;
mod gallery;
mod generate;
mod hash;
mod hints;
mod kind;
mod limit;
mod model;
mod number;
mod palette;
mod pattern;
mod pdf;
mod probability;
mod prompt;
mod refusal;
mod rule;
mod rulebook;
mod sample;
mod scene;
mod schema;
mod sentence;
mod sound;
mod speech;
mod spelling;
mod style;
mod table;
mod template;
pub mod tokens;
#[cfg(test)]
mod tool_calls;
mod tools;

pub(crate) use attachments::is_readable;
pub use error::BrainError;
pub use gallery::BadImage;
pub use model::Brain;
pub use pdf::BadPdf;
pub use refusal::Refusal;
pub use sound::BadSound;
