//! `/api/models`: which models there are, and with which keys.

use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::super::error::{Refusal, json as told};
use super::super::exchange::Exchange;
use super::keys;
use crate::percent;

/// How many are told where no number is asked for.
const USUAL: usize = 5;

/// The models whose names hold what is asked for, by their providers.
pub(super) fn list(exchange: &Exchange<'_>) -> Result<Response, Refusal> {
    exchange.only(&Method::GET, "GET")?;
    let query = exchange.head.uri.query().unwrap_or_default();
    let wanted = percent::field(query, "query").unwrap_or_default().to_lowercase();
    let (providers, key_ids) = (keys::names(query, &["provider"]), keys::names(query, &["keys"]));
    let limit = match percent::field(query, "limit").as_deref().map(str::parse) {
        None => USUAL,
        Some(Ok(limit)) => limit,
        Some(Err(_)) => {
            return Err(Refusal::bad_request("Invalid limit parameter: must be a non-negative number"));
        }
    };
    let governance = &exchange.world.governance;
    let (book, switchboard) = (governance.book(), governance.switchboard());
    let mut models: Vec<Value> = Vec::new();
    for entry in book.providers.values() {
        if !providers.is_empty() && !providers.iter().any(|name| **name == *entry.name) {
            continue;
        }
        let own = switchboard.into_iter().flat_map(|switchboard| switchboard.models(&entry.name));
        for model in own.filter(|model| model.id().to_lowercase().contains(&wanted)) {
            let serving = entry.keys.iter().filter(|key| key.serves(model)).map(|key| &*key.id);
            let serving: Vec<_> = serving.collect();
            if key_ids.is_empty() || serving.iter().any(|id| key_ids.iter().any(|wanted| wanted == id)) {
                models.push(json!({
                    "name": model.id(), "provider": entry.name, "accessible_by_keys": serving,
                }));
            }
        }
    }
    let total = models.len();
    models.truncate(limit);
    Ok(told(StatusCode::OK, &json!({ "models": models, "total": total })))
}
