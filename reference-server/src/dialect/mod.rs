//! The wires that the gateway speaks, a folder each, all thin over one domain.

pub(crate) mod anthropic;
pub(crate) mod bedrock;
pub(crate) mod bifrost;
pub(crate) mod common;
pub(crate) mod gemini;
pub(crate) mod gsai;
mod kind;
pub(crate) mod openai;
pub(crate) mod vertex;

pub use kind::{Dialect, UnknownDialect};
