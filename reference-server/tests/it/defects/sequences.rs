//! What the sequences ask for.

use rust_decimal::Decimal;
use serde_json::json;

use super::world::{World, tells};
use crate::support::{CHAT, EMBEDDINGS, MODELS, hello, image, request, with_header};

pub(super) const APPLE: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/images/red-apple.jpg"));

impl World<'_> {
    pub(super) async fn judge_models(&mut self) {
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

    pub(super) async fn judge_answers(&mut self) {
        let chat = self.post(CHAT, &hello("gemini-2.0-flash")).await.json();
        self.check("chat.shape", chat["usage"].is_object());
        self.check("chat.model-echoed", chat["model"] == "gemini-2.0-flash");
        self.check("chat.content-present", chat["choices"][0]["message"]["content"] != "");
        let tokens = |name: &str| chat["usage"][name].as_u64().unwrap_or(0);
        let adds_up = tokens("total_tokens") == tokens("prompt_tokens") + tokens("completion_tokens");
        self.check("chat.usage-adds-up", adds_up);
        let body = json!({ "model": "text-embedding-005", "input": "Hello" });
        let embedding = self.post(EMBEDDINGS, &body).await.json();
        self.check("embeddings.shape", embedding["usage"].is_object());
        self.check("embeddings.model-echoed", embedding["model"] == "text-embedding-005");
        self.check("embeddings.vector-present", embedding["data"][0]["embedding"].is_array());
        let body = json!({ "model": "claude_3_haiku", "input": "Hello" });
        let refused = self.post(EMBEDDINGS, &body).await;
        self.check("capability.chat-model-cannot-embed", refused.status == 422);
        let refused = self.post(CHAT, &hello("cohere_english_v3")).await;
        self.check("capability.embedding-model-cannot-chat", refused.status == 422);
    }

    pub(super) async fn judge_conversations(&mut self) {
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
        let shown = json!({ "role": "user", "content": [
            { "type": "text", "text": "Describe this fruit." },
            image("image/jpeg", APPLE),
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

    pub(super) async fn judge_access(&mut self) {
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
            let keys = self.own("/keys");
            let minted = self.gateway.control("POST", &keys, body).await.json();
            let one = format!("{keys}/{}", minted["id"].as_str().unwrap());
            self.gateway.control("PATCH", &one, Some(json!({ "active": false }))).await;
            status(Some(&format!("Bearer {}", minted["secret"].as_str().unwrap()))).await
        };
        let body = json!({ "model": "cohere_english_v3", "input": "Hello" });
        let embeds = self.post_as(EMBEDDINGS, &self.secret("chat_only"), &body).await.status;
        self.check("auth.missing-refused", missing == 403);
        self.check("auth.malformed-refused", malformed == 403);
        self.check("auth.unknown-refused", unknown == 401);
        self.check("auth.inactive-refused", inactive == 401);
        self.check("auth.revoked-refused", revoked == 401);
        self.check("auth.expired-refused", expired == 401);
        self.check("scope.chat-needs-inference", without_scope == 401);
        self.check("scope.embeddings-need-embedding", embeds == 401);
    }

    pub(super) async fn judge_routing(&mut self) {
        let asked = json!([{ "role": "user", "content": "Which provider are you?" }]);
        let said = self.said("gemini-2.0-flash", asked).await;
        self.check("routing.chat-by-model", said.is_empty() || said.contains("Vertex AI"));
        let body = json!({ "model": "text-embedding-005", "input": "Hello" });
        let reply = self.post(EMBEDDINGS, &body).await.json();
        let length = reply["data"][0]["embedding"].as_array().map(Vec::len);
        self.check("routing.embeddings-by-model", length.is_none_or(|length| length == 768));
    }

    pub(super) async fn judge_billing(&mut self) {
        let secret = self.secret("chat_only");
        let before = self.events().await.len();
        let answer = self.post_as(CHAT, &secret, &hello("claude_3_5_sonnet")).await.json();
        let first = self.events().await.get(before).cloned();
        for _ in 0..2 {
            self.post_as(CHAT, &secret, &hello("claude_3_5_sonnet")).await;
        }
        let billed = self.events().await.len() - before;
        self.check("billing.event-per-success", billed == 3);
        if let Some(event) = first {
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
        self.post_as(CHAT, &secret, &json!({})).await;
        let after = self.events().await.len();
        self.check("billing.no-event-on-failure", after == before);
        let key = self.control(&format!("/keys/{}", self.key("chat_only")["id"].as_str().unwrap())).await;
        self.check("keys.last-used-moves", key["last_used_at"].is_string());
    }

    pub(super) async fn judge_errors(&mut self) {
        let reply = self.failing("unmapped-error").await.json();
        self.check("errors.request-id-on-500", reply["request_id"].is_string());
        let lines = self.control("/logs").await["lines"].as_array().unwrap().clone();
        let failed = lines.iter().find(|line| line["event"] == "Request failed").unwrap();
        self.check("errors.request-id-logged", failed["request_id"].is_string());
    }
}
