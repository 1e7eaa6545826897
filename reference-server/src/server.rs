//! Carries the gateway, or the simulator of the providers, on a port.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::connection::{Connection, Reset};
use crate::gateway::Gateway;
use crate::settings::RoleKey;
use crate::unread;
use crate::upstream::Simulator;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 4_096;
/// How long a request to the gateway that is under way may take to end once the server is to stop.
const GRACE: Duration = Duration::from_secs(5);
/// The same for the simulator, whose answers wait for a gate or a fault more often than for anything else.
const SIMULATORS_GRACE: Duration = Duration::from_secs(1);
/// How long the gateway may take to say so to who is not answered by then.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest head of a request that is read, in bytes. A dialect refuses smaller ones already, in its own words;
/// what is larger than this, or has more than 100 fields, is refused without words.
const HEAD_LIMIT: usize = 256 * 1024;
/// How long to wait when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A gateway on its port, made by [`bind`](crate::bind), or a simulator of the providers, made by
/// [`upstream::bind`](crate::upstream::bind).
pub struct Server {
    listener: std::net::TcpListener,
    address: SocketAddr,
    service: Arc<Service>,
    control_token: String,
    keys: Vec<RoleKey>,
}

/// What is carried.
enum Service {
    Gateway(Gateway),
    Simulator(Simulator),
}

impl Service {
    /// The answer to a request from this address; an error where the connection is to end instead.
    async fn answer(&self, request: Request, client_ip: IpAddr, reset: &Reset) -> io::Result<Response> {
        match self {
            Self::Gateway(gateway) => Ok(gateway.handle(request, client_ip).await),
            Self::Simulator(simulator) => Box::pin(simulator.handle(request, client_ip, reset)).await,
        }
    }

    fn grace(&self) -> Duration {
        match self {
            Self::Gateway(_) => GRACE,
            Self::Simulator(_) => SIMULATORS_GRACE,
        }
    }
}

fn settings() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_header_size(HEAD_LIMIT)
        // A client that leaves while it waits for an answer is to be noticed. One that closes its side of the
        // connection and still wants the answer looks the same from here.
        .half_close(false)
        // The services that this plays send none.
        .auto_date_header(false);
    builder
}

/// Takes a port; connections are accepted from here on. Also tells where that is, with the port that the system gave.
pub(crate) fn listen(address: SocketAddr) -> io::Result<(std::net::TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind(address)?;
    // Thousands of clients may come at once.
    SockRef::from(&listener).listen(BACKLOG)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

impl Server {
    pub(crate) fn new(
        listener: std::net::TcpListener,
        address: SocketAddr,
        gateway: Gateway,
        control_token: String,
        keys: Vec<RoleKey>,
    ) -> Self {
        Self { listener, address, service: Arc::new(Service::Gateway(gateway)), control_token, keys }
    }

    pub(crate) fn of_simulator(
        listener: std::net::TcpListener,
        address: SocketAddr,
        simulator: Simulator,
        control_token: String,
    ) -> Self {
        let service = Arc::new(Service::Simulator(simulator));
        Self { listener, address, service, control_token, keys: Vec::new() }
    }

    /// Where it listens, with the port that the system gave.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the control API asks for, as a bearer token.
    pub fn control_token(&self) -> &str {
        &self.control_token
    }

    /// The fixture keys of the gateway's default world, in the fixture's order; a simulator has none.
    pub fn keys(&self) -> &[RoleKey] {
        &self.keys
    }

    /// Serves until `shutdown` is done; then gives requests under way five seconds, or one where it is a simulator. The
    /// gateway ends those that are left in an error, and writes the state out.
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
        let builder = settings();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                // What has ended is let go.
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let service = Arc::clone(&self.service);
                        connections.spawn(serve(builder.clone(), stream, peer, service, closing.clone()));
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
        if !have_ended(&mut connections, self.service.grace()).await {
            match &*self.service {
                Service::Gateway(gateway) => {
                    gateway.worlds.close();
                    // Who does not listen by then is left.
                    let _ = have_ended(&mut connections, LAST_WORDS).await;
                }
                Service::Simulator(simulator) => simulator.close(),
            }
            connections.shutdown().await;
        }
        if let Service::Gateway(gateway) = &*self.service
            && let Err(error) = gateway.worlds.root().ledger.check().await
        {
            tracing::error!(%error, "the state cannot be written out");
        }
    }
}

/// Whether all connections have ended within a time.
async fn have_ended(connections: &mut JoinSet<()>, time: Duration) -> bool {
    let ended = async { while connections.join_next().await.is_some() {} };
    tokio::time::timeout(time, ended).await.is_ok()
}

/// Serves one connection until it ends, or, when the server closes, until its request is answered.
async fn serve(
    builder: http1::Builder,
    stream: TcpStream,
    peer: SocketAddr,
    service: Arc<Service>,
    mut closing: watch::Receiver<()>,
) {
    // Without it the second event of a stream waits for the acknowledgement of the first.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection is gone");
        return;
    }
    let client_ip: IpAddr = peer.ip().to_canonical();
    let (stream, reset) = Connection::new(stream);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (service, reset) = (Arc::clone(&service), reset.clone());
        async move {
            let (head, body) = request.into_parts();
            let (body, unread) = unread::watch(body, &head.headers);
            let mut response = service.answer(Request::from_parts(head, body), client_ip, &reset).await?;
            unread.close(&mut response);
            Ok::<_, io::Error>(response)
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
