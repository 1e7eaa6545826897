//! YAML: the first of the sources.

pub mod decode;
pub(in crate::source) mod node;

pub use decode::{Decoded, decode};
