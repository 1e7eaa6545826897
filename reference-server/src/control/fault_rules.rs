//! The rules of a world's faults, of a gateway's world and of a simulator's alike: armed, listed, taken away.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::ControlError;
use super::input;

/// Most calls that a rule can wait for or strike.
const MOST_CALLS: u32 = 1_000_000;

/// A world whose faults are ruled.
pub(crate) trait Faulty: Send + Sync + 'static {
    /// All worlds of its kind.
    type Worlds: Send + Sync + 'static;
    /// A rule as it is sent.
    type Sent: DeserializeOwned;
    /// A rule in force as it is told.
    type Told: Serialize;

    /// The world that a path names.
    fn of(worlds: &Self::Worlds, id: &str) -> Result<Arc<Self>, ControlError>;

    /// Every rule in force, in the order of arming.
    fn armed(&self) -> Vec<Self::Told>;

    /// Puts a rule in force.
    fn arm(&self, sent: Self::Sent) -> Result<Self::Told, ControlError>;

    /// Takes a rule away, and says whether it was there.
    fn disarm(&self, id: u64) -> bool;

    /// Takes all rules away.
    fn disarm_all(&self);
}

#[derive(Serialize)]
struct FaultList<T> {
    faults: Vec<T>,
}

/// Where the faults of worlds are ruled.
pub(crate) fn routes<W: Faulty>() -> Router<Arc<W::Worlds>> {
    Router::new()
        .route("/~control/worlds/{world}/faults", get(list::<W>).post(arm::<W>).delete(clear::<W>))
        .route("/~control/worlds/{world}/faults/{fault}", delete(remove::<W>))
}

/// Sees that a rule waits for, and strikes, a number of calls that there can be.
pub(crate) fn check_calls(times: Option<u32>, after: u32) -> Result<(), ControlError> {
    input::within("times", times, 1, MOST_CALLS)?;
    input::within("after", Some(after), 0, MOST_CALLS)
}

async fn list<W: Faulty>(
    State(worlds): State<Arc<W::Worlds>>,
    Path(world): Path<String>,
) -> Result<Json<FaultList<W::Told>>, ControlError> {
    Ok(Json(FaultList { faults: W::of(&worlds, &world)?.armed() }))
}

async fn arm<W: Faulty>(
    State(worlds): State<Arc<W::Worlds>>,
    Path(world): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<W::Told>), ControlError> {
    let world = W::of(&worlds, &world)?;
    Ok((StatusCode::CREATED, Json(world.arm(input::json(&body)?)?)))
}

async fn clear<W: Faulty>(
    State(worlds): State<Arc<W::Worlds>>,
    Path(world): Path<String>,
) -> Result<StatusCode, ControlError> {
    W::of(&worlds, &world)?.disarm_all();
    Ok(StatusCode::NO_CONTENT)
}

async fn remove<W: Faulty>(
    State(worlds): State<Arc<W::Worlds>>,
    Path((id, fault)): Path<(String, String)>,
) -> Result<StatusCode, ControlError> {
    let world = W::of(&worlds, &id)?;
    if fault.parse().is_ok_and(|fault| world.disarm(fault)) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ControlError::not_found(format!(
        "there is no fault {fault:?} in this world; GET /~control/worlds/{id}/faults lists them"
    )))
}
