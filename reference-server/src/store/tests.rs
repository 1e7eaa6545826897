use std::fs;
use std::sync::Arc;

use rusqlite::Connection;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::ledgers::Kept;
use super::open::ROOT;
use super::queue::Queue;
use super::schema::SCHEMA_VERSION;
use super::writer::Writer;
use super::{First, OpenError, Place, Store, operation, rows};
use crate::domain::clock::Moment;
use crate::domain::key::{Key, KeyRecord, SecretDigest};
use crate::domain::ledger::{Charge, LedgerQuery, Operation};
use crate::domain::quota::GENEROUS;
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::stored_response::StoredResponse;

/// Everything that a test writes.
pub(super) const ALL: LedgerQuery = LedgerQuery { after: 0, key_id: None, limit: 1_000 };

/// A charge of so many tokens.
pub(super) fn charge(input_tokens: u64) -> Charge {
    Charge {
        at: Moment::from_micros(1_700_000_000_000_000),
        request_id: Uuid::from_u128(1),
        key_id: Uuid::from_u128(2),
        manager_id: "manager".into(),
        model: "claude_3_5_sonnet".into(),
        operation: Operation::Chat,
        input_tokens,
        output_tokens: 7,
        cost: Decimal::new(138, 6),
    }
}

fn key() -> KeyRecord {
    KeyRecord {
        id: Uuid::from_u128(2),
        role: "chat_only".into(),
        scopes: [Scope::ModelsInference].into_iter().collect(),
        manager_id: "manager".into(),
        digest: SecretDigest::of(b"sk-one"),
        created_at: Moment::from_micros(5),
        active: true,
        expires_at: Some(Moment::from_micros(9)),
        last_used_at: None,
        limits: GENEROUS,
    }
}

async fn tokens(store: &Store, world: i64, query: LedgerQuery) -> Vec<(u64, u64)> {
    let events = store.events(world, query).await.unwrap();
    events.into_iter().map(|event| (event.seq, event.charge.input_tokens)).collect()
}

#[tokio::test]
async fn a_read_sees_everything_that_was_appended_before_it() {
    let (store, _) = Store::open(&Place::Memory, false, First::default()).unwrap();
    for input_tokens in 1..=50 {
        store.append(ROOT, charge(input_tokens)).await.unwrap();
    }
    let wanted: Vec<_> = (1..=50).map(|n| (n, n)).collect();
    assert_eq!(tokens(&store, ROOT, ALL).await, wanted);
    let one = store.events(ROOT, LedgerQuery { limit: 1, ..ALL }).await.unwrap().remove(0);
    assert_eq!(one.charge, charge(1));
}

#[tokio::test]
async fn events_are_chosen_by_place_key_and_number() {
    let (store, _) = Store::open(&Place::Memory, false, First::default()).unwrap();
    for input_tokens in 1..=5 {
        let key_id = Uuid::from_u128(u128::from(input_tokens) % 2);
        store.append(ROOT, Charge { key_id, ..charge(input_tokens) }).await.unwrap();
    }
    assert_eq!(tokens(&store, ROOT, LedgerQuery { after: 3, ..ALL }).await, [(4, 4), (5, 5)]);
    assert_eq!(tokens(&store, ROOT, LedgerQuery { limit: 2, ..ALL }).await, [(1, 1), (2, 2)]);
    let even = LedgerQuery { key_id: Some(Uuid::from_u128(0)), ..ALL };
    assert_eq!(tokens(&store, ROOT, even).await, [(2, 2), (4, 4)]);
}

#[tokio::test]
async fn worlds_count_for_themselves_and_can_be_dropped() {
    let (store, _) = Store::open(&Place::Memory, false, First::default()).unwrap();
    store.append(1, charge(10)).await.unwrap();
    store.append(2, charge(20)).await.unwrap();
    assert_eq!(tokens(&store, 2, ALL).await, [(1, 20)]);
    store.drop_world(1);
    assert!(tokens(&store, 1, ALL).await.is_empty());
    store.append(1, charge(30)).await.unwrap();
    assert_eq!(tokens(&store, 1, ALL).await, [(1, 30)]);
}

