//! The sentences of the features, by what they speak of.

mod commands;
mod files;
mod gateways;
mod verdicts;
