//! What the rest of the gateway holds of the store.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::open::{First, Opened, open};
use super::operation::{Operation, Waiting};
use super::queue::Queue;
use super::writer::Writer;
use super::{Document, OpenError, StoreError};
use crate::domain::call_log::{CallPage, CallQuery, CallRecord, CallStats};
use crate::domain::clock::Moment;
use crate::domain::governance::Settlement;
use crate::domain::jobs::JobRow;
use crate::domain::key::{Key, KeyRecord};
use crate::domain::ledger::{BillingEvent, Charge, LedgerQuery, WorldNumber};
use crate::domain::stored_response::{Kept, StoredResponse};

/// Where the state is kept.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// Nowhere: it ends with the process.
    Memory,
    /// In a file, which is made where there is none.
    File(PathBuf),
}

/// The store. Dropping it writes what is queued and closes the file.
#[derive(Debug)]
pub(crate) struct Store {
    queue: Arc<Queue<Operation>>,
    durable: bool,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the state and starts its thread. With `durable`, what bills a call returns only when it is on disk. A new
    /// state begins with what is given.
    pub(crate) fn open(place: &Place, durable: bool, first: First<'_>) -> Result<(Self, Opened), OpenError> {
        let (connection, opened) = open(place, durable, first)?;
        let queue = Arc::new(Queue::new());
        let writer = Writer::new(connection, opened.persistent);
        let thread = thread::Builder::new()
            .name("plumbline-store".to_owned())
            .spawn({
                let queue = Arc::clone(&queue);
                move || writer.run(&queue)
            })
            .map_err(OpenError::Thread)?;
        Ok((Self { queue, durable, thread: Mutex::new(Some(thread)) }, opened))
    }

    /// Appends a charge to a world's ledger.
    pub(crate) async fn append(&self, world: WorldNumber, charge: Charge) -> Result<(), StoreError> {
        if self.durable {
            return self.ask(|done| Operation::Append { world, charge, done: Some(done) }).await;
        }
        let operation = Operation::Append { world, charge, done: None };
        self.queue.push(operation, false).await.map_err(|_| StoreError::Closed)
    }

    /// Reads a world's ledger.
    pub(crate) async fn events(
        &self,
        world: WorldNumber,
        query: LedgerQuery,
    ) -> Result<Vec<BillingEvent>, StoreError> {
        self.ask(|done| Operation::Events { world, query, done }).await
    }

    /// Saves a key of the default world, new or changed.
    pub(crate) async fn save_key(&self, key: KeyRecord) -> Result<(), StoreError> {
        self.ask(|done| Operation::SaveKey { key: Box::new(key), done }).await
    }

    /// Deletes a key of the default world.
    pub(crate) async fn delete_key(&self, id: Uuid) -> Result<(), StoreError> {
        self.ask(|done| Operation::DeleteKey { id, done }).await
    }

    /// Saves, in its turn, when a key was last used.
    pub(crate) fn touch(&self, key: Arc<Key>) {
        // A closed store has nothing to remember.
        let _ = self.queue.push_now(Operation::Touch { key });
    }

    /// Keeps a response of a world.
    pub(crate) async fn keep_response(
        &self,
        world: WorldNumber,
        response: StoredResponse,
    ) -> Result<(), StoreError> {
        self.ask(|done| Operation::KeepResponse { world, response: Box::new(response), done }).await
    }

    /// Reads a key's response of a world.
    pub(crate) async fn response(
        &self,
        world: WorldNumber,
        key_id: Uuid,
        id: String,
    ) -> Result<Option<StoredResponse>, StoreError> {
        self.ask(|done| Operation::Response { world, key_id, id, done }).await
    }

    /// What a key's response of a world goes on from, itself included, the oldest first: no more than so many, and
    /// nothing of what they say.
    pub(crate) async fn conversation(
        &self,
        world: WorldNumber,
        key_id: Uuid,
        id: String,
        most: u32,
    ) -> Result<Vec<Kept>, StoreError> {
        self.ask(|done| Operation::Conversation { world, key_id, id, most, done }).await
    }

