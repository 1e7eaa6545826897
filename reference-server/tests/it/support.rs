//! A running gateway and a client of it.

use std::fmt::Write as _;
use std::net::SocketAddr;

use axum::http::{HeaderMap, Method, Request, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use plumbline_reference_server::{Dialect, RoleKey, Server, Settings, bind};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const MODELS: &str = "/api/v1/models";
pub(crate) const CHAT: &str = "/api/v1/chat/completions";
pub(crate) const EMBEDDINGS: &str = "/api/v1/embeddings";

/// The smallest PNG there is, in base64: one pixel.
pub(crate) const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==";

/// A gateway that runs as long as it is held.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    pub(crate) keys: Vec<RoleKey>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The status and the body, for comparing with both at once.
    pub(crate) fn outcome(&self) -> (u16, Value) {
        (self.status, self.json())
    }
}

/// What a refusal with one sentence looks like.
pub(crate) fn refused(status: u16, detail: &str) -> (u16, Value) {
    (status, json!({ "detail": detail }))
}

/// A chat of one message.
pub(crate) fn hello(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "Hello test" }] })
}

/// A part that shows an image.
pub(crate) fn image(media_type: &str, bytes: &[u8]) -> Value {
    let url = format!("data:{media_type};base64,{}", BASE64_STANDARD.encode(bytes));
    json!({ "type": "image_url", "image_url": { "url": url } })
}

/// A part with a file.
pub(crate) fn file(name: &str, bytes: &[u8]) -> Value {
    json!({ "type": "file", "file": { "file_name": name, "file_data": BASE64_STANDARD.encode(bytes) } })
}

/// A PDF of empty pages.
pub(crate) fn pdf(pages: usize) -> Vec<u8> {
    let kids: Vec<_> = (0..pages).map(|page| format!("{} 0 R", page + 3)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Count {pages} /Kids [{}] >>", kids.join(" ")),
    ];
    objects.resize(pages + 2, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] >>".to_owned());
    let mut text = "%PDF-1.4\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (index, object) in objects.iter().enumerate() {
        writeln!(table, "{:010} 00000 n ", text.len()).unwrap();
        writeln!(text, "{} 0 obj\n{object}\nendobj", index + 1).unwrap();
    }
    let (count, start) = (objects.len() + 1, text.len());
    write!(
        text,
        "xref\n0 {count}\n{table}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    )
    .unwrap();
    text.into_bytes()
}

impl Gateway {
    pub(crate) fn start() -> Self {
        Self::start_with(Settings::default())
    }

    pub(crate) fn start_with(settings: Settings) -> Self {
        // The root speaks the dialect that most of these tests are about.
        Self::begin(Settings { dialect: Dialect::Gsai, ..settings })
    }

    /// A gateway that speaks this at its root.
    pub(crate) fn start_at_root(dialect: Dialect) -> Self {
        Self::begin(Settings { dialect, ..Settings::default() })
    }

    fn begin(settings: Settings) -> Self {
        Self::of(bind(settings).map_err(|error| error.to_string()).unwrap())
    }

    /// What was bound, from here on served.
    pub(crate) fn of(server: Server) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (address, token) = (server.address(), server.control_token().to_owned());
        let keys = server.keys().to_vec();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self { address, token, keys, stop, running }
    }

    /// Stops it and waits until everything is written.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.running.await.unwrap();
    }

    /// The default world's secret for a role.
    pub(crate) fn key(&self, role: &str) -> String {
        self.keys.iter().find(|key| key.role == role).unwrap().secret.clone()
    }

    /// Sends a request over a connection of its own.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let response = sender.send_request(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// Sends bytes, and reads what comes back until the gateway hangs up.
    pub(crate) async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        read_all(&mut self.sent(bytes.as_ref()).await).await
    }

    /// The same, but nothing can follow the bytes: that side of the connection is closed.
    pub(crate) async fn raw_and_no_more(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.sent(bytes.as_ref()).await;
        let _ = stream.shutdown().await;
        read_all(&mut stream).await
    }

    /// A connection on which bytes were sent.
    pub(crate) async fn sent(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The gateway may answer and hang up before it has read everything.
        let _ = stream.write_all(bytes).await;
        stream
    }

    pub(crate) async fn get(&self, path: &str, key: Option<&str>) -> Reply {
        self.send(request("GET", path, key, "")).await
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: &Value) -> Reply {
        self.send(request("POST", path, Some(key), body.to_string())).await
    }

    /// Calls the control API.
    pub(crate) async fn control(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.send(request(method, &format!("/~control{path}"), Some(&self.token), body)).await
    }

    /// The billing events of a world.
    pub(crate) async fn ledger(&self, world: &str) -> Vec<Value> {
        let reply = self.control("GET", &format!("/worlds/{world}/ledger"), None).await;
        assert_eq!(reply.status, 200);
        reply.json()["events"].as_array().unwrap().clone()
    }

    /// The log lines of a request in the default world.
    pub(crate) async fn lines(&self, request_id: &str) -> Vec<Value> {
        let reply = self.control("GET", &format!("/worlds/root/logs?request_id={request_id}"), None).await;
        assert_eq!(reply.status, 200);
        reply.json()["lines"].as_array().unwrap().clone()
    }

    /// The id of a role's key in the default world.
    pub(crate) async fn key_id(&self, role: &str) -> String {
        let keys = self.control("GET", "/worlds/root/keys", None).await.json();
        let key = keys["keys"].as_array().unwrap().iter().find(|key| key["role"] == role).unwrap().clone();
        key["id"].as_str().unwrap().to_owned()
    }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// A request, JSON where it has a body.
pub(crate) fn request(
    method: &str,
    path: &str,
    key: Option<&str>,
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let body: Bytes = body.into();
    let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
    request = request.header(header::HOST, "localhost").header(header::USER_AGENT, "plumbline-tests");
    if let Some(key) = key {
        request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    request.body(Full::new(body)).unwrap()
}

/// The bytes of a chat, with further lines in its head.
pub(crate) fn raw_chat(path: &str, key: &str, lines: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\n{lines}\r\n{body}"
    )
}

/// A body in two chunks.
pub(crate) fn chunked(body: &str) -> String {
    let (head, tail) = body.split_at(body.len() / 2);
    format!("{:x}\r\n{head}\r\n{:x}\r\n{tail}\r\n0\r\n\r\n", head.len(), tail.len())
}

/// A request with one header set or replaced.
pub(crate) fn with_header(
    mut request: Request<Full<Bytes>>,
    name: &'static str,
    value: &str,
) -> Request<Full<Bytes>> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

/// A request without one of its headers.
pub(crate) fn without_header(mut request: Request<Full<Bytes>>, name: &'static str) -> Request<Full<Bytes>> {
    request.headers_mut().remove(name);
    request
}
