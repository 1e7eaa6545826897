//! What the rest of the gateway holds of the store.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::open::{Opened, open};
use super::operation::{Operation, Waiting};
use super::queue::Queue;
use super::writer::Writer;
use super::{OpenError, StoreError};
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
    /// Opens the state and starts its thread. With `durable`, an append returns only when it is on disk. A new
    /// state begins with the given keys.
    pub(crate) fn open(
        place: &Place,
        durable: bool,
        first_keys: &[KeyRecord],
    ) -> Result<(Self, Opened), OpenError> {
        let (connection, opened) = open(place, durable, first_keys)?;
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
