use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::redirect::Policy;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use super::transport;
use crate::domain::inference::ProviderError;

/// The connections of all providers. They are kept and used again; no redirect is followed, and no proxy of the
/// environment used.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// Made when first needed: certificates are looked for only where they are.
    made: Arc<Mutex<HashMap<Setup, reqwest::Client>>>,
}

/// What a client cannot change from one request to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Setup {
    is_secure: bool,
    connect: Duration,
}

impl Client {
    /// A client without connections yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The client for an address, which waits so long for a connection.
    pub(super) fn to(&self, url: &Url, connect: Duration) -> Result<reqwest::Client, ProviderError> {
        let setup = Setup { is_secure: url.scheme() == "https", connect };
        let mut made = self.made.lock();
        if let Some(client) = made.get(&setup) {
            return Ok(client.clone());
        }
        let client = make(setup).map_err(|error| {
            ProviderError::Unreachable(format!("no client can be set up: {}", transport::causes(&error)))
        })?;
        made.insert(setup, client.clone());
        Ok(client)
    }
}

fn make(setup: Setup) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(setup.connect)
        .user_agent(concat!("plumbline-gateway/", env!("CARGO_PKG_VERSION")));
    // It can be installed only once a process; a second time it is the same.
    let _ = ring::default_provider().install_default();
    let builder = if setup.is_secure {
        builder
    } else {
        let no_certificates =
            ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth();
        builder.tls_backend_preconfigured(no_certificates)
    };
    builder.build()
}
