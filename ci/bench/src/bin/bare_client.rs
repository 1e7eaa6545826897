//! Sends and checks the 800 requests of the workload with nothing around them: what a runner can't be faster than.

use anyhow::{Result, ensure};
use bytes::Bytes;
use hyper::Method;
use plumbline_bench::{Connection, argument};
use serde_json::{Value, json};

const SCENARIOS: usize = 200;

#[tokio::main]
async fn main() -> Result<()> {
    let host = argument(1, "HOST:PORT")?;
    let connections: usize = argument(2, "CONNECTIONS, a divisor of 200")?.parse()?;
    let share = SCENARIOS / connections;
    let tasks: Vec<_> = (0..connections).map(|_| tokio::spawn(scenarios(host.clone(), share))).collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

async fn scenarios(host: String, count: usize) -> Result<()> {
    let mut connection = Connection::open(&host).await?;
    let (all, embedding) = ("sk-plumbline-all-scopes", "sk-plumbline-embedding-only");
    for _ in 0..count {
        let (status, models) = get(&mut connection, all).await?;
        let listed = models.as_array().into_iter().flatten();
        let chat = listed.filter(|model| model.get("id") == Some(&"claude_3_5_sonnet".into())).count();
        ensure!(status == 200 && chat == 1, "models: {status}");

        let (status, answer) = chat_with(&mut connection, all, "claude_3_5_sonnet").await?;
        let content =
            answer.pointer("/choices/0/message/content").and_then(Value::as_str).unwrap_or_default();
        let model = answer.get("model").and_then(Value::as_str);
        ensure!(status == 200 && model == Some("claude_3_5_sonnet") && !content.is_empty(), "chat: {status}");

        let (status, refusal) = chat_with(&mut connection, embedding, "claude_3_5_sonnet").await?;
        ensure!(status == 401 && refusal.get("detail") == Some(&"Not Authorized".into()), "scope: {status}");

        let (status, refusal) = chat_with(&mut connection, all, "cohere_english_v3").await?;
        let sentence = "This endpoint not does support chat with the model 'cohere_english_v3'.";
        ensure!(status == 422 && refusal.get("detail") == Some(&sentence.into()), "capability: {status}");
    }
    Ok(())
}

async fn get(connection: &mut Connection, key: &str) -> Result<(u16, Value)> {
    let (status, body) = connection.send(Method::GET, "/api/v1/models", key, Bytes::new()).await?;
    Ok((status, serde_json::from_slice(&body)?))
}

async fn chat_with(connection: &mut Connection, key: &str, model: &str) -> Result<(u16, Value)> {
    let body =
        json!({ "model": model, "messages": [{ "role": "user", "content": "Hello test" }] }).to_string();
    let (status, body) = connection.send(Method::POST, "/api/v1/chat/completions", key, body.into()).await?;
    Ok((status, serde_json::from_slice(&body)?))
}
