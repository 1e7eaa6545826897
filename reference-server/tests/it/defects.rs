//! Each defect breaks the requirements that it lists and no others.
//!
//! One small check a requirement, all of them run in a world of their own for every defect.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use plumbline_reference_server::catalogue;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::{CHAT, EMBEDDINGS, Gateway, MODELS, Reply, hello, request, with_header};

const APPLE: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/images/red-apple.jpg"));

struct World<'a> {
    gateway: &'a Gateway,
    made: Value,
    broken: BTreeSet<&'static str>,
}

impl<'a> World<'a> {
    async fn with(gateway: &'a Gateway, defects: &[&str]) -> Self {
        let made = gateway.control("POST", "/worlds", Some(json!({ "defects": defects }))).await.json();
        Self { gateway, made, broken: BTreeSet::new() }
    }

    fn check(&mut self, requirement: &'static str, holds: bool) {
        if !holds {
            self.broken.insert(requirement);
        }
    }

    fn key(&self, role: &str) -> &Value {
        self.made["keys"].as_array().unwrap().iter().find(|key| key["role"] == role).unwrap()
    }

    fn secret(&self, role: &str) -> String {
        self.key(role)["secret"].as_str().unwrap().to_owned()
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.made["base_path"].as_str().unwrap())
    }

    async fn post(&self, path: &str, secret: &str, body: &Value) -> Reply {
        self.gateway.post(&self.path(path), secret, body).await
    }

    async fn control(&self, path: &str) -> Value {
        let path = format!("/worlds/{}{path}", self.made["id"].as_str().unwrap());
        self.gateway.control("GET", &path, None).await.json()
    }

    async fn events(&self) -> Vec<Value> {
        self.control("/ledger").await["events"].as_array().unwrap().clone()
    }

    /// The text of an answer to a conversation.
    async fn said(&self, model: &str, messages: Value) -> String {
        let body = json!({ "model": model, "messages": messages });
        let reply = self.post(CHAT, &self.secret("chat_only"), &body).await.json();
        reply["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned()
    }

    async fn judge(mut self) -> BTreeSet<&'static str> {
        self.judge_models().await;
        self.judge_answers().await;
        self.judge_conversations().await;
        self.judge_access().await;
        self.judge_routing().await;
        self.judge_billing().await;
        self.judge_errors().await;
        self.broken
    }

    async fn judge_models(&mut self) {
        let reply = self.gateway.get(&self.path(MODELS), Some(&self.secret("all_scopes"))).await.json();
        let items = reply.as_array().or_else(|| reply["data"].as_array()).unwrap();
        let lists = |capability: &str| items.iter().any(|item| item["capability"] == capability);
        let shaped = items.iter().all(|item| item["name"].is_string() && item["id"].is_string());
        let (is_array, chat, embedding) = (reply.is_array(), lists("chat"), lists("embedding"));
        self.check("models.array", is_array);
        self.check("models.item-shape", shaped);
        self.check("models.lists-chat", chat);
        self.check("models.lists-embedding", embedding);
        let listed = self.gateway.get(&self.path(MODELS), Some(&self.secret("no_model_scopes"))).await;
        self.check("models.any-valid-key", listed.status == 200);
    }

    async fn judge_answers(&mut self) {
        let all = self.secret("all_scopes");
        let chat = self.post(CHAT, &all, &hello("gemini-2.0-flash")).await.json();
        self.check("chat.shape", chat["usage"].is_object());
        self.check("chat.model-echoed", chat["model"] == "gemini-2.0-flash");
        self.check("chat.content-present", chat["choices"][0]["message"]["content"] != "");
        let tokens = |name: &str| chat["usage"][name].as_u64().unwrap_or(0);
        let adds_up = tokens("total_tokens") == tokens("prompt_tokens") + tokens("completion_tokens");
        self.check("chat.usage-adds-up", adds_up);
        let body = json!({ "model": "text-embedding-005", "input": "Hello" });
        let embedding = self.post(EMBEDDINGS, &all, &body).await.json();
        self.check("embeddings.shape", embedding["usage"].is_object());
        self.check("embeddings.model-echoed", embedding["model"] == "text-embedding-005");
        self.check("embeddings.vector-present", embedding["data"][0]["embedding"].is_array());
        let body = json!({ "model": "claude_3_haiku", "input": "Hello" });
        let refused = self.post(EMBEDDINGS, &all, &body).await;
        self.check("capability.chat-model-cannot-embed", refused.status == 422);
        let refused = self.post(CHAT, &all, &hello("cohere_english_v3")).await;
        self.check("capability.embedding-model-cannot-chat", refused.status == 422);
    }

    async fn judge_conversations(&mut self) {
        // An answer of nothing at all is another requirement's.
        let tells = |said: &str, word: &str| said.is_empty() || said.contains(word);
        let model = "claude_3_5_sonnet";
        let history = json!([
            { "role": "user", "content": "Hello, my name is Alex." },
            { "role": "assistant", "content": "Hello!" },
            { "role": "user", "content": "Remind me, what is my name?" },
        ]);
        let said = self.said(model, history).await;
        self.check("conversation.history-kept", tells(&said, "Alex"));
        let persona = json!([
            { "role": "system", "content": "You end every sentence with 'meow'." },
            { "role": "user", "content": "Do you like dogs?" },
        ]);
        let said = self.said(model, persona).await;
        self.check("conversation.system-prompt-kept", tells(&said, "meow"));
        let url = format!("data:image/jpeg;base64,{}", BASE64_STANDARD.encode(APPLE));
        let shown = json!({ "role": "user", "content": [
            { "type": "text", "text": "Describe this fruit." },
            { "type": "image_url", "image_url": { "url": url } },
        ] });
        let said = self.said(model, json!([shown])).await;
        self.check("conversation.image-seen", tells(&said, "apple"));
        let follow_up = json!([
            shown,
            { "role": "assistant", "content": "I see." },
            { "role": "user", "content": "What color did you say it was?" },
        ]);
        let said = self.said(model, follow_up).await;
        self.check("conversation.image-recalled", tells(&said, "red"));
    }

    async fn judge_access(&mut self) {
        let status = async |authorization: Option<&str>| {
            let bare = request("POST", &self.path(CHAT), None, hello("claude_3_haiku").to_string());
            let request = match authorization {
                Some(value) => with_header(bare, "authorization", value),
                None => bare,
            };
            self.gateway.send(request).await.status
        };
        let bearer = |role: &str| format!("Bearer {}", self.secret(role));
        let missing = status(None).await;
        let malformed = status(Some("Basic c2s6c2s=")).await;
        let unknown = status(Some("Bearer sk-nobody")).await;
        let inactive = status(Some(&bearer("inactive"))).await;
        let expired = status(Some(&bearer("expired"))).await;
        let without_scope = status(Some(&bearer("embedding_only"))).await;
        let revoked = {
            let body = Some(json!({ "role": "chat_only" }));
            let keys = format!("/worlds/{}/keys", self.made["id"].as_str().unwrap());
            let minted = self.gateway.control("POST", &keys, body).await.json();
            let one = format!("{keys}/{}", minted["id"].as_str().unwrap());
            self.gateway.control("PATCH", &one, Some(json!({ "active": false }))).await;
            status(Some(&format!("Bearer {}", minted["secret"].as_str().unwrap()))).await
        };
        let body = json!({ "model": "cohere_english_v3", "input": "Hello" });
        let embeds = self.post(EMBEDDINGS, &self.secret("chat_only"), &body).await.status;
        self.check("auth.missing-refused", missing == 403);
        self.check("auth.malformed-refused", malformed == 403);
        self.check("auth.unknown-refused", unknown == 401);
        self.check("auth.inactive-refused", inactive == 401);
        self.check("auth.revoked-refused", revoked == 401);
        self.check("auth.expired-refused", expired == 401);
        self.check("scope.chat-needs-inference", without_scope == 401);
        self.check("scope.embeddings-need-embedding", embeds == 401);
    }

    async fn judge_routing(&mut self) {
        let asked = json!([{ "role": "user", "content": "Which provider are you?" }]);
        let said = self.said("gemini-2.0-flash", asked).await;
        self.check("routing.chat-by-model", said.is_empty() || said.contains("Vertex AI"));
        let body = json!({ "model": "text-embedding-005", "input": "Hello" });
        let reply = self.post(EMBEDDINGS, &self.secret("all_scopes"), &body).await.json();
        let length = reply["data"][0]["embedding"].as_array().map(Vec::len);
        self.check("routing.embeddings-by-model", length.is_none_or(|length| length == 768));
    }

    async fn judge_billing(&mut self) {
        let before = self.events().await.len();
        let answer = self.post(CHAT, &self.secret("chat_only"), &hello("claude_3_5_sonnet")).await.json();
        let events = self.events().await.split_off(before);
        self.check("billing.event-per-success", events.len() == 1);
        if let Some(event) = events.first() {
            let usage = &answer["usage"];
            let counted = usage.is_null() || event["output_tokens"] == usage["completion_tokens"];
            let counted = counted && (usage.is_null() || event["input_tokens"] == usage["prompt_tokens"]);
            let own_key = event["key_id"] == self.key("chat_only")["id"];
            let tokens = |name: &str| Decimal::from(event[name].as_u64().unwrap());
            let wanted =
                tokens("input_tokens") * Decimal::from(3) + tokens("output_tokens") * Decimal::from(15);
            let cost: Decimal = event["cost"].as_str().unwrap().parse().unwrap();
            let difference = (cost * Decimal::from(1_000_000) - wanted).abs();
            self.check("billing.usage-matches", counted);
            self.check("billing.model-matches", event["model"] == "claude_3_5_sonnet");
            self.check("billing.key-matches", own_key);
            // A token miscounted is another requirement's; a dollar is not.
            self.check("billing.cost-matches", difference < Decimal::from(100));
        }
        let before = self.events().await.len();
        self.post(CHAT, &self.secret("chat_only"), &hello("no-such")).await;
        let after = self.events().await.len();
        self.check("billing.no-event-on-failure", after == before);
        let key = self.control(&format!("/keys/{}", self.key("chat_only")["id"].as_str().unwrap())).await;
        self.check("keys.last-used-moves", key["last_used_at"].is_string());
    }

    async fn judge_errors(&mut self) {
        let secret = self.secret("chat_only");
        let body = hello("claude_3_haiku").to_string();
        let broken = request("POST", &self.path(CHAT), Some(&secret), body);
        let reply =
            self.gateway.send(with_header(broken, "x-plumbline-fault", "malformed-body")).await.json();
        self.check("errors.request-id-on-500", reply["request_id"].is_string());
        let lines = self.control("/logs").await["lines"].as_array().unwrap().clone();
        let failed = lines.iter().find(|line| line["event"] == "Request failed").unwrap();
        self.check("errors.request-id-logged", failed["request_id"].is_string());
    }
}

#[tokio::test]
async fn a_sound_gateway_breaks_nothing() {
    let gateway = Gateway::start();
    assert_eq!(World::with(&gateway, &[]).await.judge().await, BTreeSet::new());
}

#[tokio::test]
async fn each_defect_breaks_what_it_lists_and_nothing_else() {
    let gateway = Gateway::start();
    let mut surprises = String::new();
    for info in catalogue() {
        let broken = World::with(&gateway, &[info.id]).await.judge().await;
        let listed: BTreeSet<_> = info.breaks.iter().copied().collect();
        if broken != listed {
            writeln!(surprises, "{} breaks {broken:?} and lists {listed:?}", info.id).unwrap();
        }
    }
    assert!(surprises.is_empty(), "{surprises}");
}
