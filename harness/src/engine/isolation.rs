//! What a scenario gets for itself: a world where the target makes them, minted keys where it mints them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::providers;
use super::service::{ServiceError, Services, fill_headers, name};
use super::stage::{Key, Stage};
use crate::scenario::{Contract, Scenario, Variables};
use crate::target::{Model, Offer, Role, Secret, Served, ServiceCall};

/// Makes the stage for one attempt. What was made of one that cannot be finished is taken down.
pub(super) async fn set_up(
    services: Services<'_>,
    scenario: &Scenario,
    contract: Option<&Contract>,
) -> Result<Stage, ServiceError> {
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
    let furnished = furnish(services, scenario, offer, &mut stage).await;
    if furnished.is_err() {
        // Why it could not be made is what matters.
        let _ = providers::tear_down(services, &mut stage).await;
    }
    furnished.map(|()| stage)
}

async fn furnish(
    services: Services<'_>,
    scenario: &Scenario,
    offer: Option<&Offer>,
    stage: &mut Stage,
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
        stage.base_path =
            services.text(create, &reply, &worlds.base_path, &stage.service_variables)?.to_string();
        stage.service_variables.set("world", Arc::clone(&world));
        let keys = worlds
            .keys
            .fill(&target.templates, &stage.service_variables)
            .map_err(|error| unexpected(error.to_string()))?;
        for key in keys.find(&world) {
            let member = |name: &str| key.get(name).and_then(Value::as_str).map(Arc::<str>::from);
            let (Some(role), Some(secret)) = (member("role"), member("secret")) else {
                return Err(unexpected("a key has no `role` and `secret`".to_owned()));
            };
            add_key(stage, role, member("id"), &secret, true);
        }
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
    let credential = |role: &Arc<str>| {
        let key = stage.keys.get(role)?;
        Some((role.to_string(), Value::from(key.secret.expose())))
    };
    let credentials = scenario.credentials.iter().filter_map(credential).collect();
    stage.variables.set("credentials", Value::Object(credentials));
    Ok(())
}

/// Takes down what [`set_up`] made. What cannot be taken down is left to the target.
pub(super) async fn tear_down(services: Services<'_>, stage: &mut Stage) -> Result<(), ServiceError> {
    let gateway = tear_down_gateway(services, stage).await;
    gateway.and(providers::tear_down(services, stage).await)
}

async fn tear_down_gateway(services: Services<'_>, stage: &mut Stage) -> Result<(), ServiceError> {
    let target = services.target;
    if stage.faulty && target.worlds.is_none() {
        fault(services, stage, None).await?;
    }
    match (&target.worlds, &target.keys.revoke) {
        (Some(worlds), _) => match &worlds.delete {
            Some(call) => services.call(call, &stage.service_variables).await.map(drop),
            None => Ok(()),
        },
        (None, Some(revoke)) => {
            let left = stage.keys.iter().filter(|(role, key)| key.own && !stage.revoked.contains(role));
            for (_, key) in left {
                services.call(revoke, &with_key(&stage.service_variables, key)).await?;
            }
            Ok(())
        }
        (None, None) => Ok(()),
    }
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
    let (Some(mint), Some(Role::Minted(description))) =
        (&services.target.keys.mint, services.target.roles.get(role))
    else {
        return Ok(None);
    };
    let mut variables = stage.service_variables.clone();
    variables.set("role", json!({ "name": role, "mint": **description }));
    let reply = services.call(&mint.call, &variables).await?;
    let id = services.text(&mint.call, &reply, &mint.id, &variables)?;
    let secret = services.text(&mint.call, &reply, &mint.secret, &variables)?;
    Ok(Some(Key { id: Some(id), secret: Secret::new(role, secret), own: true }))
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
    let mut variables = variables.clone();
    variables.set("key", json!({ "id": key.id.as_deref() }));
    variables
}

/// Whether a call needs a key's id, which not every key has.
pub(crate) fn needs_key_id(call: &ServiceCall) -> bool {
    call.path.names().iter().any(|name| name == "key.id")
}
