//! What is governed: through restarts, kills, failures in the middle of a batch, and from the files of before.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use futures::future::join_all;
use rusqlite::Connection;
use rust_decimal::Decimal;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::ledgers::Kept;
use super::open::{ROOT, open};
use super::operation::{Operation, Waiting};
use super::queue::Queue;
use super::tests::{ALL, charge};
use super::writer::Writer;
use super::{
    Document, First, Found, Kind, MeterRow, Opened, Place, Store, StoreError, meter_rows, seat_rows,
};
use crate::domain::call_log::{CallQuery, CallRecord, CallStatus};
use crate::domain::clock::Moment;
use crate::domain::governance::{Counted, SeatRow, Settlement, Spent};
use crate::domain::inference::Usage;

const BUDGET: Uuid = Uuid::from_u128(0xb);
const LIMIT: Uuid = Uuid::from_u128(0x1);
const START: Moment = Moment::from_micros(1_700_000_000_000_000);
const LATER: Moment = Moment::from_micros(1_700_000_060_000_000);
/// A moment that no test lives to see.
const NEVER: Moment = Moment::from_micros(i64::MAX);
/// What each call of a test costs.
const COST: Decimal = Decimal::from_parts(138, 0, 0, false, 6);

fn put(kind: Kind, id: &str, place: i64) -> Document {
    Document::Put { kind, id: id.to_string(), place, body: format!("{{\"place\":{place}}}") }
}

/// The documents of the meters that tests count on.
fn meters() -> [Document; 2] {
    [put(Kind::Budget, &BUDGET.to_string(), 1), put(Kind::RateLimit, &LIMIT.to_string(), 1)]
}

/// What the meters come to after so many calls.
fn metered(calls: u64) -> [MeterRow; 2] {
    [
        MeterRow::Budget { id: BUDGET, since: START, used: COST * Decimal::from(calls) },
        MeterRow::Limit { id: LIMIT, requests: Some((START, calls)), tokens: Some((START, 18 * calls)) },
    ]
}

fn call(number: u64) -> CallRecord {
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

fn settlement(number: u64) -> Settlement {
    Settlement {
        charges: vec![charge(number)],
        spent: vec![Spent { budget: BUDGET, since: START, amount: COST }],
        counted: vec![Counted { limit: LIMIT, requests: Some((START, 1)), tokens: Some((START, 18)) }],
        seat: Some(SeatRow { seat: [7; 32], key_id: format!("key {number}").into(), ends: NEVER }),
        call: Some(Box::new(call(number))),
    }
}

fn state(path: &Path, durable: bool, documents: &[Document]) -> (Store, Opened) {
    let first = First { documents, ..First::default() };
    Store::open(&Place::File(path.to_owned()), durable, first).unwrap()
}

/// The file that the database writes its latest commits to.
fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// Opens what would be found after a kill at this moment, which leaves so much of the log.
fn killed(path: &Path, log: &[u8], at: &Path) -> (Store, Opened) {
    fs::copy(path, at).unwrap();
    fs::write(log_of(at), log).unwrap();
    state(at, true, &[])
}

async fn logged(store: &Store) -> u64 {
    store.calls(ROOT, CallQuery { limit: 10, ..CallQuery::default() }).await.unwrap().total
}

/// Adds an operation and gives the place of its outcome.
fn ask<T>(
    queue: &Queue<Operation>,
    make: impl FnOnce(Waiting<T>) -> Operation,
) -> oneshot::Receiver<Result<T, StoreError>> {
    let (done, outcome) = oneshot::channel();
    queue.push_now(make(done)).unwrap();
    outcome
}

#[tokio::test]
async fn what_was_settled_stands_after_a_restart_each_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let first = [put(Kind::VirtualKey, "two", 2), put(Kind::VirtualKey, "one", 1)];
    {
        let (store, opened) = state(&path, false, &first);
        let ids: Vec<_> = opened.documents.iter().map(|found| &*found.id).collect();
        assert_eq!(ids, ["one", "two"]);
        let gone = Document::Delete { kind: Kind::VirtualKey, id: "two".to_owned() };
        let changes = vec![put(Kind::Team, "one", 7), gone, put(Kind::VirtualKey, "one", 3)];
        store.change(changes, Vec::new()).await.unwrap();
    }
    // The first documents are a new state's only: what was deleted stays so.
    let (_store, opened) = state(&path, false, &first);
    let found = |kind, place: i64| Found {
        kind,
        id: "one".to_owned(),
        place,
        body: format!("{{\"place\":{place}}}"),
    };
    assert_eq!(opened.documents, [found(Kind::Team, 7), found(Kind::VirtualKey, 3)]);
}

