//! Decides one check on one reply. Pure: the same check on the same reply is always decided the same.

mod decide;
mod decided;
mod difference;
mod equal;
mod json;
mod matching;
mod number;
mod reply;
mod schemas;
mod stream;
mod within;
mod words;

pub(crate) use decide::is_filled;
pub use decide::{Context, decide};
pub use decided::Decided;
pub use difference::difference;
pub use equal::equal;
pub use json::Json;
pub use number::Decimal;
pub(crate) use reply::is_event_stream;
pub use reply::{Cut, Reply};
pub use schemas::{SchemaError, Schemas};
pub(crate) use stream::FirstEvent;
pub use stream::{Stream, decide_stream};
pub(crate) use within::within;
pub(crate) use words::shorten;
