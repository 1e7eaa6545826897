//! An axum handler that parses a chat request and echoes it in the shape of an answer: nothing is checked, nobody pays.

use anyhow::Result;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use plumbline_bench::argument;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Deserialize)]
struct Chat {
    model: String,
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    content: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let listener = TcpListener::bind(argument(1, "HOST:PORT")?).await?.tap_io(|stream| {
        // A stream that is gone has no options to set.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, Router::new().route("/api/v1/chat/completions", post(chat))).await?;
    Ok(())
}

async fn chat(Json(chat): Json<Chat>) -> Json<Value> {
    let content = chat.messages.last().map(|message| message.content.as_str()).unwrap_or_default();
    Json(json!({
        "object": "chat.completion",
        "created": 1_795_227_512,
        "model": chat.model,
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": content }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18 }
    }))
}
