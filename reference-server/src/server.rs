//! Carries the gateway on a port.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::gateway::Gateway;
use crate::settings::RoleKey;
use crate::unread;

/// How long a request under way may take to end once the server is to stop.
const GRACE: Duration = Duration::from_secs(5);
/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest head of a request that is read, in bytes. A dialect refuses smaller ones already, in its own words;
/// what is larger than this, or has more than 100 fields, is refused without words.
const HEAD_LIMIT: usize = 256 * 1024;
/// How long to wait when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A gateway on its port, made by [`bind`](crate::bind).
pub struct Server {
    listener: std::net::TcpListener,
    address: SocketAddr,
    gateway: Arc<Gateway>,
    control_token: String,
    keys: Vec<RoleKey>,
}

impl Server {
    pub(crate) fn new(
        listener: std::net::TcpListener,
        address: SocketAddr,
        gateway: Gateway,
        control_token: String,
        keys: Vec<RoleKey>,
    ) -> Self {
        Self { listener, address, gateway: Arc::new(gateway), control_token, keys }
    }

    /// Where it listens, with the port that the system gave.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the control API asks for, as a bearer token.
    pub fn control_token(&self) -> &str {
        &self.control_token
    }

    /// The fixture keys of the default world, in the fixture's order.
    pub fn keys(&self) -> &[RoleKey] {
        &self.keys
    }

    /// Serves until `shutdown` is done; then gives requests under way five seconds, and writes the state out.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let listener = match TcpListener::from_std(self.listener) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(%error, "the port cannot be served");
                return;
            }
        };
        let (close, closing) = watch::channel(());
        let mut connections = JoinSet::new();
        let builder = builder();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                // What has ended is let go.
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let gateway = Arc::clone(&self.gateway);
                        connections.spawn(serve(builder.clone(), stream, peer, gateway, closing.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection cannot be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
        drop(listener);
        drop(close);
        let ended = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            connections.shutdown().await;
        }
        if let Err(error) = self.gateway.worlds.root().ledger.check().await {
            tracing::error!(%error, "the state cannot be written out");
        }
    }
}

fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_header_size(HEAD_LIMIT)
        // Who has sent all of a request may close that side of the connection and still wants the answer.
        .half_close(true)
        // The service that this plays sends none.
        .auto_date_header(false);
    builder
}

/// Serves one connection until it ends, or, when the server closes, until its request is answered.
async fn serve(
    builder: http1::Builder,
    stream: TcpStream,
    peer: SocketAddr,
    gateway: Arc<Gateway>,
    mut closing: watch::Receiver<()>,
) {
    // Without it the second event of a stream waits for the acknowledgement of the first.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection is gone");
        return;
    }
    let client_ip: IpAddr = peer.ip().to_canonical();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let gateway = Arc::clone(&gateway);
        async move {
            let (head, body) = request.into_parts();
            let (body, unread) = unread::watch(body, &head.headers);
            let mut response = gateway.handle(hyper::Request::from_parts(head, body), client_ip).await;
            unread.close(&mut response);
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let outcome = tokio::select! {
        biased;
        outcome = connection.as_mut() => outcome,
        // Only the end of the channel is ever seen.
        _ = closing.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
}
