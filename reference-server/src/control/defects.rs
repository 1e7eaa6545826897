//! The catalogue of defects, and those of a world.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::error::ControlError;
use super::input;
use super::router::world_of;
use crate::defect::{DefectInfo, catalogue};
use crate::domain::world::World;
use crate::domain::worlds::Worlds;

#[derive(Serialize)]
pub(super) struct Catalogue {
    defects: &'static [DefectInfo],
}

#[derive(Serialize)]
pub(super) struct Present {
    defects: Vec<&'static str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    defects: Vec<String>,
}

fn present(world: &World) -> Json<Present> {
    Json(Present { defects: world.defects.ids() })
}

pub(super) async fn list() -> Json<Catalogue> {
    Json(Catalogue { defects: catalogue() })
}

pub(super) async fn of_world(
    State(worlds): State<Arc<Worlds>>,
    Path(world): Path<String>,
) -> Result<Json<Present>, ControlError> {
    let world = world_of(&worlds, &world)?;
    Ok(present(&world))
}

pub(super) async fn set(
    State(worlds): State<Arc<Worlds>>,
    Path(world): Path<String>,
    body: Bytes,
) -> Result<Json<Present>, ControlError> {
    let world = world_of(&worlds, &world)?;
    let wanted: Wanted = input::json(&body)?;
    world.defects.set(&input::defects(&wanted.defects)?);
    world.memory.forget_answers();
    Ok(present(&world))
}
