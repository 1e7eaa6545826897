//! `plumbline upstream` in a second process.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::plumbline;

/// The status of the answer to a request on a connection of its own.
fn post(address: &str, path: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer sk-upstream-openai\r\n\
         content-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn it_says_how_to_get_at_the_providers_writes_calls_down_and_stops_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("made/for/it/calls.jsonl");
    let mut child = plumbline()
        .args(["upstream", "--listen", "127.0.0.1:0", "--control-token", "test-upstream", "--journal"])
        .arg(&journal)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut lines = Vec::new();
    while !lines.last().is_some_and(|line: &String| line.trim().starts_with("service_account")) {
        let mut line = String::new();
        assert!(out.read_line(&mut line).unwrap() > 0, "{lines:?}");
        lines.push(line.trim_end().to_owned());
    }
    let address = lines[0].strip_prefix("listening on http://").unwrap().to_owned();
    assert_eq!(lines[1], "control token test-upstream");
    for line in [
        format!("openai  http://{address}/openai"),
        "  key  sk-upstream-openai".to_owned(),
        format!("bedrock  http://{address}/bedrock"),
        "  access_key_id  AKIAPLUMBLINEUPSTREAM".to_owned(),
        format!("vertex  http://{address}/vertex"),
    ] {
        assert!(lines.contains(&line), "{line}: {lines:?}");
    }
    let account = lines.last().unwrap().trim().strip_prefix("service_account  ").unwrap();
    let account: Value = serde_json::from_str(account).unwrap();
    assert_eq!(account["token_uri"], format!("http://{address}/google/token"));

    let body = r#"{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"Hi"}]}"#;
    assert_eq!(post(&address, "/openai/v1/chat/completions", body), 200);
    let stopped = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!((child.wait().unwrap().code(), told.as_str()), (Some(0), "stopped\n"));
    let written = fs::read_to_string(&journal).unwrap();
    let call: Value = serde_json::from_str(written.trim()).unwrap();
    assert_eq!(call["provider"], "openai");
    assert_eq!(call["outcome"], "whole");
}
