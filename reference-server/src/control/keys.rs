//! A world's keys: minted, listed, revoked, deleted.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::error::ControlError;
use super::input;
use super::router::world_of;
use crate::domain::clock::Moment;
use crate::domain::key::Key;
use crate::domain::quota::{GENEROUS, Limits};
use crate::domain::role::{Minted, mint_custom};
use crate::domain::scope::ScopeSet;
use crate::domain::world::World;
use crate::domain::worlds::Worlds;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    role: Option<String>,
    scopes: Option<Vec<String>>,
    expires_at: Option<String>,
    limits: Option<Limits>,
}

#[derive(Serialize)]
pub(super) struct KeyList {
    keys: Vec<KeyView>,
}

#[derive(Serialize)]
pub(super) struct KeyView {
    id: Uuid,
    role: Arc<str>,
    /// Told once, when the key is minted.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    scopes: ScopeSet,
    active: bool,
    expires_at: Option<Moment>,
    last_used_at: Option<Moment>,
    manager_id: Arc<str>,
    created_at: Moment,
    limits: Limits,
}

impl KeyView {
    fn of(key: &Key) -> Self {
        Self {
            id: key.id,
            role: Arc::clone(&key.role),
            secret: None,
            scopes: key.scopes,
            active: key.is_active(),
            expires_at: key.expires_at(),
            last_used_at: key.last_used_at(),
            manager_id: Arc::clone(&key.manager_id),
            created_at: key.created_at,
            limits: key.quota.limits,
        }
    }
}

pub(super) async fn list(
    State(worlds): State<Arc<Worlds>>,
    Path(world): Path<String>,
) -> Result<Json<KeyList>, ControlError> {
    let keys = world_of(&worlds, &world)?.keys.list();
    Ok(Json(KeyList { keys: keys.iter().map(|key| KeyView::of(key)).collect() }))
}

pub(super) async fn mint(
    State(worlds): State<Arc<Worlds>>,
    Path(world): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<KeyView>), ControlError> {
    let world = world_of(&worlds, &world)?;
    let minted = minted(&worlds, &world, input::json(&body)?)?;
    world.add_key(Arc::clone(&minted.key)).await?;
    let view = KeyView { secret: Some(minted.secret), ..KeyView::of(&minted.key) };
    Ok((StatusCode::CREATED, Json(view)))
}

fn minted(worlds: &Worlds, world: &World, wanted: NewKey) -> Result<Minted, ControlError> {
    let now = world.clock.now();
    match wanted {
        NewKey { role: Some(name), scopes: None, expires_at: None, limits: None } => {
            let role = worlds.roles().iter().find(|role| *role.name == *name);
            role.map(|role| role.mint(now)).ok_or_else(|| no_such_role(worlds, &name))
        }
        NewKey { role: None, scopes: Some(names), expires_at, limits } => {
            let scopes = ScopeSet::from_names(names.iter().map(String::as_str))
                .map_err(|error| ControlError::bad_request(error.to_string()))?;
            let expires_at = expires_at.as_deref().map(input::moment).transpose()?;
            Ok(mint_custom(scopes, expires_at, limits.unwrap_or(GENEROUS), now))
        }
        _ => Err(ControlError::bad_request(
            "send either {\"role\": \"chat_only\"} or {\"scopes\": [\"models:inference\"], \"expires_at\": null, \
             \"limits\": {\"requests\": 3, \"tokens\": 2000}}",
        )),
    }
}

fn no_such_role(worlds: &Worlds, name: &str) -> ControlError {
    let roles: Vec<&str> = worlds.roles().iter().map(|role| &*role.name).collect();
    ControlError::bad_request(format!("there is no role {name:?}; the roles are {}", roles.join(", ")))
}

pub(super) async fn show(
    State(worlds): State<Arc<Worlds>>,
    Path((world, key)): Path<(String, String)>,
) -> Result<Json<KeyView>, ControlError> {
    let world = world_of(&worlds, &world)?;
    let key = key_of(&world, &key)?;
    Ok(Json(KeyView::of(&key)))
}

pub(super) async fn change(
    State(worlds): State<Arc<Worlds>>,
    Path((world, key)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<KeyView>, ControlError> {
    let world = world_of(&worlds, &world)?;
    let key = key_of(&world, &key)?;
    let change = Change::read(input::json(&body)?)?;
    if let Some(active) = change.active {
        key.set_active(active);
    }
    if let Some(expiry) = change.expiry {
        key.set_expires_at(expiry.moment());
    }
    world.save_key(&key).await?;
    Ok(Json(KeyView::of(&key)))
}

pub(super) async fn delete(
    State(worlds): State<Arc<Worlds>>,
    Path((world, key)): Path<(String, String)>,
) -> Result<StatusCode, ControlError> {
    let world = world_of(&worlds, &world)?;
    let key = key_of(&world, &key)?;
    world.delete_key(&key).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn key_of(world: &World, id: &str) -> Result<Arc<Key>, ControlError> {
    world.keys.get(input::id(id)?).ok_or_else(|| {
        ControlError::not_found(format!(
            "there is no key {id} in this world; GET /~control/worlds/{}/keys lists them",
            world.id
        ))
    })
}

/// What is to become of a key.
#[derive(Debug, Default, PartialEq, Eq)]
struct Change {
    active: Option<bool>,
    expiry: Option<Expiry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expiry {
    Never,
    At(Moment),
}

impl Expiry {
    fn moment(self) -> Option<Moment> {
        match self {
            Self::Never => None,
            Self::At(moment) => Some(moment),
        }
    }
}

impl Change {
    /// Reads a change. That a member is null says something else than that it is not there.
    fn read(members: Map<String, Value>) -> Result<Self, ControlError> {
        let mut change = Self::default();
        for (name, value) in members {
            match (name.as_str(), value) {
                ("active", Value::Bool(active)) => change.active = Some(active),
                ("expires_at", Value::Null) => change.expiry = Some(Expiry::Never),
                ("expires_at", Value::String(text)) => {
                    change.expiry = Some(Expiry::At(input::moment(&text)?));
                }
                (_, value) => {
                    return Err(ControlError::bad_request(format!(
                        "a key cannot be given {name:?}: {value}; \
                         \"active\" takes true or false, \"expires_at\" a time or null"
                    )));
                }
            }
        }
        Ok(change)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Change, ControlError> {
        let Value::Object(members) = value else { panic!("not an object") };
        Change::read(members)
    }

    #[test]
    fn an_expiry_can_be_set_lifted_and_left_alone() {
        assert_eq!(read(json!({})).unwrap(), Change::default());
        assert_eq!(read(json!({ "active": false })).unwrap(), Change { active: Some(false), expiry: None });
        let lifted = read(json!({ "expires_at": null })).unwrap();
        assert_eq!(lifted.expiry, Some(Expiry::Never));
        let set = read(json!({ "expires_at": "1970-01-01T00:00:01Z" })).unwrap();
        assert_eq!(set.expiry, Some(Expiry::At(Moment::from_micros(1_000_000))));
    }

    #[test]
    fn what_a_key_does_not_have_is_refused_by_name() {
        for (wrong, told) in [
            (json!({ "actve": false }), "\"actve\""),
            (json!({ "active": "no" }), "\"active\": \"no\""),
            (json!({ "expires_at": "soon" }), "\"soon\" is no time"),
        ] {
            let error = read(wrong).unwrap_err();
            assert!(error.message.contains(told), "{}", error.message);
        }
    }
}
