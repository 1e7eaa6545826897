//! What a user expects of single cases, laid over their verdicts: known failures, and cases that may pass or fail.
//!
//! [`read()`] matches a file against the names of a suite's cases; the engine stamps each case with what is expected of
//! it. [`Update`] is what a run showed the file to lack, and [`rewrite()`] changes the file's text accordingly.

mod edit;
mod file;
mod pattern;
mod read;
mod update;

pub use file::expectations_schema;
pub use read::{Expectations, read};
pub use update::{Addition, Passing, Update, rewrite};
