//! A world: all the state of one gateway.

use std::sync::Arc;

use super::access_key::AccessKey;
use super::call_log::CallLog;
use super::catalog::Catalog;
use super::clock::{Clock, Moment};
use super::closing::Closing;
use super::defect_memory::DefectMemory;
use super::faults::FaultRules;
use super::governance::Governance;
use super::idempotency::Idempotency;
use super::jobs::{Jobs, Runner};
use super::key::Key;
use super::key_ring::KeyRing;
use super::ledger::{Ledger, Operation, WorldNumber};
use super::log_line::{LogEvent, LogLine, RequestContext};
use super::log_writer::LogWriter;
use super::prompt_cache::PromptCache;
use super::request_log::RequestLog;
use super::routing::Routing;
use super::stored_response::StoredResponses;
use crate::defect::DefectSet;
use crate::provider::{Fault, Provider};
use crate::store::{Store, StoreError};

/// The id of the world that is there from the start.
pub(crate) const ROOT_ID: &str = "root";

/// What every world of a process has in common.
#[derive(Clone)]
pub(crate) struct Commons {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) store: Arc<Store>,
    pub(crate) sink: Option<Arc<LogWriter>>,
    /// Of what a world leaves to chance.
    pub(crate) seed: u64,
    /// What works jobs off.
    pub(crate) runner: Runner,
}

impl Commons {
    /// These, with a log that goes nowhere.
    pub(crate) fn new(catalog: Catalog, provider: Arc<dyn Provider>, store: Store) -> Self {
        let (catalog, store) = (Arc::new(catalog), Arc::new(store));
        Self { catalog, provider, store, sink: None, seed: 0, runner: Runner::default() }
    }
}

/// One gateway's state; worlds see nothing of each other.
pub(crate) struct World {
    pub(crate) id: Arc<str>,
    /// Ascending in the order of making.
    pub(crate) number: WorldNumber,
    pub(crate) catalog: Arc<Catalog>,
    /// Who answers for every model that has no routes.
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) routing: Routing,
    pub(crate) keys: KeyRing,
    /// Whose signatures are taken in place of a key, where any are.
    pub(crate) access_key: Option<AccessKey>,
    pub(crate) ledger: Ledger,
    pub(crate) responses: StoredResponses,
    /// Who may use which models, and for how much, where callers have virtual keys.
    pub(crate) governance: Arc<Governance>,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) calls: CallLog,
    pub(crate) log: RequestLog,
    pub(crate) clock: Arc<Clock>,
    pub(crate) defects: DefectSet,
    /// What some defects remember.
    pub(crate) memory: DefectMemory,
    /// How the provider is to fail.
    pub(crate) faults: FaultRules,
    /// What is remembered of prompts.
    pub(crate) prompt_cache: PromptCache,
    /// What is remembered of requests that may come again.
    pub(crate) idempotency: Idempotency,
    /// Whether it is: the providers that are played here know nothing of it.
    pub(crate) is_idempotent: bool,
    /// Whether the gateway ends.
    pub(crate) closing: Closing,
    store: Arc<Store>,
    keeps_keys: bool,
}

impl World {
    /// An empty world. Where it `keeps_keys`, the store remembers them beyond the process, virtual ones and all that
    /// belongs to them as well.
    pub(crate) fn new(id: Arc<str>, number: WorldNumber, commons: &Commons, keeps_keys: bool) -> Self {
        Self {
            id,
            number,
            catalog: Arc::clone(&commons.catalog),
            provider: Arc::clone(&commons.provider),
            routing: Routing::default(),
            keys: KeyRing::default(),
            access_key: None,
            ledger: Ledger::new(Arc::clone(&commons.store), number),
            responses: StoredResponses::new(Arc::clone(&commons.store), number),
            governance: Arc::new(Governance::new(Arc::clone(&commons.store), keeps_keys, commons.seed)),
            jobs: Arc::new(Jobs::new(Arc::clone(&commons.store), number, commons.runner.clone())),
            calls: CallLog::new(Arc::clone(&commons.store), number),
            log: RequestLog::new(commons.sink.clone()),
            clock: Arc::default(),
            defects: DefectSet::default(),
            memory: DefectMemory::default(),
            faults: FaultRules::default(),
            prompt_cache: PromptCache::default(),
            idempotency: Idempotency::default(),
            is_idempotent: false,
            closing: Closing::default(),
            store: Arc::clone(&commons.store),
            keeps_keys,
        }
    }

    /// The same with routes to its models.
    pub(crate) fn routed(mut self, routing: Routing) -> Self {
        self.routing = routing;
        self
    }

    /// The same, in which a request with an idempotency key is answered once.
    pub(crate) fn idempotent(mut self) -> Self {
        self.is_idempotent = true;
        self
    }

    /// The same, which ends with another.
    pub(crate) fn closing_with(mut self, other: &Self) -> Self {
        self.closing = other.closing.clone();
        self
    }

    /// Whether it is the world that is there from the start.
    pub(crate) fn is_root(&self) -> bool {
        &*self.id == ROOT_ID
    }

    /// Puts a new key in force, after it is saved where keys are kept.
    pub(crate) async fn add_key(&self, key: Arc<Key>) -> Result<(), StoreError> {
        self.save_key(&key).await?;
        self.keys.add(key);
        Ok(())
    }

    /// Saves a changed key, where keys are kept.
    pub(crate) async fn save_key(&self, key: &Key) -> Result<(), StoreError> {
        if self.keeps_keys {
            self.store.save_key(key.record()).await?;
        }
        Ok(())
    }

    /// Takes a key out of force, at once; whether it is deleted for good shows in the outcome.
    pub(crate) async fn delete_key(&self, key: &Key) -> Result<(), StoreError> {
        self.keys.remove(key.id);
        if self.keeps_keys {
            self.store.delete_key(key.id).await?;
        }
        Ok(())
    }

    /// Notes that a key was used.
    pub(crate) fn touch(&self, key: &Arc<Key>, now: Moment) {
        key.touch(now);
        if self.keeps_keys && key.first_unsaved_use() {
            self.store.touch(Arc::clone(key));
        }
    }

    /// The fault that the provider is to have in a call of this kind to this model, if any.
    pub(crate) fn strike(&self, operation: Operation, model: &str) -> Option<Fault> {
        self.faults.strike(operation, model)
    }

    /// Adds a line to the log.
    pub(crate) fn record(&self, context: &Arc<RequestContext>, event: LogEvent) {
        self.log.push(LogLine { at: self.clock.now(), context: Arc::clone(context), event });
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // By now no call can append any more.
        if !self.is_root() {
            self.store.drop_world(self.number);
        }
    }
}
