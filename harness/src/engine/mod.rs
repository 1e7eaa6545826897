//! Runs scenarios against a target: scheduling, worlds, variables, HTTP, cleanup. Decides nothing that
//! [`crate::check`] and `observe` decide, and writes nothing: what happens goes to a [`Sink`].

mod arriving;
mod attempt;
mod burst;
mod cancel;
mod client;
mod digest;
mod exchange;
mod gated;
mod isolation;
mod judging;
mod observing;
mod obstacle;
mod plan;
mod polling;
mod preflight;
mod providers;
mod raw;
mod request;
mod run;
mod sample;
mod sending;
mod service;
mod shard;
mod simulator;
mod stage;
mod steering;
mod step_value;
mod trouble;
mod upstream;
mod verdicts;

pub use cancel::Cancel;
pub use client::{Client, ClientError};
pub use digest::pinned;
pub(crate) use isolation::{mint as mint_for_marker, with_key};
pub use plan::{Plan, Settings};
pub use preflight::{Unreachable, reachable};
pub use run::{Sink, run};
pub(crate) use service::{ServiceError, Services};
pub use shard::{Shard, ShardError};
pub(crate) use simulator::{Journal, Simulator, Until, Wanted};
pub(crate) use stage::{Key, Stage};
pub use verdicts::{Planned, case_names, planned};
