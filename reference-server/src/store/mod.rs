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
#[cfg(test)]
mod meter_tests;
mod open;
mod operation;
mod outcomes;
mod private_file;
mod queue;
mod rows;
mod savepoint;
mod schema;
mod seat_rows;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod upgrade_tests;
mod writer;

pub(crate) use document::{Document, Found, Kind};
pub use error::OpenError;
pub(crate) use error::StoreError;
pub(crate) use handle::{Place, Settling, Store};
pub(crate) use meter_rows::{Forgotten, MeterRow};
pub(crate) use open::{First, Opened};
