//! What a scenario gets for itself: a world where the target makes them, minted keys where it mints them.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::service::{LEFT, ServiceError, Services, fill_headers, name};
use super::stage::{Key, Stage};
use super::{Cancel, providers};
use crate::scenario::{Contract, Scenario, Variables};
use crate::target::{Model, Offer, Role, Secret, Served, ServiceCall};

/// Time for each part of taking down what an attempt made: its faults, each lot of keys that are revoked at once, its
/// providers.
const CLEANUP: Duration = Duration::from_secs(10);
/// Most keys that are minted, or revoked, at once.
const KEYS_AT_ONCE: u8 = 16;
/// What the target's templates call the world that was made.
const WORLD: &str = "world";

/// Makes the stage for one attempt. What was made of one that cannot be finished is taken down.
///
/// # Errors
/// Why it could not be made, and what is left of it, without credentials: those that were minted are known only here.
pub(super) async fn set_up(
    services: Services<'_>,
    scenario: &Scenario,
    contract: Option<&Contract>,
    cancel: &Cancel,
) -> Result<Stage, String> {
    let target = services.target;
    let offer = target.offer(scenario);
    let of_dialect = scenario.dialect.as_ref().map(|dialect| &dialect.credential);
    let credential = of_dialect.or_else(|| contract.map(|contract| &contract.credential));
    let mut stage = Stage {
        variables: variables(offer),
        credential: credential.cloned().unwrap_or_default(),
        service_variables: target.variables.clone(),
        secrets: target.secrets.clone(),
        ..Stage::default()
    };
    match furnish(services, scenario, offer, &mut stage, cancel).await {
        Ok(()) => Ok(stage),
        Err(error) => {
            let left = tear_down(services, &mut stage).await.err();
            let left = left.map_or_else(String::new, |left| format!("{LEFT}{left}"));
            Err(format!("{}{left}", error.told(&stage.secrets)))
        }
    }
}

async fn furnish(
    services: Services<'_>,
    scenario: &Scenario,
    offer: Option<&Offer>,
    stage: &mut Stage,
    cancel: &Cancel,
) -> Result<(), ServiceError> {
    let target = services.target;
    providers::set_up(services, scenario, stage).await?;
    if let Some(worlds) = &target.worlds {
        let own_providers = target.upstream.as_ref().filter(|_| stage.providers.is_some());
        let create = own_providers.and_then(|upstream| upstream.world.as_ref()).unwrap_or(&worlds.create);
        let reply = services.call(create, &stage.service_variables).await?;
        let unexpected = |message: String| ServiceError::Unexpected { call: name(create), message };
        let world = reply.json.clone().map(Arc::<Value>::from);
        let world = world.ok_or_else(|| unexpected("the answer is not JSON".to_owned()))?;
        // From here on it can be taken down, and whatever is missed in it is told without its credentials.
        stage.service_variables.set(WORLD, Arc::clone(&world));
        let keys = worlds
            .keys
            .fill(&target.templates, &stage.service_variables)
            .map_err(|error| unexpected(error.to_string()))?;
        // Also where one is not as described, the others are known: to be revoked, and not to be written.
        let mut lacking = None;
        for key in keys.find(&world) {
            let member = |name: &str| key.get(name).and_then(Value::as_str).map(Arc::<str>::from);
            match (member("role"), member("secret")) {
                (Some(role), Some(secret)) => add_key(stage, role, member("id"), &secret, true),
                (_, secret) => {
                    if let Some(secret) = secret {
                        stage.secrets.add(Secret::new(WORLD, secret));
                    }
                    lacking = Some(unexpected("a key has no `role` and `secret`".to_owned()));
                }
            }
        }
        if let Some(error) = lacking {
            return Err(error);
        }
        stage.base_path =
            services.text(create, &reply, &worlds.base_path, &stage.service_variables)?.to_string();
    }
    if let Some(offer) = offer {
        stage.base_path.truncate(stage.base_path.trim_end_matches('/').len());
        stage.base_path.push_str(&offer.path);
        stage.headers = fill_headers(&offer.headers, &target.templates, &stage.service_variables)
            .map_err(ServiceError::from)?;
    }
    for role in scenario.roles() {
        if !stage.keys.contains_key(role) {
            add_role(services, stage, role).await?;
        }
    }
    for (role, count) in scenario.own_keys() {
        add_minted(services, stage, role, count, cancel).await?;
    }
    let credential = |role: &Arc<str>| {
        let key = stage.keys.get(role)?;
        Some((role.to_string(), Value::from(key.secret.expose())))
    };
    let credentials = scenario.credentials.iter().filter_map(credential).collect();
    stage.variables.set("credentials", Value::Object(credentials));
    Ok(())
}

