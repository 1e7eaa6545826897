//! What the crate promises to those who call it.

mod coverage;
mod curl;
mod events;
mod expectations;
mod junit;
mod proof;
mod statement;
mod summary;
mod terminal;
mod transcript;
