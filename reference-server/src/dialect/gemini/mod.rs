//! Gemini's wire: content generation, token counts, embeddings, models.

mod content;
pub(in crate::dialect) mod embeddings;
pub(in crate::dialect) mod error;
pub(in crate::dialect) mod exchange;
pub(in crate::dialect) mod generate;
pub(in crate::dialect) mod members;
mod models;
mod pairing;
pub(in crate::dialect) mod request;
pub(in crate::dialect) mod routes;
mod stream;
mod tools;
mod wire;

pub(crate) use error::refused;
pub(crate) use routes::serve;
