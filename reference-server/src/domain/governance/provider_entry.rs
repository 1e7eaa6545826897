//! Providers and their keys, as a gateway's operator sees them.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::revealed;
use super::virtual_key::EVERYTHING;
use super::weight::Weight;
use crate::domain::catalog::Model;
use crate::provider::Provider;
use crate::provider::http::Secret;

/// A provider, as it is stored once something of it was changed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ProviderEntry {
    pub(crate) name: Arc<str>,
    pub(crate) keys: Vec<Arc<ProviderKey>>,
    pub(crate) budget: Option<Uuid>,
    pub(crate) rate_limit: Option<Uuid>,
}

/// One of a provider's keys.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ProviderKey {
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) value: KeyValue,
    /// The models it is for; none for all.
    pub(crate) models: Vec<Arc<str>>,
    pub(crate) weight: Weight,
    /// Who is asked with it.
    #[serde(skip)]
    pub(super) connection: Connection,
}

/// Where a key's credential comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum KeyValue {
    /// From the configuration of the process.
    Configured,
    /// From a write.
    Given(#[serde(with = "revealed")] Secret),
}

/// A provider that is asked with one key, made when it is first needed.
#[derive(Clone, Default)]
pub(super) struct Connection(OnceLock<Option<Arc<dyn Provider>>>);

impl ProviderKey {
    /// Whether it is for a model, under any of its names.
    pub(super) fn serves(&self, model: &Model) -> bool {
        let is_it = |name: &Arc<str>| &**name == EVERYTHING || model.is_called(name);
        self.models.is_empty() || self.models.iter().any(is_it)
    }

    /// Whether it is meant by an id or a name.
    pub(super) fn is_called(&self, called: &str) -> bool {
        &*self.id == called || &*self.name == called
    }
}

impl Connection {
    /// The provider, or what `make` makes of it.
    pub(super) fn get(&self, make: impl FnOnce() -> Option<Arc<dyn Provider>>) -> Option<Arc<dyn Provider>> {
        self.0.get_or_init(make).clone()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}
