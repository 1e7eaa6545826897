//! What a run decided, in a form that outlives the program that ran it.
//!
//! Everything that speaks of verdicts depends on this crate and on nothing behind it: the engine appends
//! [`Event`]s to a `run.jsonl`, and each report is rendered from those events alone, during the run, after it,
//! or from several records read one after another.

mod agreement;
mod configuration;
mod event;
mod exit;
mod expectation;
mod merge;
mod reader;
mod shard;
mod tally;
mod verdict;

pub use agreement::Disagreement;
pub use configuration::{Configuration, Offered};
pub use event::{
    Body, Case, ContractRef, Difference, Event, Exchange, FORMAT, Location, Miss, Outcome, Request,
    RequirementRef, Response, RunFinished, RunStarted, ScenarioFinished, ScenarioStarted, Taken, TargetRef,
    Verified,
};
pub use exit::ExitCode;
pub use expectation::{Expectation, ExpectationKind};
pub use merge::{MergeError, merge};
pub use reader::{ReadError, read};
pub use shard::ShardRef;
pub use tally::Tally;
pub use verdict::{Level, Verdict};
