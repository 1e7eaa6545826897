use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::redirect::Policy;
use thiserror::Error;
use tokio::time::timeout;
use url::Url;

use crate::check::Reply;

/// Time for a connection to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// Sends requests as they are: no redirect is followed, no proxy used, nothing decoded; connections are kept.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
}

/// Why no client could be made.
#[derive(Debug, Error)]
#[error("set up the HTTP client: {0}")]
pub struct ClientError(#[source] reqwest::Error);

/// A request, ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) method: reqwest::Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Bytes>,
}

/// Why there is no complete response.
#[derive(Clone, Debug)]
pub(super) enum NoReply {
    /// The gateway answered wrongly, or not in time.
    Gateway(String),
    /// The gateway was not there.
    Unreachable(String),
    /// The request itself cannot be sent.
    Unsendable(String),
}

impl Client {
    /// A client for an address. Certificates are looked for only where they are needed.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(url: &Url) -> Result<Self, ClientError> {
        let builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .http1_only()
            .tcp_nodelay(true)
            .connect_timeout(CONNECT)
            .user_agent(concat!("plumbline/", env!("CARGO_PKG_VERSION")));
        // The provider can be installed only once a process; a second time it is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = if url.scheme() == "https" {
            builder
        } else {
            let no_certificates = rustls::ClientConfig::builder()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            builder.tls_backend_preconfigured(no_certificates)
        };
        builder.build().map(|inner| Self { inner }).map_err(ClientError)
    }

    /// Sends a request and reads its whole response, within a time and a number of bytes.
    pub(super) async fn send(
        &self,
        outgoing: &Outgoing,
        time: Duration,
        most_bytes: u64,
    ) -> Result<Reply, NoReply> {
        match timeout(time, self.exchange(outgoing, most_bytes)).await {
            Ok(result) => result,
            Err(_) => {
                let limit = humantime::format_duration(time);
                Err(NoReply::Gateway(format!("the response was not complete within {limit}")))
            }
        }
    }

    async fn exchange(&self, outgoing: &Outgoing, most_bytes: u64) -> Result<Reply, NoReply> {
        let mut request = self.inner.request(outgoing.method.clone(), outgoing.url.clone());
        for (name, value) in &outgoing.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &outgoing.body {
            request = request.body(body.clone());
        }
        let mut response = request.send().await.map_err(|error| no_reply(&error))?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| no_reply(&error))? {
            if (body.len() + chunk.len()) as u64 > most_bytes {
                return Err(NoReply::Gateway(format!("the response is longer than {most_bytes} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply::new(status, headers, &body))
    }
}

fn no_reply(error: &reqwest::Error) -> NoReply {
    let text = causes(error);
    if error.is_connect() {
        NoReply::Unreachable(text)
    } else if error.is_builder() {
        NoReply::Unsendable(text)
    } else {
        NoReply::Gateway(text)
    }
}

/// An error with what is behind it, without the address, which may hold a secret.
fn causes(error: &reqwest::Error) -> String {
    let mut texts = Vec::new();
    let mut source: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(cause) = source {
        texts.push(cause.to_string());
        source = cause.source();
    }
    texts.dedup();
    if texts.is_empty() { "the request failed".to_owned() } else { texts.join(": ") }
}

/// The method of a name that lint has let through.
pub(super) fn method(name: &Arc<str>) -> Result<reqwest::Method, NoReply> {
    reqwest::Method::from_bytes(name.as_bytes())
        .map_err(|_| NoReply::Unsendable(format!("`{name}` is not a method")))
}
