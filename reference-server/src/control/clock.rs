//! A world's clock: read, and moved.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::error::ControlError;
use super::input;
use super::router::world_of;
use crate::domain::clock::Moment;
use crate::domain::worlds::Worlds;

/// The furthest that a clock is moved at once: a year.
const FURTHEST: Duration = Duration::from_hours(8_766);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    /// How far, such as `31s`.
    advance: String,
}

#[derive(Serialize)]
pub(super) struct Present {
    now: Moment,
}

pub(super) async fn show(
    State(worlds): State<Arc<Worlds>>,
    Path(world): Path<String>,
) -> Result<Json<Present>, ControlError> {
    Ok(Json(Present { now: world_of(&worlds, &world)?.clock.now() }))
}

pub(super) async fn advance(
    State(worlds): State<Arc<Worlds>>,
    Path(world): Path<String>,
    body: Bytes,
) -> Result<Json<Present>, ControlError> {
    let world = world_of(&worlds, &world)?;
    let Move { advance } = input::json(&body)?;
    let by = distance(&advance)?;
    world.clock.advance(i64::try_from(by.as_micros()).unwrap_or(i64::MAX));
    Ok(Json(Present { now: world.clock.now() }))
}

/// Reads how far a clock is moved.
fn distance(text: &str) -> Result<Duration, ControlError> {
    let distance = humantime::parse_duration(text).ok().filter(|distance| *distance <= FURTHEST);
    distance.ok_or_else(|| {
        let furthest = humantime::format_duration(FURTHEST);
        ControlError::bad_request(format!(
            "{text:?} is no time that a clock can be moved by; write one like \"31s\" or \"24h\", up to {furthest}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_moved_forward_by_a_time_within_bounds() {
        assert_eq!(distance("1m 31s"), Ok(Duration::from_secs(91)));
        assert_eq!(distance("1year"), Ok(FURTHEST));
        for wrong in ["31", "-1s", "soon", "367d", ""] {
            let error = distance(wrong).unwrap_err();
            assert!(error.message.starts_with(&format!("{wrong:?} is no time")), "{}", error.message);
        }
    }
}
