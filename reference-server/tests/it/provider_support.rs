//! Providers that misbehave, and what is asked of them.

use std::time::Duration;

use futures::StreamExt;
use plumbline_reference_server::domain::inference::{
    CompletionRequest, Message, ModelIdentity, Part, ProviderError, Role, Usage,
};
use plumbline_reference_server::provider::http::{Client, Endpoint, Secret, Timeouts};
use plumbline_reference_server::provider::{CompletionStream, OpenAi, Piece, Provider, StreamPart};
use plumbline_reference_server::upstream::{ProviderKind, access};
use serde_json::{Number, Value};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use url::Url;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// The key that the providers of these tests are sent.
pub(crate) const KEY: &str = "sk-upstream-secret";

/// What a server does with a connection after its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    Close,
    Reset,
    /// It waits until the client leaves.
    Hold,
}

/// A server of one connection, whose answer is these bytes whatever the request is.
pub(crate) struct RawServer {
    pub(crate) url: Url,
    /// Comes when the client has left a connection that is held.
    pub(crate) left: oneshot::Receiver<()>,
}

impl RawServer {
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap()).parse().unwrap();
        let (leave, left) = oneshot::channel();
        let answer = answer.into();
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            read_request(&mut connection).await;
            // The client may not want all of it.
            let _ = connection.write_all(&answer).await;
            match then {
                Then::Close => {}
                Then::Reset => SockRef::from(&connection).set_linger(Some(Duration::ZERO)).unwrap(),
                Then::Hold => {
                    while connection.read(&mut [0; 64]).await.is_ok_and(|length| length > 0) {}
                    let _ = leave.send(());
                }
            }
        });
        Self { url, left }
    }

    /// A server that answers with a status of success, these headers and this body, and says nothing of its length.
    pub(crate) async fn succeeding(media_type: &str, body: &str, then: Then) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\nconnection: close\r\n\r\n");
        Self::answering(head + body, then).await
    }

    /// The provider that it plays, which has so long to answer.
    pub(crate) fn provider(&self, timeouts: Timeouts) -> OpenAi {
        OpenAi::new(Client::new(), Endpoint { url: self.url.clone(), timeouts }, Secret::new(KEY))
    }
}

/// Reads a request to the end of its body.
async fn read_request(connection: &mut TcpStream) {
    let mut request = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let length = connection.read(&mut buffer).await.unwrap();
        request.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let told = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length == 0 || body.len() >= told.map_or(0, |told| told.parse().unwrap()) {
                return;
            }
        }
    }
}

/// A server that answers whatever is posted to it.
pub(crate) async fn answering(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(template).mount(&server).await;
    server
}

/// A number, as it is written.
pub(crate) fn number(text: &str) -> Option<Number> {
    text.parse().ok()
}

/// The provider at an address.
pub(crate) fn endpoint(url: &str) -> Endpoint {
    Endpoint::new(url.parse().unwrap())
}

pub(crate) fn model() -> ModelIdentity {
    ModelIdentity {
        id: "model-x".into(),
        family: "OpenAI".into(),
        dimensions: 2,
        context_tokens: None,
        thinks: false,
        hears: false,
    }
}

pub(crate) fn hello() -> CompletionRequest {
    let hello = Message::new(Role::User, vec![Part::Text("Hello".to_owned())]);
    CompletionRequest { messages: vec![hello], ..CompletionRequest::default() }
}

/// Begins a streamed answer to a greeting.
pub(crate) async fn stream(provider: &dyn Provider) -> Result<CompletionStream, ProviderError> {
    provider.stream(&model(), hello(), None).await
}

/// A question whose answer is known.
pub(crate) fn question() -> CompletionRequest {
    let asked = Part::Text("What is the capital of France?".to_owned());
    CompletionRequest {
        messages: vec![Message::new(Role::User, vec![asked])],
        ..CompletionRequest::default()
    }
}

/// What the simulator takes at a provider, by its name. A service account is an object, the rest is text.
pub(crate) fn credential(provider: ProviderKind, name: &str) -> Value {
    // Where the simulator is matters to the service account only.
    let known = access("http://127.0.0.1").into_iter().find(|access| access.provider == provider).unwrap();
    known.credentials.into_iter().find(|(other, _)| *other == name).unwrap().1
}

/// The same where it is text.
pub(crate) fn secret(provider: ProviderKind, name: &str) -> Secret {
    Secret::new(credential(provider, name).as_str().unwrap())
}

/// The text of a stream that came to its end, and what it cost.
pub(crate) async fn said(parts: CompletionStream) -> (String, Usage) {
    let parts: Vec<_> = parts.map(Result::unwrap).collect().await;
    let texts = parts.iter().filter_map(|part| match part {
        StreamPart::Delta { piece: Piece::Text { text, .. }, .. } => Some(text.as_str()),
        _ => None,
    });
    let Some(StreamPart::Finished { usage }) = parts.last() else { panic!("{parts:?}") };
    (texts.collect(), *usage)
}
