//! Streams of events: from a body to the document that checks see, and what is decided about it.

mod document;
mod end;
mod first;
mod joined;
mod judge;
mod sse;

pub use document::Stream;
pub(crate) use first::FirstEvent;
pub use judge::decide_stream;
pub(super) use sse::all_data;
