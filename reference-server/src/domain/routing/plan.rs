//! How models are to be served, as a configuration says it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::backoff::Retries;
use super::breaker::BreakerPolicy;
use super::seats::Sticky;

/// The models that are served by routes, by their ids.
pub(crate) type Plan = BTreeMap<Arc<str>, ModelPlan>;

/// How one model is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelPlan {
    /// One of these is chosen by weight.
    pub(crate) routes: Vec<RoutePlan>,
    /// These are asked in order once the chosen one has failed.
    pub(crate) fallbacks: Vec<RoutePlan>,
    pub(crate) policy: Policy,
}

/// One way to a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoutePlan {
    /// The provider's name in the configuration.
    pub(crate) provider: Arc<str>,
    /// What the provider calls the model, where it is not what the catalog says.
    pub(crate) model: Option<Arc<str>>,
    /// How often it is chosen, beside the others.
    pub(crate) weight: u32,
}

/// Whose error is told where no route has answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tells {
    /// That of the last attempt. What no route would do better is told at once.
    #[default]
    Last,
    /// That of the first route, after all of the others were asked in vain, whatever it was.
    First,
}

/// What a model's routes have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) retries: Retries,
    /// Most time for one attempt: until the answer, or the first part of a stream.
    pub(crate) timeout: Duration,
    /// Most time for all attempts and the pauses between them.
    pub(crate) deadline: Duration,
    pub(crate) breaker: Option<BreakerPolicy>,
    pub(crate) sticky: Option<Sticky>,
    pub(crate) tells: Tells,
}

impl Policy {
    /// Whether an attempt with so much time had too little to say anything of who was asked: what was tried before it
    /// took the rest.
    pub(super) fn is_too_little(&self, time: Duration) -> bool {
        time < self.timeout.min(self.deadline) / 2
    }
}

impl Default for Policy {
    /// Each route is asked once.
    fn default() -> Self {
        Self {
            retries: Retries {
                attempts: 1,
                backoff: Duration::from_millis(200),
                most: Duration::from_secs(5),
            },
            timeout: Duration::from_mins(2),
            deadline: Duration::from_mins(5),
            breaker: None,
            sticky: None,
            tells: Tells::default(),
        }
    }
}
