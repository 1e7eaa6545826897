//! The log, through the control API and in a file.

use std::fs;

use plumbline_reference_server::{LogSink, Settings};
use serde_json::Value;

use crate::support::{CHAT, Gateway, MODELS, hello};

#[tokio::test]
async fn a_call_leaves_three_lines_with_its_request_id() {
    let gateway = Gateway::start();
    gateway.post(CHAT, &gateway.key("chat_only"), &hello("claude_3_5_sonnet")).await;
    let event = gateway.ledger("root").await.remove(0);
    let id = event["request_id"].as_str().unwrap();
    let lines = gateway.lines(id).await;
    let names: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["Request started", "billing", "Request completed"]);
    for line in &lines {
        assert_eq!(line["request_id"], id);
        assert_eq!(line["level"], "info");
        assert_eq!(line["method"], "POST");
        assert_eq!(line["path"], CHAT);
        assert_eq!(line["client_ip"], "127.0.0.1");
        assert_eq!(line["user_agent"], "plumbline-tests");
        let timestamp = line["timestamp"].as_str().unwrap();
        assert_eq!((timestamp.len(), timestamp.ends_with('Z')), (27, true), "{timestamp}");
    }
    for member in ["model", "input_tokens", "output_tokens", "cost", "key_id", "manager_id"] {
        assert_eq!(lines[1][member], event[member], "{member}");
    }
    assert_eq!(lines[2]["status_code"], 200);
    assert!(lines[2]["duration_ms"].as_f64().unwrap() >= 0.0);
}

#[tokio::test]
async fn a_file_gets_every_line_and_neither_key_nor_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.jsonl");
    let settings = Settings { log: LogSink::File(path.clone()), ..Settings::default() };
    let gateway = Gateway::start_with(settings);
    let secret = gateway.key("chat_only");
    gateway.post(CHAT, &secret, &hello("claude_3_5_sonnet")).await;
    gateway.get(&format!("{MODELS}?key={secret}"), Some("sk-nobody")).await;
    gateway.stop().await;
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["Request started", "billing", "Request completed", "Request started", "Request completed"]
    );
    assert_eq!(lines[4]["status_code"], 401);
    assert!(!text.contains(&secret) && !text.contains("sk-nobody") && !text.contains("Hello test"));
}
