//! Providers and their keys, as a gateway's operator sees them.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::virtual_key::ProviderConfig;
use super::weight::Weight;
use super::{listed, revealed};
use crate::domain::catalog::Model;
use crate::provider::Provider;
use crate::provider::http::Secret;

/// A provider, as it is stored once something of it was changed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ProviderEntry {
    pub(crate) name: Arc<str>,
    pub(crate) keys: Vec<Arc<ProviderKey>>,
    /// Whether the keys are those of a write, and not the configuration's. In a state of before they always count as
    /// such.
    #[serde(default = "always")]
    pub(super) has_written_keys: bool,
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

impl ProviderEntry {
    /// Its keys that are for a model, of those that a virtual key may use.
    pub(super) fn keys_for(
        &self,
        model: &Model,
        config: Option<&ProviderConfig>,
    ) -> impl Iterator<Item = &Arc<ProviderKey>> {
        let may_use = move |key: &ProviderKey| config.is_none_or(|config| config.may_use_key(&key.id));
        self.keys.iter().filter(move |key| key.serves(model) && may_use(key))
    }

    /// Whether it has such a key.
    pub(crate) fn has_key_for(&self, model: &Model, config: Option<&ProviderConfig>) -> bool {
        self.keys_for(model, config).next().is_some()
    }

    /// What a write has left of a provider that is configured like this now. Of written keys those are gone whose
    /// credential the configuration had, and has no more.
    pub(super) fn over(&self, configured: Self) -> Self {
        let has_credential = |key: &&Arc<ProviderKey>| match key.value {
            KeyValue::Given(_) => true,
            KeyValue::Configured => configured.keys.iter().any(|other| other.id == key.id),
        };
        let Self { has_written_keys, budget, rate_limit, .. } = *self;
        let keys = if has_written_keys {
            self.keys.iter().filter(has_credential).cloned().collect()
        } else {
            configured.keys
        };
        Self { keys, has_written_keys, budget, rate_limit, ..configured }
    }
}

impl ProviderKey {
    /// Whether it is for a model, under any of its names.
    pub(crate) fn serves(&self, model: &Model) -> bool {
        listed::holds(&self.models, |name| model.is_called(name))
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

fn always() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::super::testing::{provider, provider_key};
    use super::*;

    #[test]
    fn an_entry_of_a_state_of_before_keeps_the_keys_that_it_has() {
        for (told, keys) in [("", 0), (",\"has_written_keys\":true", 0), (",\"has_written_keys\":false", 1)] {
            let stored =
                format!("{{\"name\":\"openai\",\"keys\":[],\"budget\":null,\"rate_limit\":null{told}}}");
            let stored: ProviderEntry = serde_json::from_str(&stored).unwrap();
            let configured = provider("openai", vec![provider_key("own", 1)]);
            assert_eq!(stored.over(configured).keys.len(), keys, "{told}");
        }
    }
}
