//! Who answers a gateway's calls: one trait, a file for each kind of provider.

mod fault;
mod interface;
mod mock;
mod pieces;
mod wire;

pub use fault::{Fault, FaultKind, UnknownFaultKind};
pub use interface::{CompletionStream, Piece, Provider, StreamPart};
pub use mock::Mock;
