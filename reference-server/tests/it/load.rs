//! Many streams at once.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::SocketAddr;

use bytes::Bytes;
use futures::future::join_all;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::openai_support::{CHAT, ask, events, say};
use crate::support::{Gateway, Reply, request};

/// How many streams there are, where the system lets a process have so many connections.
const STREAMS: usize = 1_000;
/// What a process may have open where it cannot be looked up: the least that a usual system gives.
const USUAL_DESCRIPTORS: usize = 256;

type Connection = SendRequest<Full<Bytes>>;

/// How many streams fit into this process, which holds both ends of each connection: as many as take half of what it
/// may have open, for other tests run beside this one. A thousand need 4,000 descriptors; nothing is raised for them.
fn streams() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let descriptors = match line.and_then(|line| line.split_whitespace().next()) {
        None => USUAL_DESCRIPTORS,
        Some("unlimited") => usize::MAX,
        Some(number) => number.parse().unwrap(),
    };
    STREAMS.min(descriptors / 4)
}

/// What these give, each on a task of its own, in their order.
async fn all<T: Send + 'static>(
    work: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = work.map(tokio::spawn).collect();
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

/// A text that no other stream has, and in which no word stands twice.
fn question(number: usize) -> String {
    let words: Vec<_> = (0..30).map(|place| format!("{number}.{place}")).collect();
    format!("Stream {number} says {} and no more", words.join(" "))
}

async fn connect(address: SocketAddr) -> Connection {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Asks, and waits for the head of the answer only.
async fn begin(mut connection: Connection, key: String, number: usize) -> (Connection, Response<Incoming>) {
    let asked = json!({ "stream": true, "stream_options": { "include_usage": true } });
    let body = say(&question(number), &asked).to_string();
    let response = connection.send_request(request("POST", CHAT, Some(&key), body)).await.unwrap();
    (connection, response)
}

async fn read((_connection, response): (Connection, Response<Incoming>)) -> Reply {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Reply { status: head.status.as_u16(), headers: head.headers, body }
}

/// The id of a stream, the text that it tells and what that cost, after a look at its form.
fn told(reply: &Reply) -> (String, String, Value) {
    let (chunks, done) = events(reply);
    assert!(done, "{}", reply.text());
    assert!(chunks.iter().all(|chunk| chunk["id"] == chunks[0]["id"]), "{chunks:?}");
    let [role, deltas @ .., finish, usage] = &chunks[..] else { panic!("{chunks:?}") };
    assert_eq!(role["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert_eq!(usage["choices"], json!([]));
    assert!(deltas.len() > 30, "{chunks:?}");
    let text = deltas.iter().map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().unwrap()).collect();
    (role["id"].as_str().unwrap().to_owned(), text, usage["usage"].clone())
}

/// The tokens that each request is billed for, by its id without hyphens.
async fn billed(gateway: &Gateway) -> HashMap<String, (Value, Value)> {
    let limit = 2 * STREAMS;
    let reply = gateway.control("GET", &format!("/worlds/root/ledger?limit={limit}"), None).await.json();
    let events = reply["events"].as_array().unwrap();
    let billed: HashMap<_, _> = events
        .iter()
        .map(|event| {
            let id = event["request_id"].as_str().unwrap().replace('-', "");
            (id, (event["input_tokens"].clone(), event["output_tokens"].clone()))
        })
        .collect();
    assert_eq!(billed.len(), events.len(), "a request is billed twice");
    billed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_streams_at_once_keep_apart_and_are_billed_once_each() {
    let gateway = Gateway::start();
    let (streams, key) = (streams(), gateway.key("all_scopes"));
    // All connections stand before the first question, and all answers have begun before the first one is read.
    let connections = all((0..streams).map(|_| connect(gateway.address))).await;
    let asked = connections.into_iter().zip(0..);
    let begun = all(asked.map(|(connection, number)| begin(connection, key.clone(), number))).await;
    let replies = all(begun.into_iter().map(read)).await;

    let billed = billed(&gateway).await;
    assert_eq!((replies.len(), billed.len()), (streams, streams));
    let mut ids = HashSet::new();
    for (number, reply) in replies.iter().enumerate() {
        let (id, text, usage) = told(reply);
        assert!(ids.insert(id), "stream {number} has the id of another");
        let whole = ask(&gateway, CHAT, &say(&question(number), &json!({}))).await.json();
        assert_eq!(text, whole["choices"][0]["message"]["content"]);
        assert!(text.contains(&question(number)), "{text}");
        assert_eq!(usage, whole["usage"]);
        let request_id = reply.header("x-request-id").and_then(|id| id.strip_prefix("req_")).unwrap();
        let tokens = (usage["prompt_tokens"].clone(), usage["completion_tokens"].clone());
        assert_eq!(billed.get(request_id), Some(&tokens), "stream {number}");
    }
}
