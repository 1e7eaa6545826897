//! Worlds: made, listed, deleted.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::access;
use super::super::world::UpstreamWorld;
use super::super::worlds::UpstreamWorlds;
use super::router::world_of;
use crate::control::error::ControlError;
use crate::control::input;

/// There is nothing yet that a world can be given.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewWorld {}

#[derive(Serialize)]
pub(super) struct WorldList {
    worlds: Vec<WorldView>,
}

#[derive(Serialize)]
pub(super) struct WorldView {
    id: Arc<str>,
    base_path: String,
    /// How to get at each provider in it.
    credentials: Value,
}

impl WorldView {
    fn of(world: &UpstreamWorld, worlds: &UpstreamWorlds) -> Self {
        let base_path = world.base_path();
        let credentials = access::document(&format!("{}{base_path}", worlds.url));
        Self { id: Arc::clone(&world.id), base_path, credentials }
    }
}

pub(super) async fn create(
    State(worlds): State<Arc<UpstreamWorlds>>,
    body: Bytes,
) -> Result<(StatusCode, Json<WorldView>), ControlError> {
    let NewWorld {} = input::optional_json(&body)?;
    let world = worlds.create().map_err(|error| ControlError::conflict(error.to_string()))?;
    Ok((StatusCode::CREATED, Json(WorldView::of(&world, &worlds))))
}

pub(super) async fn list(State(worlds): State<Arc<UpstreamWorlds>>) -> Json<WorldList> {
    let views = worlds.list().into_iter().map(|world| WorldView::of(&world, &worlds));
    Json(WorldList { worlds: views.collect() })
}

pub(super) async fn remove(
    State(worlds): State<Arc<UpstreamWorlds>>,
    Path(id): Path<String>,
) -> Result<StatusCode, ControlError> {
    if world_of(&worlds, &id)?.is_root() {
        return Err(ControlError::conflict("the default world stays; delete worlds that were made"));
    }
    worlds.delete(&id);
    Ok(StatusCode::NO_CONTENT)
}
