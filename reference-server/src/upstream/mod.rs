//! The provider simulator: the providers' own wires on one listener, a journal of every call, faults and gates.
//!
//! What answers are the gateway's own dialects, over worlds of the simulator's. Around each call stands a layer that
//! notes it, has it fail where it is told to, and follows the answer to its end.

mod access;
mod alter;
mod around;
mod asked;
mod call;
mod control;
mod credentials;
mod error_body;
mod fault;
mod filter;
mod following;
mod frame;
mod gate;
mod journal;
mod meaning;
mod pace;
mod provider_kind;
mod recorder;
mod rules;
mod simulator;
mod spoil;
mod start;
mod text;
mod token;
mod units;
mod upload;
mod world;
mod worlds;

pub use access::{Access, access};
pub use provider_kind::ProviderKind;
pub(crate) use simulator::Simulator;
pub use start::{UpstreamSettings, bind};
