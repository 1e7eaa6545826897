//! YAML: the first of the sources.

pub mod decode;
mod node;
mod read;

pub use decode::decode;
pub use read::{Decoded, read_all};
