//! A world with defects, and what was found broken in it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{CHAT, Gateway, Reply};

/// A world, and the requirements that do not hold in it.
pub(super) struct World<'a> {
    pub(super) gateway: &'a Gateway,
    made: Value,
    broken: BTreeSet<&'static str>,
}

impl<'a> World<'a> {
    pub(super) async fn with(gateway: &'a Gateway, defects: &[&str]) -> Self {
        let made = gateway.control("POST", "/worlds", Some(json!({ "defects": defects }))).await.json();
        Self { gateway, made, broken: BTreeSet::new() }
    }

    /// The requirements that do not hold. What takes long to find out is looked at only where it is said to matter.
    pub(super) async fn judge(mut self, long: bool) -> BTreeSet<&'static str> {
        self.judge_models().await;
        self.judge_answers().await;
        self.judge_conversations().await;
        self.judge_access().await;
        self.judge_routing().await;
        self.judge_billing().await;
        self.judge_errors().await;
        self.judge_numbers().await;
        self.judge_fields().await;
        self.judge_roles().await;
        self.judge_content().await;
        self.judge_text().await;
        self.judge_bodies().await;
        self.judge_refusals().await;
        self.judge_provider().await;
        self.judge_behaviour().await;
        if long {
            self.judge_large_bodies().await;
        }
        self.broken
    }

    pub(super) fn check(&mut self, requirement: &'static str, holds: bool) {
        if !holds {
            self.broken.insert(requirement);
        }
    }

    /// A key that the world was made with.
    pub(super) fn key(&self, role: &str) -> &Value {
        self.made["keys"].as_array().unwrap().iter().find(|key| key["role"] == role).unwrap()
    }

    pub(super) fn secret(&self, role: &str) -> String {
        self.key(role)["secret"].as_str().unwrap().to_owned()
    }

    /// The secret of a key with both model scopes that nobody has used yet.
    pub(super) async fn fresh(&self) -> String {
        let body = Some(json!({ "role": "all_scopes" }));
        let minted = self.gateway.control("POST", &self.own("/keys"), body).await.json();
        minted["secret"].as_str().unwrap().to_owned()
    }

    pub(super) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.made["base_path"].as_str().unwrap())
    }

    /// Sends with the key; a defect may count what each key sends.
    pub(super) async fn post_as(&self, path: &str, secret: &str, body: &Value) -> Reply {
        self.gateway.post(&self.path(path), secret, body).await
    }

    /// Sends with a key of its own.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_as(path, &self.fresh().await, body).await
    }

    /// A path of the control API in this world.
    pub(super) fn own(&self, path: &str) -> String {
        format!("/worlds/{}{path}", self.made["id"].as_str().unwrap())
    }

    pub(super) async fn control(&self, path: &str) -> Value {
        self.gateway.control("GET", &self.own(path), None).await.json()
    }

    pub(super) async fn events(&self) -> Vec<Value> {
        self.control("/ledger").await["events"].as_array().unwrap().clone()
    }

    /// The text of an answer to a conversation.
    pub(super) async fn said(&self, model: &str, messages: Value) -> String {
        said(&self.post(CHAT, &json!({ "model": model, "messages": messages })).await)
    }
}

/// The text of an answer; nothing where there is no answer.
pub(super) fn said(reply: &Reply) -> String {
    reply.json()["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned()
}

/// Whether an answer tells something. That one of nothing at all does not is another requirement's.
pub(super) fn tells(said: &str, words: &str) -> bool {
    said.is_empty() || said.contains(words)
}

/// A chat of one message.
pub(super) fn chat(content: impl Into<Value>) -> Value {
    let content: Value = content.into();
    json!({ "model": "claude_3_5_sonnet", "messages": [{ "role": "user", "content": content }] })
}
