//! Virtual keys: what a caller shows, and what it may do with it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::provider_entry::ProviderEntry;
use super::weight::Weight;
use super::{listed, revealed};
use crate::domain::catalog::Model;
use crate::domain::clock::Moment;
use crate::domain::key::{Key, KeyRecord, SecretDigest};
use crate::domain::quota::GENEROUS;
use crate::domain::scope::{Scope, ScopeSet};
use crate::provider::http::Secret;

/// The role of the keys that virtual keys stand for.
const ROLE: &str = "virtual";
/// The role of callers without a virtual key.
const NOBODY: &str = "anonymous";

/// A virtual key, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct VirtualKey {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) description: String,
    /// What callers show. It is kept in plain, because it is told again.
    #[serde(with = "revealed")]
    pub(crate) value: Secret,
    pub(crate) is_active: bool,
    pub(crate) owner: Option<Owner>,
    /// The providers it may use; none for all.
    pub(crate) provider_configs: Vec<ProviderConfig>,
    /// Told back, and not interpreted.
    pub(crate) mcp_configs: Vec<Value>,
    pub(crate) budget: Option<Uuid>,
    pub(crate) rate_limit: Option<Uuid>,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
}

/// Whom a virtual key belongs to: never to both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Owner {
    Team(Uuid),
    Customer(Uuid),
}

/// What a virtual key may do with a provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct ProviderConfig {
    pub(crate) id: u64,
    pub(crate) provider: Arc<str>,
    /// How often it is chosen for a model that names no provider.
    pub(crate) weight: Option<Weight>,
    /// Names without a provider in front; none, or `*`, for all.
    pub(crate) allowed_models: Vec<Arc<str>>,
    /// The provider's keys that it may use; none, or `*`, for all.
    pub(crate) key_ids: Vec<Arc<str>>,
    pub(crate) budget: Option<Uuid>,
    pub(crate) rate_limit: Option<Uuid>,
}

impl VirtualKey {
    /// Whether a provider may be asked for a model with it, and has a key for that.
    pub(crate) fn may_use(&self, provider: &ProviderEntry, model: &Model) -> bool {
        let configs = &self.provider_configs;
        let allows = |config: &ProviderConfig| {
            config.provider == provider.name
                && config.allows_model(model)
                && provider.has_key_for(model, Some(config))
        };
        configs.iter().any(allows) || configs.is_empty() && provider.has_key_for(model, None)
    }

    /// The digest by which it is found.
    pub(super) fn digest(&self) -> SecretDigest {
        SecretDigest::of(self.value.reveal().as_bytes())
    }

    /// The key that calls, charges and memories know it by.
    pub(crate) fn key(&self) -> Arc<Key> {
        self.key_of_role(ROLE)
    }

    /// The same key under the name of a fixture role.
    pub(super) fn key_of_role(&self, role: &str) -> Arc<Key> {
        let manager_id = match self.owner {
            Some(Owner::Team(id) | Owner::Customer(id)) => id.to_string().into(),
            None => ROLE.into(),
        };
        key(self.id, role, manager_id, self.digest(), self.created_at)
    }
}

impl ProviderConfig {
    /// Whether it says of a name that it may be used.
    pub(super) fn allows(&self, name: &str) -> bool {
        listed::holds(&self.allowed_models, |allowed| allowed == name)
    }

    /// Whether it says so of a model, under any of its names.
    pub(super) fn allows_model(&self, model: &Model) -> bool {
        listed::holds(&self.allowed_models, |allowed| model.is_called(allowed))
    }

    /// Whether it lists models at all.
    pub(super) fn lists_models(&self) -> bool {
        !listed::holds_all(&self.allowed_models)
    }

    /// Whether it may use one of its provider's keys.
    pub(super) fn may_use_key(&self, id: &str) -> bool {
        listed::holds(&self.key_ids, |allowed| allowed == id)
    }
}

/// The key of callers that show none.
pub(super) fn nobody() -> Arc<Key> {
    key(Uuid::nil(), NOBODY, NOBODY.into(), SecretDigest::of(b""), Moment::from_micros(0))
}

