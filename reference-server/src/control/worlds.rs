//! Worlds: made, listed, deleted.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::ControlError;
use super::input;
use super::router::world_of;
use crate::domain::world::World;
use crate::domain::worlds::Worlds;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWorld {
    /// Its defects; by default those of the default world.
    defects: Option<Vec<String>>,
}

#[derive(Serialize)]
pub(super) struct MadeWorld {
    id: Arc<str>,
    base_path: String,
    keys: Vec<RoleKey>,
}

#[derive(Serialize)]
struct RoleKey {
    role: Arc<str>,
    id: Uuid,
    secret: String,
}

#[derive(Serialize)]
pub(super) struct WorldList {
    worlds: Vec<WorldView>,
}

#[derive(Serialize)]
struct WorldView {
    id: Arc<str>,
    base_path: String,
    defects: Vec<&'static str>,
}

/// What stands before a dialect's paths to reach this world.
fn base_path(world: &World) -> String {
    if world.is_root() { String::new() } else { format!("/~w/{}", world.id) }
}

pub(super) async fn create(
    State(worlds): State<Arc<Worlds>>,
    body: Bytes,
) -> Result<(StatusCode, Json<MadeWorld>), ControlError> {
    let wanted: NewWorld = input::optional_json(&body)?;
    let defects = match &wanted.defects {
        Some(ids) => input::defects(ids)?,
        None => worlds.root().defects.list(),
    };
    let (world, keys) = worlds.create(&defects).map_err(|error| ControlError::conflict(error.to_string()))?;
    let keys = keys.into_iter().map(|minted| RoleKey {
        role: Arc::clone(&minted.key.role),
        id: minted.key.id,
        secret: minted.secret,
    });
    let made = MadeWorld { id: Arc::clone(&world.id), base_path: base_path(&world), keys: keys.collect() };
    Ok((StatusCode::CREATED, Json(made)))
}

pub(super) async fn list(State(worlds): State<Arc<Worlds>>) -> Json<WorldList> {
    let worlds = worlds.list().into_iter().map(|world| WorldView {
        id: Arc::clone(&world.id),
        base_path: base_path(&world),
        defects: world.defects.ids(),
    });
    Json(WorldList { worlds: worlds.collect() })
}

pub(super) async fn delete(
    State(worlds): State<Arc<Worlds>>,
    Path(id): Path<String>,
) -> Result<StatusCode, ControlError> {
    if world_of(&worlds, &id)?.is_root() {
        return Err(ControlError::conflict("the default world stays; delete worlds that were made"));
    }
    worlds.delete(&id);
    Ok(StatusCode::NO_CONTENT)
}
