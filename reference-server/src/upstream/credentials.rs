//! What the simulator takes as proof of who calls.

use std::sync::{Arc, LazyLock};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::rsa::KeyPair;
use serde::Deserialize;
use uuid::Uuid;

use super::provider_kind::ProviderKind;
use crate::domain::access_key::AccessKey;
use crate::domain::clock::Moment;
use crate::domain::key::{Key, KeyRecord, SecretDigest};
use crate::domain::quota::GENEROUS;
use crate::domain::scope::{Scope, ScopeSet};

const FIXTURE: &str = include_str!("../../../fixtures/upstream.yaml");

static EMBEDDED: LazyLock<Result<Credentials, CredentialsError>> =
    LazyLock::new(|| serde_saphyr::from_str(FIXTURE).map_err(|error| CredentialsError(error.to_string())));

/// Why the embedded credentials cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
#[error("read fixtures/upstream.yaml: {0}")]
pub(super) struct CredentialsError(String);

/// The credentials of every provider.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    pub(super) openai: ApiKey,
    pub(super) anthropic: ApiKey,
    pub(super) gemini: ApiKey,
    pub(super) bedrock: AwsCredentials,
    pub(super) vertex: ServiceAccount,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiKey {
    pub(super) key: String,
    /// Further keys that are as good.
    #[serde(default)]
    more: Vec<String>,
}

impl ApiKey {
    fn all(&self) -> Vec<&String> {
        std::iter::once(&self.key).chain(&self.more).collect()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AwsCredentials {
    pub(super) region: String,
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
    /// What goes as a bearer token, without a signature.
    pub(super) key: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceAccount {
    pub(super) project: String,
    pub(super) location: String,
    pub(super) private_key_id: String,
    pub(super) client_email: String,
    pub(super) client_id: String,
    /// As PEM, in the form of PKCS #8.
    pub(super) private_key: String,
}

impl Credentials {
    /// The credentials that the binary carries.
    pub(super) fn embedded() -> Result<&'static Self, CredentialsError> {
        EMBEDDED.as_ref().map_err(Clone::clone)
    }

    /// The keys that a provider's callers may have from the start. The access key id of a pair stands for the pair:
    /// what is signed with it is checked on the wire.
    pub(super) fn keys(&self, provider: ProviderKind, now: Moment) -> Vec<Arc<Key>> {
        let secrets = match provider {
            ProviderKind::Openai => self.openai.all(),
            ProviderKind::Anthropic => self.anthropic.all(),
            ProviderKind::Gemini => self.gemini.all(),
            ProviderKind::Bedrock => vec![&self.bedrock.access_key_id, &self.bedrock.key],
            ProviderKind::Vertex => Vec::new(),
        };
        secrets.into_iter().map(|secret| key(provider, secret, now, None)).collect()
    }
}

/// A key that may use every model of a provider.
pub(super) fn key(provider: ProviderKind, secret: &str, now: Moment, expires_at: Option<Moment>) -> Arc<Key> {
    let scopes = [Scope::ModelsInference, Scope::ModelsEmbedding].map(Scope::name);
    Arc::new(Key::new(KeyRecord {
        id: Uuid::new_v4(),
        role: provider.name().into(),
        // Both are names that there are.
        scopes: ScopeSet::from_names(scopes).unwrap_or_default(),
        manager_id: "upstream".into(),
        digest: SecretDigest::of(secret.as_bytes()),
        created_at: now,
        active: true,
        expires_at,
        last_used_at: None,
        limits: GENEROUS,
    }))
}

impl AwsCredentials {
    /// The pair with which requests are signed.
    pub(super) fn access_key(&self) -> AccessKey {
        AccessKey {
            id: self.access_key_id.clone(),
            secret: self.secret_access_key.clone(),
            region: self.region.clone(),
        }
    }
}

impl ServiceAccount {
    /// The key with which the account signs; nothing where the fixture is broken.
    pub(super) fn key_pair(&self) -> Option<KeyPair> {
        let encoded: String = self.private_key.lines().filter(|line| !line.starts_with("-----")).collect();
        KeyPair::from_pkcs8(&BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_credentials_are_the_documented_ones() {
        let credentials = Credentials::embedded().unwrap();
        assert_eq!(credentials.openai.key, "sk-upstream-openai");
        assert_eq!(credentials.anthropic.key, "sk-ant-upstream");
        assert_eq!(credentials.gemini.key, "upstream-gemini-key");
        assert!(credentials.vertex.key_pair().is_some());
        let access_key = credentials.bedrock.access_key();
        assert_eq!((&*access_key.id, &*access_key.region), ("AKIAPLUMBLINEUPSTREAM", "us-east-1"));
        assert_eq!(access_key.secret, credentials.bedrock.secret_access_key);
    }

    #[test]
    fn a_provider_has_keys_of_its_own_for_all_its_models() {
        let credentials = Credentials::embedded().unwrap();
        let now = Moment::from_micros(0);
        let counts = ProviderKind::ALL.map(|provider| credentials.keys(provider, now).len());
        assert_eq!(counts, [3, 1, 1, 2, 0]);
        let key = credentials.keys(ProviderKind::Openai, now).remove(0);
        assert!(key.digest.matches(&SecretDigest::of(b"sk-upstream-openai")));
        assert!(key.scopes.contains(Scope::ModelsInference) && key.scopes.contains(Scope::ModelsEmbedding));
        assert!(!key.scopes.contains(Scope::Admin) && !key.is_expired(Moment::from_micros(i64::MAX - 1)));
    }
}
