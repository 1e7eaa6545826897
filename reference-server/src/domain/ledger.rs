//! What is billed.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::catalog::Capability;
use super::clock::Moment;
use crate::store::{Settling, Store, StoreError};

/// What was done for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Chat,
    Embedding,
}

impl Operation {
    /// The name in the ledger.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedding => "embedding",
        }
    }

    /// Reads a name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Chat, Self::Embedding].into_iter().find(|operation| operation.name() == name)
    }

    /// What a model must be able to do for it.
    pub(crate) const fn needs(self) -> Capability {
        match self {
            Self::Chat => Capability::Chat,
            Self::Embedding => Capability::Embedding,
        }
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// One call's charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) at: Moment,
    pub(crate) request_id: Uuid,
    pub(crate) key_id: Uuid,
    pub(crate) manager_id: Arc<str>,
    pub(crate) model: Arc<str>,
    pub(crate) operation: Operation,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    /// US dollars.
    pub(crate) cost: Decimal,
}

/// A charge in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BillingEvent {
    /// Its place: ascending from 1, in the order of writing.
    pub(crate) seq: u64,
    pub(crate) charge: Charge,
}

/// Which events to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LedgerQuery {
    /// Only events behind this one.
    pub(crate) after: u64,
    /// Only events of this key.
    pub(crate) key_id: Option<Uuid>,
    /// At most so many.
    pub(crate) limit: u64,
}

/// The number under which the store keeps a world.
pub(crate) type WorldNumber = i64;

/// One world's append-only ledger.
#[derive(Debug)]
pub(crate) struct Ledger {
    store: Arc<Store>,
    world: WorldNumber,
}

impl Ledger {
    /// The ledger of a world.
    pub(crate) fn new(store: Arc<Store>, world: WorldNumber) -> Self {
        Self { store, world }
    }

    /// Writes a charge. In a durable store it is on disk when this returns.
    pub(crate) async fn append(&self, charge: Charge) -> Result<(), StoreError> {
        self.store.append(self.world, charge).await
    }

    /// Keeps room for what comes of a governed call, after waiting for it.
    pub(crate) async fn settling(&self) -> Settling {
        self.store.settling(self.world).await
    }

    /// Reads events, oldest first, with everything in them that was appended before.
    pub(crate) async fn events(&self, query: LedgerQuery) -> Result<Vec<BillingEvent>, StoreError> {
        self.store.events(self.world, query).await
    }

    /// Whether the store still works.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        self.store.flush().await
    }
}
