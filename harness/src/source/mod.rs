//! Readers that turn what authors write into the model of [`crate::scenario`], and say what is wrong with it.

mod files;
pub mod gherkin;
mod mistake;
mod read;
mod resolve;
mod suite;
pub mod written;
pub mod yaml;

pub use files::{Files, ReadError, SourceFile, read_text};
pub(crate) use mistake::hint_among;
pub use mistake::{Mistake, Span, did_you_mean};
pub use suite::{Suite, load};
