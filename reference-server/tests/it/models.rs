//! The model listing and health.

use serde_json::json;

use crate::support::{Gateway, MODELS};

#[tokio::test]
async fn the_listing_is_a_bare_array_in_the_observed_order() {
    let gateway = Gateway::start();
    let reply = gateway.get(MODELS, Some(&gateway.key("no_model_scopes"))).await;
    assert_eq!(reply.status, 200);
    let list = reply.json();
    let items = list.as_array().unwrap();
    assert_eq!(items.len(), 9);
    for item in items {
        let members: Vec<_> = item.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["name", "id", "capability"]);
    }
    assert_eq!(items[0]["id"], "claude_3_5_sonnet");
    assert_eq!(
        items[4],
        json!({ "name": "Cohere English Ebmeddings", "id": "cohere_english_v3", "capability": "embedding" })
    );
    assert_eq!(items[8]["id"], "text-embedding-005");
}

#[tokio::test]
async fn health_needs_no_key() {
    let gateway = Gateway::start();
    for path in ["/", "/health", "/~gsai/health", "/~gsai", "/~w/root/health"] {
        assert_eq!(gateway.get(path, None).await.outcome(), (200, json!({ "status": true })), "{path}");
    }
}
