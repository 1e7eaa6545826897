//! `/v1/responses`: made, streamed, kept, told again, gone on from, and deleted.

mod create;
mod history;
mod input;
mod object;
mod request;
mod stored;
mod stream;
mod tool_choice;

pub(super) use create::create;
pub(super) use request::check;
pub(super) use stored::{delete, input_items, retrieve};
