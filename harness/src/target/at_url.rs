//! A gateway of which only its address is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::read::{add_user, hex, parse_url};
use super::{
    Environment, KeyManagement, Limits, Model, Offer, Offers, Role, Secret, Secrets, Target, TargetError,
};
use crate::scenario::{Templates, Variables};

/// A gateway of which nothing is known but its address, some credentials and some models.
///
/// # Errors
/// When the address is not one, or a credential is not there.
pub fn at_url(
    url: &str,
    keys: &[(String, String)],
    models: &[(String, String)],
    environment: &Environment,
    templates: Templates,
) -> Result<Target, TargetError> {
    let mut secrets = Secrets::default();
    let mut roles = BTreeMap::new();
    let mut missing = Vec::new();
    for (role, variable) in keys {
        let (role, variable): (Arc<str>, Arc<str>) = (role.as_str().into(), variable.as_str().into());
        match environment.get(&variable) {
            Some(value) => {
                let secret = Secret::new(Arc::clone(&variable), value);
                secrets.add(secret.clone());
                roles.insert(role, Role::Environment { variable, secret: Some(secret) });
            }
            None => missing.push((role, variable)),
        }
    }
    if !missing.is_empty() {
        return Err(TargetError::NoCredentials(missing));
    }
    let models = models
        .iter()
        .map(|(name, id)| {
            (Arc::from(name.as_str()), Model { id: id.as_str().into(), price: None, served_by: Vec::new() })
        })
        .collect();
    let address = parse_url(url)?;
    add_user(&mut secrets, &address);
    Ok(Target {
        name: secrets.redact_address(&address).into(),
        url: address,
        digest: hex(&Sha256::digest(url)),
        scripted: false,
        offers: Offers::Any(Offer { models, ..Offer::default() }),
        roles,
        worlds: None,
        keys: KeyManagement::default(),
        faults: None,
        clock: None,
        upstream: None,
        billing: None,
        key_observer: None,
        logs: None,
        limits: Limits::default(),
        templates,
        variables: Variables::default(),
        secrets,
    })
}
