//! A keep-alive connection with nothing around it, shared by the programs that measure.

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;

/// A key that may do everything.
pub const KEY: &str = "sk-plumbline-all-scopes";
/// Where chats on OpenAI's wire are, on the gateway and on the bare handler.
pub const OPENAI_CHAT: &str = "/~openai/v1/chat/completions";
/// The model for them.
pub const OPENAI_MODEL: &str = "gpt-4.1-mini";

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
        let response = self.begin(method, path, key, body).await?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// Asks in a chat, and gives the body of the answer, of which nothing is read yet.
    ///
    /// # Errors
    /// When there is none, or a refusal.
    pub async fn chat(&mut self, path: &str, body: Bytes) -> Result<Incoming> {
        let response = self.begin(Method::POST, path, KEY, body).await?;
        ensure!(response.status() == 200, "the gateway answered {}", response.status());
        Ok(response.into_body())
    }

    async fn begin(
        &mut self,
        method: Method,
        path: &str,
        key: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(AUTHORIZATION, format!("Bearer {key}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }
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
