//! What is done with a response that was kept.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json};

use super::history::list;
use crate::aside::aside;
use crate::dialect::common::read::excerpt;
use crate::dialect::openai::error::{Refusal, json_response};
use crate::dialect::openai::exchange::Exchange;
use crate::domain::call::Call;
use crate::domain::stored_response::StoredResponse;
use crate::intake::Share;
use crate::store::StoreError;

/// How many items a page has where nothing else is asked for, and at most.
const PAGE: usize = 20;
const LARGEST_PAGE: usize = 100;

/// `GET /v1/responses/{id}`: as it was told when it was made.
pub(in crate::dialect::openai) async fn retrieve(
    exchange: &Exchange<'_>,
    call: &Call,
    id: &str,
) -> Result<Response, Refusal> {
    let (kept, share) = find(exchange, call, id).await?;
    Ok(json_response(StatusCode::OK, share.until_sent(kept.response.into_bytes())))
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
    let page = Page::asked_for(exchange.head.uri.query().unwrap_or_default())?;
    let (kept, share) = find(exchange, call, id).await?;
    let body = aside(kept.input.len(), || serde_json::to_vec(&page.of(list(&kept.input))));
    let body = body.map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(json_response(StatusCode::OK, share.until_sent(body)))
}

/// A page of items.
#[derive(Serialize)]
struct ItemList {
    object: &'static str,
    first_id: Value,
    last_id: Value,
    has_more: bool,
    data: Vec<Value>,
}

/// Which of the items are told.
struct Page<'q> {
    limit: usize,
    latest_first: bool,
    /// The id of the item before them.
    after: Option<&'q str>,
}

impl<'q> Page<'q> {
    fn asked_for(query: &'q str) -> Result<Self, Refusal> {
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
        let latest_first = match parameter("order") {
            None | Some("desc") => true,
            Some("asc") => false,
            Some(_) => {
                let message = "Invalid value for 'order'. Supported values are: 'asc' and 'desc'.";
                return Err(Refusal::invalid(message).at("order").coded("invalid_value"));
            }
        };
        Ok(Self { limit, latest_first, after: parameter("after") })
    }

    /// The page of these items, the oldest first.
    fn of(&self, mut items: Vec<Value>) -> ItemList {
        if self.latest_first {
            items.reverse();
        }
        if let Some(after) = self.after {
            let place = items.iter().position(|item| item["id"] == after);
            items.drain(..place.map_or(0, |place| place + 1));
        }
        let has_more = items.len() > self.limit;
        items.truncate(self.limit);
        let id_of = |item: Option<&Value>| item.map_or(Value::Null, |item| item["id"].clone());
        let (first_id, last_id) = (id_of(items.first()), id_of(items.last()));
        ItemList { object: "list", first_id, last_id, has_more, data: items }
    }
}

/// A response, and the room that was made for it before it was read.
async fn find(exchange: &Exchange<'_>, call: &Call, id: &str) -> Result<(StoredResponse, Share), Refusal> {
    let internal = |error: StoreError| Refusal::internal(error.to_string());
    let responses = &call.world.responses;
    let size = responses.size(call.key.id, id).await.map_err(internal)?.ok_or_else(|| unknown(id))?;
    let mut share = Share::default();
    exchange.make_room(&mut share, size).await?;
    let found = responses.find(call.key.id, id).await.map_err(internal)?;
    Ok((found.ok_or_else(|| unknown(id))?, share))
}

fn unknown(id: &str) -> Refusal {
    Refusal::not_found(format!("Response with id '{}' not found.", excerpt(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_told_page_by_page_in_either_order() {
        let items = || (1..=5).map(|number| json!({ "id": format!("i{number}") })).collect::<Vec<_>>();
        let page = |query| serde_json::to_value(Page::asked_for(query).unwrap().of(items())).unwrap();
        let ids = |page: &Value| -> Vec<String> {
            let data = page["data"].as_array().unwrap().iter();
            data.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
        };
        let latest = page("limit=2");
        assert_eq!(
            (ids(&latest), &latest["has_more"]),
            (vec!["i5".to_owned(), "i4".to_owned()], &json!(true))
        );
        assert_eq!((&latest["first_id"], &latest["last_id"]), (&json!("i5"), &json!("i4")));
        let rest = page("order=asc&after=i3");
        assert_eq!((ids(&rest), &rest["has_more"]), (vec!["i4".to_owned(), "i5".to_owned()], &json!(false)));
        assert_eq!(page("after=i1")["first_id"], Value::Null);
        for wrong in ["limit=0", "limit=101", "limit=x", "order=up"] {
            assert!(Page::asked_for(wrong).is_err(), "{wrong}");
        }
    }
}
