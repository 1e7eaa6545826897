//! Looks at what a gateway did besides answering: what it billed, what became of a key, what it logged, what it asked of
//! its providers.
//!
//! Each observer is a case of its own, so that a gateway that cannot be observed loses only those, as `not testable`.
//! Nothing is waited for by sleeping a fixed time: every observer has a deadline and looks again until then.

mod billing;
mod calls;
mod event;
mod key;
mod lacking;
mod ledger;
mod lines;
mod logs;
mod outcome;
mod upstream;

pub(crate) use billing::judge as judge_bills;
pub(crate) use calls::{
    judge as judge_calls, judge_behind_miss as judge_calls_behind_miss, judge_late as judge_late_calls,
};
pub(crate) use key::{last_used, moved};
pub(crate) use ledger::{Expected, Wanted, one};
pub(crate) use lines::Lines;
pub(crate) use logs::judge as judge_logs;
pub(crate) use outcome::{Outcome, Requirements};
pub(crate) use upstream::await_calls;
