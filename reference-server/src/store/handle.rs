//! What the rest of the gateway holds of the store.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot};
use uuid::Uuid;

use super::open::{First, Opened, open};
use super::operation::{Operation, Waiting};
use super::queue::{KeptRoom, Queue};
use super::writer::Writer;
use super::{Document, Forgotten, OpenError, StoreError};
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
    /// The turn to read a log of calls. Each reading may go through all of it, while what is to be written waits.
    log_reading: Semaphore,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Room that is kept for what comes of a call, so that it is written wherever the call ends, and no more calls are let
/// in than are written.
#[derive(Debug)]
pub(crate) struct Settling {
    room: KeptRoom<Operation>,
    world: WorldNumber,
    durable: bool,
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
        let (log_reading, thread) = (Semaphore::new(1), Mutex::new(Some(thread)));
        Ok((Self { queue, durable, log_reading, thread }, opened))
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

    /// Writes documents of the default world and forgets what is not counted any more: all of it, or nothing.
    pub(crate) async fn change(
        &self,
        documents: Vec<Document>,
        forgotten: Vec<Forgotten>,
    ) -> Result<(), StoreError> {
        self.ask(|done| Operation::Change { documents, forgotten, done }).await
    }

    /// Keeps room for what comes of a world's call, after waiting for it.
    pub(crate) async fn settling(&self, world: WorldNumber) -> Settling {
        Settling { room: self.queue.keep_room().await, world, durable: self.durable }
    }

    /// Saves a job of a world, new or changed.
    pub(crate) async fn save_job(&self, world: WorldNumber, job: JobRow) -> Result<(), StoreError> {
        self.ask(|done| Operation::SaveJob { world, job: Box::new(job), done }).await
    }

    /// Reads a world's job.
    pub(crate) async fn job(&self, world: WorldNumber, id: String) -> Result<Option<JobRow>, StoreError> {
        self.ask(|done| Operation::Job { world, id, done }).await
    }

    /// Reads a world's job but for what it has come to, and how many bytes that is.
    pub(crate) async fn job_head(
        &self,
        world: WorldNumber,
        id: String,
    ) -> Result<Option<(JobRow, usize)>, StoreError> {
        self.ask(|done| Operation::JobHead { world, id, done }).await
    }

    /// Forgets, in its turn, what came of a world's jobs whose time is over.
    pub(crate) fn purge_jobs(&self, world: WorldNumber, now: Moment) {
        let _ = self.queue.push_now(Operation::PurgeJobs { world, now });
    }

    /// Reads a page of a world's calls.
    pub(crate) async fn calls(&self, world: WorldNumber, query: CallQuery) -> Result<CallPage, StoreError> {
        self.read_log(|done| Operation::Calls { world, query: Box::new(query), done }).await
    }

    /// Adds up a world's calls, on all pages.
    pub(crate) async fn call_stats(
        &self,
        world: WorldNumber,
        query: CallQuery,
    ) -> Result<CallStats, StoreError> {
        self.read_log(|done| Operation::CallStats { world, query: Box::new(query), done }).await
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

    async fn read_log<T>(&self, operation: impl FnOnce(Waiting<T>) -> Operation) -> Result<T, StoreError> {
        let _turn = self.log_reading.acquire().await.map_err(|_| StoreError::Closed)?;
        self.ask(operation).await
    }

    async fn ask<T>(&self, operation: impl FnOnce(Waiting<T>) -> Operation) -> Result<T, StoreError> {
        let (done, outcome) = oneshot::channel();
        self.queue.push(operation(done), true).await.map_err(|_| StoreError::Closed)?;
        outcome.await.map_err(|_| StoreError::Closed)?
    }
}

impl Settling {
    /// Writes all that comes of the call, or nothing of it. In a durable store it is on disk when this returns; who
    /// stops waiting for that does not stop the writing.
    pub(crate) async fn settle(self, settlement: Settlement) -> Result<(), StoreError> {
        let Self { room, world, durable } = self;
        let settlement = Box::new(settlement);
        if !durable {
            let operation = Operation::Settle { world, settlement, done: None };
            return room.push(operation, false).map_err(|_| StoreError::Closed);
        }
        let (done, outcome) = oneshot::channel();
        let operation = Operation::Settle { world, settlement, done: Some(done) };
        room.push(operation, true).map_err(|_| StoreError::Closed)?;
        outcome.await.map_err(|_| StoreError::Closed)?
    }

    /// The same in its turn, where nothing can wait.
    pub(crate) fn settle_now(self, settlement: Settlement) {
        let Self { room, world, .. } = self;
        let operation = Operation::Settle { world, settlement: Box::new(settlement), done: None };
        if room.push(operation, false).is_err() {
            tracing::error!("a call that was left is not settled: the state is closed");
        }
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

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn logs_are_read_by_one_after_the_other_and_what_is_written_does_not_wait_for_them() {
        let (store, _) = Store::open(&Place::Memory, false, First::default()).unwrap();
        let turn = store.log_reading.acquire().await.unwrap();
        let mut read = pin!(store.calls(0, CallQuery { limit: 1, ..CallQuery::default() }));
        let mut added_up = pin!(store.call_stats(0, CallQuery::default()));
        assert!(poll!(read.as_mut()).is_pending() && poll!(added_up.as_mut()).is_pending());
        store.settling(0).await.settle(Settlement::default()).await.unwrap();
        store.flush().await.unwrap();
        // Had they been asked of the thread, they would be answered by now.
        assert!(poll!(read.as_mut()).is_pending() && poll!(added_up.as_mut()).is_pending());
        drop(turn);
        assert_eq!((read.await.unwrap().total, added_up.await.unwrap().total), (0, 0));
    }
}
