//! What a gateway knows and does, without a word of HTTP: catalog, keys, policies, the flow of a call,
//! billing, the log, and the worlds that hold them.

pub(crate) mod access_key;
pub(crate) mod admission;
pub(crate) mod authorization;
mod billed_stream;
pub(crate) mod billing;
pub(crate) mod call;
pub(crate) mod call_log;
pub(crate) mod catalog;
pub(crate) mod clock;
pub(crate) mod closing;
pub(crate) mod completion;
pub(crate) mod defect_memory;
mod delivered;
pub(crate) mod embedding;
pub(crate) mod expiring;
pub(crate) mod faults;
pub(crate) mod governance;
pub(crate) mod idempotency;
pub mod inference;
pub(crate) mod jobs;
pub(crate) mod key;
pub(crate) mod key_ring;
pub(crate) mod ledger;
pub(crate) mod log_line;
pub(crate) mod log_writer;
pub(crate) mod prompt_cache;
pub(crate) mod prompt_tokens;
pub(crate) mod quota;
mod relayed_stream;
pub(crate) mod relaying;
pub(crate) mod request_log;
mod request_size;
pub(crate) mod role;
pub(crate) mod routing;
pub(crate) mod scope;
pub(crate) mod shaping;
pub(crate) mod stored_response;
mod strikes;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod world;
pub(crate) mod worlds;
