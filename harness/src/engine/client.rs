use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::StreamBody;
use hyper::body::Frame;
use parking_lot::RwLock;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use thiserror::Error as ThisError;
use tokio::time::timeout;
use url::Url;

use super::arriving::Arriving;
use super::raw;
use super::trouble::{Stretch, Trouble, root};
use crate::check::{Cut, Reply};

/// Time for a connection to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a connection may wait for the next call. Common servers close theirs after five seconds, and a call that
/// meets the end of its connection would look like a failure of the gateway.
const IDLE: Duration = Duration::from_secs(2);

/// Sends requests as they are: no redirect is followed, no proxy used, nothing decoded; connections are kept.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<RwLock<reqwest::Client>>,
    is_secure: bool,
}

/// Why no client could be made.
#[derive(Debug, ThisError)]
#[error("set up the HTTP client: {0}")]
pub struct ClientError(#[source] reqwest::Error);

/// A request, ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) method: reqwest::Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Bytes>,
    pub(super) sending: Sending,
    /// Whether the connection is closed once the first event of the answer has come.
    pub(super) leaves: bool,
}

/// Is shown what has come of a response, each time that more has.
pub(super) type Look<'l> = dyn Fn(&Arriving) + Sync + 'l;

/// How a request becomes bytes.
#[derive(Clone, Debug, Default)]
pub(super) enum Sending {
    /// As HTTP has it.
    #[default]
    Counted,
    /// As HTTP has it, the body in chunks.
    Chunked,
    /// As these bytes, after which the sending side may be closed.
    Raw { bytes: Bytes, half_close: bool },
}

/// Why there is no complete response.
#[derive(Clone, Debug)]
pub(super) enum NoReply {
    /// The gateway answered wrongly, or not in time.
    Gateway(String),
    /// The gateway ended the connection without an answer.
    Closed(String),
    /// The gateway ended the connection in the middle of its answer.
    BrokenOff(String),
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
        let is_secure = url.scheme() == "https";
        let inner = with_connections(is_secure).map_err(ClientError)?;
        Ok(Self { inner: Arc::new(RwLock::new(inner)), is_secure })
    }

    /// Sends a request and reads its whole response, within a time and a number of bytes.
    ///
    /// Of a stream of events that breaks off, or does not end in time, there is a reply with what has come.
    pub(super) async fn send(
        &self,
        outgoing: &Outgoing,
        time: Duration,
        most_bytes: u64,
    ) -> Result<Reply, NoReply> {
        self.send_watched(outgoing, time, most_bytes, &|_| {}).await
    }

    /// The same, for somebody who looks on.
    pub(super) async fn send_watched(
        &self,
        outgoing: &Outgoing,
        time: Duration,
        most_bytes: u64,
        look: &Look<'_>,
    ) -> Result<Reply, NoReply> {
        let mut arriving = None;
        let exchange = async {
            match &outgoing.sending {
                Sending::Raw { bytes, half_close } => {
                    raw::exchange(&outgoing.url, bytes, *half_close, most_bytes, &mut arriving).await
                }
                Sending::Counted | Sending::Chunked => {
                    self.exchange(outgoing, most_bytes, &mut arriving, look).await
                }
            }
        };
        let in_time = timeout(time, exchange).await;
        in_time.unwrap_or_else(|_| {
            let limit = humantime::format_duration(time);
            let why = format!("the response was not complete within {limit}");
            match arriving {
                Some(mut arriving) => arriving.cut(Cut::Late(why)),
                None => Err(NoReply::Gateway(why)),
            }
        })
    }

    /// Uses none of its connections again. Common servers end one after an error of theirs without saying so, and what is
    /// sent on it next would seem to have been refused.
    fn begin_anew(&self) {
        if let Ok(anew) = with_connections(self.is_secure) {
            *self.inner.write() = anew;
        }
    }

    /// Sends a request; what has come of the response stays with the caller, who may lose patience.
    async fn exchange(
        &self,
        outgoing: &Outgoing,
        most_bytes: u64,
        arriving: &mut Option<Arriving>,
        look: &Look<'_>,
    ) -> Result<Reply, NoReply> {
        let client = self.inner.read().clone();
        let mut request = client.request(outgoing.method.clone(), outgoing.url.clone());
        for (name, value) in &outgoing.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &outgoing.body {
            request = request.body(match outgoing.sending {
                Sending::Chunked => in_chunks(body),
                _ => body.clone().into(),
            });
        }
        let sent = Instant::now();
        let mut response = request.send().await.map_err(|error| no_reply(&error))?;
        let (status, headers) = (response.status().as_u16(), headers(response.headers()));
        if response.status().is_server_error() {
            self.begin_anew();
        }
        let arriving = arriving.insert(Arriving::new(status, headers, sent, most_bytes));
        loop {
            let added = match response.chunk().await {
                Ok(Some(chunk)) => arriving.add(&chunk),
                Ok(None) => return Ok(arriving.whole()),
                Err(error) => Err(cut(&error)),
            };
            if let Err(cut) = added {
                return arriving.cut(cut);
            }
            look(arriving);
            if outgoing.leaves && arriving.has_event() {
                // Without somebody who wants the rest the connection is closed.
                drop(response);
                return arriving.cut(Cut::Left("the runner left after the first event".to_owned()));
            }
        }
    }
}

