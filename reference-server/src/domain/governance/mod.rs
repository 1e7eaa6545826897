//! Who may use what, how much of it, and where it goes: customers, teams, virtual keys, budgets, rate limits, routing
//! rules, providers and their keys, and the sessions that stay with one of these.

mod blocked;
mod book;
mod caller;
mod choice;
mod customer;
mod draft;
mod duration;
mod entering;
#[cfg(test)]
mod entering_tests;
mod facade;
mod governed;
mod id;
mod itinerary;
mod listed;
mod meter;
mod meter_rows;
mod meters;
mod model_config;
mod money;
mod period;
mod predicate;
mod provider_entry;
mod request_type;
mod revealed;
mod rule;
mod seats;
mod sessions;
mod settings;
mod settlement;
mod team;
#[cfg(test)]
mod testing;
mod virtual_key;
mod virtual_role;
mod weight;

pub(crate) use blocked::Blocked;
pub(crate) use book::{Book, Row, Table};
pub(crate) use caller::{Caller, Sent};
pub(crate) use customer::Customer;
pub(crate) use draft::{
    BudgetForm, ConfigForm, CustomerForm, Draft, Invalid, KeyForm, LimitForm, ModelConfigForm, Patch,
    RuleForm, TargetForm, TeamForm, VirtualKeyForm,
};
pub(crate) use entering::Asked;
pub(crate) use facade::{ChangeError, Governance};
pub(crate) use governed::{Governed, Used};
pub(crate) use itinerary::Leg;
pub(crate) use meter::Told;
pub(crate) use meter_rows::{Allowed, Budget, RateLimit};
pub(crate) use model_config::ModelConfig;
pub(crate) use money::{number as dollars, read as read_dollars};
pub(crate) use provider_entry::{KeyValue, ProviderEntry, ProviderKey};
pub(crate) use request_type::RequestType;
pub(crate) use rule::{Rule, RuleTarget};
pub(crate) use settings::Settings;
pub(crate) use settlement::{Counted, SeatRow, Settlement, Spent};
pub(crate) use team::Team;
pub(crate) use virtual_key::{Owner, ProviderConfig, VirtualKey};
pub(crate) use virtual_role::VirtualRole;
pub(crate) use weight::Weight;
