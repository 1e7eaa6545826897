//! `GET /` and `GET /health`.

use axum::http::StatusCode;
use axum::response::Response;

use super::error::{Refusal, json_response};
use super::exchange::Exchange;

/// The gateway is there.
pub(super) fn alive() -> Response {
    json_response(StatusCode::OK, "{\"status\":true}")
}

/// The gateway is there, and so is its state.
pub(super) async fn healthy(exchange: &Exchange<'_>) -> Result<Response, Refusal> {
    match exchange.world.ledger.check().await {
        Ok(()) => Ok(alive()),
        Err(error) => Err(Refusal::Unavailable(error.to_string())),
    }
}
