//! What every dialect does with a request before and after its own words come in.

mod arrival;
pub(crate) mod body;
mod exchange;
mod falsified;
mod flow;
mod pass;
pub(crate) mod read;
mod refused;
pub(crate) mod repeats;
mod run;
mod served;
pub(crate) mod sse;
mod unanswered;

pub(crate) use arrival::Arrival;
pub(crate) use body::BodyError;
pub(crate) use exchange::{Exchange, UnknownFault};
pub(crate) use falsified::conceal_limits;
pub(crate) use flow::Flow;
pub(crate) use pass::Pass;
pub(crate) use refused::Refused;
pub(crate) use repeats::Repeats;
pub(crate) use run::{Answer, run};
pub(crate) use unanswered::Unanswered;
#[cfg(test)]
pub(crate) use unanswered::tests::{SECRET, failures};
