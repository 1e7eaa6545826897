//! What can be asked of the store.

use std::fmt;
use std::sync::Arc;

use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Document, Forgotten, StoreError};
use crate::domain::call_log::{CallPage, CallQuery, CallRecord, CallStats};
use crate::domain::clock::Moment;
use crate::domain::governance::Settlement;
use crate::domain::jobs::JobRow;
use crate::domain::key::{Key, KeyRecord};
use crate::domain::ledger::{BillingEvent, Charge, LedgerQuery, WorldNumber};
use crate::domain::stored_response::{Kept, StoredResponse};

/// Where an outcome goes when somebody waits for it.
pub(super) type Waiting<T> = oneshot::Sender<Result<T, StoreError>>;

/// One operation. Those without a waiting place are done in their turn and their failure is logged.
pub(super) enum Operation {
    Append {
        world: WorldNumber,
        charge: Charge,
        done: Option<Waiting<()>>,
    },
    Events {
        world: WorldNumber,
        query: LedgerQuery,
        done: Waiting<Vec<BillingEvent>>,
    },
    SaveKey {
        key: Box<KeyRecord>,
        done: Waiting<()>,
    },
    DeleteKey {
        id: Uuid,
        done: Waiting<()>,
    },
    /// Saves when the key was last used, as of the moment of writing.
    Touch {
        key: Arc<Key>,
    },
    KeepResponse {
        world: WorldNumber,
        response: Box<StoredResponse>,
        done: Waiting<()>,
    },
    Response {
        world: WorldNumber,
        key_id: Uuid,
        id: String,
        done: Waiting<Option<StoredResponse>>,
    },
    Conversation {
        world: WorldNumber,
        key_id: Uuid,
        id: String,
        most: u32,
        done: Waiting<Vec<Kept>>,
    },
    DeleteResponse {
        world: WorldNumber,
        key_id: Uuid,
        id: String,
        done: Waiting<bool>,
    },
    /// All of it or nothing; of the default world.
    Change {
        documents: Vec<Document>,
        /// What is not counted any more.
        forgotten: Vec<Forgotten>,
        done: Waiting<()>,
    },
    /// All of it or nothing.
    Settle {
        world: WorldNumber,
        settlement: Box<Settlement>,
        done: Option<Waiting<()>>,
    },
    SaveJob {
        world: WorldNumber,
        job: Box<JobRow>,
        done: Waiting<()>,
    },
    Job {
        world: WorldNumber,
        id: String,
        done: Waiting<Option<JobRow>>,
    },
    JobHead {
        world: WorldNumber,
        id: String,
        done: Waiting<Option<(JobRow, usize)>>,
    },
    PurgeJobs {
        world: WorldNumber,
        now: Moment,
    },
    Calls {
        world: WorldNumber,
        query: Box<CallQuery>,
        done: Waiting<CallPage>,
    },
    CallStats {
        world: WorldNumber,
        query: Box<CallQuery>,
        done: Waiting<CallStats>,
    },
    Call {
        world: WorldNumber,
        id: String,
        done: Waiting<Option<CallRecord>>,
    },
    DropWorld {
        world: WorldNumber,
    },
    Flush {
        done: Waiting<()>,
    },
}

/// Nothing of what is to be written, which may hold secrets.
impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").finish_non_exhaustive()
    }
}
