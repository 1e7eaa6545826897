//! The thread that owns the connection: takes what is queued, runs it in one transaction, and tells those who
//! wait only after the commit.

use rusqlite::{CachedStatement, Connection};
use tokio::sync::oneshot;

use super::StoreError;
use super::ledgers::{Kept, Ledgers};
use super::operation::{Operation, Waiting};
use super::queue::Queue;
use super::rows::{self, KEPT_BODIES};
use super::savepoint::all_or_nothing;
use super::{call_rows, governance_rows, job_rows, meter_rows};
use crate::domain::ledger::WorldNumber;

/// More statements than there are, so that none is ever prepared twice.
const STATEMENTS: usize = 96;

/// Owns the connection.
pub(super) struct Writer {
    connection: Connection,
    ledgers: Ledgers,
}

/// Tells the one who waits how it went, given how the commit went.
type Report = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

impl Writer {
    /// A writer; with `persistent` it never cuts the default world's ledger.
    pub(super) fn new(connection: Connection, persistent: bool) -> Self {
        Self::keeping(Kept::default(), connection, persistent)
    }

    /// A writer that keeps so many rows.
    pub(super) fn keeping(kept: Kept, connection: Connection, persistent: bool) -> Self {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Self { connection, ledgers: Ledgers::new(persistent, kept) }
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
            self.ledgers.forget_all();
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
            report_or_log(done, outcome)
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
            Some(report(done, rows::save_response(connection, world, &response, KEPT_BODIES)))
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
        Operation::Change { documents, forgotten, done } => {
            let outcome = all_or_nothing(connection, || {
                for document in &documents {
                    governance_rows::change(connection, document)?;
                }
                meter_rows::forget(connection, &forgotten)
            });
            Some(report(done, outcome))
        }
        Operation::Settle { world, settlement, done } => {
            let outcome = ledgers.settle(connection, insert, world, &settlement);
            report_or_log(done, outcome)
        }
        Operation::SaveJob { world, job, done } => {
            Some(report(done, ledgers.outcomes.save(connection, world, &job)))
        }
        Operation::Job { world, id, done } => Some(report(done, job_rows::job(connection, world, &id))),
        Operation::JobHead { world, id, done } => Some(report(done, job_rows::head(connection, world, &id))),
        Operation::PurgeJobs { world, now } => {
            log_failure(ledgers.outcomes.purge(connection, world, now));
            None
        }
        // Who has left by now is not read for.
        Operation::Calls { done, .. } if done.is_closed() => None,
        Operation::CallStats { done, .. } if done.is_closed() => None,
        Operation::Calls { world, query, done } => {
            Some(report(done, call_rows::page(connection, world, &query)))
        }
        Operation::CallStats { world, query, done } => {
            Some(report(done, call_rows::stats(connection, world, &query)))
        }
        Operation::Call { world, id, done } => Some(report(done, call_rows::call(connection, world, &id))),
        Operation::DropWorld { world } => {
            ledgers.forget(world);
            log_failure(drop_world(connection, world));
            None
        }
        Operation::Flush { done } => Some(report(done, Ok(()))),
    }
}

fn drop_world(connection: &Connection, world: WorldNumber) -> rusqlite::Result<()> {
    rows::delete_events(connection, world, u64::MAX)?;
    rows::delete_responses(connection, world)?;
    job_rows::delete(connection, world)?;
    call_rows::delete(connection, world, u64::MAX)
}

/// For what somebody may wait for.
fn report_or_log(done: Option<Waiting<()>>, outcome: rusqlite::Result<()>) -> Option<Report> {
    if let Some(done) = done {
        return Some(report(done, outcome));
    }
    log_failure(outcome);
    None
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
