//! What the crate promises to those who call it.

mod curl;
mod events;
mod junit;
mod summary;
mod terminal;
mod transcript;
