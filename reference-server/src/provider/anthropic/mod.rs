//! Anthropic's wire: messages, and the tokens of a prompt.

mod answer;
mod call;
mod content;
mod error;
mod request;
mod stream;
mod tools;
mod wire;

pub use call::Anthropic;
pub(super) use request::{Thinking, thinking};
