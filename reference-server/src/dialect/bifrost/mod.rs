//! Bifrost: inference for many tenants on OpenAI's wire, jobs, what governs both, and the wires of providers under
//! prefixes of their own.
//!
//! Shapes are those of the product's own source of April 2026. What a call is and how it is answered is left to the
//! dialects behind this one; here it is found out who calls, where the call goes, and what is told of it besides.

mod config;
mod dropin;
mod error;
mod events;
mod exchange;
mod extra_fields;
mod fallbacks;
mod forward;
#[cfg(test)]
mod job_tests;
mod jobs;
mod locality;
mod logs;
mod management;
mod model_name;
mod models;
mod native;
#[cfg(test)]
mod prefix_tests;
mod routes;
mod service;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub(crate) use routes::serve;
