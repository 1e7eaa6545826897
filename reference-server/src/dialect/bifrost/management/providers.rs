//! `/api/providers`, and what all callers together may ask of one: `/api/governance/providers`.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::error::{Refusal, json as told};
use super::super::exchange::Exchange;
use super::change::change;
use super::forms::{self, BudgetPart, LimitPart};
use super::keys;
use super::rows::Views;
use crate::defect::DefectSet;
use crate::domain::governance::{Draft, Patch, ProviderEntry};

/// A provider as it is sent.
#[derive(Deserialize)]
struct Sent {
    keys: Option<Vec<keys::Sent>>,
    network_config: Option<Map<String, Value>>,
}

/// What a provider may be asked for, as it is sent.
#[derive(Deserialize)]
struct SentLimits {
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    budget: Patch<BudgetPart>,
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    rate_limit: Patch<LimitPart>,
}

/// Every provider.
pub(super) fn list(exchange: &Exchange<'_>) -> Result<Response, Refusal> {
    match exchange.head.method {
        Method::GET => {}
        // Where a gateway sends credentials to is not for a request to say.
        Method::POST => return Err(Refusal::bad_request("providers come from the configuration")),
        _ => return Err(Refusal::method_not_allowed("GET, POST")),
    }
    let defects = &exchange.world.defects;
    let book = exchange.world.governance.book();
    let providers: Vec<_> = book.providers.values().map(|entry| of(entry, defects)).collect();
    Ok(told(StatusCode::OK, &json!({ "providers": providers, "total": providers.len() })))
}

/// One provider, or its keys set anew.
pub(super) async fn one(exchange: &Exchange<'_>, name: &str, body: Body) -> Result<Response, Refusal> {
    let world = exchange.world;
    let book = world.governance.book();
    let entry = keys::provider(&book, name)?;
    match exchange.head.method {
        Method::GET => Ok(told(StatusCode::OK, &of(entry, &world.defects))),
        Method::PUT => {
            let sent: Sent = forms::read(exchange, body).await?;
            let address = sent.network_config.as_ref().and_then(|network| network.get("base_url"));
            if address.is_some_and(|address| address.as_str() != Some("")) {
                return Err(Refusal::bad_request("base_url comes from the configuration"));
            }
            let Some(sent) = sent.keys else { return Ok(told(StatusCode::OK, &of(entry, &world.defects))) };
            let edit = |draft: &mut Draft| {
                let entry = keys::provider(draft.book(), name)?;
                let form = |key: keys::Sent| {
                    let before = key.before(entry);
                    key.form(before)
                };
                let forms = sent.into_iter().map(form).collect();
                Ok(draft.set_provider_keys(name, forms)?)
            };
            let entry = change(world, edit).await?;
            Ok(told(StatusCode::OK, &of(&entry, &world.defects)))
        }
        _ => Err(Refusal::method_not_allowed("GET, PUT")),
    }
}

/// What all callers together may ask of each provider that has a budget or a limit.
pub(super) fn governed(exchange: &Exchange<'_>) -> Result<Response, Refusal> {
    exchange.only(&Method::GET, "GET")?;
    let views = Views::of(exchange.world);
    let entries = views.book().providers.values();
    let governed = entries.filter(|entry| entry.budget.is_some() || entry.rate_limit.is_some());
    let providers: Vec<_> = governed.map(|entry| limits(&views, entry)).collect();
    Ok(told(StatusCode::OK, &json!({ "providers": providers, "count": providers.len() })))
}

/// Sets what all callers together may ask of a provider, or takes it away.
pub(super) async fn govern(exchange: &Exchange<'_>, name: &str, body: Body) -> Result<Response, Refusal> {
    let world = exchange.world;
    let book = world.governance.book();
    let entry = keys::provider(&book, name)?;
    match exchange.head.method {
        Method::GET => {
            let provider = limits(&Views::of(world), entry);
            Ok(told(StatusCode::OK, &json!({ "provider": provider })))
        }
        Method::PUT => {
            let sent: SentLimits = forms::read(exchange, body).await?;
            let edit = |draft: &mut Draft| {
                let before = keys::provider(draft.book(), name)?.budget;
                let before = before.and_then(|id| draft.book().budgets.get(id));
                let budget = forms::budget(sent.budget, before.map(AsRef::as_ref))?;
                Ok(draft.govern_provider(name, budget, forms::limit(sent.rate_limit))?)
            };
            let entry = change(world, edit).await?;
            let (done, provider) =
                ("Provider governance updated successfully", limits(&Views::of(world), &entry));
            Ok(told(StatusCode::OK, &json!({ "message": done, "provider": provider })))
        }
        Method::DELETE => {
            let edit = |draft: &mut Draft| Ok(draft.govern_provider(name, Patch::Clear, Patch::Clear)?);
            change(world, edit).await?;
            let done = "Provider governance deleted successfully";
            Ok(told(StatusCode::OK, &json!({ "message": done })))
        }
        _ => Err(Refusal::method_not_allowed("GET, PUT, DELETE")),
    }
}

fn limits(views: &Views<'_>, entry: &ProviderEntry) -> Value {
    views.governed_provider(&entry.name, entry.budget, entry.rate_limit)
}

/// A provider as it is told.
fn of(entry: &ProviderEntry, defects: &DefectSet) -> Value {
    let keys: Vec<_> = entry.keys.iter().map(|key| keys::of(&entry.name, key, defects)).collect();
    json!({ "name": entry.name, "keys": keys, "provider_status": "active" })
}
