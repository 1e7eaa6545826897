//! `GET /health` and `GET /api/version`.

use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::error::{Refusal, json as told};
use super::exchange::Exchange;

/// Whether the gateway is there, and its state with it.
pub(super) async fn health(exchange: &Exchange<'_>) -> Result<Response, Refusal> {
    exchange.only(&Method::GET, "GET")?;
    match exchange.world.ledger.check().await {
        Ok(()) => Ok(told(StatusCode::OK, &json!({ "status": "ok", "components": { "db_pings": "ok" } }))),
        Err(error) => Err(Refusal {
            exception: Some(error.to_string().into()),
            ..Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "config store not available")
        }),
    }
}

/// Which version it is: a text, and no object.
pub(super) fn version(exchange: &Exchange<'_>) -> Result<Response, Refusal> {
    exchange.only(&Method::GET, "GET")?;
    Ok(told(StatusCode::OK, &concat!("v", env!("CARGO_PKG_VERSION"))))
}
