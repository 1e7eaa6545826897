//! The control API under `/~control/`: what a test needs to do to the gateway, and to know of it, beside its
//! dialects. It answers to this machine only, and only to who has the token.

mod clock;
mod defects;
pub(crate) mod error;
pub(crate) mod fault_rules;
mod faults;
mod guard;
pub(crate) mod input;
mod keys;
mod ledger;
mod logs;
mod router;
mod worlds;

pub(crate) use guard::Control;
