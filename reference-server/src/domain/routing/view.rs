//! What is to be seen of a model's routes.

use std::sync::Arc;

use serde::Serialize;

use super::breaker::BreakerState;
use super::route::Route;
use super::routed_model::RoutedModel;
use crate::domain::clock::Moment;

/// A model and its routes.
#[derive(Debug, Serialize)]
pub(crate) struct ModelView {
    /// Its id in the catalog.
    model: Arc<str>,
    routes: Vec<RouteView>,
    fallbacks: Vec<RouteView>,
}

/// A route and how it has done so far.
#[derive(Debug, Serialize)]
struct RouteView {
    provider: Arc<str>,
    /// What the provider calls the model.
    model: Arc<str>,
    /// Not for a fallback, which nobody chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u32>,
    breaker: BreakerState,
    /// Failures since the last success.
    failures: u32,
}

impl ModelView {
    pub(super) fn of(id: &Arc<str>, model: &RoutedModel, now: Moment) -> Self {
        let routes = model.routes.iter().map(|route| RouteView::of(route, Some(route.weight), now));
        let fallbacks = model.fallbacks.iter().map(|route| RouteView::of(route, None, now));
        Self { model: Arc::clone(id), routes: routes.collect(), fallbacks: fallbacks.collect() }
    }
}

impl RouteView {
    fn of(route: &Route, weight: Option<u32>, now: Moment) -> Self {
        let (breaker, failures) = route.health(now);
        let server = route.server.clone();
        Self { provider: server.provider, model: server.model, weight, breaker, failures }
    }
}
