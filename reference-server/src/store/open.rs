//! Opens the state: in memory or in a file, new or kept.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::handle::Place;
use super::schema::{self, GOVERNED, SCHEMA_VERSION};
use super::{
    Document, Found, MeterRow, OpenError, governance_rows, job_rows, meter_rows, private_file, rows,
    seat_rows,
};
use crate::domain::clock::{Clock, Moment};
use crate::domain::governance::SeatRow;
use crate::domain::key::KeyRecord;
use crate::domain::ledger::WorldNumber;

/// The default world; the only one whose rows outlive the process. All others have higher numbers.
pub(super) const ROOT: WorldNumber = 0;

/// What a new state begins with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct First<'a> {
    pub(crate) keys: &'a [KeyRecord],
    pub(crate) documents: &'a [Document],
}

/// What was found, all of it of the default world.
pub(crate) struct Opened {
    /// Whether the state outlives the process.
    pub(crate) persistent: bool,
    /// Its keys, oldest first.
    pub(crate) keys: Vec<KeyRecord>,
    /// What was settled, kind by kind, each in its place.
    pub(crate) documents: Vec<Found>,
    /// What budgets and limits had come to.
    pub(crate) meters: Vec<MeterRow>,
    /// Where sessions sit whose time is not over.
    pub(crate) seats: Vec<SeatRow>,
}

/// How much there is, and nothing of what it says.
impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut opened = f.debug_struct("Opened");
        opened.field("persistent", &self.persistent).field("keys", &self.keys.len());
        opened.field("documents", &self.documents.len()).finish_non_exhaustive()
    }
}

/// Opens the state and brings it into shape. A new one begins with what is given.
pub(super) fn open(
    place: &Place,
    durable: bool,
    first: First<'_>,
) -> Result<(Connection, Opened), OpenError> {
    match place {
        Place::Memory => {
            open_memory(first).map_err(|error| OpenError::from_sql(PathBuf::from(":memory:"), &error))
        }
        Place::File(path) => open_file(path, durable, first),
    }
}

fn open_memory(first: First<'_>) -> rusqlite::Result<(Connection, Opened)> {
    let connection = Connection::open_in_memory()?;
    schema::create(&connection, first)?;
    let opened = read(&connection, false)?;
    Ok((connection, opened))
}

fn open_file(path: &Path, durable: bool, first: First<'_>) -> Result<(Connection, Opened), OpenError> {
    let sql = |error: rusqlite::Error| OpenError::from_sql(path.to_owned(), &error);
    private_file::make(path);
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
        0 => schema::create(&connection, first).map_err(sql)?,
        SCHEMA_VERSION => {}
        _ => {
            if found < GOVERNED {
                private_file::narrow(path);
            }
            schema::upgrade(&connection, found, first).map_err(sql)?;
        }
    }
    clean(&connection, Clock::default().now()).map_err(sql)?;
    let opened = read(&connection, true)
        .map_err(|error| OpenError::Corrupt { path: path.to_owned(), what: error.to_string() })?;
    Ok((connection, opened))
}

/// Ends what ended with the process that left the state.
fn clean(connection: &Connection, now: Moment) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    for table in ["events", "responses", "jobs", "calls"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE world > ?1"), [ROOT])?;
    }
    job_rows::fail_unfinished(&transaction, now)?;
    job_rows::end_by(&transaction, now)?;
    meter_rows::begin_by(&transaction, now)?;
    seat_rows::end_by(&transaction, now)?;
    seat_rows::forget_ended(&transaction, now)?;
    meter_rows::forget_lost(&transaction)?;
    transaction.commit()
}

fn read(connection: &Connection, persistent: bool) -> rusqlite::Result<Opened> {
    Ok(Opened {
        persistent,
        keys: rows::keys(connection)?,
        documents: governance_rows::documents(connection)?,
        meters: meter_rows::meters(connection)?,
        seats: seat_rows::seats(connection)?,
    })
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
