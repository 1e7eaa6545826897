//! An axum handler that parses a chat request and echoes it in the shape of an answer, streamed where that is asked
//! for: nothing is checked, nobody pays.

use std::iter::once;

use anyhow::Result;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use futures::stream;
use plumbline_bench::{OPENAI_CHAT, argument};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Deserialize)]
struct Chat {
    model: String,
    messages: Vec<Message>,
    #[serde(default)]
    stream: bool,
}

#[derive(Deserialize)]
struct Message {
    content: String,
}

/// A chunk of a streamed answer, with the members that the gateway's have.
#[derive(Serialize)]
struct Chunk<'a> {
    id: &'static str,
    object: &'static str,
    created: u32,
    model: &'a str,
    service_tier: &'static str,
    system_fingerprint: &'static str,
    choices: &'a [Choice<'a>],
    usage: Option<Value>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    delta: Delta<'a>,
    logprobs: Option<Value>,
    finish_reason: Option<&'static str>,
}

#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
}

/// What a stream does one after the other.
enum Step {
    Begin,
    Say(String),
    End,
    TellUsage,
    Done,
}

#[tokio::main]
async fn main() -> Result<()> {
    let listener = TcpListener::bind(argument(1, "HOST:PORT")?).await?.tap_io(|stream| {
        // A stream that is gone has no options to set.
        let _ = stream.set_nodelay(true);
    });
    let router = Router::new().route("/api/v1/chat/completions", post(chat)).route(OPENAI_CHAT, post(chat));
    axum::serve(listener, router).await?;
    Ok(())
}

async fn chat(Json(chat): Json<Chat>) -> Response {
    let content = chat.messages.last().map(|message| message.content.as_str()).unwrap_or_default();
    if chat.stream {
        // As many words as the gateway makes of it, and the same ones.
        let text = format!(
            "This is {}, answering from OpenAI. I was given 1 turn and no system prompt. You said: \"{content}\".",
            chat.model
        );
        return streamed(chat.model, &text);
    }
    Json(json!({
        "object": "chat.completion",
        "created": 1_795_227_512,
        "model": chat.model,
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": content }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18 }
    }))
    .into_response()
}

/// A text word by word.
fn streamed(model: String, text: &str) -> Response {
    let words: Vec<_> = text.split_inclusive(' ').map(|word| Step::Say(word.to_owned())).collect();
    let steps = once(Step::Begin).chain(words).chain([Step::End, Step::TellUsage, Step::Done]);
    Sse::new(stream::iter(steps.map(move |step| event(&model, &step)))).into_response()
}

fn event(model: &str, step: &Step) -> Result<Event, axum::Error> {
    let (delta, finish_reason) = match step {
        Step::Begin => (Delta { role: Some("assistant"), content: Some("") }, None),
        Step::Say(word) => (Delta { role: None, content: Some(word) }, None),
        Step::End => (Delta::default(), Some("stop")),
        Step::TellUsage => {
            let usage = json!({ "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18 });
            return chunk(model, &[], Some(usage));
        }
        Step::Done => return Ok(Event::default().data("[DONE]")),
    };
    chunk(model, &[Choice { index: 0, delta, logprobs: None, finish_reason }], None)
}

fn chunk(model: &str, choices: &[Choice<'_>], usage: Option<Value>) -> Result<Event, axum::Error> {
    Event::default().json_data(Chunk {
        id: "chatcmpl-0123456789abcdef0123456789abcdef",
        object: "chat.completion.chunk",
        created: 1_795_227_512,
        model,
        service_tier: "default",
        system_fingerprint: "fp_0123456789",
        choices,
        usage,
    })
}