/// A key that may use models. Its limits are no limits: those of virtual keys are metered elsewhere.
fn key(id: Uuid, role: &str, manager_id: Arc<str>, digest: SecretDigest, created_at: Moment) -> Arc<Key> {
    Arc::new(Key::new(KeyRecord {
        id,
        role: role.into(),
        scopes: [Scope::ModelsInference, Scope::ModelsEmbedding].into_iter().collect::<ScopeSet>(),
        manager_id,
        digest,
        created_at,
        active: true,
        expires_at: None,
        last_used_at: None,
        limits: GENEROUS,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::provider_entry::ProviderKey;
    use super::super::testing::{provider, provider_key};
    use super::*;
    use crate::domain::catalog::Catalog;

    fn config(allowed: &[&str]) -> ProviderConfig {
        config_at("openai", allowed)
    }

    fn config_at(provider: &str, allowed: &[&str]) -> ProviderConfig {
        ProviderConfig {
            id: 1,
            provider: provider.into(),
            weight: None,
            allowed_models: allowed.iter().map(|name| Arc::from(*name)).collect(),
            key_ids: Vec::new(),
            budget: None,
            rate_limit: None,
        }
    }

    #[test]
    fn an_empty_list_and_a_star_allow_everything() {
        assert!(config(&[]).allows("gpt-4o") && config(&["*"]).allows("gpt-4o"));
        assert!(config(&["gpt-4o"]).allows("gpt-4o") && !config(&["gpt-4o"]).allows("gpt-4o-mini"));
        assert!(config(&["gpt-4o"]).lists_models());
        assert!(!config(&["*"]).lists_models() && !config(&[]).lists_models());
    }

    fn key(provider_configs: Vec<ProviderConfig>) -> VirtualKey {
        let now = Moment::parse("2026-01-01T00:00:00Z").unwrap();
        VirtualKey {
            id: Uuid::new_v4(),
            name: "n".into(),
            description: String::new(),
            value: Secret::new("sk-bf-hidden"),
            is_active: true,
            owner: Some(Owner::Team(Uuid::new_v4())),
            provider_configs,
            mcp_configs: Vec::new(),
            budget: None,
            rate_limit: None,
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn a_model_may_be_used_at_its_provider_under_any_of_its_names() {
        let catalog = Catalog::embedded().unwrap();
        let mini = catalog.find("gpt-4.1-mini").unwrap();
        let openai = provider("openai", vec![provider_key("own", 1)]);
        for (configs, may) in [
            (vec![], true),
            (vec![config(&[])], true),
            (vec![config(&["*"])], true),
            (vec![config(&["gpt-4.1-mini"])], true),
            (vec![config(&[&*mini.provider_model])], true),
            (vec![config(&["gpt-4o"])], false),
            (vec![config_at("anthropic", &[])], false),
            (vec![config_at("anthropic", &[]), config(&[])], true),
        ] {
            let key = key(configs);
            assert_eq!(key.may_use(&openai, mini), may, "{:?}", key.provider_configs);
        }
        // Whose models these are is nothing to the provider's name.
        let nearby = provider("nearby", vec![provider_key("own", 1)]);
        assert!(key(vec![config_at("nearby", &["gpt-4.1-mini"])]).may_use(&nearby, mini));
    }

    #[test]
    fn a_model_needs_a_key_of_its_provider_that_is_for_it() {
        let catalog = Catalog::embedded().unwrap();
        let mini = catalog.find("gpt-4.1-mini").unwrap();
        let other = ProviderKey { models: vec!["gpt-4o".into()], ..(*provider_key("other", 1)).clone() };
        let with_own = ProviderConfig { key_ids: vec!["own".into()], ..config(&[]) };
        for (keys, configs, may) in [
            (vec![], vec![], false),
            (vec![Arc::new(other.clone())], vec![], false),
            (vec![Arc::new(other), provider_key("own", 1)], vec![with_own.clone()], true),
            (vec![provider_key("another", 1)], vec![with_own], false),
        ] {
            assert_eq!(key(configs).may_use(&provider("openai", keys), mini), may);
        }
    }

    #[test]
    fn it_is_stored_whole_and_shows_its_value_to_nobody() {
        let key = key(vec![config(&["gpt-4o"])]);
        let stored = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<VirtualKey>(&stored).unwrap(), key);
        assert!(!format!("{key:?}").contains("hidden"));
        assert_eq!((key.key().id, &*key.key().role), (key.id, "virtual"));
    }
}