/// Takes down what [`set_up`] made. What cannot be taken down is left to the target.
///
/// # Errors
/// Why something is left, without credentials.
pub(super) async fn tear_down(services: Services<'_>, stage: &mut Stage) -> Result<(), String> {
    let lots = own_keys(stage).count().div_ceil(KEYS_AT_ONCE.into()).max(1);
    let parts = lots + usize::from(stage.faulty);
    let time = CLEANUP.saturating_mul(u32::try_from(parts).unwrap_or(u32::MAX));
    // Where the gateway hangs, there is time for its providers all the same.
    let gateway = timeout(time, tear_down_gateway(services, stage)).await;
    let providers = timeout(CLEANUP, providers::tear_down(services, stage)).await;
    let told = |done: Result<Result<(), ServiceError>, Elapsed>, time: Duration| match done {
        Ok(done) => done.map_err(|error| error.told(&stage.secrets)),
        Err(_) => Err(format!("not done within {}", humantime::format_duration(time))),
    };
    told(gateway, time).and(told(providers, CLEANUP))
}

async fn tear_down_gateway(services: Services<'_>, stage: &mut Stage) -> Result<(), ServiceError> {
    let target = services.target;
    let cleared =
        if stage.faulty && target.worlds.is_none() { fault(services, stage, None).await } else { Ok(()) };
    if let Some(delete) = target.worlds.as_ref().and_then(|worlds| worlds.delete.as_ref()) {
        // A world that was never made has left nothing.
        return match stage.service_variables.get(WORLD) {
            Some(_) => services.call(delete, &stage.service_variables).await.map(drop),
            None => Ok(()),
        };
    }
    let Some(revoke) = &target.keys.revoke else { return cleared };
    let left: Vec<_> = own_keys(stage).map(|key| with_key(&stage.service_variables, key)).collect();
    let mut revoked = Ok(());
    for some in left.chunks(KEYS_AT_ONCE.into()) {
        let all = join_all(some.iter().map(|key| services.call(revoke, key))).await;
        revoked = all.into_iter().fold(revoked, |so_far, one| so_far.and(one.map(drop)));
    }
    cleared.and(revoked)
}

/// The keys that exist for this attempt alone and can be revoked: they are in force, and have an id to be named by.
fn own_keys(stage: &Stage) -> impl Iterator<Item = &Key> {
    let of_roles = stage.keys.iter().filter(move |(role, key)| key.own && !stage.revoked.contains(role));
    let all = of_roles.map(|(_, key)| key).chain(stage.minted.values().flatten());
    all.filter(|key| key.id.is_some())
}

/// Revokes the key of a role through the target's own means.
pub(super) async fn revoke(services: Services<'_>, stage: &Stage, role: &str) -> Result<(), ServiceError> {
    let unexpected =
        |message: &str| ServiceError::Unexpected { call: "revoke".to_owned(), message: message.to_owned() };
    let call =
        services.target.keys.revoke.as_ref().ok_or_else(|| unexpected("the target can't revoke keys"))?;
    let key = stage.keys.get(role).ok_or_else(|| unexpected("there is no such key"))?;
    services.call(call, &with_key(&stage.service_variables, key)).await.map(drop)
}

/// Mints a key for a role, besides those that the scenario has.
pub(crate) async fn mint(
    services: Services<'_>,
    stage: &Stage,
    role: &str,
) -> Result<Option<Key>, ServiceError> {
    let Some((mint, description)) = services.target.minting(role) else { return Ok(None) };
    let mut variables = stage.service_variables.clone();
    variables.set("role", json!({ "name": role, "mint": description }));
    let reply = services.call(&mint.call, &variables).await?;
    let id = services.text(&mint.call, &reply, &mint.id, &variables)?;
    let error = match services.text(&mint.call, &reply, &mint.secret, &variables) {
        Ok(secret) => return Ok(Some(Key { id: Some(id), secret: Secret::new(role, secret), own: true })),
        Err(error) => error,
    };
    // It is there, and nobody can use it.
    let revoked = match &services.target.keys.revoke {
        Some(revoke) => services.call(revoke, &with_key_id(&stage.service_variables, Some(&*id))).await,
        None => return Err(error),
    };
    Err(match revoked {
        Ok(_) => error,
        Err(left) => ServiceError::Left { why: Box::new(error), left: Box::new(left) },
    })
}

