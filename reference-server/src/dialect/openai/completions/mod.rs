//! `POST /v1/completions`: completions of the old kind, a text for a text.

mod answer;
mod request;
mod stream;
mod wire;

pub(super) use answer::answer;
pub(super) use request::check;
