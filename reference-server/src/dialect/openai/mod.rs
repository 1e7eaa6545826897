//! The OpenAI API: chat completions, completions of the old kind, responses, embeddings, models.
//!
//! Shapes, limits and words are those of OpenAI's API reference and of what its service is known to answer.

mod attachment;
mod chat;
mod chunks;
mod completions;
mod effort;
mod embeddings;
mod error;
mod exchange;
mod format;
mod front;
mod headers;
mod logprobs;
mod metadata;
mod models;
mod prompt;
mod responses;
mod routes;
mod sampling;
mod strict;
mod tools;
mod wire;
mod words;

pub(crate) use front::{Validated, refused, validated};
pub(crate) use routes::serve;
