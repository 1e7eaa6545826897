//! Decides one check on one reply. Pure: the same check on the same reply is always decided the same.

mod decide;
mod difference;
mod equal;
mod matching;
mod number;
mod reply;
mod schemas;
mod stream;
mod words;

pub use decide::{Context, decide};
pub use difference::difference;
pub use equal::equal;
pub use number::Decimal;
pub use reply::Reply;
pub(crate) use reply::is_event_stream;
pub use schemas::{SchemaError, Schemas};
pub use stream::{Stream, decide_stream};
