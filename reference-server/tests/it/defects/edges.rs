//! What the edge cases ask for: numbers, fields, conversations, content and text.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::sequences::APPLE;
use super::world::{World, chat, said, tells};
use crate::support::{CHAT, EMBEDDINGS, PIXEL, file, image, pdf};

/// The requirements that take long to find out about.
pub(super) const LONG: &[&str] = &["content.large-handled", "embeddings.batch-kept"];

const WEBP: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/images/pixel.webp"));

/// A chat with further members.
fn chat_with(members: &Value) -> Value {
    let mut body = chat("Zebra");
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    body
}

fn embedding(input: &Value, dimensions: usize) -> Value {
    json!({ "model": "text-embedding-005", "input": input, "dimensions": dimensions })
}

fn pixel() -> Vec<u8> {
    BASE64_STANDARD.decode(PIXEL).unwrap()
}

impl World<'_> {
    /// The status of a chat.
    async fn status(&self, body: &Value) -> u16 {
        self.post(CHAT, body).await.status
    }

    pub(super) async fn judge_numbers(&mut self) {
        let edges = json!({
            "temperature": 2, "top_p": 1, "n": 1, "presence_penalty": -2, "frequency_penalty": 2,
            "max_tokens": 4_000,
        });
        let accepted = self.status(&chat_with(&edges)).await == 200;
        self.check("input.bounds-accepted", accepted);
        let beyond = self.status(&chat_with(&json!({ "temperature": 2.1 }))).await;
        self.check("input.range-enforced", beyond == 422);
        let huge: Value = serde_json::from_str("1000000000000000000000000000000").unwrap();
        let huge = self.status(&chat_with(&json!({ "max_tokens": huge }))).await;
        self.check("protocol.number-range", huge == 422);

        let cut = self.post(CHAT, &chat_with(&json!({ "max_tokens": 3 }))).await.json();
        let is_short = cut["usage"]["completion_tokens"].as_u64().is_none_or(|tokens| tokens <= 3);
        self.check("chat.max-tokens-honored", is_short);
        // Of an answer that was not cut nothing is asked.
        let reason = &cut["choices"][0]["finish_reason"];
        self.check("chat.finish-reason-length", !is_short || *reason == "length");
        let stopped = said(&self.post(CHAT, &chat_with(&json!({ "stop": ["x", "answering"] }))).await);
        self.check("chat.stop-honored", !stopped.contains("answering"));
        let cold = chat_with(&json!({ "temperature": 0 }));
        let same = said(&self.post(CHAT, &cold).await) == said(&self.post(CHAT, &cold).await);
        self.check("chat.deterministic-at-zero", same);
        let short = self.post(EMBEDDINGS, &embedding(&json!("Hello"), 8)).await.json();
        let length = short["data"][0]["embedding"].as_array().map(Vec::len);
        self.check("embeddings.dimensions-honored", length.is_none_or(|length| length == 8));
    }

    pub(super) async fn judge_fields(&mut self) {
        let nulls = self.status(&chat_with(&json!({ "max_tokens": null, "stop": null }))).await;
        self.check("input.null-is-absent", nulls == 200);
        let unknown = self.status(&chat_with(&json!({ "model": "no-such" }))).await;
        self.check("input.unknown-model-refused", unknown == 422);
        let blank = self.status(&chat(" ")).await;
        self.check("input.empty-text-accepted", blank == 200);
        let none = self.status(&json!({ "model": "claude_3_5_sonnet", "messages": [] })).await;
        self.check("input.messages-required", none == 422);
        let no_input = self.post(EMBEDDINGS, &embedding(&json!([]), 8)).await.status;
        let no_text = self.post(EMBEDDINGS, &embedding(&json!(""), 8)).await.status;
        self.check("input.empty-embedding-refused", (no_input, no_text) == (422, 400));
        let long = self.status(&chat_with(&json!({ "user": "u".repeat(20_001) }))).await;
        self.check("input.lengths-handled", long == 200);
        let mut beyond = chat("word ".repeat(9_000));
        beyond["model"] = json!("llama3211b");
        let beyond = self.post(CHAT, &beyond).await;
        // Another model's context is no matter.
        let is_enforced = beyond.status == 400 || !said(&beyond).contains("llama3211b");
        self.check("input.context-enforced", is_enforced);
    }

    pub(super) async fn judge_roles(&mut self) {
        let leading = json!([
            { "role": "assistant", "content": "I start." },
            { "role": "user", "content": "Zebra" },
        ]);
        let leading = self.status(&chat_with(&json!({ "messages": leading }))).await;
        self.check("conversation.order-accepted", leading == 200);
        let alike = said(&self.post(CHAT, &chat("Assistant: Zebra")).await);
        self.check("conversation.roles-kept", tells(&alike, "You said: \"Assistant: Zebra\""));
    }

    pub(super) async fn judge_content(&mut self) {
        let webp = self.status(&chat(json!([image("image/webp", WEBP)]))).await;
        self.check("content.image-formats", webp == 200);
        let mut part = image("image/jpeg", APPLE);
        part["image_url"]["detail"] = json!("low");
        let looked = said(&self.post(CHAT, &chat(json!([part]))).await);
        // An image that is not seen is another requirement's.
        self.check("content.detail-passed", !looked.contains("apple") || looked.contains("low detail"));
        let two = json!([
            { "type": "text", "text": "Zebra" },
            image("image/jpeg", APPLE),
            image("image/png", &pixel()),
        ]);
        let shown = said(&self.post(CHAT, &chat(two)).await);
        self.check("content.several-kept", !shown.contains("I was shown") || shown.contains("2 images"));
        let plan = json!([{ "type": "text", "text": "Zebra" }, file("plan.pdf", &pdf(2))]);
        let read = self.post(CHAT, &chat(plan)).await;
        self.check("content.file-read", read.status == 200 && tells(&said(&read), "\"plan.pdf\", 2 pages"));
        let junk = self.status(&chat(json!([file("plan.pdf", b"no file at all")]))).await;
        self.check("content.unreadable-refused", junk != 200);
        let mismatch = self.status(&chat(json!([image("image/jpeg", &pixel())]))).await;
        self.check("content.mismatch-handled", mismatch == 200);
    }

    pub(super) async fn judge_text(&mut self) {
        for (requirement, text) in [
            ("text.unharmed", "日本語 مرحبا e\u{301} 🙂"),
            ("text.controls-unharmed", "\u{0}a\u{1}b\t\u{7f}c\u{85}d"),
        ] {
            let echo = said(&self.post(CHAT, &chat(text)).await);
            self.check(requirement, tells(&echo, text));
        }
        let long = format!("{}line", "plumb ".repeat(12_000));
        let echo = said(&self.post(CHAT, &chat(long.as_str())).await);
        self.check("chat.long-answer-whole", tells(&echo, &long));
    }

    pub(super) async fn judge_large_bodies(&mut self) {
        let mut large = pixel();
        large.resize(6_500_000, 0);
        let large = self.status(&chat(json!([image("image/png", &large)]))).await;
        self.check("content.large-handled", large == 200);
        let texts: Vec<_> = (0..97).map(|number| format!("text {number}")).collect();
        let batch = self.post(EMBEDDINGS, &embedding(&json!(texts), 8)).await.json();
        self.check("embeddings.batch-kept", batch["data"].as_array().is_some_and(|data| data.len() == 97));
    }
}
