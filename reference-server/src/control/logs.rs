//! A world's log.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use serde::Serialize;

use super::error::ControlError;
use super::input::Query;
use super::router::world_of;
use crate::domain::log_line::LogLine;
use crate::domain::worlds::Worlds;

#[derive(Serialize)]
pub(super) struct Lines {
    lines: Vec<LogLine>,
}

pub(super) async fn lines(
    State(worlds): State<Arc<Worlds>>,
    Path(world): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Lines>, ControlError> {
    let world = world_of(&worlds, &world)?;
    let query = Query::read(query.as_deref(), &["request_id"])?;
    Ok(Json(Lines { lines: world.log.lines(query.id("request_id")?) }))
}
