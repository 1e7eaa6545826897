//! Vertex AI's wire: Gemini's requests and answers below projects and locations, and predictions of text embeddings.

mod embeddings;
mod error;
mod routes;
mod service;

pub(crate) use routes::serve;
