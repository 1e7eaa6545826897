//! Files of earlier versions, and what every file keeps to: no two rows in one place, and no eyes but its owner's.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::json;
use uuid::Uuid;

use super::job_rows::tests::done;
use super::open::ROOT;
use super::testing::{START, log_of, logged, metered, meters, put, settle, settlement, state};
use super::tests::{ALL, charge};
use super::{Found, Kind, StoreError};
use crate::domain::governance::Governance;

#[tokio::test]
async fn no_two_rows_of_a_kind_stand_in_one_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let (store, _) = state(&path, false, &[put(Kind::Team, "one", 1)]);
    let second = store.change(vec![put(Kind::Team, "two", 1)], Vec::new()).await;
    assert!(matches!(second, Err(StoreError::Database(_))), "{second:?}");
    // Where there is no order there may be several.
    let providers = vec![put(Kind::Provider, "one", 0), put(Kind::Provider, "two", 0)];
    store.change(providers, Vec::new()).await.unwrap();
    drop(store);
    let ids: Vec<_> = state(&path, false, &[]).1.documents.into_iter().map(|found| found.id).collect();
    assert_eq!(ids, ["one", "two", "one"]);
}

/// Takes from a state what came with the third version.
fn set_back_to_second(path: &Path) {
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
    set_back_to_second(&path);
    {
        let (store, opened) = state(&path, false, &meters());
        assert_eq!(opened.documents.len(), 2);
        assert_eq!(store.events(ROOT, ALL).await.unwrap().len(), 1);
        settle(&store, ROOT, settlement(2)).await.unwrap();
    }
    let (store, opened) = state(&path, false, &[]);
    assert_eq!(opened.meters, metered(1));
    assert_eq!(store.events(ROOT, ALL).await.unwrap().len(), 2);
}

/// Takes from a state what came with the fourth version.
fn set_back_to_third(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "DROP INDEX governance_places; DROP INDEX jobs_finished; ALTER TABLE sessions DROP COLUMN ttl; \
             CREATE INDEX jobs_finished ON jobs (world, completed, expires, size) WHERE completed IS NOT NULL; \
             PRAGMA user_version = 3;",
        )
        .unwrap();
    connection
}

#[tokio::test]
async fn in_a_file_of_the_third_version_what_stood_in_one_place_stands_in_places_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    {
        let (store, _) = state(&path, false, &[]);
        settle(&store, ROOT, settlement(1)).await.unwrap();
        store.save_job(ROOT, done("job", 5)).await.unwrap();
    }
    let connection = set_back_to_third(&path);
    let insert = |kind: &str, id: &str, place: i64, body: String| {
        connection
            .execute("INSERT INTO governance VALUES (?1, ?2, ?3, ?4)", (kind, id, place, body))
            .unwrap();
    };
    let ids = [3, 1, 2].map(Uuid::from_u128);
    for (id, place) in ids.iter().zip([2, 7, 7]) {
        let at = "2026-01-01T00:00:00Z";
        let team = json!({ "id": id, "name": "t", "created_at": at, "updated_at": at });
        insert("team", &id.to_string(), place, team.to_string());
    }
    let provider = json!({ "name": "openai", "keys": [], "budget": null, "rate_limit": null });
    insert("provider", "openai", 0, provider.to_string());
    drop(connection);
    let (store, opened) = state(&path, false, &[put(Kind::Customer, "new", 1)]);
    let told = |found: &Found| (found.kind, found.id.clone(), found.place);
    let team = |place: i64, id: Uuid| (Kind::Team, id.to_string(), place);
    let provider = (Kind::Provider, "openai".to_owned(), 0);
    let wanted = [provider, team(1, ids[0]), team(2, ids[1]), team(3, ids[2])];
    assert_eq!(opened.documents.iter().map(told).collect::<Vec<_>>(), wanted);
    assert_eq!((opened.seats.len(), logged(&store).await), (1, 1));
    assert!(store.job(ROOT, "job".to_owned()).await.unwrap().is_some());
    assert!(store.change(vec![put(Kind::Team, "four", 3)], Vec::new()).await.is_err());
    let governance = Governance::new(Arc::new(store), true, 1);
    governance.found(&opened.documents, &opened.meters, opened.seats, START).unwrap();
    let book = governance.book();
    assert_eq!(book.teams.iter().map(|team| team.id).collect::<Vec<_>>(), ids);
    assert!(book.provider("openai").is_some());
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
    // Whoever has let others read it since there are secrets in it has meant to.
    drop(set_back_to_third(&path));
    drop(state(&path, false, &[]));
    assert_eq!(mode(&path), 0o640);
    set_back_to_second(&path);
    drop(state(&path, false, &[]));
    assert_eq!(mode(&path), 0o600);
}
