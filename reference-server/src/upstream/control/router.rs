//! The control API's paths.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};

use super::super::world::UpstreamWorld;
use super::super::worlds::UpstreamWorlds;
use super::{gates, journal, worlds};
use crate::control::error::ControlError;
use crate::control::fault_rules;

/// Everything below `/~control`.
pub(in super::super) fn router(state: Arc<UpstreamWorlds>) -> Router {
    Router::new()
        .route("/~control/worlds", get(worlds::list).post(worlds::create))
        .route("/~control/worlds/{world}", delete(worlds::remove))
        .route("/~control/worlds/{world}/journal", get(journal::calls).delete(journal::clear))
        .merge(fault_rules::routes::<UpstreamWorld>())
        .route("/~control/worlds/{world}/gates", post(gates::put_up))
        .route("/~control/worlds/{world}/gates/{gate}", get(gates::show).delete(gates::remove))
        .route("/~control/worlds/{world}/gates/{gate}/release", post(gates::release))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .with_state(state)
}

/// The world that a path names.
pub(super) fn world_of(worlds: &UpstreamWorlds, id: &str) -> Result<Arc<UpstreamWorld>, ControlError> {
    worlds.get(Some(id)).ok_or_else(|| {
        ControlError::not_found(format!(
            "there is no world {id:?}; GET /~control/worlds lists them, the default one is \"root\""
        ))
    })
}

async fn nothing_here() -> ControlError {
    ControlError::not_found("there is nothing at this path; see /~control/worlds")
}

async fn wrong_method() -> ControlError {
    ControlError {
        status: StatusCode::METHOD_NOT_ALLOWED,
        message: "this path takes other methods; the allow header lists them".to_owned(),
    }
}
