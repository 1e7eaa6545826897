//! Worlds see nothing of each other.

use plumbline_reference_server::Dialect;
use serde_json::{Value, json};

use crate::openai_support::error;
use crate::support::{CHAT, Gateway, MODELS, hello, refused};

struct World {
    id: String,
    base: String,
    keys: Value,
}

impl World {
    async fn make(gateway: &Gateway, body: Option<Value>) -> Self {
        let reply = gateway.control("POST", "/worlds", body).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        let made = reply.json();
        Self {
            id: made["id"].as_str().unwrap().to_owned(),
            base: made["base_path"].as_str().unwrap().to_owned(),
            keys: made["keys"].clone(),
        }
    }

    fn key(&self, role: &str) -> String {
        let keys = self.keys.as_array().unwrap();
        let key = keys.iter().find(|key| key["role"] == role).unwrap();
        key["secret"].as_str().unwrap().to_owned()
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

#[tokio::test]
async fn keys_bills_logs_and_defects_stay_in_their_world() {
    let gateway = Gateway::start();
    let one = World::make(&gateway, None).await;
    let two = World::make(&gateway, Some(json!({ "defects": ["scope-not-enforced"] }))).await;
    assert_eq!(one.base, format!("/~w/{}", one.id));

    let chat = hello("claude_3_haiku");
    assert_eq!(gateway.post(&one.path(CHAT), &one.key("chat_only"), &chat).await.status, 200);
    let unknown = refused(401, "Missing or invalid API key");
    assert_eq!(gateway.post(&two.path(CHAT), &one.key("chat_only"), &chat).await.outcome(), unknown);
    assert_eq!(gateway.post(CHAT, &one.key("chat_only"), &chat).await.outcome(), unknown);
    assert_eq!(gateway.post(&one.path(CHAT), &gateway.key("chat_only"), &chat).await.outcome(), unknown);

    let refusal = gateway.post(&one.path(CHAT), &one.key("embedding_only"), &chat).await;
    assert_eq!(refusal.outcome(), refused(401, "Not Authorized"));
    assert_eq!(gateway.post(&two.path(CHAT), &two.key("embedding_only"), &chat).await.status, 200);

    assert_eq!(gateway.ledger(&one.id).await.len(), 1);
    assert_eq!(gateway.ledger(&two.id).await.len(), 1);
    assert!(gateway.ledger("root").await.is_empty());
    let lines = gateway.control("GET", &format!("/worlds/{}/logs", one.id), None).await.json();
    assert!(lines["lines"].as_array().unwrap().iter().all(|line| line["world"] == one.id));
}

#[tokio::test]
async fn a_world_speaks_every_dialect_by_name() {
    let gateway = Gateway::start();
    let world = World::make(&gateway, None).await;
    let path = world.path(&format!("/~gsai{MODELS}"));
    assert_eq!(gateway.get(&path, Some(&world.key("chat_only"))).await.status, 200);
    let reply = gateway.get(&world.path("/api/v1/models/"), None).await;
    assert_eq!(reply.header("location"), Some(world.path(MODELS).as_str()));
    let reply = gateway.get(&world.path("/~control/worlds"), Some(&gateway.token)).await;
    assert_eq!(reply.outcome(), refused(404, "Not Found"));
}

#[tokio::test]
async fn a_deleted_world_is_gone_and_the_default_one_stays() {
    let gateway = Gateway::start();
    let world = World::make(&gateway, None).await;
    let path = format!("/worlds/{}", world.id);
    assert_eq!(gateway.control("DELETE", &path, None).await.status, 204);
    assert_eq!(gateway.control("DELETE", &path, None).await.status, 404);
    let reply = gateway.get(&world.path(MODELS), Some(&world.key("chat_only"))).await;
    assert_eq!(reply.outcome(), refused(404, "Not Found"));
    assert_eq!(gateway.control("DELETE", "/worlds/root", None).await.status, 409);
    let listed = gateway.control("GET", "/worlds", None).await.json();
    assert_eq!(listed, json!({ "worlds": [{ "id": "root", "base_path": "", "defects": [] }] }));
}

#[tokio::test]
async fn an_unknown_world_is_not_found_in_the_words_of_the_dialect() {
    let gateway = Gateway::start();
    let not_found = async |path: &str| {
        let reply = gateway.get(&format!("/~w/nowhere{path}"), Some(&gateway.key("all_scopes"))).await;
        assert_eq!(reply.status, 404, "{path}");
        reply
    };
    for path in [MODELS, "/~gsai/api/v1/models", "/~gsai/", ""] {
        assert_eq!(not_found(path).await.json(), json!({ "detail": "Not Found" }), "{path}");
    }
    let openai = not_found("/~openai/v1/models").await;
    assert_eq!(error(&openai), (404, json!("invalid_request_error"), Value::Null, json!("unknown_url")));
    assert!(openai.header("x-request-id").is_some_and(|id| id.starts_with("req_")));
    let anthropic = not_found("/~anthropic/v1/models").await;
    assert_eq!(anthropic.json()["error"], json!({ "type": "not_found_error", "message": "Not Found" }));
    assert_eq!(anthropic.json()["request_id"].as_str(), anthropic.header("request-id"));
    let gemini = not_found("/~gemini/v1beta/models").await.json();
    assert_eq!(gemini["error"]["status"], "NOT_FOUND");
}

#[tokio::test]
async fn what_the_root_speaks_tells_what_is_nowhere() {
    let gateway = Gateway::start_at_root(Dialect::Openai);
    let world = World::make(&gateway, None).await;
    for path in ["/~w/nowhere/v1/models", "/~nobody/v1/models", &world.path("/~nobody/v1/models")] {
        let (status, _, _, code) = error(&gateway.get(path, None).await);
        assert_eq!((status, code), (404, json!("unknown_url")), "{path}");
    }
    let reply = gateway.get("/~w/nowhere/v1/messages", None).await;
    assert_eq!((reply.status, &reply.json()["error"]["type"]), (404, &json!("not_found_error")));
}
