//! A world's gates: put up, watched, released, opened.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::super::call::Outcome;
use super::super::gate::{Gate, GateState};
use super::super::world::UpstreamWorld;
use super::super::worlds::UpstreamWorlds;
use super::filter::{self, Header};
use super::patience::patience;
use super::router::world_of;
use crate::control::error::ControlError;
use crate::control::input::{self, Query};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewGate {
    provider: Option<String>,
    model: Option<String>,
    path: Option<String>,
    header: Option<Header>,
    contains: Option<String>,
}

#[derive(Serialize)]
pub(super) struct PutUp {
    id: u64,
}

#[derive(Serialize)]
pub(super) struct GateView {
    id: u64,
    /// Whether an answer has met it.
    met: bool,
    /// How many pieces of text were sent.
    sent: u64,
    /// What the last of them says.
    text: Option<String>,
    whole: bool,
    /// Whether the client went before the answer was whole.
    left: bool,
    outcome: Outcome,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    /// How many pieces of text may have been sent.
    through: u64,
}

pub(super) async fn put_up(
    State(worlds): State<Arc<UpstreamWorlds>>,
    Path(world): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<PutUp>), ControlError> {
    let world = world_of(&worlds, &world)?;
    let NewGate { provider, model, path, header, contains } = input::optional_json(&body)?;
    let filter = filter::read(provider.as_deref(), model, path, header, contains)?;
    let id = world.gates.put_up(filter).map_err(|error| ControlError::conflict(error.to_string()))?;
    Ok((StatusCode::CREATED, Json(PutUp { id })))
}

pub(super) async fn show(
    State(worlds): State<Arc<UpstreamWorlds>>,
    Path((world, gate)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Json<GateView>, ControlError> {
    let world = world_of(&worlds, &world)?;
    let (id, gate) = gate_of(&world, &gate)?;
    let query = Query::read(query.as_deref(), &["after", "wait_ms"])?;
    let (after, patience) = (query.count("after")?.unwrap_or(0), patience(&query)?);
    let GateState { met, sent, text, outcome, .. } = gate.state(after, patience).await;
    let (whole, left) = (outcome == Outcome::Whole, outcome == Outcome::Left);
    Ok(Json(GateView { id, met, sent, text, whole, left, outcome }))
}

pub(super) async fn release(
    State(worlds): State<Arc<UpstreamWorlds>>,
    Path((world, gate)): Path<(String, String)>,
    body: Bytes,
) -> Result<StatusCode, ControlError> {
    let world = world_of(&worlds, &world)?;
    let Release { through } = input::json(&body)?;
    gate_of(&world, &gate)?.1.release(through);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove(
    State(worlds): State<Arc<UpstreamWorlds>>,
    Path((world, gate)): Path<(String, String)>,
) -> Result<StatusCode, ControlError> {
    let world = world_of(&worlds, &world)?;
    let (id, _) = gate_of(&world, &gate)?;
    world.gates.remove(id);
    Ok(StatusCode::NO_CONTENT)
}

fn gate_of(world: &UpstreamWorld, id: &str) -> Result<(u64, Arc<Gate>), ControlError> {
    let found = id.parse().ok().and_then(|id| Some((id, world.gates.get(id)?)));
    found.ok_or_else(|| {
        ControlError::not_found(format!(
            "there is no gate {id:?} in this world; POST /~control/worlds/{}/gates puts one up",
            world.id
        ))
    })
}
