//! The thread that owns the connection: takes what is queued, runs it in one transaction, and tells those who
//! wait only after the commit.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection};
use tokio::sync::oneshot;

use super::StoreError;
use super::open::ROOT;
use super::operation::{Operation, Waiting};
use super::queue::Queue;
use super::rows::{self, Retention};
use crate::domain::ledger::{Charge, WorldNumber};

/// How many events a ledger that ends with the process keeps.
const KEPT: u64 = 200_000;
/// How many more it may have before it is cut, so that cutting is rare.
const SLACK: u64 = 4_096;

/// How many responses a world keeps, and how many bytes of them; the oldest go first.
const KEPT_RESPONSES: Retention = Retention { responses: 10_000, bytes: 256 * 1024 * 1024 };

/// Owns the connection.
pub(super) struct Writer {
    connection: Connection,
    ledgers: Ledgers,
}

/// The newest place in each world's ledger.
struct Ledgers {
    last: HashMap<WorldNumber, u64>,
    root_is_kept: bool,
    /// How many events any other ledger keeps.
    kept: u64,
}

/// Tells the one who waits how it went, given how the commit went.
type Report = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

impl Writer {
    /// A writer; with `persistent` it never cuts the default world's ledger.
    pub(super) fn new(connection: Connection, persistent: bool) -> Self {
        Self::keeping(KEPT, connection, persistent)
    }

    /// A writer whose ledgers keep so many events.
    pub(super) fn keeping(kept: u64, connection: Connection, persistent: bool) -> Self {
        Self { connection, ledgers: Ledgers { last: HashMap::new(), root_is_kept: persistent, kept } }
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self, queue: &Queue<Operation>) {
        while let Some(operations) = queue.take() {
            self.run_batch(operations);
        }
        if let Err((_, error)) = self.connection.close() {
            tracing::error!(%error, "the state cannot be closed");
        }
    }

    fn run_batch(&mut self, operations: Vec<Operation>) {
        let mut reports = Vec::new();
        let outcome = commit(&mut self.connection, &mut self.ledgers, operations, &mut reports);
        if let Err(error) = &outcome {
            tracing::error!(%error, "the state cannot be written");
            // What they count may have been rolled back; the next append looks again.
            self.ledgers.last.clear();
        }
        for report in reports {
            report(outcome.clone());
        }
    }
}

fn commit(
    connection: &mut Connection,
    ledgers: &mut Ledgers,
    operations: Vec<Operation>,
    reports: &mut Vec<Report>,
) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare_cached(rows::INSERT_EVENT)?;
        for operation in operations {
            reports.extend(run(&transaction, &mut insert, ledgers, operation));
        }
    }
    transaction.commit().map_err(StoreError::from)
}

/// Runs one operation and returns whom to tell.
fn run(
    connection: &Connection,
    insert: &mut CachedStatement<'_>,
    ledgers: &mut Ledgers,
    operation: Operation,
) -> Option<Report> {
    match operation {
        Operation::Append { world, charge, done } => {
            let outcome = ledgers.append(connection, insert, world, &charge);
            match done {
                Some(done) => Some(report(done, outcome)),
                None => {
                    log_failure(outcome);
                    None
                }
            }
        }
        Operation::Events { world, query, done } => {
            Some(report(done, rows::events(connection, world, query)))
        }
        Operation::SaveKey { key, done } => Some(report(done, rows::save_key(connection, &key))),
        Operation::DeleteKey { id, done } => Some(report(done, rows::delete_key(connection, id))),
        Operation::Touch { key } => {
            // Said before reading, so that a use in between announces itself again.
            key.uses_being_saved();
            log_failure(rows::save_use(connection, key.id, key.last_used_at()));
            None
        }
        Operation::KeepResponse { world, response, done } => {
            Some(report(done, rows::save_response(connection, world, &response, KEPT_RESPONSES)))
        }
        Operation::Response { world, key_id, id, done } => {
            Some(report(done, rows::response(connection, world, key_id, &id)))
        }
        Operation::Conversation { world, key_id, id, most, done } => {
            Some(report(done, rows::conversation(connection, world, key_id, &id, most)))
        }
        Operation::DeleteResponse { world, key_id, id, done } => {
            Some(report(done, rows::delete_response(connection, world, key_id, &id)))
        }
        Operation::DropWorld { world } => {
            ledgers.last.remove(&world);
            log_failure(rows::delete_events(connection, world, u64::MAX));
            log_failure(rows::delete_responses(connection, world));
            None
        }
        Operation::Flush { done } => Some(report(done, Ok(()))),
    }
}

impl Ledgers {
    fn append(
        &mut self,
        connection: &Connection,
        insert: &mut CachedStatement<'_>,
        world: WorldNumber,
        charge: &Charge,
    ) -> rusqlite::Result<()> {
        let last = match self.last.get(&world) {
            Some(last) => *last,
            None => rows::last_seq(connection, world)?,
        };
        let seq = last + 1;
        rows::insert_event(insert, world, seq, charge)?;
        self.last.insert(world, seq);
        let cut = !(self.root_is_kept && world == ROOT);
        if cut && seq > self.kept && seq.is_multiple_of(SLACK) {
            rows::delete_events(connection, world, seq - self.kept)?;
        }
        Ok(())
    }
}

fn report<T: Send + 'static>(done: Waiting<T>, outcome: rusqlite::Result<T>) -> Report {
    let outcome = outcome.map_err(StoreError::from);
    Box::new(move |commit| tell(done, commit.and(outcome)))
}

fn tell<T>(done: oneshot::Sender<T>, outcome: T) {
    // Whoever has stopped waiting does not care.
    let _ = done.send(outcome);
}

/// For what nobody waits for.
fn log_failure(outcome: rusqlite::Result<()>) {
    if let Err(error) = outcome {
        tracing::error!(%error, "the state cannot be written");
    }
}
