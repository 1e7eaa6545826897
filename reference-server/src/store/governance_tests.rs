//! What is governed: through restarts, kills, and failures in the middle of a batch.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use futures::future::join_all;
use rust_decimal::Decimal;
use tokio::sync::oneshot;

use super::ledgers::Kept;
use super::open::{ROOT, open};
use super::operation::{Operation, Waiting};
use super::queue::Queue;
use super::testing::{
    BUDGET, COST, LATER, NEVER, START, call, log_of, logged, metered, meters, put, settle, settlement, state,
};
use super::tests::ALL;
use super::writer::Writer;
use super::{Document, First, Found, Kind, Opened, Place, Store, StoreError};
use crate::domain::call_log::CallQuery;
use crate::domain::clock::Moment;
use crate::domain::governance::{SeatRow, Settlement, Spent};

/// Opens what would be found after a kill at this moment, which leaves so much of the log.
fn killed(path: &Path, log: &[u8], at: &Path) -> (Store, Opened) {
    fs::copy(path, at).unwrap();
    fs::write(log_of(at), log).unwrap();
    state(at, true, &[])
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
            settle(&store, ROOT, settlement(number)).await.unwrap();
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
        settle(&store, 3, settlement(1)).await.unwrap();
        store.settling(3).await.settle_now(settlement(2));
        assert_eq!(store.events(3, ALL).await.unwrap().len(), 2);
        assert_eq!(store.call(3, call(2).id.to_string()).await, Ok(Some(call(2))));
        assert_eq!(store.call(ROOT, call(2).id.to_string()).await, Ok(None));
        store.drop_world(3);
        assert_eq!(store.call(3, call(2).id.to_string()).await, Ok(None));
        settle(&store, 4, settlement(1)).await.unwrap();
    }
    let (store, opened) = state(&path, false, &[]);
    assert!(opened.meters.is_empty() && opened.seats.is_empty());
    assert_eq!(store.call(4, call(1).id.to_string()).await, Ok(None));
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
    settle(&store, ROOT, settlement(1)).await.unwrap();
    store.flush().await.unwrap();
    let before = fs::read(log_of(&path)).unwrap().len();
    settle(&store, ROOT, settlement(2)).await.unwrap();
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
    let settled = join_all((1..=64).map(|number| settle(&store, ROOT, settlement(number)))).await;
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
        store.settling(ROOT).await.settle_now(settlement(1));
        assert_eq!(store.events(ROOT, ALL).await.unwrap().len(), 1);
        store.settling(ROOT).await.settle_now(settlement(2));
    }
    assert_eq!(state(&path, true, &[]).1.meters, metered(2));
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
            seat: Some(SeatRow { seat, key_id: "one".into(), ends, ttl: Duration::MAX }),
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