    /// Deletes a key's response of a world; whether there was one.
    pub(crate) async fn delete_response(
        &self,
        world: WorldNumber,
        key_id: Uuid,
        id: String,
    ) -> Result<bool, StoreError> {
        self.ask(|done| Operation::DeleteResponse { world, key_id, id, done }).await
    }

    /// Writes documents of the default world and forgets meters: all of it, or nothing.
    pub(crate) async fn change(
        &self,
        documents: Vec<Document>,
        forgotten: Vec<Uuid>,
    ) -> Result<(), StoreError> {
        self.ask(|done| Operation::Change { documents, forgotten, done }).await
    }

    /// Writes all that comes of a call, or nothing of it. In a durable store it is on disk when this returns.
    pub(crate) async fn settle(&self, world: WorldNumber, settlement: Settlement) -> Result<(), StoreError> {
        let settlement = Box::new(settlement);
        if self.durable {
            return self.ask(|done| Operation::Settle { world, settlement, done: Some(done) }).await;
        }
        let operation = Operation::Settle { world, settlement, done: None };
        self.queue.push(operation, false).await.map_err(|_| StoreError::Closed)
    }

    /// The same in its turn, for those who cannot wait: a call has them only once, when it is left.
    pub(crate) fn settle_now(&self, world: WorldNumber, settlement: Settlement) {
        let operation = Operation::Settle { world, settlement: Box::new(settlement), done: None };
        if self.queue.push_now(operation).is_err() {
            tracing::error!("a call that was left is not settled: the state is closed");
        }
    }

    /// Saves a job of a world, new or changed.
    pub(crate) async fn save_job(&self, world: WorldNumber, job: JobRow) -> Result<(), StoreError> {
        self.ask(|done| Operation::SaveJob { world, job: Box::new(job), done }).await
    }

    /// Reads a world's job.
    pub(crate) async fn job(&self, world: WorldNumber, id: String) -> Result<Option<JobRow>, StoreError> {
        self.ask(|done| Operation::Job { world, id, done }).await
    }

    /// Forgets, in its turn, what came of a world's jobs whose time is over.
    pub(crate) fn purge_jobs(&self, world: WorldNumber, now: Moment) {
        let _ = self.queue.push_now(Operation::PurgeJobs { world, now });
    }

    /// Reads a page of a world's calls.
    pub(crate) async fn calls(&self, world: WorldNumber, query: CallQuery) -> Result<CallPage, StoreError> {
        self.ask(|done| Operation::Calls { world, query: Box::new(query), done }).await
    }

    /// Adds up a world's calls, on all pages.
    pub(crate) async fn call_stats(
        &self,
        world: WorldNumber,
        query: CallQuery,
    ) -> Result<CallStats, StoreError> {
        self.ask(|done| Operation::CallStats { world, query: Box::new(query), done }).await
    }

    /// Reads a world's call.
    pub(crate) async fn call(
        &self,
        world: WorldNumber,
        id: String,
    ) -> Result<Option<CallRecord>, StoreError> {
        self.ask(|done| Operation::Call { world, id, done }).await
    }

    /// Forgets what a world has, in its turn.
    pub(crate) fn drop_world(&self, world: WorldNumber) {
        let _ = self.queue.push_now(Operation::DropWorld { world });
    }

    /// Returns when everything queued so far is written.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        self.ask(|done| Operation::Flush { done }).await
    }

    async fn ask<T>(&self, operation: impl FnOnce(Waiting<T>) -> Operation) -> Result<T, StoreError> {
        let (done, outcome) = oneshot::channel();
        self.queue.push(operation(done), true).await.map_err(|_| StoreError::Closed)?;
        outcome.await.map_err(|_| StoreError::Closed)?
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}
