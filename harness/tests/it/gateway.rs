//! A server that answers as a test wants, on a port of its own, and remembers what it was sent.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;

/// A server; it ends with the test's runtime.
pub(crate) struct Gateway {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The client's port, which tells its connections apart.
    pub(crate) port: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// What a request is answered with.
pub(crate) struct Answer {
    head: String,
    body: Vec<u8>,
    then: Then,
    together: Option<Arc<Barrier>>,
}

/// What becomes of the connection after an answer.
pub(crate) enum Then {
    /// The next request is waited for.
    Next,
    /// It is closed.
    Close,
    /// Nothing more is said until the client leaves.
    Silence,
    /// This is said until the client leaves.
    Repeat(Vec<u8>),
}

type AnswerTo = dyn Fn(&Received) -> Answer + Send + Sync;

impl Received {
    /// The value of a header, by lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

impl Answer {
    /// A whole response.
    pub(crate) fn whole(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let head = format!("HTTP/1.1 {status} Text\r\n");
        Self { head, body: body.into(), then: Then::Next, together: None }
    }

    /// A whole response in JSON.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::whole(status, body.to_string()).with("content-type", "application/json")
    }

    /// Bytes as they are, HTTP or not.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>, then: Then) -> Self {
        Self { head: String::new(), body: bytes.into(), then, together: None }
    }

    /// With a header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.head.extend([name, ": ", value, "\r\n"]);
        self
    }

    /// Not before as many requests are there as the barrier counts.
    pub(crate) fn together(mut self, barrier: &Arc<Barrier>) -> Self {
        self.together = Some(Arc::clone(barrier));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        if self.head.is_empty() {
            return self.body.clone();
        }
        let length = self.body.len();
        let mut bytes = format!("{}content-length: {length}\r\n\r\n", self.head).into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

impl Gateway {
    pub(crate) async fn start(answer: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(accept(listener, Arc::new(answer), Arc::clone(&received)));
        Self { url, received }
    }

    /// The requests so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().clone()
    }

    /// Method and path of the requests so far.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.received.lock().iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }
}

async fn accept(listener: TcpListener, answer: Arc<AnswerTo>, received: Arc<Mutex<Vec<Received>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (answer, received) = (Arc::clone(&answer), Arc::clone(&received));
        tokio::spawn(async move {
            // A client that leaves in the middle is what some of these servers are for.
            let _ = serve(BufReader::new(stream), &*answer, &received).await;
        });
    }
}

async fn serve(
    mut stream: BufReader<TcpStream>,
    answer: &AnswerTo,
    received: &Mutex<Vec<Received>>,
) -> io::Result<()> {
    stream.get_ref().set_nodelay(true)?;
    let port = stream.get_ref().peer_addr()?.port();
    while let Some(request) = read_request(&mut stream).await? {
        let request = Received { port, ..request };
        received.lock().push(request.clone());
        let answer = answer(&request);
        if let Some(barrier) = &answer.together {
            barrier.wait().await;
        }
        stream.write_all(&answer.bytes()).await?;
        match answer.then {
            Then::Next => {}
            Then::Close => break,
            Then::Silence => {
                stream.read_to_end(&mut Vec::new()).await?;
                break;
            }
            Then::Repeat(bytes) => loop {
                stream.write_all(&bytes).await?;
            },
        }
    }
    Ok(())
}

/// Reads a request; nothing where the client has left.
pub(crate) async fn read_request(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Received>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Received { method, path, port: 0, headers, body: String::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    request.body = String::from_utf8(body).unwrap();
    Ok(Some(request))
}
