//! Gemini's wire: content generation, token counts, embeddings, models.

mod content;
mod embeddings;
mod error;
mod exchange;
mod generate;
mod members;
mod models;
mod request;
mod routes;
mod stream;
mod tools;
mod wire;

pub(crate) use routes::serve;
