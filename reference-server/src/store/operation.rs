//! What can be asked of the store.

use std::sync::Arc;

use tokio::sync::oneshot;
use uuid::Uuid;

use super::StoreError;
use crate::domain::key::{Key, KeyRecord};
use crate::domain::ledger::{BillingEvent, Charge, LedgerQuery, WorldNumber};
use crate::domain::stored_response::{Kept, StoredResponse};

/// Where an outcome goes when somebody waits for it.
pub(super) type Waiting<T> = oneshot::Sender<Result<T, StoreError>>;

/// One operation. Those without a waiting place are done in their turn and their failure is logged.
#[derive(Debug)]
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
    DropWorld {
        world: WorldNumber,
    },
    Flush {
        done: Waiting<()>,
    },
}
