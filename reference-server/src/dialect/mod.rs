//! The wires that the gateway speaks, a folder each, all thin over one domain.

pub(crate) mod gsai;
mod kind;

pub use kind::{Dialect, UnknownDialect};