/// A client with no connections yet.
fn with_connections(is_secure: bool) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .http1_only()
        .tcp_nodelay(true)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .user_agent(concat!("plumbline/", env!("CARGO_PKG_VERSION")));
    // The provider can be installed only once a process; a second time it is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = if is_secure {
        builder
    } else {
        let no_certificates = rustls::ClientConfig::builder()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        builder.tls_backend_preconfigured(no_certificates)
    };
    builder.build()
}

impl NoReply {
    /// What happened, in words.
    pub(super) fn why(&self) -> &str {
        let (Self::Gateway(why)
        | Self::Closed(why)
        | Self::BrokenOff(why)
        | Self::Unreachable(why)
        | Self::Unsendable(why)) = self;
        why
    }
}

impl From<Cut> for NoReply {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::Closed(why) => Self::BrokenOff(why),
            Cut::Late(why) | Cut::Unread(why) | Cut::Left(why) => Self::Gateway(why),
        }
    }
}

/// A reply of which all has come.
pub(super) fn whole(reply: Reply) -> Result<Reply, NoReply> {
    match reply.cut {
        Some(cut) => Err(cut.into()),
        None => Ok(reply),
    }
}

/// The headers of a response, in order.
pub(super) fn headers(map: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    map.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// Why a body ended before its end, by the error that it ended with.
pub(super) fn cut(error: &(dyn Error + 'static)) -> Cut {
    let trouble = Trouble::behind(error);
    let why = trouble.words(Stretch::Answer);
    if trouble.is_end() { Cut::Closed(why) } else { Cut::Unread(why) }
}

/// A body of which no length is known beforehand.
fn in_chunks(body: &Bytes) -> reqwest::Body {
    let size = body.len().div_ceil(3).max(1);
    let chunks: Vec<_> =
        body.chunks(size).map(|chunk| Ok::<_, Infallible>(Frame::data(body.slice_ref(chunk)))).collect();
    reqwest::Body::wrap(StreamBody::new(futures::stream::iter(chunks)))
}

fn no_reply(error: &reqwest::Error) -> NoReply {
    if error.is_connect() {
        NoReply::Unreachable(format!("no connection could be made: {}", root(error)))
    } else if error.is_builder() {
        NoReply::Unsendable(root(error))
    } else {
        unanswered(error)
    }
}

/// Why there is no head of a response, by the error that came in its place.
pub(super) fn unanswered(error: &(dyn Error + 'static)) -> NoReply {
    let trouble = Trouble::behind(error);
    let why = trouble.words(Stretch::Request);
    if trouble.is_end() { NoReply::Closed(why) } else { NoReply::Gateway(why) }
}

/// The method of a name that lint has let through.
pub(super) fn method(name: &Arc<str>) -> Result<reqwest::Method, NoReply> {
    reqwest::Method::from_bytes(name.as_bytes())
        .map_err(|_| NoReply::Unsendable(format!("`{name}` is not a method")))
}
