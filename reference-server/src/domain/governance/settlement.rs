//! What a call leaves behind, written in one piece: either all of it is in the store or nothing.

use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::domain::call_log::CallRecord;
use crate::domain::clock::Moment;
use crate::domain::ledger::Charge;

/// All that is written of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settlement {
    /// What the ledger gets.
    pub(crate) charges: Vec<Charge>,
    pub(crate) spent: Vec<Spent>,
    pub(crate) counted: Vec<Counted>,
    pub(crate) seat: Option<SeatRow>,
    /// What the log of calls gets.
    pub(crate) call: Option<Box<CallRecord>>,
}

/// What was spent of a budget, in the window that began at `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) budget: Uuid,
    pub(crate) since: Moment,
    /// US dollars.
    pub(crate) amount: Decimal,
}

/// How many more requests and tokens of a rate limit are used, each in the window that began then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) limit: Uuid,
    pub(crate) requests: Option<(Moment, u64)>,
    pub(crate) tokens: Option<(Moment, u64)>,
}

/// Which key a session stays with, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeatRow {
    /// A digest: the name of the session is the caller's.
    pub(crate) seat: [u8; 32],
    /// The id of the provider's key.
    pub(crate) key_id: Arc<str>,
    pub(crate) ends: Moment,
    /// How long it stays after its last request.
    pub(crate) ttl: Duration,
}
