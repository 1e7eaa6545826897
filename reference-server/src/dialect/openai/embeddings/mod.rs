//! `POST /v1/embeddings`.

mod answer;
mod request;
mod wire;

pub(super) use answer::answer;
pub(super) use request::check;
