//! The control API's paths.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use super::error::ControlError;
use super::{clock, defects, fault_rules, keys, ledger, logs, worlds};
use crate::domain::world::{ROOT_ID, World};
use crate::domain::worlds::Worlds;

/// Everything below `/~control`.
pub(super) fn router(state: Arc<Worlds>) -> Router {
    Router::new()
        .route("/~control/defects", get(defects::list))
        .route("/~control/worlds", get(worlds::list).post(worlds::create))
        .route("/~control/worlds/{world}", axum::routing::delete(worlds::delete))
        .route("/~control/worlds/{world}/keys", get(keys::list).post(keys::mint))
        .route(
            "/~control/worlds/{world}/keys/{key}",
            get(keys::show).patch(keys::change).delete(keys::delete),
        )
        .route("/~control/worlds/{world}/ledger", get(ledger::events))
        .route("/~control/worlds/{world}/logs", get(logs::lines))
        .route("/~control/worlds/{world}/defects", get(defects::of_world).put(defects::set))
        .route("/~control/worlds/{world}/routes", get(worlds::routes))
        .route("/~control/worlds/{world}/clock", get(clock::show).post(clock::advance))
        .merge(fault_rules::routes::<World>())
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .with_state(state)
}

/// The world that a path names.
pub(super) fn world_of(worlds: &Worlds, id: &str) -> Result<Arc<World>, ControlError> {
    worlds.get(id).ok_or_else(|| {
        ControlError::not_found(format!(
            "there is no world {id:?}; GET /~control/worlds lists them, the default one is {ROOT_ID:?}"
        ))
    })
}

async fn nothing_here() -> ControlError {
    ControlError::not_found("there is nothing at this path; see /~control/worlds and /~control/defects")
}

async fn wrong_method() -> ControlError {
    ControlError {
        status: axum::http::StatusCode::METHOD_NOT_ALLOWED,
        message: "this path takes other methods; the allow header lists them".to_owned(),
    }
}
