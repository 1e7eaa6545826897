//! What is done with a response that was kept.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::create::list;
use crate::dialect::common::read::excerpt;
use crate::dialect::openai::error::{Refusal, json_response};
use crate::dialect::openai::exchange::Exchange;
use crate::domain::call::Call;
use crate::domain::stored_response::StoredResponse;

/// How many items a page has where nothing else is asked for, and at most.
const PAGE: usize = 20;
const LARGEST_PAGE: usize = 100;

/// `GET /v1/responses/{id}`: as it was told when it was made.
pub(in crate::dialect::openai) async fn retrieve(call: &Call, id: &str) -> Result<Response, Refusal> {
    Ok(json_response(StatusCode::OK, find(call, id).await?.response))
}

/// `DELETE /v1/responses/{id}`.
pub(in crate::dialect::openai) async fn delete(call: &Call, id: &str) -> Result<Response, Refusal> {
    let deleted = call.world.responses.delete(call.key.id, id).await;
    if !deleted.map_err(|error| Refusal::internal(error.to_string()))? {
        return Err(unknown(id));
    }
    let body = json!({ "id": id, "object": "response", "deleted": true });
    Ok(json_response(StatusCode::OK, body.to_string()))
}

/// `GET /v1/responses/{id}/input_items`: a page of what was asked, the latest first unless asked otherwise.
pub(in crate::dialect::openai) async fn input_items(
    exchange: &Exchange<'_>,
    call: &Call,
    id: &str,
) -> Result<Response, Refusal> {
    let query = exchange.head.uri.query().unwrap_or_default();
    let parameter = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(other, _)| *other == name).map(|(_, value)| value)
    };
    let limit = match parameter("limit").map(str::parse::<usize>) {
        None => PAGE,
        Some(Ok(limit @ 1..=LARGEST_PAGE)) => limit,
        Some(_) => {
            let message = format!("Invalid 'limit': expected an integer between 1 and {LARGEST_PAGE}.");
            return Err(Refusal::invalid(message).at("limit").coded("invalid_value"));
        }
    };
    let mut items = list(&find(call, id).await?.input);
    match parameter("order") {
        None | Some("desc") => items.reverse(),
        Some("asc") => {}
        Some(_) => {
            let message = "Invalid value for 'order'. Supported values are: 'asc' and 'desc'.";
            return Err(Refusal::invalid(message).at("order").coded("invalid_value"));
        }
    }
    if let Some(after) = parameter("after") {
        let place = items.iter().position(|item| item["id"] == after);
        items.drain(..place.map_or(0, |place| place + 1));
    }
    let has_more = items.len() > limit;
    items.truncate(limit);
    let id_of = |item: Option<&Value>| item.map_or(Value::Null, |item| item["id"].clone());
    let body = json!({
        "object": "list",
        "first_id": id_of(items.first()),
        "last_id": id_of(items.last()),
        "has_more": has_more,
        "data": items,
    });
    Ok(json_response(StatusCode::OK, body.to_string()))
}

async fn find(call: &Call, id: &str) -> Result<StoredResponse, Refusal> {
    let found = call.world.responses.find(call.key.id, id).await;
    found.map_err(|error| Refusal::internal(error.to_string()))?.ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Refusal {
    Refusal::not_found(format!("Response with id '{}' not found.", excerpt(id)))
}
