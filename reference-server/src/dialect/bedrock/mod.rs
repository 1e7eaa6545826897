//! Bedrock's runtime API: `Converse`, `ConverseStream`, and `InvokeModel` for what embeds.
//!
//! Shapes and bounds are those of the service model of the API version 2023-09-30, words those that clients have met.
//! As at the service, members that nobody knows are passed over.

mod cohere;
mod content;
mod conversation;
mod converse;
mod error;
mod exchange;
mod frame;
mod invoke;
mod media;
mod request;
mod routes;
mod signature;
mod stream;
mod titan;
mod tools;
mod union;
mod vectors;
mod wire;
mod words;

pub(crate) use error::refused;
pub(crate) use exchange::plain;
pub(crate) use routes::serve;
