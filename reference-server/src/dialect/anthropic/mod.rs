//! Anthropic's Messages API under `/v1`: messages, their tokens, models.
//!
//! Shapes and words are those of the public reference and of what the official clients see.

mod caching;
mod content;
mod count;
mod error;
mod exchange;
mod id;
pub(in crate::dialect) mod media;
mod messages;
mod models;
mod pairing;
pub(in crate::dialect) mod request;
mod respond;
mod routes;
pub(in crate::dialect) mod signature;
pub(in crate::dialect) mod stream;
mod thoughts;
mod tools;
mod version;
mod wire;
pub(in crate::dialect) mod words;

pub(crate) use error::refused;
pub(crate) use routes::serve;
