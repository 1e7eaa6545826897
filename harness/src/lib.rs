//! The runner: reads scenarios, plays them against a gateway, and decides what they show.
//!
//! [`scenario`] is the model and knows no I/O; [`source`] reads files into it; [`target`] is what is known of the
//! gateway under test; [`engine`] runs the one against the other; [`check`] decides a single check; `observe` looks
//! at what the gateway did besides answering; [`expectation`] is what the user excuses.

pub mod check;
pub mod engine;
pub mod expectation;
mod observe;
pub mod scenario;
pub mod source;
pub mod target;
