//! A gateway that is run for many tenants, the simulator behind it, and clients of it.

use std::net::SocketAddr;
use std::str::FromStr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use plumbline_reference_server::{Config, Dialect, Settings, bind};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support::{Gateway, Reply, request, with_header};
use crate::upstream_support::simulator;

pub(crate) const CHAT: &str = "/v1/chat/completions";
pub(crate) const KEYS: &str = "/api/governance/virtual-keys";

/// A gateway that speaks this dialect at its root.
pub(crate) fn settings() -> Settings {
    Settings { dialect: Dialect::Bifrost, ..Settings::default() }
}

/// A gateway with these settings.
pub(crate) fn started(settings: Settings) -> Gateway {
    Gateway::of(bind(settings).map_err(|error| error.to_string()).unwrap())
}

/// A simulator, and a gateway that asks it.
pub(crate) fn simulated() -> (Gateway, Gateway) {
    let simulator = simulator();
    let gateway = asking(&simulator);
    (simulator, gateway)
}

/// A gateway that asks a simulator as OpenAI and as Anthropic. Chance begins at the same place in each.
pub(crate) fn asking(simulator: &Gateway) -> Gateway {
    asking_with(simulator, settings())
}

/// The same with these settings.
pub(crate) fn asking_with(simulator: &Gateway, settings: Settings) -> Gateway {
    let address = simulator.address;
    let config = format!(
        "providers:\n  openai: {{ kind: openai, url: \"http://{address}/openai/v1\", key: {{ env: OPENAI }} }}\n  \
         anthropic: {{ kind: anthropic, url: \"http://{address}/anthropic\", key: {{ env: ANTHROPIC }} }}\n\
         seed: 1\n"
    );
    let read = Config::read(&config, &|name| {
        Some(if name == "OPENAI" { "sk-upstream-openai" } else { "sk-ant-upstream" }.to_owned())
    });
    started(Settings { config: read.unwrap(), ..settings })
}

/// Makes a virtual key: its id and its value.
pub(crate) async fn make_key(gateway: &Gateway, key: &Value) -> (String, String) {
    let reply = api(gateway, "POST", KEYS, key).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let made = reply.json();
    let text = |member: &str| made["virtual_key"][member].as_str().unwrap().to_owned();
    (text("id"), text("value"))
}

/// Calls the management API.
pub(crate) async fn api(gateway: &Gateway, method: &str, path: &str, body: &Value) -> Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    gateway.send(request(method, path, None, body)).await
}

/// A virtual key as it is told.
pub(crate) async fn key(gateway: &Gateway, id: &str) -> Value {
    let reply = api(gateway, "GET", &format!("{KEYS}/{id}"), &Value::Null).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["virtual_key"].clone()
}

/// What a key is billed: the cost of each event.
pub(crate) async fn billed(gateway: &Gateway, id: &str) -> Vec<Decimal> {
    let path = format!("/worlds/root/ledger?key_id={id}&limit=10000");
    let page = gateway.control("GET", &path, None).await.json();
    page["events"].as_array().unwrap().iter().map(|event| dollars(&event["cost"])).collect()
}

/// An amount, whether it is told as a number or as a text.
pub(crate) fn dollars(value: &Value) -> Decimal {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text)).unwrap()
}

/// The members of a chat.
pub(crate) fn chat(model: &str, text: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": text }], "max_tokens": 1 })
}

/// A chat with a virtual key.
pub(crate) fn asked(key: &str, body: &Value) -> Request<Full<Bytes>> {
    with_header(request("POST", CHAT, None, body.to_string()), "x-bf-vk", key)
}

/// A connection that is kept.
pub(crate) struct Client(SendRequest<Full<Bytes>>);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Reply {
        self.0.ready().await.unwrap();
        let (head, body) = self.0.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply { status: head.status.as_u16(), headers: head.headers, body }
    }
}
