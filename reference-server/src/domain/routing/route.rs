//! One way to a model, and how it has done so far.

use std::sync::Arc;

use parking_lot::Mutex;

use super::breaker::{Breaker, BreakerPolicy, BreakerState};
use super::permit::Permit;
use super::service::Server;
use crate::domain::clock::Moment;
use crate::domain::inference::ModelIdentity;
use crate::provider::Provider;

/// A provider, and what it is told of the model.
pub(crate) struct Route {
    pub(crate) provider: Arc<dyn Provider>,
    /// The model under the provider's own name.
    pub(crate) identity: ModelIdentity,
    /// The provider under its name in the configuration, and the model under the provider's own.
    pub(crate) server: Server,
    pub(super) weight: u32,
    /// Which leg of a governed call it is; 0 of any other.
    leg: usize,
    breaker: Mutex<Breaker>,
}

impl Route {
    pub(super) fn new(
        provider: Arc<dyn Provider>,
        provider_name: Arc<str>,
        identity: ModelIdentity,
        weight: u32,
        breaker: Option<BreakerPolicy>,
    ) -> Self {
        let server = Server { provider: provider_name, model: Arc::clone(&identity.id) };
        Self { provider, identity, server, weight, leg: 0, breaker: Mutex::new(Breaker::new(breaker)) }
    }

    /// The same as a leg of a governed call.
    pub(super) fn at_leg(self, leg: usize) -> Self {
        Self { leg, ..self }
    }

    /// Which leg of a governed call it is; 0 of any other.
    pub(super) fn leg(&self) -> usize {
        self.leg
    }

    /// Whether its breaker would let a call through.
    pub(super) fn admits(&self, now: Moment) -> bool {
        self.breaker.lock().admits(now)
    }

    /// Leave to call it once, if its breaker lets a call through.
    pub(super) fn admit(self: &Arc<Self>, now: Moment) -> Option<Permit> {
        let admission = self.breaker.lock().admit(now)?;
        Some(Permit::new(Arc::clone(self), admission))
    }

    /// Where its breaker stands, and how many calls have failed since the last that did not.
    pub(super) fn health(&self, now: Moment) -> (BreakerState, u32) {
        let breaker = self.breaker.lock();
        (breaker.state(now), breaker.failures())
    }

    /// Tells its breaker something.
    pub(super) fn note(&self, what: impl FnOnce(&mut Breaker)) {
        what(&mut self.breaker.lock());
    }
}
