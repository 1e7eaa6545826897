//! `POST /v1/chat/completions`.

mod ability;
mod answer;
mod message;
mod request;
mod stream;
mod tool_choice;
mod wire;

pub(super) use answer::answer;
pub(super) use request::check;
