use reqwest::Body;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::time::{Instant, timeout};
use url::Url;

use super::concealed::Concealed;
use super::{Client, Endpoint, Reply, Secret, Timeouts, fault_header, forwarded, transport};
use crate::domain::inference::ProviderError;
use crate::provider::Fault;

/// A provider at its address.
#[derive(Clone)]
pub(crate) struct Peer {
    client: Client,
    endpoint: Endpoint,
    concealed: Concealed,
}

impl Peer {
    /// A provider that these credentials are sent to. Neither they nor the address are told with its errors.
    pub(crate) fn new(client: Client, endpoint: Endpoint, secrets: &[&Secret]) -> Self {
        let concealed = Concealed::new(&endpoint.url, secrets);
        Self { client, endpoint, concealed }
    }

    /// The same provider as the simulator plays it, at a path below the simulator's address.
    pub(crate) fn below(&self, upstream: &Url, path: &str, secrets: &[&Secret]) -> Self {
        Self::new(self.client.clone(), self.endpoint.below(upstream, path), secrets)
    }

    /// The same provider, which is sent this credential for now.
    pub(crate) fn hiding(&self, secret: &Secret) -> Self {
        Self::new(self.client.clone(), self.endpoint.clone(), &[secret])
    }

    /// The address of a path of the provider's.
    pub(crate) fn at(&self, path: &str) -> Url {
        self.endpoint.at(path)
    }

    /// Sends a body and waits for the head of the answer. It is JSON unless the headers say something else; a fault
    /// that is asked for goes with it.
    pub(crate) async fn post(
        &self,
        url: Url,
        mut headers: HeaderMap,
        body: impl Into<Body>,
        fault: Option<&Fault>,
    ) -> Result<Reply, ProviderError> {
        let Timeouts { connect, first_byte, idle, total } = self.endpoint.timeouts;
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        if let Some(fault) = fault.and_then(fault_header::value) {
            headers.insert(fault_header::NAME, fault);
        }
        forwarded::add(&mut headers);
        let begun = Instant::now();
        let sending = self.client.to(&url, connect)?.post(url).headers(headers).body(body).send();
        let limit = first_byte.min(total);
        match timeout(limit, sending).await {
            Ok(Ok(response)) => Ok(Reply { response, concealed: self.concealed.clone(), idle, total, begun }),
            Ok(Err(error)) => Err(self.concealed.error(transport::no_answer(&error))),
            Err(_) => Err(transport::too_slow("no answer", limit)),
        }
    }
}

/// Headers to be sent; their values, which may be credentials, are shown nowhere.
pub(crate) fn headers<const N: usize>(pairs: [(&'static str, &str); N]) -> Result<HeaderMap, ProviderError> {
    let mut headers = HeaderMap::with_capacity(N);
    for (name, text) in pairs {
        let mut value = HeaderValue::try_from(text).map_err(|_| {
            ProviderError::Credentials(format!("what is configured for {name} cannot stand in a header"))
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}
