//! Who answers for a model: routes by weight, sessions that stay where they are, attempts that go on after a failure,
//! and breakers that leave alone what keeps failing.

mod attempts;
mod backoff;
mod breaker;
mod chance;
mod fate;
mod misjudged;
mod network;
mod opening;
mod permit;
mod plan;
mod restarting;
mod route;
mod routed_model;
mod seats;
mod service;
mod switchboard;
#[cfg(test)]
pub(crate) mod testing;
mod uncalled_for;
mod view;
mod world_routing;

pub(crate) use attempts::ask;
pub(crate) use backoff::Retries;
pub(crate) use breaker::BreakerPolicy;
pub(crate) use chance::Chance;
pub(crate) use network::{Backend, Network};
pub(crate) use opening::open;
pub(crate) use permit::Permit;
pub(crate) use plan::{ModelPlan, Plan, Policy, RoutePlan};
pub(crate) use restarting::restarted;
pub(crate) use route::Route;
pub(crate) use routed_model::RoutedModel;
pub(crate) use seats::{Session, Sticky};
pub(crate) use service::{Server, Service};
pub(crate) use switchboard::{ConfiguredKey, Switchboard};
pub(crate) use uncalled_for::ask_uncalled_for;
pub(crate) use view::ModelView;
pub(crate) use world_routing::Routing;
