//! The `/api/v1` framework API: models, chat completions, embeddings, health.
//!
//! Shapes are those observed on the real service. Where the service breaks its own test plan, this keeps the
//! plan and the defect catalogue has the breakage.

mod body;
mod chat;
mod content;
mod cors;
mod duplicates;
mod embeddings;
mod error;
mod excerpt;
mod exchange;
mod head;
mod health;
mod lenience;
mod models;
mod rewrite;
mod routes;
mod stream;
mod validate;
mod wire;

pub(crate) use routes::serve;
