//! The models on Anthropic's wire.

use serde_json::{Value, json};

use crate::anthropic_support::{MODELS, call};
use crate::support::{Gateway, Reply};

async fn get(gateway: &Gateway, below: &str) -> Reply {
    let key = gateway.key("no_model_scopes");
    gateway.send(call("GET", &format!("{MODELS}{below}"), &key, "")).await
}

fn ids(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn any_valid_key_sees_the_models_of_this_wire() {
    let gateway = Gateway::start();
    let list = get(&gateway, "").await.json();
    assert_eq!(ids(&list), ["claude-sonnet-4-5", "claude-opus-4-6", "claude-haiku-4-5"]);
    assert_eq!(
        list["data"][0],
        json!({
            "type": "model",
            "id": "claude-sonnet-4-5",
            "display_name": "Claude Sonnet 4.5",
            "created_at": "2025-09-29T00:00:00Z",
            "lifecycle": "active",
            "deprecated_at": null,
            "retires_at": null,
            "max_input_tokens": 200_000,
        })
    );
    assert_eq!(
        (&list["has_more"], &list["first_id"], &list["last_id"]),
        (&json!(false), &json!("claude-sonnet-4-5"), &json!("claude-haiku-4-5"))
    );
    let one = get(&gateway, "/claude-sonnet-4-5").await;
    assert_eq!(one.outcome(), (200, list["data"][0].clone()));
    assert_eq!(get(&gateway, "/gpt-4.1").await.status, 404);
}

#[tokio::test]
async fn the_listing_comes_in_pages() {
    let gateway = Gateway::start();
    let first = get(&gateway, "?limit=1").await.json();
    assert_eq!((ids(&first), &first["has_more"]), (vec!["claude-sonnet-4-5"], &json!(true)));
    let next = get(&gateway, "?limit=1&after_id=claude-sonnet-4-5").await.json();
    assert_eq!((ids(&next), &next["has_more"]), (vec!["claude-opus-4-6"], &json!(true)));
    let last = get(&gateway, "?limit=1&after_id=claude-opus-4-6").await.json();
    assert_eq!((ids(&last), &last["has_more"]), (vec!["claude-haiku-4-5"], &json!(false)));
    let back = get(&gateway, "?before_id=claude-opus-4-6").await.json();
    assert_eq!(ids(&back), ["claude-sonnet-4-5"]);
    let empty = get(&gateway, "?after_id=claude-haiku-4-5").await.json();
    assert_eq!((&empty["data"], &empty["first_id"]), (&json!([]), &Value::Null));
    for query in ["?limit=0", "?limit=1001", "?limit=many"] {
        let reply = get(&gateway, query).await;
        assert_eq!(reply.status, 400);
        assert!(reply.json()["error"]["message"].as_str().unwrap().starts_with("limit: "), "{query}");
    }
}
