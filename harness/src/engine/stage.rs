use std::collections::BTreeMap;
use std::sync::Arc;

use crate::scenario::{Credential, Variables};
use crate::target::{Secret, Secrets};

/// What a scenario's attempt has to itself: base path, keys and variables.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    /// What goes before every path of the scenario.
    pub(crate) base_path: String,
    /// How a credential is sent.
    pub(crate) credential: Credential,
    /// Its credentials by role.
    pub(crate) keys: BTreeMap<Arc<str>, Key>,
    /// What its templates may name.
    pub(crate) variables: Variables,
    /// What the target's templates may name.
    pub(crate) service_variables: Variables,
    /// The credentials that must not be written.
    pub(crate) secrets: Secrets,
    /// Whether faults are armed.
    pub(crate) faulty: bool,
    /// The roles whose keys are revoked already.
    pub(crate) revoked: Vec<Arc<str>>,
}

/// A credential in use.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// Its id at the gateway, where the gateway told it.
    pub(crate) id: Option<Arc<str>>,
    /// The credential.
    pub(crate) secret: Secret,
    /// Whether it exists for this attempt alone.
    pub(crate) own: bool,
}

impl Stage {
    /// The ids of the keys that exist for this attempt alone.
    pub(crate) fn own_key_ids(&self) -> Vec<Arc<str>> {
        self.keys.values().filter(|key| key.own).filter_map(|key| key.id.clone()).collect()
    }
}
