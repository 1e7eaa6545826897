//! What a gateway's maker publishes about it: what was claimed, what was checked, and what came of it.
//!
//! [`Statement::new`] writes one from a [`Summary`](crate::Summary) and from what the suite says of its contracts, so that
//! what did not run is listed as well. [`Statement::check`] and [`Statement::compare`] read one as somebody does who does
//! not believe it.

mod facts;
mod lists;
mod model;
mod reproduce;
mod standing;
mod verifying;
mod weighing;
mod writing;
mod yaml;

pub use facts::{CaseFacts, ContractFacts};
pub use model::{
    Answers, Capabilities, CaseCounts, Claim, Contract, Dialect, Expected, FORMAT, Failure, Flaky,
    Implementation, Levels, Outcome, RequirementCounts, Requirements, Run, Statement, Target, Unsupported,
    Untested, Warning, statement_schema,
};
pub use reproduce::CommandError;
pub use verifying::Finding;
pub use writing::StatementError;
