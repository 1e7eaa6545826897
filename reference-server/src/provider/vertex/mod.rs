//! Gemini's wire, at Vertex AI with the tokens of a service account and at the Gemini API with a key.

mod account;
mod answer;
mod call;
mod content;
mod embeddings;
mod error;
mod request;
mod service;
mod stream;
mod tokens;
mod tools;
mod wire;

pub use account::{ServiceAccount, ServiceAccountError};
pub use call::Vertex;
