//! What every dialect does with a request before and after its own words come in.

mod arrival;
pub(crate) mod body;
mod exchange;
mod flow;
pub(crate) mod read;
mod run;
mod served;
pub(crate) mod sse;

pub(crate) use arrival::Arrival;
pub(crate) use body::BodyError;
pub(crate) use exchange::{Exchange, UnknownFault};
pub(crate) use flow::Flow;
pub(crate) use run::{Answer, run};
