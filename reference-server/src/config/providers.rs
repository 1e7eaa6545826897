//! Puts the configured providers together. Nothing else here knows their constructors.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use super::file::Kind;
use super::provider::{BedrockAccess, Keys, ProviderSettings};
use crate::domain::routing::{Backend, ConfiguredKey};
use crate::provider::http::{Client, Secret};
use crate::provider::{Anthropic, AwsCredentials, Bedrock, OpenAi, Provider, ServiceAccount, Vertex};

/// The providers by name, of which `mock` is the one in this process. All of them share their connections.
///
/// # Errors
///
/// Says which provider cannot be used, and why.
pub(super) fn backends(
    providers: BTreeMap<Arc<str>, ProviderSettings>,
    mock: &Arc<dyn Provider>,
) -> Result<BTreeMap<Arc<str>, Backend>, String> {
    let client = Client::new();
    let made = |(name, settings): (Arc<str>, ProviderSettings)| {
        let backend = backend(&name, settings, &client, mock);
        let backend = backend.map_err(|problem| format!("use the provider `{name}`: {problem}"))?;
        Ok((name, backend))
    };
    providers.into_iter().map(made).collect()
}

fn backend(
    name: &str,
    settings: ProviderSettings,
    client: &Client,
    mock: &Arc<dyn Provider>,
) -> Result<Backend, String> {
    let client = client.clone();
    Ok(match settings {
        ProviderSettings::Mock => Backend::local(Arc::clone(mock)),
        ProviderSettings::OpenAi { endpoint, keys } => {
            let make = move |key| OpenAi::new(client.clone(), endpoint.clone(), key);
            keyed(name, Kind::OpenAi, make, OpenAi::rebased, keys)
        }
        ProviderSettings::Anthropic { endpoint, keys } => {
            let make = move |key| Anthropic::new(client.clone(), endpoint.clone(), key);
            keyed(name, Kind::Anthropic, make, Anthropic::rebased, keys)
        }
        ProviderSettings::Gemini { endpoint, keys } => {
            let make = move |key| Vertex::with_key(client.clone(), endpoint.clone(), key);
            keyed(name, Kind::Gemini, make, Vertex::rebased, keys)
        }
        ProviderSettings::Vertex { endpoint, project, location, service_account } => {
            let account = ServiceAccount::read(&service_account).map_err(|error| error.to_string())?;
            let vertex = Vertex::new(client, endpoint, &project, &location, account);
            remote(Kind::Vertex, vertex, Vertex::rebased)
        }
        ProviderSettings::Bedrock { endpoint, access: BedrockAccess::Bearer(key), .. } => {
            remote(Kind::Bedrock, Bedrock::with_key(client, endpoint, key), Bedrock::rebased)
        }
        ProviderSettings::Bedrock {
            endpoint,
            region,
            access: BedrockAccess::Signature { access_key_id, secret_access_key, session_token },
        } => {
            let credentials = AwsCredentials { access_key_id, secret_access_key, session_token };
            remote(Kind::Bedrock, Bedrock::new(client, endpoint, &region, credentials), Bedrock::rebased)
        }
    })
}

/// A provider over HTTP, and the same one below the address of a simulator.
fn remote<P: Provider + 'static>(
    kind: Kind,
    provider: P,
    rebased: fn(&P, &Url) -> Arc<dyn Provider>,
) -> Backend {
    let provider = Arc::new(provider);
    let moved = Arc::clone(&provider);
    let backend = Backend::remote(provider, move |upstream| rebased(&moved, upstream));
    backend.of_kind(kind.name()).for_only(kind.capabilities())
}

/// A provider over HTTP that a key lets in, and the same one with any other key.
fn keyed<P: Provider + 'static>(
    name: &str,
    kind: Kind,
    make: impl Fn(Secret) -> P + Send + Sync + 'static,
    rebased: fn(&P, &Url) -> Arc<dyn Provider>,
    keys: Keys,
) -> Backend {
    let backend = remote(kind, make(keys.first), rebased);
    let configured = keys.named.into_iter().map(|key| ConfiguredKey {
        id: format!("{name}-{}", key.name).into(),
        name: key.name.into(),
        weight: key.weight,
        models: key.models.into_iter().map(Arc::from).collect(),
        secret: Some(key.key),
    });
    let with_secret = move |upstream: Option<&Url>, secret: &Secret| -> Arc<dyn Provider> {
        let provider = make(secret.clone());
        match upstream {
            Some(upstream) => rebased(&provider, upstream),
            None => Arc::new(provider),
        }
    };
    backend.with_secret(with_secret, configured.collect())
}
