//! `GET /api/v1/models`.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::error::{Refusal, json_response};
use super::exchange::{DIALECT, Exchange};
use super::rewrite;
use super::wire::ModelItem;
use crate::domain::authorization::Need;

#[derive(Serialize)]
struct Wrapped<'a> {
    object: &'static str,
    data: &'a [ModelItem<'a>],
}

/// The listing, for any valid key.
pub(super) fn list(exchange: &Exchange<'_>) -> Result<Response, Refusal> {
    let call = exchange.authenticate()?;
    exchange.authorize(&call, Need::AnyKey)?;
    let defects = &exchange.world.defects;
    let items: Vec<_> = exchange
        .world
        .catalog
        .listed(DIALECT, defects)
        .map(|model| rewrite::listed(defects, model))
        .collect();
    let body = if rewrite::wraps_listing(defects) {
        serde_json::to_vec(&Wrapped { object: "list", data: &items })
    } else {
        serde_json::to_vec(&items)
    };
    let body = body.map_err(|error| exchange.internal(error.to_string()))?;
    Ok(json_response(StatusCode::OK, body))
}
