//! `GET /v1/models`: what can be asked for, by the names that it is asked for with.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::error::{Refusal, json};
use super::exchange::Exchange;
use crate::defect::Defect;
use crate::domain::catalog::Model;
use crate::domain::governance::VirtualKey;
use crate::domain::world::World;
use crate::percent;

/// When every model was made, in seconds since the epoch.
const CREATED: i64 = 1_744_316_542;

#[derive(Serialize)]
struct Listing<'m> {
    object: &'static str,
    data: Vec<Item<'m>>,
}

#[derive(Serialize)]
struct Item<'m> {
    id: String,
    object: &'static str,
    created: i64,
    owned_by: &'m str,
    name: &'m str,
}

impl<'m> Item<'m> {
    fn new(provider: &'m str, model: &'m Model) -> Self {
        let id = format!("{provider}/{}", model.id());
        Self { id, object: "model", created: CREATED, owned_by: provider, name: &model.name }
    }
}

/// The models of the providers that there are, as far as the caller may use them: of all of these, or of the one that
/// the query names.
pub(super) fn list(exchange: &Exchange<'_>) -> Result<Response, Refusal> {
    let caller = exchange.caller()?;
    let wanted = percent::field(exchange.head.uri.query().unwrap_or_default(), "provider");
    let is_wanted = |provider: &str| wanted.as_deref().is_none_or(|wanted| wanted == provider);
    let is_listed_whole = exchange.world.defects.has(Defect::ModelsListedToAll);
    let key = caller.virtual_key.as_deref().filter(|_| !is_listed_whole);
    let offered = offered(exchange.world, key, is_wanted);
    let data = offered.iter().map(|(provider, model)| Item::new(provider, model)).collect();
    Ok(json(StatusCode::OK, &Listing { object: "list", data }))
}

/// What can be asked for with a virtual key, or without one: the models of the catalog, each with the provider that is
/// asked. Those that the catalog does not have can be asked for too, and nobody knows them.
pub(super) fn offered(
    world: &World,
    key: Option<&VirtualKey>,
    is_meant: impl Fn(&str) -> bool,
) -> Vec<(Arc<str>, Arc<Model>)> {
    let Some(switchboard) = world.governance.switchboard() else { return Vec::new() };
    let book = world.governance.book();
    let mut offered = Vec::new();
    for entry in book.providers.values().filter(|entry| is_meant(&entry.name)) {
        let can_be_asked = |model: &&Arc<Model>| match key {
            Some(key) => key.may_use(entry, model),
            None => entry.has_key_for(model, None),
        };
        let models = switchboard.models(&entry.name).filter(can_be_asked);
        offered.extend(models.map(|model| (Arc::clone(&entry.name), Arc::clone(model))));
    }
    offered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalog::Catalog;

    #[test]
    fn a_model_is_named_with_its_provider() {
        let catalog = Catalog::embedded().unwrap();
        let item = Item::new("main", catalog.find("text-embedding-3-small").unwrap());
        assert_eq!((item.id.as_str(), item.owned_by), ("main/text-embedding-3-small", "main"));
    }
}
