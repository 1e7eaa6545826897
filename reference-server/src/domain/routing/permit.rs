//! Leave to call a route once.

use std::sync::Arc;

use super::breaker::Admission;
use super::route::Route;
use crate::domain::clock::Moment;

/// A call that a route's breaker has let through, and wants to hear of. One that is dropped was abandoned, which says
/// nothing of the route.
pub(crate) struct Permit {
    route: Arc<Route>,
    admission: Option<Admission>,
}

impl Permit {
    pub(super) fn new(route: Arc<Route>, admission: Admission) -> Self {
        Self { route, admission: Some(admission) }
    }

    /// A stream has begun. If it was to decide, it has; how it ends counts like any other call.
    pub(super) fn begin(&mut self) {
        if self.admission == Some(Admission::Probe) {
            self.route.note(|breaker| breaker.succeed(Admission::Probe));
            self.admission = Some(Admission::Ordinary);
        }
    }

    /// The provider has answered.
    pub(crate) fn succeed(mut self) {
        if let Some(admission) = self.admission.take() {
            self.route.note(|breaker| breaker.succeed(admission));
        }
    }

    /// The provider has failed.
    pub(crate) fn fail(mut self, now: Moment) {
        if let Some(admission) = self.admission.take() {
            self.route.note(|breaker| breaker.fail(admission, now));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(admission) = self.admission.take() {
            self.route.note(|breaker| breaker.abandon(admission));
        }
    }
}
