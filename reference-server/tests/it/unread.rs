//! Bodies that nobody reads: whoever sends them gets the answer all the same.

use plumbline_reference_server::Settings;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::openai_support::CHAT;
use crate::support::{self, Gateway, chunked, raw_chat};

/// More than the connection holds between the two, in bytes.
const LARGE: usize = 8 * 1024 * 1024;

async fn connect(gateway: &Gateway) -> TcpStream {
    TcpStream::connect(gateway.address).await.unwrap()
}

/// Sends all of a request before it reads anything, and gives the head and the JSON of the answer.
async fn send_whole(gateway: &Gateway, head: &str, body: &str) -> (String, Value) {
    let mut stream = connect(gateway).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn whoever_sends_all_of_a_large_body_first_reads_why_it_is_refused() {
    let gateway = Gateway::start();
    let body = "x".repeat(LARGE);
    for (method, path, status, words) in [
        ("POST", CHAT, 401, "You didn't provide an API key"),
        ("POST", "/~openai/v1/nothing", 404, "Invalid URL (POST /v1/nothing)"),
        ("PUT", CHAT, 405, "Not allowed to PUT on /v1/chat/completions"),
    ] {
        let request =
            |framing: &str| format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{framing}\r\n\r\n");
        let told = send_whole(&gateway, &request(&format!("content-length: {LARGE}")), &body).await;
        let untold = send_whole(&gateway, &request("transfer-encoding: chunked"), &chunked(&body)).await;
        for (head, answer) in [told, untold] {
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
            assert!(head.contains("\r\nconnection: close"), "{head}");
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(message.starts_with(words), "{message}");
        }
    }
}

#[tokio::test]
async fn whoever_sends_more_than_is_taken_in_reads_that_it_is_too_large() {
    let gateway = Gateway::start_with(Settings { body_limit: 1_000, ..Settings::default() });
    let length = format!("content-length: {LARGE}\r\n");
    let request = raw_chat(support::CHAT, &gateway.key("chat_only"), &length, "");
    let (head, answer) = send_whole(&gateway, &request, &"x".repeat(LARGE)).await;
    assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
    assert_eq!(answer, json!({ "detail": "Request Entity Too Large" }));
}

#[tokio::test]
async fn whoever_asks_before_it_sends_is_refused_at_once() {
    let gateway = Gateway::start();
    for length in [5, LARGE] {
        let mut stream = connect(&gateway).await;
        let head = format!(
            "POST {CHAT} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\
             content-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        // It is not asked for the body.
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        assert!(answer.contains("\r\nconnection: close"), "{answer}");
    }
}

#[tokio::test]
async fn a_short_body_may_come_after_the_answer_and_the_connection_goes_on() {
    let gateway = Gateway::start();
    let mut stream = connect(&gateway).await;
    let head = "POST /nothing HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut refused = Vec::new();
    while !refused.ends_with(b"{\"detail\":\"Not Found\"}") {
        let read = stream.read_buf(&mut refused).await.unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&refused));
    }
    assert!(!String::from_utf8_lossy(&refused).contains("connection: close"));
    let rest = "helloGET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(rest.as_bytes()).await.unwrap();
    let mut next = String::new();
    stream.read_to_string(&mut next).await.unwrap();
    assert!(next.starts_with("HTTP/1.1 200 OK\r\n"), "{next}");
}
