//! All SQL. One thread owns the connection; everybody else hands it operations and, where they care, waits.

mod call_rows;
mod document;
mod error;
mod governance_rows;
#[cfg(test)]
mod governance_tests;
mod handle;
mod job_rows;
mod ledgers;
mod meter_rows;
mod open;
mod operation;
mod private_file;
mod queue;
mod rows;
mod savepoint;
mod schema;
mod seat_rows;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use document::{Document, Found, Kind};
pub use error::OpenError;
pub(crate) use error::StoreError;
pub(crate) use handle::{Place, Store};
pub(crate) use meter_rows::MeterRow;
pub(crate) use open::{First, Opened};
