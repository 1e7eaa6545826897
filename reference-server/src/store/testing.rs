//! What the tests of what is governed have in common.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::open::ROOT;
use super::tests::charge;
use super::{Document, First, Kind, MeterRow, Opened, Place, Store, StoreError};
use crate::domain::call_log::{CallQuery, CallRecord, CallStatus};
use crate::domain::clock::Moment;
use crate::domain::governance::{Counted, SeatRow, Settlement, Spent};
use crate::domain::inference::Usage;
use crate::domain::ledger::WorldNumber;

/// The budget that calls of a test are spent from.
pub(super) const BUDGET: Uuid = Uuid::from_u128(0xb);
/// The limit that they count on.
pub(super) const LIMIT: Uuid = Uuid::from_u128(0x1);
/// When its window began.
pub(super) const START: Moment = Moment::from_micros(1_700_000_000_000_000);
/// The beginning of the next.
pub(super) const LATER: Moment = Moment::from_micros(1_700_000_060_000_000);
/// A moment that no test lives to see.
pub(super) const NEVER: Moment = Moment::from_micros(i64::MAX);
/// What each call of a test costs.
pub(super) const COST: Decimal = Decimal::from_parts(138, 0, 0, false, 6);

/// A document at a place, which is all that stands in it.
pub(super) fn put(kind: Kind, id: &str, place: i64) -> Document {
    Document::Put { kind, id: id.to_string(), place, body: format!("{{\"place\":{place}}}") }
}

/// The documents of the meters that tests count on.
pub(super) fn meters() -> [Document; 2] {
    [put(Kind::Budget, &BUDGET.to_string(), 1), put(Kind::RateLimit, &LIMIT.to_string(), 1)]
}

/// What the meters come to after so many calls.
pub(super) fn metered(calls: u64) -> [MeterRow; 2] {
    [
        MeterRow::Budget { id: BUDGET, since: START, used: COST * Decimal::from(calls) },
        MeterRow::Limit { id: LIMIT, requests: Some((START, calls)), tokens: Some((START, 18 * calls)) },
    ]
}

/// What the log has of the call with this number.
pub(super) fn call(number: u64) -> CallRecord {
    CallRecord {
        id: Uuid::from_u128(u128::from(number)),
        at: START,
        provider: Some("openai".into()),
        model: "gpt-4o".into(),
        object: "chat.completion".into(),
        status: CallStatus::Success,
        status_code: Some(200),
        latency_ms: 10,
        usage: Usage::of(11, 7),
        cost: COST,
        key: None,
        virtual_key: None,
        rule: None,
        attempts: 1,
        error: None,
    }
}

/// What it leaves behind.
pub(super) fn settlement(number: u64) -> Settlement {
    Settlement {
        charges: vec![charge(number)],
        spent: vec![Spent { budget: BUDGET, since: START, amount: COST }],
        counted: vec![Counted { limit: LIMIT, requests: Some((START, 1)), tokens: Some((START, 18)) }],
        seat: Some(SeatRow {
            seat: [7; 32],
            key_id: format!("key {number}").into(),
            ends: NEVER,
            ttl: Duration::MAX,
        }),
        call: Some(Box::new(call(number))),
    }
}

/// Opens a state, which begins with these documents where it is new.
pub(super) fn state(path: &Path, durable: bool, documents: &[Document]) -> (Store, Opened) {
    let first = First { documents, ..First::default() };
    Store::open(&Place::File(path.to_owned()), durable, first).unwrap()
}

/// The file that the database writes its latest commits to.
pub(super) fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// Writes what a call leaves behind.
pub(super) async fn settle(
    store: &Store,
    world: WorldNumber,
    settlement: Settlement,
) -> Result<(), StoreError> {
    store.settling(world).await.settle(settlement).await
}

/// How many calls the log has.
pub(super) async fn logged(store: &Store) -> u64 {
    store.calls(ROOT, CallQuery { limit: 10, ..CallQuery::default() }).await.unwrap().total
}
