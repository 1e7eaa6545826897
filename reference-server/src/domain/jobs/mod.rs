//! Jobs: calls that are answered with an id, worked off, and fetched by it until their time is over.

mod job;
mod runner;
mod world_jobs;

pub(crate) use job::{CUT_OFF, JobRow, JobStatus};
pub(crate) use runner::{Busy, Place, Runner};
pub(crate) use world_jobs::{Jobs, Miss, Outcome, Reader, Submitted};
