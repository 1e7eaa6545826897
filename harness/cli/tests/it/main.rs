//! The binary as its users meet it: exit codes, what is printed, what is written.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod configuration;
mod defects;
mod docs;
mod expectations;
mod gateways;
mod listing;
mod output;
mod providers;
mod proving;
mod serve;
mod shards;
mod statement;
mod support;
mod twins;
mod upstream;
