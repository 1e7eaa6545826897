//! What all providers over HTTP have in common: connections, time limits, bounded answers, streams, the words for what
//! goes wrong on the way, and what several wires make alike of what they carry.

mod attached;
mod client;
mod concealed;
mod conversation;
mod encoding;
mod endpoint;
mod events;
mod failure;
mod fault_header;
mod parts;
mod peer;
mod reply;
mod retry_after;
mod secret;
mod streaming;
mod tools;
mod transport;
mod vectors;
mod words;

pub(crate) use attached::{Base64, DataUrl};
pub use client::Client;
pub(crate) use conversation::{Turn, arguments, introduction, turns};
pub(crate) use encoding::percent_encoded;
pub use endpoint::{Endpoint, Timeouts};
pub(crate) use failure::Failure;
#[cfg(test)]
pub(crate) use failure::tests::failure;
pub(crate) use parts::Parts;
pub(crate) use peer::{Peer, headers};
pub(crate) use reply::{Chunks, Reply};
pub use secret::Secret;
pub(crate) use streaming::Decoder;
#[cfg(test)]
pub(crate) use streaming::tests::decoded;
pub(crate) use tools::{NO_PARAMETERS, offered_tools, the_one_to_call};
pub(crate) use transport::cut_short;
pub(crate) use vectors::one_for_each;
pub(crate) use words::{malformed, missing, rejected, unexpected, unknown_end};