/// Tells the target's provider how to fail; with nothing, to work again.
pub(super) async fn fault(
    services: Services<'_>,
    stage: &mut Stage,
    rule: Option<Arc<Value>>,
) -> Result<(), ServiceError> {
    let unexpected =
        |message: &str| ServiceError::Unexpected { call: "fault".to_owned(), message: message.to_owned() };
    let faults = services.target.faults.as_ref().ok_or_else(|| unexpected("the target can't fail"))?;
    stage.faulty = rule.is_some();
    match rule {
        Some(rule) => {
            let mut variables = stage.service_variables.clone();
            variables.set("fault", rule);
            services.call(&faults.arm, &variables).await.map(drop)
        }
        None => services.call(&faults.clear, &stage.service_variables).await.map(drop),
    }
}

async fn add_role(services: Services<'_>, stage: &mut Stage, role: &Arc<str>) -> Result<(), ServiceError> {
    match services.target.roles.get(role) {
        Some(Role::Environment { secret: Some(secret), .. }) => {
            stage.keys.insert(Arc::clone(role), Key { id: None, secret: secret.clone(), own: false });
        }
        Some(Role::Minted(_)) => {
            if let Some(key) = mint(services, stage, role).await? {
                stage.secrets.add(key.secret.clone());
                stage.keys.insert(Arc::clone(role), key);
            }
        }
        // Said beforehand, as a fixture that is missing.
        Some(Role::Environment { secret: None, .. }) | None => {}
    }
    Ok(())
}

/// Mints so many further keys of a role, some at once. Those that were minted are the stage's, also where one is refused or
/// somebody asks to stop.
async fn add_minted(
    services: Services<'_>,
    stage: &mut Stage,
    role: &Arc<str>,
    count: u32,
    cancel: &Cancel,
) -> Result<(), ServiceError> {
    let mut left = count;
    while left > 0 {
        if cancel.is_cancelled() {
            return Err(ServiceError::Interrupted);
        }
        let some = left.min(KEYS_AT_ONCE.into());
        let so_far: &Stage = stage;
        let minted = join_all((0..some).map(|_| mint(services, so_far, role))).await;
        let mut refused = None;
        for minted in minted {
            let error = match minted {
                Ok(Some(key)) => {
                    stage.secrets.add(key.secret.clone());
                    stage.minted.entry(Arc::clone(role)).or_default().push(key);
                    continue;
                }
                Ok(None) => {
                    let message = format!("no key of `{role}` can be minted");
                    ServiceError::Unexpected { call: "mint".to_owned(), message }
                }
                Err(error) => error,
            };
            // Who has to take a key down by hand must be told of it, whatever else was refused.
            if !matches!(refused, Some(ServiceError::Left { .. })) {
                refused = Some(error);
            }
        }
        if let Some(error) = refused {
            return Err(error);
        }
        left -= some;
    }
    Ok(())
}

fn add_key(stage: &mut Stage, role: Arc<str>, id: Option<Arc<str>>, secret: &str, own: bool) {
    let secret = Secret::new(Arc::clone(&role), secret);
    stage.secrets.add(secret.clone());
    stage.keys.insert(role, Key { id, secret, own });
}

fn variables(offer: Option<&Offer>) -> Variables {
    let mut variables = Variables::default();
    let models = offer.into_iter().flat_map(|offer| &offer.models);
    let ids = models.map(|(name, model)| (name.to_string(), Value::from(&*model.id))).collect();
    variables.set("models", Value::Object(ids));
    let models = offer.into_iter().flat_map(|offer| &offer.models);
    variables.set("providers", Value::Object(models.map(served).collect()));
    variables.set("nonce", Value::from(uuid::Uuid::new_v4().simple().to_string()));
    variables
}

/// Who serves a model, as templates name them.
fn served((name, model): (&Arc<str>, &Model)) -> (String, Value) {
    let one = |served: &Served| json!({ "provider": *served.provider, "model": *served.model });
    (name.to_string(), model.served_by.iter().map(one).collect())
}

/// What a call may name when it speaks of one key.
pub(crate) fn with_key(variables: &Variables, key: &Key) -> Variables {
    with_key_id(variables, key.id.as_deref())
}

fn with_key_id(variables: &Variables, id: Option<&str>) -> Variables {
    let mut variables = variables.clone();
    variables.set("key", json!({ "id": id }));
    variables
}

/// Whether a call needs a key's id, which not every key has.
pub(crate) fn needs_key_id(call: &ServiceCall) -> bool {
    call.path.names().iter().any(|name| name == "key.id")
}
