//! A running simulator of the providers, and calls to it.

use axum::http::{HeaderMap, Request};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use plumbline_reference_server::upstream::{UpstreamSettings, bind};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support::{Gateway, Reply, request, with_header};

pub(crate) const PROVIDERS: [&str; 5] = ["openai", "anthropic", "gemini", "bedrock", "vertex"];

/// A simulator, with the same handles as a gateway.
pub(crate) fn simulator() -> Gateway {
    Gateway::of(bind(UpstreamSettings::default()).map_err(|error| error.to_string()).unwrap())
}

/// One question on a provider's wire, with the provider's own credentials. Vertex AI takes a token for one.
pub(crate) fn question(provider: &str, streamed: bool, token: &str) -> Request<Full<Bytes>> {
    let openai = json!({
        "model": "gpt-4.1-mini", "stream": streamed,
        "messages": [{ "role": "user", "content": "What is the capital of France?" }],
    });
    let anthropic = json!({
        "model": "claude-haiku-4-5", "stream": streamed, "max_tokens": 200,
        "messages": [{ "role": "user", "content": "What is the capital of France?" }],
    });
    let google = json!({
        "contents": [{ "role": "user", "parts": [{ "text": "What is the capital of France?" }] }],
    });
    let bedrock = json!({
        "messages": [{ "role": "user", "content": [{ "text": "What is the capital of France?" }] }],
    });
    let action = if streamed { "streamGenerateContent?alt=sse" } else { "generateContent" };
    let post = |path: &str, key, body: &Value| request("POST", path, key, body.to_string());
    match provider {
        "openai" => post("/openai/v1/chat/completions", Some("sk-upstream-openai"), &openai),
        "anthropic" => {
            let asked =
                with_header(post("/anthropic/v1/messages", None, &anthropic), "x-api-key", "sk-ant-upstream");
            with_header(asked, "anthropic-version", "2023-06-01")
        }
        "gemini" => {
            let path = format!("/gemini/v1beta/models/gemini-2.5-flash:{action}");
            with_header(post(&path, None, &google), "x-goog-api-key", "upstream-gemini-key")
        }
        "bedrock" => {
            let operation = if streamed { "converse-stream" } else { "converse" };
            let path = format!("/bedrock/model/anthropic.claude-3-haiku-20240307-v1%3A0/{operation}");
            post(&path, Some("upstream-bedrock-key"), &bedrock)
        }
        _ => {
            let path = format!(
                "/vertex/v1/projects/p/locations/l/publishers/google/models/gemini-2.0-flash-001:{action}"
            );
            post(&path, Some(token), &google)
        }
    }
}

/// The same question in a world that was made.
pub(crate) fn in_world(mut question: Request<Full<Bytes>>, base_path: &str) -> Request<Full<Bytes>> {
    *question.uri_mut() = format!("{base_path}{}", question.uri()).parse().unwrap();
    question
}

/// How to get at the providers, as the control API tells it of a world.
pub(crate) async fn credentials(simulator: &Gateway, world: &str) -> Value {
    let listed = simulator.control("GET", "/worlds", None).await.json();
    let worlds = listed["worlds"].as_array().unwrap().clone();
    worlds.into_iter().find(|listed| listed["id"] == world).unwrap()["credentials"].clone()
}

/// What a service account sends for a token, with the claims that it makes.
pub(crate) fn grant(account: &Value, claims: &Value) -> String {
    let pem = account["private_key"].as_str().unwrap();
    let encoded: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = KeyPair::from_pkcs8(&BASE64_STANDARD.decode(encoded).unwrap()).unwrap();
    let head = json!({ "alg": "RS256", "typ": "JWT", "kid": account["private_key_id"] });
    let part = |json: &Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(&head), part(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
    format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={signed}.{signature}")
}

/// The claims of an assertion that is good now.
pub(crate) fn claims(account: &Value) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    json!({
        "iss": account["client_email"], "aud": account["token_uri"], "iat": now, "exp": now + 3_600,
        "scope": "https://www.googleapis.com/auth/cloud-platform",
    })
}

/// Asks for a token where the account says.
pub(crate) async fn token_for(simulator: &Gateway, account: &Value, form: String) -> Reply {
    let (_, path) = account["token_uri"].as_str().unwrap().split_at("http://".len());
    let (host, path) = path.split_once('/').unwrap();
    let asked = with_header(request("POST", &format!("/{path}"), None, form), "host", host);
    let asked = with_header(asked, "content-type", "application/x-www-form-urlencoded");
    simulator.send(asked).await
}

/// A token for Vertex AI in the world at the root.
pub(crate) async fn token(simulator: &Gateway) -> String {
    let account = credentials(simulator, "root").await["vertex"]["service_account"].clone();
    let reply = token_for(simulator, &account, grant(&account, &claims(&account))).await;
    reply.json()["access_token"].as_str().unwrap().to_owned()
}

/// An answer whose head has come.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    /// Without it the connection ends.
    _connection: SendRequest<Full<Bytes>>,
}

/// Sends a request over a connection of its own, and waits for no more than the head of the answer.
pub(crate) async fn open(simulator: &Gateway, request: Request<Full<Bytes>>) -> Result<Answer, hyper::Error> {
    let stream = TcpStream::connect(simulator.address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, body, _connection: sender })
}

impl Answer {
    /// What comes next of the body.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        self.body.frame().await.map(|frame| frame.unwrap().into_data().unwrap())
    }

    /// The rest of the body, and whether it came to its end.
    pub(crate) async fn rest(mut self) -> (Vec<u8>, bool) {
        let mut bytes = Vec::new();
        while let Some(frame) = self.body.frame().await {
            match frame {
                Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap()),
                Err(_) => return (bytes, false),
            }
        }
        (bytes, true)
    }
}

/// Calls of a world's journal, with what its query says.
pub(crate) async fn journal(simulator: &Gateway, world: &str, query: &str) -> Vec<Value> {
    let reply = simulator.control("GET", &format!("/worlds/{world}/journal?{query}"), None).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["calls"].as_array().unwrap().clone()
}

/// The last call in the world at the root, once all of them have ended.
pub(crate) async fn last_call(simulator: &Gateway) -> Value {
    journal(simulator, "root", "wait_ms=5000").await.last().unwrap().clone()
}

/// Arms a fault in the world at the root, for the next call alone.
pub(crate) async fn arm(simulator: &Gateway, fault: Value) {
    let rule = json!({ "fault": fault, "times": 1 });
    let reply = simulator.control("POST", "/worlds/root/faults", Some(rule)).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
}