#[test]
fn a_state_in_memory_begins_with_the_first_documents_too() {
    let documents = meters();
    let first = First { documents: &documents, ..First::default() };
    let (_store, opened) = Store::open(&Place::Memory, false, first).unwrap();
    assert!(!opened.persistent);
    assert_eq!(opened.documents.len(), 2);
}

#[tokio::test]
async fn what_comes_of_calls_stands_after_a_restart_and_is_added_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    for (before, after) in [(0, 2), (2, 3)] {
        let (store, opened) = state(&path, false, &meters());
        let wanted = if before == 0 { Vec::new() } else { metered(before).to_vec() };
        assert_eq!(opened.meters, wanted);
        for number in before + 1..=after {
            store.settle(ROOT, settlement(number)).await.unwrap();
        }
    }
    let (store, opened) = state(&path, false, &[]);
    assert_eq!(opened.meters, metered(3));
    let [seat] = opened.seats.as_slice() else { panic!("{:?}", opened.seats) };
    assert_eq!((seat.seat, &*seat.key_id, seat.ends), ([7; 32], "key 3", NEVER));
    assert_eq!(store.call(ROOT, call(2).id.to_string()).await, Ok(Some(call(2))));
    let events = store.events(ROOT, ALL).await.unwrap();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn a_made_world_settles_its_ledger_and_its_log_and_no_meters() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    {
        let (store, _) = state(&path, false, &meters());
        store.settle(3, settlement(1)).await.unwrap();
        store.settle_now(3, settlement(2));
        assert_eq!(store.events(3, ALL).await.unwrap().len(), 2);
        assert_eq!(store.call(3, call(2).id.to_string()).await, Ok(Some(call(2))));
        assert_eq!(store.call(ROOT, call(2).id.to_string()).await, Ok(None));
        store.drop_world(3);
        assert_eq!(store.call(3, call(2).id.to_string()).await, Ok(None));
        store.settle(4, settlement(1)).await.unwrap();
    }
    let (store, opened) = state(&path, false, &[]);
    assert!(opened.meters.is_empty() && opened.seats.is_empty());
    assert_eq!(store.call(4, call(1).id.to_string()).await, Ok(None));
}

#[test]
fn within_a_window_amounts_are_added_and_of_two_windows_the_later_counts() {
    let documents = meters();
    let first = First { documents: &documents, ..First::default() };
    let (connection, _) = open(&Place::Memory, false, first).unwrap();
    let spend = |since, cents| {
        let spent = Spent { budget: BUDGET, since, amount: Decimal::new(cents, 2) };
        meter_rows::spend(&connection, &spent).unwrap();
    };
    let count = |requests, tokens| {
        meter_rows::count(&connection, &Counted { limit: LIMIT, requests, tokens }).unwrap();
    };
    let told = || meter_rows::meters(&connection).unwrap();
    let budget = |since, cents| MeterRow::Budget { id: BUDGET, since, used: Decimal::new(cents, 2) };
    let limit = |requests, tokens| MeterRow::Limit { id: LIMIT, requests, tokens };
    spend(START, 10);
    spend(START, 5);
    count(Some((START, 1)), None);
    count(Some((START, 1)), Some((START, 30)));
    assert_eq!(told(), [budget(START, 15), limit(Some((START, 2)), Some((START, 30)))]);
    spend(LATER, 1);
    count(Some((LATER, 1)), None);
    assert_eq!(told(), [budget(LATER, 1), limit(Some((LATER, 1)), Some((START, 30)))]);
    spend(START, 100);
    count(Some((START, 100)), Some((START, 12)));
    assert_eq!(told(), [budget(LATER, 1), limit(Some((LATER, 1)), Some((START, 42)))]);
}