#[tokio::test]
async fn a_file_keeps_the_default_world_and_forgets_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("state.db"));
    {
        let (store, opened) =
            Store::open(&place, true, First { keys: &[key()], ..First::default() }).unwrap();
        assert!(opened.persistent);
        assert_eq!(opened.keys.len(), 1);
        store.append(ROOT, charge(1)).await.unwrap();
        store.append(7, charge(2)).await.unwrap();
    }
    let (store, opened) = Store::open(&place, true, First::default()).unwrap();
    assert_eq!(opened.keys.len(), 1);
    assert_eq!(opened.keys[0].expires_at, Some(Moment::from_micros(9)));
    assert_eq!(opened.keys[0].scopes, [Scope::ModelsInference].into_iter().collect::<ScopeSet>());
    assert!(tokens(&store, 7, ALL).await.is_empty());
    store.append(ROOT, charge(3)).await.unwrap();
    assert_eq!(tokens(&store, ROOT, ALL).await, [(1, 1), (2, 3)]);
}

#[tokio::test]
async fn a_key_is_saved_changed_used_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("state.db"));
    let live = Arc::new(Key::new(key()));
    {
        let (store, _) = Store::open(&place, false, First::default()).unwrap();
        store.save_key(live.record()).await.unwrap();
        live.set_active(false);
        store.save_key(live.record()).await.unwrap();
        assert!(live.first_unsaved_use());
        live.touch(Moment::from_micros(77));
        store.touch(Arc::clone(&live));
        store.flush().await.unwrap();
        assert!(live.first_unsaved_use(), "a saved use lets the next one be announced");
    }
    {
        let (store, opened) = Store::open(&place, false, First::default()).unwrap();
        assert!(!opened.keys[0].active);
        assert_eq!(opened.keys[0].last_used_at, Some(Moment::from_micros(77)));
        store.delete_key(live.id).await.unwrap();
    }
    let (_store, opened) = Store::open(&place, false, First::default()).unwrap();
    assert_eq!(opened.keys.len(), 0);
}

