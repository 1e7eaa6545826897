//! A world's journal: read, waited for, emptied.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use serde::Serialize;

use super::super::call::Call;
use super::super::journal::Wanted;
use super::super::worlds::UpstreamWorlds;
use super::patience::patience;
use super::router::world_of;
use crate::control::error::ControlError;
use crate::control::input::{self, Query};
use crate::percent;

/// How many calls come where no number is asked for.
const USUAL: u64 = 1_000;
/// How many calls come at most.
const MOST: u64 = 10_000;

#[derive(Serialize)]
pub(super) struct Calls {
    calls: Vec<Call>,
    /// The number of the last call that has come, whether it is among these or not; 0 before the first.
    last: u64,
}

pub(super) async fn calls(
    State(worlds): State<Arc<UpstreamWorlds>>,
    Path(world): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Calls>, ControlError> {
    let world = world_of(&worlds, &world)?;
    let text = query.unwrap_or_default();
    let query = Query::read(Some(&text), &["after", "wait_ms", "contains", "limit", "until"])?;
    let wanted = Wanted {
        after: query.count("after")?.unwrap_or(0),
        contains: percent::field(&text, "contains"),
        limit: usize::try_from(query.count("limit")?.unwrap_or(USUAL).min(MOST)).unwrap_or(usize::MAX),
        even_open: match query.get("until") {
            None | Some("ended") => false,
            Some("arrived") => true,
            Some(other) => return Err(input::no_such("moment", other, &["arrived", "ended"])),
        },
    };
    let (calls, last) = world.journal.calls(&wanted, patience(&query)?).await;
    Ok(Json(Calls { calls, last }))
}

pub(super) async fn clear(
    State(worlds): State<Arc<UpstreamWorlds>>,
    Path(world): Path<String>,
) -> Result<StatusCode, ControlError> {
    world_of(&worlds, &world)?.journal.clear();
    Ok(StatusCode::NO_CONTENT)
}
