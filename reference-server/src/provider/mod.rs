//! Who answers a gateway's calls: one trait, a file for each kind of provider.

mod fault;
mod interface;
mod mock;

pub use fault::Fault;
pub use interface::{CompletionStream, Provider, StreamPart};
pub use mock::Mock;
