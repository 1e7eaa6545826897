//! Anthropic's Messages API under `/v1`: messages, their tokens, models.
//!
//! Shapes and words are those of the public reference and of what the official clients see.

mod caching;
mod content;
mod count;
mod error;
mod exchange;
mod id;
mod media;
mod messages;
mod models;
mod pairing;
mod request;
mod respond;
mod routes;
mod signature;
mod stream;
mod tools;
mod version;
mod wire;
mod words;

pub(crate) use routes::serve;
