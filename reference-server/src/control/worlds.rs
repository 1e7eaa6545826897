//! Worlds: made, listed, deleted.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::error::ControlError;
use super::input;
use super::router::world_of;
use crate::config::world_plan;
use crate::domain::routing::ModelView;
use crate::domain::world::World;
use crate::domain::worlds::Worlds;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWorld {
    /// Its defects; by default those of the default world.
    defects: Option<Vec<String>>,
    /// How its models are served, in the words of `models` in the configuration; the others are served as there.
    routes: Option<Value>,
    /// Where it finds the providers that are asked over HTTP: the address of a simulator.
    upstream: Option<String>,
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

#[derive(Serialize)]
pub(super) struct Routes {
    models: Vec<ModelView>,
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
    let (plan, upstream) =
        world_plan(worlds.network(), worlds.catalog(), wanted.routes.as_ref(), wanted.upstream.as_deref())
            .map_err(ControlError::bad_request)?;
    let made = worlds.create_routed(&defects, &plan, upstream.as_ref());
    let (world, keys) = made.map_err(|error| ControlError::conflict(error.to_string()))?;
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

pub(super) async fn routes(
    State(worlds): State<Arc<Worlds>>,
    Path(id): Path<String>,
) -> Result<Json<Routes>, ControlError> {
    let world = world_of(&worlds, &id)?;
    Ok(Json(Routes { models: world.routing.view(world.clock.now()) }))
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
