//! Streams of events: from a body to the document that checks see, and what is decided about it.

mod document;
mod end;
mod joined;
mod judge;
mod sse;

pub use document::Stream;
pub use judge::decide_stream;
