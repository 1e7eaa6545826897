//! A world's billing events.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use serde::Serialize;
use uuid::Uuid;

use super::error::ControlError;
use super::input::Query;
use super::router::world_of;
use crate::domain::clock::Moment;
use crate::domain::ledger::{BillingEvent, LedgerQuery, Operation};
use crate::domain::worlds::Worlds;

/// How many events come where no number is asked for.
const USUAL: u64 = 1_000;
/// How many events come at most.
const MOST: u64 = 10_000;

#[derive(Serialize)]
pub(super) struct Events {
    events: Vec<EventView>,
}

#[derive(Serialize)]
struct EventView {
    seq: u64,
    at: Moment,
    request_id: Uuid,
    key_id: Uuid,
    manager_id: Arc<str>,
    model: Arc<str>,
    operation: Operation,
    input_tokens: u64,
    output_tokens: u64,
    /// US dollars, as text so that no digit is lost.
    cost: String,
}

impl From<BillingEvent> for EventView {
    fn from(event: BillingEvent) -> Self {
        let charge = event.charge;
        Self {
            seq: event.seq,
            at: charge.at,
            request_id: charge.request_id,
            key_id: charge.key_id,
            manager_id: charge.manager_id,
            model: charge.model,
            operation: charge.operation,
            input_tokens: charge.input_tokens,
            output_tokens: charge.output_tokens,
            cost: charge.cost.to_string(),
        }
    }
}

pub(super) async fn events(
    State(worlds): State<Arc<Worlds>>,
    Path(world): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Events>, ControlError> {
    let world = world_of(&worlds, &world)?;
    let query = Query::read(query.as_deref(), &["after", "key_id", "limit"])?;
    let wanted = LedgerQuery {
        after: query.count("after")?.unwrap_or(0),
        key_id: query.id("key_id")?,
        limit: query.count("limit")?.unwrap_or(USUAL).min(MOST),
    };
    let events = world.ledger.events(wanted).await?;
    Ok(Json(Events { events: events.into_iter().map(EventView::from).collect() }))
}
