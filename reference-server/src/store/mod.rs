//! All SQL. One thread owns the connection; everybody else hands it operations and, where they care, waits.

mod error;
mod handle;
mod open;
mod operation;
mod queue;
mod rows;
#[cfg(test)]
mod tests;
mod writer;

pub use error::OpenError;
pub(crate) use error::StoreError;
pub(crate) use handle::{Place, Store};
