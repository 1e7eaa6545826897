//! One authenticated request on its way through the gateway.

use std::sync::Arc;

use super::catalog::{Capability, Model};
use super::governance::Governed;
use super::inference::ProviderError;
use super::key::Key;
use super::log_line::RequestContext;
use super::routing::{RoutedModel, Session};
use super::shaping;
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
    /// Where it goes and what it is charged to, where its caller is governed by more than the key.
    pub(crate) governed: Option<Arc<Governed>>,
}

impl Call {
    /// The routes to a model, by its id: those of the call where it has its own, or the world's.
    pub(crate) fn routed<'c>(&'c self, model: &str) -> Option<&'c RoutedModel> {
        match &self.governed {
            Some(governed) => Some(governed.routed()),
            None => self.world.routing.of(model),
        }
    }

    /// The model that has answered where this one was asked: another where a governed call has gone on to a fallback.
    pub(crate) fn answered_by<'c>(&'c self, model: &'c Arc<Model>) -> &'c Arc<Model> {
        match &self.governed {
            Some(governed) => &governed.leg(self.context.service.leg()).model,
            None => model,
        }
    }

    /// The model in whose name the provider answers. Where a governed call goes has been decided before.
    pub(crate) fn answering<'c>(&'c self, model: &'c Arc<Model>, needed: Capability) -> &'c Arc<Model> {
        if self.governed.is_some() { model } else { shaping::answering(&self.world, model, needed) }
    }
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
