//! What is asked of bodies on the wire, of errors, of the provider behind, and of many calls.

use serde_json::{Value, json};

use super::world::{World, chat};
use crate::support::{CHAT, MODELS, Reply, chunked, raw_chat, request, with_header};

impl World<'_> {
    /// The answer to a chat whose provider has a fault.
    pub(super) async fn failing(&self, fault: &str) -> Reply {
        self.sent("x-plumbline-fault", fault, chat("Zebra").to_string()).await
    }

    /// The answer to a body that comes with a header.
    async fn sent(&self, name: &'static str, value: &str, body: impl Into<Vec<u8>>) -> Reply {
        let body: Vec<u8> = body.into();
        let request = request("POST", &self.path(CHAT), Some(&self.fresh().await), body);
        self.gateway.send(with_header(request, name, value)).await
    }

    /// The answer to a body of bytes.
    async fn posted(&self, body: impl Into<Vec<u8>>) -> Reply {
        self.sent("content-type", "application/json", body).await
    }

    pub(super) async fn judge_bodies(&mut self) {
        let body = chat("Zebra").to_string();
        let malformed = self.posted("{\"model\": NaN}").await.status;
        self.check("protocol.malformed-json-refused", malformed == 422);
        let twice = body.replacen('{', "{\"model\":\"cohere_english_v3\",\"user\":5,\"user\":\"u\",", 1);
        let twice = self.posted(twice).await.status;
        self.check("protocol.last-duplicate-wins", twice == 200);
        let latin = body.replace("Zebra", "Caf\u{1}").into_bytes();
        let latin: Vec<_> = latin.into_iter().map(|byte| if byte == 1 { 0xe9 } else { byte }).collect();
        let latin = self.posted(latin).await.status;
        self.check("protocol.invalid-utf8-refused", latin == 400);
        let plain = self.sent("content-type", "text/plain", body.clone()).await.status;
        self.check("protocol.content-type-enforced", plain == 422);
        let charset = self.sent("content-type", "application/json; charset=utf-8", body.clone()).await.status;
        self.check("protocol.content-type-variants", charset == 200);
        let path = self.path(CHAT);
        let lines = "transfer-encoding: chunked\r\nconnection: close\r\n";
        let chunks = self.gateway.raw(raw_chat(&path, &self.fresh().await, lines, &chunked(&body))).await;
        self.check("protocol.chunked-accepted", chunks.starts_with("HTTP/1.1 200 "));
        let lines = format!("content-length: {}\r\n", body.len() + 1);
        let early = raw_chat(&path, &self.fresh().await, &lines, &body);
        let early = self.gateway.raw_and_no_more(early).await;
        self.check("protocol.incomplete-body-refused", early.starts_with("HTTP/1.1 400 "));
        let head = self.sent("x-long", &"x".repeat(70_000), body).await.status;
        self.check("protocol.head-limited", head == 431);
    }

    pub(super) async fn judge_refusals(&mut self) {
        let nowhere = self.gateway.get(&self.path("/api/v1/nothing"), None).await;
        let wrong = self.gateway.send(request("PUT", &self.path(MODELS), None, "")).await;
        let in_shape = [nowhere, wrong].iter().all(|reply| {
            serde_json::from_slice::<Value>(&reply.body).is_ok_and(|body| body["detail"].is_string())
        });
        self.check("errors.contract-shape", in_shape);
        let failed = self.failing("unmapped-error").await;
        let shows = ["Traceback", ".py"].iter().any(|words| failed.text().contains(words));
        self.check("errors.no-internals", !shows || failed.text().contains("node-7"));
        self.check("provider.unmapped-error-hidden", !failed.text().contains("node-7"));
        let mut long = chat("Zebra");
        long["temperature"] = json!("x".repeat(50_000));
        let refused = self.post(CHAT, &long).await;
        self.check("errors.input-not-echoed", refused.status == 422 && refused.body.len() < 16 * 1024);
    }

    pub(super) async fn judge_provider(&mut self) {
        let malformed = self.failing("html").await.status;
        self.check("provider.malformed-success-hidden", malformed == 500);
        let lines = self.control("/logs").await["lines"].as_array().unwrap().clone();
        let failed = lines.iter().rev().find(|line| line["event"] == "Request failed").unwrap();
        // A failure that is none any more leaves no line.
        let is_told = failed["exception"].as_str().unwrap().contains("malformed");
        self.check("provider.failure-logged", malformed != 500 || is_told);
        let limited = self.failing("rate-limited").await.status;
        self.check("provider.rate-limit-relayed", limited != 200);
        self.check("provider.rate-limit-as-429", limited == 429 || limited == 200);
    }

    pub(super) async fn judge_behaviour(&mut self) {
        let (body, busy) = (chat("Zebra"), self.fresh().await);
        let mut statuses = Vec::new();
        for _ in 0..10 {
            statuses.push(self.post_as(CHAT, &busy, &body).await.status);
        }
        self.check("burst.answered", statuses == [200; 10]);
        let twice = self.fresh().await;
        self.post_as(CHAT, &twice, &body).await;
        let usage = self.post_as(CHAT, &twice, &body).await.json()["usage"].clone();
        self.check("calls.processed-separately", usage.is_null() || usage["completion_tokens"] != 0);
    }
}