#[test]
fn a_settlement_that_fails_leaves_nothing_and_the_others_of_its_batch_stand() {
    let (connection, _) = open(&Place::Memory, false, First::default()).unwrap();
    connection
        .execute_batch(&format!(
            "CREATE TRIGGER refusal BEFORE INSERT ON budgets WHEN new.since = {} \
             BEGIN SELECT RAISE(ABORT, 'refused'); END",
            LATER.as_micros()
        ))
        .unwrap();
    let queue = Queue::new();
    let settle = |number: u64, since: Moment| {
        let spent = vec![Spent { budget: BUDGET, since, amount: COST }];
        let settlement = Box::new(Settlement { spent, ..settlement(number) });
        ask(&queue, |done| Operation::Settle { world: ROOT, settlement, done: Some(done) })
    };
    let outcomes = [settle(1, START), settle(2, LATER), settle(3, START)];
    let events = ask(&queue, |done| Operation::Events { world: ROOT, query: ALL, done });
    let calls = ask(&queue, |done| {
        let query = Box::new(CallQuery { limit: 10, ..CallQuery::default() });
        Operation::Calls { world: ROOT, query, done }
    });
    queue.close();
    Writer::new(connection, false).run(&queue);
    let [one, two, three] = outcomes.map(|outcome| outcome.blocking_recv().unwrap());
    assert_eq!((one, three), (Ok(()), Ok(())));
    assert!(matches!(&two, Err(StoreError::Database(text)) if text.contains("refused")), "{two:?}");
    let events = events.blocking_recv().unwrap().unwrap();
    let told: Vec<_> = events.iter().map(|event| (event.seq, event.charge.input_tokens)).collect();
    assert_eq!(told, [(1, 1), (2, 3)]);
    let calls = calls.blocking_recv().unwrap().unwrap();
    let ids: Vec<_> = calls.records.iter().map(|call| call.id.as_u128()).collect();
    assert_eq!(ids, [1, 3]);
}

#[test]
fn a_change_that_fails_changes_nothing() {
    let documents = [put(Kind::Team, "one", 1)];
    let first = First { documents: &documents, ..First::default() };
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("state.db"));
    let (connection, _) = open(&place, false, first).unwrap();
    connection
        .execute_batch(
            "CREATE TEMP TRIGGER refusal BEFORE INSERT ON governance WHEN new.id = 'three' \
             BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        .unwrap();
    let queue = Queue::new();
    let change = |documents| ask(&queue, |done| Operation::Change { documents, forgotten: Vec::new(), done });
    let gone = Document::Delete { kind: Kind::Team, id: "one".to_owned() };
    let refused = change(vec![gone, put(Kind::Team, "two", 2), put(Kind::Team, "three", 3)]);
    let taken = change(vec![put(Kind::Team, "four", 4)]);
    queue.close();
    Writer::new(connection, true).run(&queue);
    assert!(refused.blocking_recv().unwrap().is_err());
    assert_eq!(taken.blocking_recv().unwrap(), Ok(()));
    let (_connection, opened) = open(&place, false, First::default()).unwrap();
    let ids: Vec<_> = opened.documents.iter().map(|found| &*found.id).collect();
    assert_eq!(ids, ["one", "four"]);
}

#[tokio::test]
async fn a_kill_leaves_each_settlement_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let (store, _) = state(&path, false, &meters());
    store.settle(ROOT, settlement(1)).await.unwrap();
    store.flush().await.unwrap();
    let before = fs::read(log_of(&path)).unwrap().len();
    store.settle(ROOT, settlement(2)).await.unwrap();
    store.flush().await.unwrap();
    let log = fs::read(log_of(&path)).unwrap();
    let mut seen = BTreeSet::new();
    // The second commit is cut at many places, as it may be while it is written.
    for length in (before..log.len()).step_by(1_000).chain([log.len()]) {
        let at = folder.path().join(format!("{length}.db"));
        let (left, opened) = killed(&path, &log[..length], &at);
        let events = left.events(ROOT, ALL).await.unwrap();
        let calls = events.len() as u64;
        assert_eq!(opened.meters, metered(calls), "{length} bytes");
        assert_eq!(
            events.iter().map(|event| event.charge.cost).sum::<Decimal>(),
            COST * Decimal::from(calls)
        );
        assert_eq!(logged(&left).await, calls);
        seen.insert(calls);
    }
    assert_eq!(seen, BTreeSet::from([1, 2]));
}

#[tokio::test]
async fn in_a_durable_store_what_is_settled_outlives_a_kill_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let (store, _) = state(&path, true, &meters());
    let settled = join_all((1..=64).map(|number| store.settle(ROOT, settlement(number)))).await;
    let log = fs::read(log_of(&path)).unwrap();
    assert!(settled.iter().all(Result::is_ok));
    let (left, opened) = killed(&path, &log, &folder.path().join("left.db"));
    assert_eq!(opened.meters, metered(64));
    assert_eq!(left.events(ROOT, ALL).await.unwrap().len(), 64);
    assert_eq!(logged(&left).await, 64);
    assert_eq!(opened.seats.len(), 1);
}

#[tokio::test]
async fn a_call_that_is_left_is_settled_in_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    {
        let (store, _) = state(&path, true, &meters());
        store.settle_now(ROOT, settlement(1));
        assert_eq!(store.events(ROOT, ALL).await.unwrap().len(), 1);
        store.settle_now(ROOT, settlement(2));
    }
    assert_eq!(state(&path, true, &[]).1.meters, metered(2));
}

