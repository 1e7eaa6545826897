//! Budgets and rate limits, as they are stored. How much of them is used stands in the meters.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::duration::ResetDuration;
use crate::domain::clock::Moment;

/// How many dollars may be spent in a window.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Budget {
    pub(crate) id: Uuid,
    /// US dollars.
    pub(crate) max_limit: Decimal,
    pub(crate) reset: ResetDuration,
    /// Whether windows begin where the calendar's days, weeks, months or years do.
    pub(crate) calendar_aligned: bool,
    pub(crate) created_at: Moment,
}

/// How many tokens and requests there may be in a window.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct RateLimit {
    pub(crate) id: Uuid,
    pub(crate) tokens: Option<Allowed>,
    pub(crate) requests: Option<Allowed>,
    pub(crate) created_at: Moment,
}

/// So many, and after which time again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Allowed {
    pub(crate) max: u64,
    pub(crate) reset: ResetDuration,
}
