//! State that outlives the process.

use std::path::Path;

use plumbline_reference_server::{Settings, StartError, bind};
use serde_json::json;

use crate::support::{CHAT, Gateway, hello, refused};

fn kept(path: &Path) -> Settings {
    Settings { state: Some(path.to_owned()), durable: true, ..Settings::default() }
}

#[tokio::test]
async fn keys_and_ledger_survive_and_the_ledger_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let (revoked, before) = {
        let gateway = Gateway::start_with(kept(&path));
        let all = gateway.key("all_scopes");
        for _ in 0..3 {
            assert_eq!(gateway.post(CHAT, &all, &hello("claude_3_haiku")).await.status, 200);
        }
        let id = gateway.key_id("chat_only").await;
        let key = format!("/worlds/root/keys/{id}");
        gateway.control("PATCH", &key, Some(json!({ "active": false }))).await;
        let before = gateway.ledger("root").await;
        gateway.stop().await;
        (id, before)
    };
    let gateway = Gateway::start_with(kept(&path));
    assert_eq!(gateway.ledger("root").await, before);
    assert_eq!(gateway.key_id("chat_only").await, revoked);
    let reply = gateway.post(CHAT, &gateway.key("chat_only"), &hello("claude_3_haiku")).await;
    assert_eq!(reply.outcome(), refused(401, "Missing or invalid API key"));
    gateway.post(CHAT, &gateway.key("all_scopes"), &hello("claude_3_haiku")).await;
    let after = gateway.ledger("root").await;
    assert_eq!((after.len(), &after[3]["seq"]), (4, &json!(4)));
    let used = gateway.control("GET", "/worlds/root/keys", None).await.json();
    assert!(used["keys"][0]["last_used_at"].is_string());
}

#[tokio::test]
async fn other_worlds_end_with_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let gateway = Gateway::start_with(kept(&path));
    let world = gateway.control("POST", "/worlds", None).await.json();
    let secret = world["keys"][0]["secret"].as_str().unwrap();
    let chat = format!("{}{CHAT}", world["base_path"].as_str().unwrap());
    assert_eq!(gateway.post(&chat, secret, &hello("claude_3_haiku")).await.status, 200);
    gateway.stop().await;
    let gateway = Gateway::start_with(kept(&path));
    assert_eq!(gateway.post(&chat, secret, &hello("claude_3_haiku")).await.status, 404);
    assert!(gateway.ledger("root").await.is_empty());
}

#[test]
fn what_cannot_be_started_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let notes = folder.path().join("notes.txt");
    std::fs::write(&notes, "not a database, however long one looks at it ".repeat(50)).unwrap();
    let error = bind(kept(&notes)).err().unwrap();
    assert!(matches!(error, StartError::State(_)));
    assert!(error.to_string().contains("it is not a SQLite database"), "{error}");

    let taken = bind(Settings::default()).ok().unwrap();
    let error = bind(Settings { listen: taken.address(), ..Settings::default() }).err().unwrap();
    assert!(matches!(error, StartError::Listen { .. }), "{error}");
    assert!(error.to_string().contains(&taken.address().to_string()), "{error}");
}
