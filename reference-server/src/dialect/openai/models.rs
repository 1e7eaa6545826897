//! `GET /v1/models` and `GET /v1/models/{id}`.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::error::{Refusal, json_response};
use super::exchange::{DIALECT, Exchange};
use crate::dialect::common::read::excerpt;
use crate::domain::catalog::Model;

/// When every model was made, in seconds since the epoch.
const CREATED: i64 = 1_744_316_542;

#[derive(Serialize)]
struct Listing<'a> {
    object: &'static str,
    data: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'static str,
}

impl<'a> Item<'a> {
    fn new(model: &'a Model) -> Self {
        Self { id: model.id(), object: "model", created: CREATED, owned_by: "system" }
    }
}

/// The listing, for any valid key.
pub(super) fn list(exchange: &Exchange<'_>) -> Result<Response, Refusal> {
    let data = exchange.listed(DIALECT).into_iter().map(Item::new).collect();
    respond(&Listing { object: "list", data })
}

/// One model, for any valid key.
pub(super) fn retrieve(exchange: &Exchange<'_>, id: &str) -> Result<Response, Refusal> {
    let found = exchange.listed(DIALECT).into_iter().find(|model| &**model.id() == id);
    let model = found.ok_or_else(|| {
        let message = format!("The model '{}' does not exist", excerpt(id));
        Refusal::not_found(message).at("model").coded("model_not_found")
    })?;
    respond(&Item::new(model))
}

fn respond(body: &impl Serialize) -> Result<Response, Refusal> {
    let body = serde_json::to_vec(body).map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(json_response(StatusCode::OK, body))
}
