//! The deterministic model behind the mock provider: rules in data, no clock, no chance, no I/O.

mod attachments;
mod bindings;
mod budget;
#[cfg(test)]
mod conversations;
mod couplet;
mod draft;
mod echo;
mod effort;
mod embedding;
mod error;
mod expressions;
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
mod prefill;
mod probability;
mod prompt;
mod references;
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
mod validation;

pub(crate) use attachments::is_readable;
pub use error::BrainError;
pub use gallery::BadImage;
pub use model::Brain;
pub use pdf::BadPdf;
pub(crate) use probability::Tokens;
pub(crate) use prompt::count_for_another;
pub use refusal::Refusal;
pub use sound::BadSound;
