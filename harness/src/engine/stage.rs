use std::collections::BTreeMap;
use std::sync::Arc;

use crate::scenario::{Credential, Variables};
use crate::target::{Secret, Secrets};

/// What a scenario's attempt has to itself: base path, keys and variables.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    /// What goes before every path of the scenario.
    pub(crate) base_path: String,
    /// Headers that every request of the scenario carries, unless a step says another value.
    pub(crate) headers: Vec<(String, String)>,
    /// How a credential is sent.
    pub(crate) credential: Credential,
    /// Its credentials by role.
    pub(crate) keys: BTreeMap<Arc<str>, Key>,
    /// Further keys by role, for requests that have one of their own.
    pub(crate) minted: BTreeMap<Arc<str>, Vec<Key>>,
    /// What its templates may name.
    pub(crate) variables: Variables,
    /// What the target's templates may name.
    pub(crate) service_variables: Variables,
    /// The credentials that must not be written.
    pub(crate) secrets: Secrets,
    /// Whether faults are armed by the target's own means.
    pub(crate) faulty: bool,
    /// Its part of the simulator that plays the gateway's providers.
    pub(crate) providers: Option<Providers>,
    /// The roles whose keys are revoked already.
    pub(crate) revoked: Vec<Arc<str>>,
}

/// A scenario's part of the simulator that plays the gateway's providers.
#[derive(Clone, Debug)]
pub(crate) struct Providers {
    /// The id of the world that its calls come to.
    pub(crate) world: Arc<str>,
    /// Whether no others come there.
    pub(crate) own: bool,
    /// The faults that it has armed.
    pub(crate) faults: Vec<u64>,
    /// The gate that it has put up.
    pub(crate) gate: Option<u64>,
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
    /// What tells its calls to providers from those of others; nothing where there are no others.
    pub(crate) fn mark(&self) -> Option<&str> {
        let shared = self.providers.as_ref().is_some_and(|providers| !providers.own);
        self.variables.get("nonce").filter(|_| shared)?.as_str()
    }

    /// The ids of the keys that exist for this attempt alone.
    pub(crate) fn own_key_ids(&self) -> Vec<Arc<str>> {
        let own = self.keys.values().filter(|key| key.own);
        own.chain(self.minted.values().flatten()).filter_map(|key| key.id.clone()).collect()
    }
}
