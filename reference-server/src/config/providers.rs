//! Puts the configured providers together. Nothing else here knows their constructors.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use super::file::Kind;
use super::provider::{BedrockAccess, ProviderSettings};
use crate::domain::routing::Backend;
use crate::provider::http::Client;
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
        let backend = backend(settings, &client, mock);
        let backend = backend.map_err(|problem| format!("use the provider `{name}`: {problem}"))?;
        Ok((name, backend))
    };
    providers.into_iter().map(made).collect()
}

fn backend(settings: ProviderSettings, client: &Client, mock: &Arc<dyn Provider>) -> Result<Backend, String> {
    let client = client.clone();
    Ok(match settings {
        ProviderSettings::Mock => Backend::local(Arc::clone(mock)),
        ProviderSettings::OpenAi { endpoint, key } => {
            remote(OpenAi::new(client, endpoint, key), OpenAi::rebased)
        }
        ProviderSettings::Anthropic { endpoint, key } => {
            let anthropic = remote(Anthropic::new(client, endpoint, key), Anthropic::rebased);
            anthropic.for_only(Kind::Anthropic.capabilities())
        }
        ProviderSettings::Gemini { endpoint, key } => {
            remote(Vertex::with_key(client, endpoint, key), Vertex::rebased)
        }
        ProviderSettings::Vertex { endpoint, project, location, service_account } => {
            let account = ServiceAccount::read(&service_account).map_err(|error| error.to_string())?;
            remote(Vertex::new(client, endpoint, &project, &location, account), Vertex::rebased)
        }
        ProviderSettings::Bedrock { endpoint, access: BedrockAccess::Bearer(key), .. } => {
            remote(Bedrock::with_key(client, endpoint, key), Bedrock::rebased)
        }
        ProviderSettings::Bedrock {
            endpoint,
            region,
            access: BedrockAccess::Signature { access_key_id, secret_access_key, session_token },
        } => {
            let credentials = AwsCredentials { access_key_id, secret_access_key, session_token };
            remote(Bedrock::new(client, endpoint, &region, credentials), Bedrock::rebased)
        }
    })
}

/// A provider over HTTP, and the same one below the address of a simulator.
fn remote<P: Provider + 'static>(provider: P, rebased: fn(&P, &Url) -> Arc<dyn Provider>) -> Backend {
    let provider = Arc::new(provider);
    let moved = Arc::clone(&provider);
    Backend::remote(provider, move |upstream| rebased(&moved, upstream))
}
