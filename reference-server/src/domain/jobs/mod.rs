//! Jobs: calls that are answered with an id, worked off, and fetched by it until their time is over.

mod job;
mod runner;
mod world_jobs;

pub(crate) use job::{JobRow, JobStatus};
pub(crate) use runner::{Busy, Place, Runner};
pub(crate) use world_jobs::{Jobs, Outcome, Reader, Submitted};
