//! The fixture roles: what every world's first keys look like.

use std::sync::Arc;

use serde::Deserialize;
use uuid::Uuid;

use super::clock::Moment;
use super::key::{Key, KeyRecord, SecretDigest};
use super::quota::{GENEROUS, Limits};
use super::scope::{ScopeSet, UnknownScope};

const FIXTURE: &str = include_str!("../../../fixtures/keys.yaml");

/// A role, and the key that stands for it.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) name: Arc<str>,
    /// The secret that the default world accepts.
    pub(crate) secret: Box<str>,
    pub(crate) scopes: ScopeSet,
    pub(crate) manager_id: Arc<str>,
    active: bool,
    expires_at: Option<Moment>,
    limits: Limits,
}

/// A key and its secret, which is told once.
#[derive(Clone, Debug)]
pub(crate) struct Minted {
    pub(crate) key: Arc<Key>,
    pub(crate) secret: String,
}

/// Why the embedded keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoleError {
    #[error("read fixtures/keys.yaml: {0}")]
    Yaml(String),
    #[error("read fixtures/virtual-keys.yaml: {0}")]
    VirtualKeys(String),
    #[error("read fixtures/keys.yaml, role {role}: {source}")]
    Scope { role: String, source: UnknownScope },
    #[error("read fixtures/keys.yaml, role {role}: {text:?} is no RFC 3339 time")]
    Time { role: String, text: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    keys: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    role: String,
    secret: String,
    scopes: Vec<String>,
    active: bool,
    expires_at: Option<String>,
    manager: String,
    limits: Option<Limits>,
}

impl Role {
    /// The roles that the binary carries, in order.
    pub(crate) fn embedded() -> Result<Vec<Self>, RoleError> {
        let fixture: Fixture =
            serde_saphyr::from_str(FIXTURE).map_err(|error| RoleError::Yaml(error.to_string()))?;
        fixture.keys.into_iter().map(Self::from_entry).collect()
    }

    fn from_entry(entry: Entry) -> Result<Self, RoleError> {
        let scopes = ScopeSet::from_names(entry.scopes.iter().map(String::as_str))
            .map_err(|source| RoleError::Scope { role: entry.role.clone(), source })?;
        let expires_at = match entry.expires_at {
            None => None,
            Some(text) => match Moment::parse(&text) {
                Some(moment) => Some(moment),
                None => return Err(RoleError::Time { role: entry.role, text }),
            },
        };
        Ok(Self {
            name: entry.role.into(),
            secret: entry.secret.into(),
            scopes,
            manager_id: entry.manager.into(),
            active: entry.active,
            expires_at,
            limits: entry.limits.unwrap_or(GENEROUS),
        })
    }

    /// The role's key with the readable secret of the default world.
    pub(crate) fn fixture_key(&self, now: Moment) -> Arc<Key> {
        self.key(&self.secret, now)
    }

    /// A key like the role's, with a secret of its own.
    pub(crate) fn mint(&self, now: Moment) -> Minted {
        let secret = fresh_secret(&self.name);
        Minted { key: self.key(&secret, now), secret }
    }

    fn key(&self, secret: &str, now: Moment) -> Arc<Key> {
        Arc::new(Key::new(KeyRecord {
            id: Uuid::new_v4(),
            role: Arc::clone(&self.name),
            scopes: self.scopes,
            manager_id: Arc::clone(&self.manager_id),
            digest: SecretDigest::of(secret.as_bytes()),
            created_at: now,
            active: self.active,
            expires_at: self.expires_at,
            last_used_at: None,
            limits: self.limits,
        }))
    }
}

/// Mints a key that follows no role.
pub(crate) fn mint_custom(
    scopes: ScopeSet,
    expires_at: Option<Moment>,
    limits: Limits,
    now: Moment,
) -> Minted {
    let secret = fresh_secret("custom");
    let key = Key::new(KeyRecord {
        id: Uuid::new_v4(),
        role: "custom".into(),
        scopes,
        manager_id: "manager-custom".into(),
        digest: SecretDigest::of(secret.as_bytes()),
        created_at: now,
        active: true,
        expires_at,
        last_used_at: None,
        limits,
    });
    Minted { key: Arc::new(key), secret }
}

/// A secret that nobody has: readable in front, 122 random bits behind.
fn fresh_secret(label: &str) -> String {
    format!("sk-plumbline-{}-{}", label.replace('_', "-"), Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::super::scope::Scope;
    use super::*;

    #[test]
    fn the_embedded_roles_are_the_documented_ones() {
        let roles = Role::embedded().unwrap();
        let names: Vec<_> = roles.iter().map(|role| &*role.name).collect();
        assert_eq!(
            names,
            [
                "all_scopes",
                "chat_only",
                "embedding_only",
                "no_model_scopes",
                "admin_only",
                "inactive",
                "expired",
                "rate_limited",
            ]
        );
        assert_eq!(&*roles[0].secret, "sk-plumbline-all-scopes");
        assert_eq!(&*roles[1].secret, "sk-plumbline-chat-only");
        assert!(roles[1].scopes.contains(Scope::ModelsInference));
        assert!(!roles[1].scopes.contains(Scope::ModelsEmbedding));
    }

    #[test]
    fn every_role_has_a_secret_and_a_manager_of_its_own() {
        let roles = Role::embedded().unwrap();
        for (index, role) in roles.iter().enumerate() {
            for other in &roles[index + 1..] {
                assert_ne!(role.secret, other.secret);
                assert_ne!(role.manager_id, other.manager_id);
            }
        }
    }

    #[test]
    fn the_refused_roles_are_refused_for_what_their_name_says() {
        let now = Moment::parse("2026-01-01T00:00:00Z").unwrap();
        for role in Role::embedded().unwrap() {
            let key = role.fixture_key(now);
            assert_eq!(key.is_active(), &*role.name != "inactive", "{}", role.name);
            assert_eq!(key.is_expired(now), &*role.name == "expired", "{}", role.name);
        }
    }

    #[test]
    fn minted_secrets_differ_from_each_other_and_from_the_fixture() {
        let now = Moment::from_micros(0);
        let role = &Role::embedded().unwrap()[0];
        let (one, two) = (role.mint(now), role.mint(now));
        assert_ne!(one.secret, two.secret);
        assert!(one.secret.starts_with("sk-plumbline-all-scopes-"));
        assert!(one.key.digest.matches(&SecretDigest::of(one.secret.as_bytes())));
        assert!(!one.key.digest.matches(&SecretDigest::of(role.secret.as_bytes())));
    }
}
