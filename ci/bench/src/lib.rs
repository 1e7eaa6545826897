//! A keep-alive connection with nothing around it, and a load of many, shared by the programs that measure.

mod load;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;

pub use load::{Load, Received};

/// A key that may do everything.
pub const KEY: &str = "sk-plumbline-all-scopes";
/// Where chats on OpenAI's wire are, on the gateway and on the bare handler.
pub const OPENAI_CHAT: &str = "/~openai/v1/chat/completions";
/// The model for them.
pub const OPENAI_MODEL: &str = "gpt-4.1-mini";

/// The names and values of header fields.
pub type Headers = Vec<(&'static str, String)>;

/// A chat that is asked for again and again.
#[derive(Clone, Debug)]
pub struct Question {
    /// Who answers: `host:port`.
    pub host: String,
    /// Where it goes there.
    pub path: String,
    /// What proves who asks, and whatever else the wire wants.
    pub headers: Headers,
    /// What is asked.
    pub body: Bytes,
}

/// One connection that is kept.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// When nothing listens there.
    pub async fn open(host: &str) -> Result<Self> {
        let stream = TcpStream::connect(host).await.with_context(|| format!("connect to {host}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host: host.to_owned() })
    }

    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// When there is none.
    pub async fn send(&mut self, method: Method, path: &str, key: &str, body: Bytes) -> Result<(u16, Bytes)> {
        let response = self.begin(method, path, &bearer(key), body).await?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// Asks in a chat, and gives the answer, of whose body nothing is read yet.
    ///
    /// # Errors
    /// When there is none, or a refusal.
    pub async fn ask(&mut self, question: &Question) -> Result<Response<Incoming>> {
        let Question { host, path, headers, body } = question;
        let response = self.begin(Method::POST, path, headers, body.clone()).await?;
        ensure!(response.status() == 200, "{host} answered {}", response.status());
        Ok(response)
    }

    /// Asks for a stream and reads it to its end. Gives how long its first event took, from the request on.
    ///
    /// # Errors
    /// When there is none, or it breaks off.
    pub async fn first_event(&mut self, question: &Question) -> Result<Duration> {
        let begun = Instant::now();
        let mut answer = self.ask(question).await?.into_body();
        let first = answer.frame().await.context("the stream is empty")??;
        let wait = begun.elapsed();
        let first: &[u8] = first.data_ref().map(Bytes::as_ref).unwrap_or_default();
        let is_event = first.starts_with(b"data: ") || first.starts_with(b"event: ");
        ensure!(is_event, "the stream begins with something else than an event");
        answer.collect().await?;
        Ok(wait)
    }

    async fn begin(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Response<Incoming>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(body))?;
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }
}

/// A key as most wires take it.
pub fn bearer(key: &str) -> Headers {
    vec![("authorization", format!("Bearer {key}"))]
}

/// The body of a chat of one message.
pub fn chat(model: &str, text: &str) -> Bytes {
    json!({ "model": model, "messages": [{ "role": "user", "content": text }] }).to_string().into()
}

/// The body of a chat on OpenAI's wire whose answer is streamed, with the usage at its end. It has a few events more
/// than the text has words.
pub fn streamed_chat(words: usize) -> Bytes {
    json!({
        "model": OPENAI_MODEL,
        "messages": [{ "role": "user", "content": vec!["word"; words].join(" ") }],
        "stream": true,
        "stream_options": { "include_usage": true },
    })
    .to_string()
    .into()
}

/// The median, and the 99th percentile.
pub fn percentiles(mut waits: Vec<Duration>) -> (Duration, Duration) {
    waits.sort_unstable();
    let percentile = |share: usize| waits.get(waits.len() * share / 100).copied().unwrap_or_default();
    (percentile(50), percentile(99))
}

/// One of the arguments that a program here takes.
///
/// # Errors
/// When it is not given.
pub fn argument(number: usize, what: &str) -> Result<String> {
    match std::env::args().nth(number) {
        Some(argument) => Ok(argument),
        None => bail!("argument {number} is missing: {what}"),
    }
}
