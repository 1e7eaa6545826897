//! `GET /v1/models`: what can be asked for, by the names that it is asked for with.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::error::{Refusal, json};
use super::exchange::Exchange;
use crate::domain::catalog::Model;
use crate::domain::governance::ProviderConfig;
use crate::percent;

/// When every model was made, in seconds since the epoch.
const CREATED: i64 = 1_744_316_542;
/// What stands in a list for everything.
const EVERYTHING: &str = "*";

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
    fn new(model: &'m Model) -> Self {
        let id = format!("{}/{}", model.provider, model.id());
        Self { id, object: "model", created: CREATED, owned_by: &model.provider, name: &model.name }
    }
}

/// The models of the providers that there are, as far as the caller may use them: of all of these, or of the one that
/// the query names.
pub(super) fn list(exchange: &Exchange<'_>) -> Result<Response, Refusal> {
    let caller = exchange.caller()?;
    let wanted = percent::field(exchange.head.uri.query().unwrap_or_default(), "provider");
    let world = exchange.world;
    let book = world.governance.book();
    let configs = caller.virtual_key.as_ref().map(|key| key.provider_configs.as_slice()).unwrap_or_default();
    let is_told = |model: &&Arc<Model>| {
        book.provider(&model.provider).is_some()
            && wanted.as_deref().is_none_or(|wanted| wanted == &*model.provider)
            && may_use(configs, model)
    };
    let data = world.catalog.models().filter(is_told).map(|model| Item::new(model)).collect();
    Ok(json(StatusCode::OK, &Listing { object: "list", data }))
}

/// Whether a key with these configs may use a model. One without any may use all.
fn may_use(configs: &[ProviderConfig], model: &Model) -> bool {
    let is_named = |name: &str| name == EVERYTHING || name == &**model.id() || name == &*model.provider_model;
    let allows = |config: &ProviderConfig| {
        config.provider == model.provider
            && (config.allowed_models.is_empty() || config.allowed_models.iter().any(|name| is_named(name)))
    };
    configs.is_empty() || configs.iter().any(allows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalog::Catalog;

    fn config(provider: &str, models: &[&str]) -> ProviderConfig {
        ProviderConfig {
            id: 1,
            provider: provider.into(),
            weight: None,
            allowed_models: models.iter().map(|name| (*name).into()).collect(),
            key_ids: Vec::new(),
            budget: None,
            rate_limit: None,
        }
    }

    #[test]
    fn a_key_is_told_what_it_may_use() {
        let catalog = Catalog::embedded().unwrap();
        let mini = catalog.find("gpt-4.1-mini").unwrap();
        for (configs, may) in [
            (vec![], true),
            (vec![config("openai", &[])], true),
            (vec![config("openai", &["*"])], true),
            (vec![config("openai", &["gpt-4.1-mini"])], true),
            (vec![config("openai", &[&*mini.provider_model])], true),
            (vec![config("openai", &["gpt-4o"])], false),
            (vec![config("anthropic", &[])], false),
            (vec![config("anthropic", &[]), config("openai", &[])], true),
        ] {
            assert_eq!(may_use(&configs, mini), may, "{configs:?}");
        }
    }

    #[test]
    fn a_model_is_named_with_its_provider() {
        let catalog = Catalog::embedded().unwrap();
        let item = Item::new(catalog.find("text-embedding-3-small").unwrap());
        assert_eq!((item.id.as_str(), item.owned_by), ("openai/text-embedding-3-small", "openai"));
    }
}
