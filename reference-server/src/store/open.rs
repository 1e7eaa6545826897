//! Opens the state: in memory or in a file, new or kept.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::handle::Place;
use super::{OpenError, rows};
use crate::domain::key::KeyRecord;
use crate::domain::ledger::WorldNumber;

/// The version of the tables below, kept in `PRAGMA user_version`.
pub(super) const SCHEMA_VERSION: i64 = 2;
/// The default world; the only one whose rows outlive the process.
pub(super) const ROOT: WorldNumber = 0;

const SCHEMA: &str = "
CREATE TABLE keys (
    id           BLOB PRIMARY KEY NOT NULL,
    role         TEXT NOT NULL,
    digest       BLOB NOT NULL UNIQUE,
    scopes       TEXT NOT NULL,
    manager_id   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    active       INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    requests_per_minute INTEGER NOT NULL DEFAULT 1000000000,
    tokens_per_minute   INTEGER NOT NULL DEFAULT 1000000000
) STRICT;
CREATE TABLE events (
    world         INTEGER NOT NULL,
    seq           INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    request_id    BLOB NOT NULL,
    key_id        BLOB NOT NULL,
    manager_id    TEXT NOT NULL,
    model         TEXT NOT NULL,
    operation     TEXT NOT NULL,
    input_tokens  INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost          TEXT NOT NULL,
    PRIMARY KEY (world, seq)
) STRICT, WITHOUT ROWID;
";

/// What came with version 2.
const RESPONSES: &str = "
CREATE TABLE responses (
    place    INTEGER PRIMARY KEY,
    world    INTEGER NOT NULL,
    id       TEXT NOT NULL,
    key_id   BLOB NOT NULL,
    previous TEXT,
    input    TEXT NOT NULL,
    response TEXT NOT NULL,
    size     INTEGER NOT NULL,
    UNIQUE (world, id)
) STRICT;
CREATE INDEX responses_by_world ON responses (world, place, size);
";

/// What version 1 did not know of a key.
const UPGRADE: &str = "
ALTER TABLE keys ADD COLUMN requests_per_minute INTEGER NOT NULL DEFAULT 1000000000;
ALTER TABLE keys ADD COLUMN tokens_per_minute   INTEGER NOT NULL DEFAULT 1000000000;
";

/// What was found.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Whether the state outlives the process.
    pub(crate) persistent: bool,
    /// The default world's keys, oldest first.
    pub(crate) keys: Vec<KeyRecord>,
}

/// Opens the state and brings it into shape. A new one begins with the given keys.
pub(super) fn open(
    place: &Place,
    durable: bool,
    first_keys: &[KeyRecord],
) -> Result<(Connection, Opened), OpenError> {
    match place {
        Place::Memory => {
            open_memory(first_keys).map_err(|error| OpenError::from_sql(PathBuf::from(":memory:"), &error))
        }
        Place::File(path) => open_file(path, durable, first_keys),
    }
}

fn open_memory(first_keys: &[KeyRecord]) -> rusqlite::Result<(Connection, Opened)> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(SCHEMA)?;
    connection.execute_batch(RESPONSES)?;
    Ok((connection, Opened { persistent: false, keys: first_keys.to_vec() }))
}

fn open_file(
    path: &Path,
    durable: bool,
    first_keys: &[KeyRecord],
) -> Result<(Connection, Opened), OpenError> {
    let sql = |error: rusqlite::Error| OpenError::from_sql(path.to_owned(), &error);
    let connection = Connection::open(path).map_err(sql)?;
    lock(&connection).map_err(sql)?;
    let found = version(&connection).map_err(sql)?;
    if found == 0 && tables(&connection).map_err(sql)? > 0 {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    if !(0..=SCHEMA_VERSION).contains(&found) {
        return Err(OpenError::NewerSchema { path: path.to_owned(), found, known: SCHEMA_VERSION });
    }
    configure(&connection, durable).map_err(sql)?;
    match found {
        0 => create(&connection, first_keys).map_err(sql)?,
        1 => upgrade(&connection).map_err(sql)?,
        _ => {}
    }
    // Other worlds end with the process that made them.
    for table in ["events", "responses"] {
        connection.execute(&format!("DELETE FROM {table} WHERE world <> ?1"), [ROOT]).map_err(sql)?;
    }
    let keys = rows::keys(&connection)
        .map_err(|error| OpenError::Corrupt { path: path.to_owned(), what: error.to_string() })?;
    Ok((connection, Opened { persistent: true, keys }))
}

/// From the first read on, this process has the file for itself.
fn lock(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")
}

/// The write-ahead log lets a commit cost one sync.
fn configure(connection: &Connection, durable: bool) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn tables(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
}

fn create(connection: &Connection, first_keys: &[KeyRecord]) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(SCHEMA)?;
    transaction.execute_batch(RESPONSES)?;
    for key in first_keys {
        rows::save_key(&transaction, key)?;
    }
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}

fn upgrade(connection: &Connection) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(UPGRADE)?;
    transaction.execute_batch(RESPONSES)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}
