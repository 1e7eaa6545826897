//! How models are served: from what is written to a plan.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderName;

use super::bounds::{self, LIMIT, PAUSE, REST};
use super::file::{BreakerEntry, DefaultsEntry, ModelEntry, RetriesEntry, RouteEntry, StickyEntry};
use super::notes::Notes;
use super::placed::Placed;
use crate::domain::catalog::{Capability, Catalog, Model};
use crate::domain::routing::{BreakerPolicy, ModelPlan, Plan, Policy, Retries, RoutePlan, Sticky};
use crate::meant::hint_among;

/// Most routes of a model, and most fallbacks.
const MOST_ROUTES: usize = 16;
/// Longest name of a model, in bytes.
const LONGEST_NAME: usize = 256;
const ATTEMPTS: RangeInclusive<u32> = 1..=10;
const FAILURES: RangeInclusive<u32> = 1..=1_000;
const WEIGHTS: RangeInclusive<u32> = 1..=1_000;

/// The breaker of who writes `breaker: {}`.
const BREAKER: BreakerPolicy = BreakerPolicy { failures: 5, cooldown: Duration::from_secs(30) };
/// How long a session stays where it is, where nothing else is written.
const SESSION: Duration = Duration::from_mins(10);

/// What models are checked against.
pub(super) struct Models<'a> {
    pub(super) catalog: &'a Catalog,
    /// The names of the providers, and what their models are for.
    pub(super) providers: BTreeMap<&'a str, &'static [Capability]>,
    /// What holds where a model says nothing else.
    pub(super) defaults: &'a Policy,
}

impl Models<'_> {
    /// The plan that is written.
    pub(super) fn plan(&self, entries: &BTreeMap<String, Placed<ModelEntry>>, notes: &mut Notes<'_>) -> Plan {
        let planned = |(id, entry): (&String, &Placed<ModelEntry>)| {
            let Some(model) = self.catalog.find(id) else {
                let place = notes.key_before(entry.place(), id);
                let hint = hint_among(id, self.catalog.ids());
                notes.note(place, format!("there is no model `{id}` in the catalog"), hint);
                return None;
            };
            Some((Arc::clone(model.id()), self.model(model, entry, notes)))
        };
        entries.iter().filter_map(planned).collect()
    }

    fn model(&self, model: &Model, entry: &ModelEntry, notes: &mut Notes<'_>) -> ModelPlan {
        if entry.routes.is_empty() {
            let hint = Some("a model that is not here stays with the mock".to_owned());
            notes.note(entry.routes.place(), "a model needs a route", hint);
        }
        let routes = self.routes(model, &entry.routes, notes);
        let fallbacks = self.routes(model, &entry.fallbacks, notes);
        let sticky = entry.sticky.as_ref().and_then(|entry| sticky(entry, notes));
        let limits = (entry.timeout.as_ref(), entry.deadline.as_ref());
        let policy = policy(self.defaults, entry.retries.as_ref(), limits, entry.breaker.as_ref(), notes);
        ModelPlan { routes, fallbacks, policy: Policy { sticky, ..policy } }
    }

    fn routes(&self, model: &Model, entries: &[Placed<RouteEntry>], notes: &mut Notes<'_>) -> Vec<RoutePlan> {
        if let Some(one_too_many) = entries.get(MOST_ROUTES) {
            let message = format!("there are {} routes, and can be {MOST_ROUTES}", entries.len());
            notes.note(one_too_many.place(), message, None);
        }
        entries.iter().map(|entry| self.route(model, entry, notes)).collect()
    }

    fn route(&self, model: &Model, entry: &RouteEntry, notes: &mut Notes<'_>) -> RoutePlan {
        let provider = &entry.provider;
        match self.providers.get(provider.as_str()) {
            None => {
                let known = self.providers.keys().copied();
                let hint =
                    hint_among(provider, known).or_else(|| Some("name it under `providers`".to_owned()));
                notes.note(provider.place(), format!("there is no provider `{}`", **provider), hint);
            }
            Some(capabilities) if !capabilities.contains(&model.capability) => {
                let (name, wanted) = (provider.as_str(), model.capability.name());
                let message =
                    format!("the provider `{name}` has no {wanted} models, and `{}` is one", model.id());
                let hint = Some("choose a provider of another kind".to_owned());
                notes.note(provider.place(), message, hint);
            }
            Some(_) => {}
        }
        let model = entry.model.as_ref().and_then(|model| bounds::name(model, LONGEST_NAME, notes));
        RoutePlan {
            provider: provider.as_str().into(),
            model: model.map(Arc::from),
            weight: bounds::number(entry.weight.as_ref(), &WEIGHTS, 1, notes),
        }
    }
}

/// What holds for every model that says nothing else.
pub(super) fn defaults(entry: &DefaultsEntry, notes: &mut Notes<'_>) -> Policy {
    let limits = (entry.timeout.as_ref(), entry.deadline.as_ref());
    policy(&Policy::default(), entry.retries.as_ref(), limits, entry.breaker.as_ref(), notes)
}

/// The policy that is written, and the usual one where nothing is; `limits` are those of an attempt and of all.
fn policy(
    usual: &Policy,
    retries: Option<&RetriesEntry>,
    limits: (Option<&Placed<String>>, Option<&Placed<String>>),
    breaker: Option<&BreakerEntry>,
    notes: &mut Notes<'_>,
) -> Policy {
    Policy {
        retries: retries.map_or(usual.retries, |entry| Retries {
            attempts: bounds::number(entry.attempts.as_ref(), &ATTEMPTS, usual.retries.attempts, notes),
            backoff: bounds::duration(entry.backoff.as_ref(), &PAUSE, usual.retries.backoff, notes),
            most: bounds::duration(entry.most.as_ref(), &PAUSE, usual.retries.most, notes),
        }),
        timeout: bounds::duration(limits.0, &LIMIT, usual.timeout, notes),
        deadline: bounds::duration(limits.1, &LIMIT, usual.deadline, notes),
        breaker: breaker.map_or(usual.breaker, |entry| {
            let usual = usual.breaker.unwrap_or(BREAKER);
            Some(BreakerPolicy {
                failures: bounds::number(entry.failures.as_ref(), &FAILURES, usual.failures, notes),
                cooldown: bounds::duration(entry.cooldown.as_ref(), &REST, usual.cooldown, notes),
            })
        }),
        sticky: None,
        tells: usual.tells,
    }
}

fn sticky(entry: &StickyEntry, notes: &mut Notes<'_>) -> Option<Sticky> {
    let ttl = bounds::duration(entry.ttl.as_ref(), &REST, SESSION, notes);
    // It makes the name lower case, as it is looked for.
    let Ok(header) = HeaderName::try_from(entry.header.as_str()) else {
        let hint = Some("write, for example, `x-session-id`".to_owned());
        notes.note(entry.header.place(), format!("{:?} is no header", *entry.header), hint);
        return None;
    };
    Some(Sticky { header: header.as_str().into(), ttl })
}
