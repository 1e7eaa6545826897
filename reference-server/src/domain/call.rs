//! One authenticated request on its way through the gateway.

use std::sync::Arc;

use super::inference::ProviderError;
use super::key::Key;
use super::log_line::RequestContext;
use super::routing::Session;
use super::world::World;
use crate::store::StoreError;

/// Who asks, where, and in which request.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) world: Arc<World>,
    pub(crate) key: Arc<Key>,
    pub(crate) context: Arc<RequestContext>,
    /// The sessions that it names, where models look at them.
    pub(crate) sessions: Vec<Session>,
}

/// Why a call that was let in has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The task that does the billing ended before it was done.
    #[error("the billing was interrupted: {0}")]
    Interrupted(String),
    /// The gateway ends before the answer does.
    #[error("the gateway is shutting down")]
    Closing,
    /// The gateway itself could not handle the request.
    #[error("the request broke the gateway: {0}")]
    Broken(String),
}