#[test]
fn a_long_ledger_keeps_its_newest_events() {
    let (connection, _) = super::open::open(&Place::Memory, false, First::default()).unwrap();
    let queue = Queue::new();
    for input_tokens in 1..=4_100 {
        queue
            .push_now(operation::Operation::Append { world: 3, charge: charge(input_tokens), done: None })
            .unwrap();
    }
    let (done, outcome) = tokio::sync::oneshot::channel();
    let query = LedgerQuery { limit: u64::MAX, ..ALL };
    queue.push_now(operation::Operation::Events { world: 3, query, done }).unwrap();
    queue.close();
    Writer::keeping(Kept { events: 10, ..Kept::default() }, connection, false).run(&queue);
    let places: Vec<_> = outcome.blocking_recv().unwrap().unwrap().iter().map(|event| event.seq).collect();
    assert_eq!(places, (4_087..=4_100).collect::<Vec<_>>());
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "not a database, but long enough to be mistaken for the header of one ".repeat(20))
        .unwrap();
    let before = fs::read(&path).unwrap();
    let error = Store::open(&Place::File(path.clone()), false, First::default()).unwrap_err();
    assert!(matches!(error, OpenError::NotADatabase(_)), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE cats (name TEXT)").unwrap();
    let before = fs::read(&path).unwrap();
    let error = Store::open(&Place::File(path.clone()), false, First::default()).unwrap_err();
    assert!(matches!(error, OpenError::Foreign(_)), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_later_schema_is_refused_with_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    drop(Store::open(&Place::File(path.clone()), false, First::default()).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
    let error = Store::open(&Place::File(path), false, First::default()).unwrap_err();
    assert!(matches!(error, OpenError::NewerSchema { found: 5, known: 4, .. }), "{error}");
}

#[tokio::test]
async fn a_file_of_the_first_version_is_brought_up_with_everything_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE keys (id BLOB PRIMARY KEY NOT NULL, role TEXT NOT NULL, digest BLOB NOT NULL UNIQUE, \
             scopes TEXT NOT NULL, manager_id TEXT NOT NULL, created_at INTEGER NOT NULL, \
             active INTEGER NOT NULL, expires_at INTEGER, last_used_at INTEGER) STRICT; \
             CREATE TABLE events (world INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, \
             request_id BLOB NOT NULL, key_id BLOB NOT NULL, manager_id TEXT NOT NULL, model TEXT NOT NULL, \
             operation TEXT NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, \
             cost TEXT NOT NULL, PRIMARY KEY (world, seq)) STRICT, WITHOUT ROWID; \
             INSERT INTO keys VALUES (zeroblob(16), 'old', zeroblob(32), '', 'm', 5, 1, NULL, NULL); \
             PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(connection);
    for _ in 0..2 {
        let first = [key()];
        let first = First { keys: &first, ..First::default() };
        let (store, opened) = Store::open(&Place::File(path.clone()), false, first).unwrap();
        let [old] = opened.keys.as_slice() else { panic!("{:?}", opened.keys) };
        assert_eq!((&*old.role, old.limits), ("old", GENEROUS));
        assert_eq!(store.response(ROOT, Uuid::nil(), "none".to_owned()).await, Ok(None));
    }
}

#[tokio::test]
async fn responses_survive_in_the_default_world_and_the_oldest_go_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let key_id = Uuid::from_u128(2);
    let response = |id: &str| StoredResponse {
        id: id.to_owned(),
        key_id,
        previous: None,
        input: "[]".to_owned(),
        response: "{}".to_owned(),
    };
    let (store, _) = Store::open(&Place::File(path.clone()), false, First::default()).unwrap();
    store.keep_response(ROOT, response("one")).await.unwrap();
    store.keep_response(7, response("one")).await.unwrap();
    drop(store);
    let (store, _) = Store::open(&Place::File(path), false, First::default()).unwrap();
    assert_eq!(store.response(ROOT, key_id, "one".to_owned()).await, Ok(Some(response("one"))));
    assert_eq!(store.response(7, key_id, "one".to_owned()).await, Ok(None));
    drop(store);
    let (connection, _) = super::open::open(&Place::Memory, false, First::default()).unwrap();
    // Each is four bytes long.
    for (world, kept, wanted) in [
        (1, rows::Retention { rows: 2, bytes: 100 }, [false, true, true]),
        (2, rows::Retention { rows: 9, bytes: 8 }, [false, true, true]),
        (3, rows::Retention { rows: 9, bytes: 1 }, [false, false, true]),
        (4, rows::Retention { rows: 3, bytes: 12 }, [true, true, true]),
    ] {
        for id in ["one", "two", "three"] {
            rows::save_response(&connection, world, &response(id), kept).unwrap();
        }
        let is_kept = |id: &str| rows::response(&connection, world, key_id, id).unwrap().is_some();
        assert_eq!(["one", "two", "three"].map(is_kept), wanted, "{kept:?}");
    }
}

#[test]
fn a_file_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let _first = Store::open(&Place::File(path.clone()), false, First::default()).unwrap();
    let error = Store::open(&Place::File(path), false, First::default()).unwrap_err();
    assert!(matches!(error, OpenError::InUse(_)), "{error}");
}

#[test]
fn a_row_that_makes_no_sense_is_an_error_and_not_a_panic() {
    let (connection, _) = super::open::open(&Place::Memory, false, First::default()).unwrap();
    rows::save_key(&connection, &key()).unwrap();
    connection.execute("UPDATE keys SET scopes = 'models:everything'", []).unwrap();
    assert!(rows::keys(&connection).unwrap_err().to_string().contains("models:everything"));
}
