//! The management API: customers, teams, virtual keys, routing rules, budgets and limits, providers and their keys.

mod change;
mod crud;
mod customers;
mod forms;
mod guard;
mod keys;
mod meters;
mod model_configs;
mod models;
mod page;
mod providers;
mod routes;
mod rows;
mod rules;
mod teams;
mod virtual_keys;

pub(super) use change::change;
pub(super) use forms::read;
pub(super) use guard::admit;
pub(super) use routes::serve;
