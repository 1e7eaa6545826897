//! Says what is wrong with a body, in the words and in the order of the observed service.
//!
//! The shapes are data ([`schema`]), read by one interpreter ([`check`](check::check)). A valid body costs no
//! allocation.

mod check;
mod coerce;
mod deviations;
mod mistake;
mod request;
mod schema;
mod shape;
#[cfg(test)]
mod tests;

pub(super) use coerce::{flag, number, whole};
pub(super) use deviations::Deviations;
pub(super) use request::{Body, chat, embedding};
pub(super) use schema::MOST_DIMENSIONS;
