//! The deterministic model behind the mock provider: rules in data, no clock, no chance, no I/O.

mod attachments;
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
mod pdf;
mod prompt;
mod refusal;
mod rule;
mod rulebook;
mod scene;
mod sentence;
mod speech;
mod style;
mod table;
mod template;
pub mod tokens;

pub(crate) use attachments::is_readable;
pub use error::BrainError;
pub use gallery::BadImage;
pub use model::Brain;
pub use pdf::BadPdf;
pub use refusal::Refusal;
