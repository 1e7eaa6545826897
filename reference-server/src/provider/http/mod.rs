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
mod form;
mod forwarded;
mod gathered;
mod parts;
mod peer;
mod reply;
mod retry_after;
mod sampling;
mod scrubbed;
mod secret;
mod streaming;
#[cfg(test)]
pub(crate) mod testing;
mod told;
mod tools;
mod transport;
mod unreadable;
mod vectors;
mod words;

pub(crate) use attached::{Base64, DataUrl};
pub use client::Client;
pub(crate) use conversation::{Said, Turn, arguments, introduction, speaker, turns};
pub(crate) use encoding::percent_encoded;
pub use endpoint::{Endpoint, Timeouts};
pub(crate) use failure::Failure;
pub(crate) use form::described;
pub(crate) use forwarded::forwarding;
pub(crate) use parts::Parts;
pub(crate) use peer::{Peer, headers};
pub(crate) use reply::{Chunks, Reply};
pub(crate) use retry_after::in_seconds;
pub(crate) use sampling::{Parameter, mild, refuse};
pub use secret::Secret;
pub(crate) use streaming::Decoder;
pub(crate) use told::Told;
pub(crate) use tools::{NO_PARAMETERS, offered_tools, the_one_to_call};
pub(crate) use transport::cut_short;
pub(crate) use unreadable::noting_unreadable;
pub(crate) use vectors::one_for_each;
pub(crate) use words::{incapable, malformed, missing, unexpected, unknown_end};