#[tokio::test]
async fn meters_go_with_what_they_count_for_even_where_a_call_ends_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    {
        let (store, _) = state(&path, false, &meters());
        store.settle(ROOT, settlement(1)).await.unwrap();
        let budget = Document::Delete { kind: Kind::Budget, id: BUDGET.to_string() };
        store.change(vec![budget], vec![BUDGET]).await.unwrap();
        assert_eq!(logged(&store).await, 1);
    }
    {
        let (store, opened) = state(&path, false, &[]);
        assert_eq!(opened.meters, metered(1)[1..]);
        store.settle(ROOT, settlement(2)).await.unwrap();
    }
    assert_eq!(state(&path, false, &[]).1.meters, metered(2)[1..]);
}

#[test]
fn seats_are_renewed_end_and_are_cut() {
    let (connection, _) = open(&Place::Memory, false, First::default()).unwrap();
    let seat = |number: u8, ends: i64| SeatRow {
        seat: [number; 32],
        key_id: "one".into(),
        ends: Moment::from_micros(ends),
    };
    for (number, ends) in [(1, 10), (2, 20), (3, 30), (1, 40), (4, 5)] {
        seat_rows::save(&connection, &seat(number, ends)).unwrap();
    }
    seat_rows::forget_ended(&connection, Moment::from_micros(20)).unwrap();
    assert_eq!(seat_rows::seats(&connection).unwrap(), [seat(3, 30), seat(1, 40)]);
    seat_rows::cut(&connection, 1).unwrap();
    assert_eq!(seat_rows::seats(&connection).unwrap(), [seat(1, 40)]);
}

#[test]
fn logs_and_seats_keep_their_newest() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("state.db"));
    let (connection, _) = open(&place, false, First::default()).unwrap();
    let queue = Queue::new();
    for number in 1..=4_100_u16 {
        let mut seat = [0; 32];
        seat[..2].copy_from_slice(&number.to_be_bytes());
        let ends = Moment::from_micros(NEVER.as_micros() - 5_000 + i64::from(number));
        let settlement = Box::new(Settlement {
            seat: Some(SeatRow { seat, key_id: "one".into(), ends }),
            call: Some(Box::new(call(number.into()))),
            ..Settlement::default()
        });
        queue.push_now(Operation::Settle { world: ROOT, settlement, done: None }).unwrap();
    }
    let query = Box::new(CallQuery { limit: 1, ..CallQuery::default() });
    let calls = ask(&queue, |done| Operation::Calls { world: ROOT, query, done });
    queue.close();
    Writer::keeping(Kept { calls: 10, seats: 3, ..Kept::default() }, connection, true).run(&queue);
    let page = calls.blocking_recv().unwrap().unwrap();
    assert_eq!((page.total, page.records[0].id.as_u128()), (14, 4_087));
    let (_connection, opened) = open(&place, false, First::default()).unwrap();
    assert_eq!(opened.seats.len(), 7);
}

/// Takes from a state what came with the third version.
fn set_back(path: &Path) {
    let connection = Connection::open(path).unwrap();
    for table in ["governance", "budgets", "rate_limits", "sessions", "jobs", "calls"] {
        connection.execute_batch(&format!("DROP TABLE {table}")).unwrap();
    }
    connection.pragma_update(None, "user_version", 2).unwrap();
}

#[tokio::test]
async fn a_file_of_the_second_version_is_brought_up_and_begins_as_a_new_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    {
        let (store, _) = state(&path, false, &[]);
        store.append(ROOT, charge(1)).await.unwrap();
    }
    set_back(&path);
    {
        let (store, opened) = state(&path, false, &meters());
        assert_eq!(opened.documents.len(), 2);
        assert_eq!(store.events(ROOT, ALL).await.unwrap().len(), 1);
        store.settle(ROOT, settlement(2)).await.unwrap();
    }
    let (store, opened) = state(&path, false, &[]);
    assert_eq!(opened.meters, metered(1));
    assert_eq!(store.events(ROOT, ALL).await.unwrap().len(), 2);
}

#[cfg(unix)]
#[test]
fn a_new_file_is_its_owners_alone_and_one_without_secrets_becomes_so() {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let (store, _) = state(&path, false, &[]);
    assert_eq!((mode(&path), mode(&log_of(&path))), (0o600, 0o600));
    drop(store);
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    drop(state(&path, false, &[]));
    assert_eq!(mode(&path), 0o640);
    set_back(&path);
    drop(state(&path, false, &[]));
    assert_eq!(mode(&path), 0o600);
}
