//! Virtual keys: what a caller shows, and what it may do with it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::revealed;
use super::weight::Weight;
use crate::domain::clock::Moment;
use crate::domain::key::{Key, KeyRecord, SecretDigest};
use crate::domain::quota::GENEROUS;
use crate::domain::scope::{Scope, ScopeSet};
use crate::provider::http::Secret;

/// What stands in a list for everything.
pub(super) const EVERYTHING: &str = "*";
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
    /// Whether it says of a model that it may be used. A list that is empty says it of all.
    pub(super) fn allows(&self, model: &str) -> bool {
        holds(&self.allowed_models, model)
    }

    /// Whether it lists models at all.
    pub(super) fn lists_models(&self) -> bool {
        !self.allowed_models.is_empty() && !self.allowed_models.iter().any(|name| &**name == EVERYTHING)
    }

    /// Whether it may use one of its provider's keys.
    pub(super) fn may_use(&self, key_id: &str) -> bool {
        holds(&self.key_ids, key_id)
    }
}

fn holds(list: &[Arc<str>], wanted: &str) -> bool {
    list.is_empty() || list.iter().any(|name| &**name == wanted || &**name == EVERYTHING)
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
    use super::*;

    fn config(allowed: &[&str]) -> ProviderConfig {
        ProviderConfig {
            id: 1,
            provider: "openai".into(),
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

    #[test]
    fn it_is_stored_whole_and_shows_its_value_to_nobody() {
        let now = Moment::parse("2026-01-01T00:00:00Z").unwrap();
        let key = VirtualKey {
            id: Uuid::new_v4(),
            name: "n".into(),
            description: String::new(),
            value: Secret::new("sk-bf-hidden"),
            is_active: true,
            owner: Some(Owner::Team(Uuid::new_v4())),
            provider_configs: vec![config(&["gpt-4o"])],
            mcp_configs: Vec::new(),
            budget: None,
            rate_limit: None,
            created_at: now,
            updated_at: now,
        };
        let stored = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<VirtualKey>(&stored).unwrap(), key);
        assert!(!format!("{key:?}").contains("hidden"));
        assert_eq!((key.key().id, &*key.key().role), (key.id, "virtual"));
    }
}
