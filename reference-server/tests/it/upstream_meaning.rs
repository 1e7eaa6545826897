//! What calls to the simulated providers mean, whichever wire they come on.

use axum::http::Request;
use bytes::Bytes;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::support::{Gateway, PIXEL, request, with_header};
use crate::upstream_support::{PROVIDERS, arm, last_call, open, question, simulator, token};

const LOOK: &str = "What is this, and how is the weather there?";
const SAY: &str = "I look it up.";
const MORE: &str = "And tomorrow?";
const TOOL: &str = "get_weather";
const ABOUT: &str = "The weather of a city.";

fn schema() -> Value {
    json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] })
}

fn openai(streamed: bool) -> Value {
    json!({
        "model": "gpt-4.1-mini", "stream": streamed,
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "developer", "content": "Be kind." },
            { "role": "user", "content": [
                { "type": "text", "text": LOOK },
                { "type": "image_url", "image_url": { "url": format!("data:image/png;base64,{PIXEL}") } },
            ] },
            { "role": "assistant", "content": SAY, "tool_calls": [{
                "id": "call_1", "type": "function",
                "function": { "name": TOOL, "arguments": "{\"city\":\"Paris\"}" },
            }] },
            { "role": "tool", "tool_call_id": "call_1", "content": "sunny" },
            { "role": "user", "content": MORE },
        ],
        "tools": [{ "type": "function", "function": {
            "name": TOOL, "description": ABOUT, "parameters": schema(),
        } }],
        "tool_choice": { "type": "function", "function": { "name": TOOL } },
        "max_tokens": 100, "temperature": 0.5, "top_p": 0.25, "stop": "END",
    })
}

fn anthropic(streamed: bool) -> Value {
    json!({
        "model": "claude-haiku-4-5", "stream": streamed,
        "system": [{ "type": "text", "text": "Be brief." }, { "type": "text", "text": "Be kind." }],
        "messages": [
            { "role": "user", "content": [
                { "type": "text", "text": LOOK },
                { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": PIXEL } },
            ] },
            { "role": "assistant", "content": [
                { "type": "text", "text": SAY },
                { "type": "tool_use", "id": "call_1", "name": TOOL, "input": { "city": "Paris" } },
            ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "call_1", "content": "sunny" },
                { "type": "text", "text": MORE },
            ] },
        ],
        "tools": [{ "name": TOOL, "description": ABOUT, "input_schema": schema() }],
        "tool_choice": { "type": "tool", "name": TOOL },
        "max_tokens": 100, "temperature": 0.5, "top_p": 0.25, "stop_sequences": ["END"],
    })
}

fn bedrock() -> Value {
    let tool = json!({ "name": TOOL, "description": ABOUT, "inputSchema": { "json": schema() } });
    json!({
        "system": [{ "text": "Be brief." }, { "text": "Be kind." }],
        "messages": [
            { "role": "user", "content": [
                { "text": LOOK }, { "image": { "format": "png", "source": { "bytes": PIXEL } } },
            ] },
            { "role": "assistant", "content": [
                { "text": SAY },
                { "toolUse": { "toolUseId": "call_1", "name": TOOL, "input": { "city": "Paris" } } },
            ] },
            { "role": "user", "content": [
                { "toolResult": { "toolUseId": "call_1", "content": [{ "text": "sunny" }] } },
                { "text": MORE },
            ] },
        ],
        "toolConfig": { "tools": [{ "toolSpec": tool }], "toolChoice": { "tool": { "name": TOOL } } },
        "inferenceConfig": { "maxTokens": 100, "temperature": 0.5, "topP": 0.25, "stopSequences": ["END"] },
    })
}

/// The tool takes what the schema says that stands under this name.
fn google(member: &str, schema: &Value) -> Value {
    let response = json!({ "id": "call_1", "name": TOOL, "response": { "result": "sunny" } });
    json!({
        "systemInstruction": { "parts": [{ "text": "Be brief." }, { "text": "Be kind." }] },
        "contents": [
            { "role": "user", "parts": [
                { "text": LOOK }, { "inlineData": { "mimeType": "image/png", "data": PIXEL } },
            ] },
            { "role": "model", "parts": [
                { "text": SAY },
                { "functionCall": { "id": "call_1", "name": TOOL, "args": { "city": "Paris" } } },
            ] },
            { "role": "user", "parts": [{ "functionResponse": response }] },
            { "role": "user", "parts": [{ "text": MORE }] },
        ],
        "tools": [{ "functionDeclarations": [{ "name": TOOL, "description": ABOUT, member: schema }] }],
        "toolConfig": { "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": [TOOL] } },
        "generationConfig": {
            "maxOutputTokens": 100, "temperature": 0.5, "topP": 0.25, "stopSequences": ["END"],
        },
    })
}

/// A conversation with everything that all wires have, on one of them.
fn conversation(provider: &str, streamed: bool, token: &str) -> Request<Full<Bytes>> {
    let body = match provider {
        "openai" => openai(streamed),
        "anthropic" => anthropic(streamed),
        "bedrock" => bedrock(),
        "gemini" => google("parametersJsonSchema", &schema()),
        _ => {
            // Google's own schemas have their types in capitals.
            let city = json!({ "city": { "type": "STRING" } });
            google("parameters", &json!({ "type": "OBJECT", "properties": city, "required": ["city"] }))
        }
    };
    let (head, _) = question(provider, streamed, token).into_parts();
    Request::from_parts(head, Full::new(body.to_string().into()))
}

/// What it means on every wire.
fn meaning() -> Value {
    json!({
        "system": ["Be brief.", "Be kind."],
        "messages": [
            { "role": "user", "parts": [
                { "text": LOOK },
                { "image": {
                    "media_type": "image/png", "bytes": 70,
                    "sha256": "4ff6ab670a58c14270e034e2090d9a432caa263a14e0a25785386b0c12f880b5",
                } },
            ] },
            { "role": "assistant", "parts": [
                { "text": SAY },
                { "tool_call": { "id": "call_1", "name": TOOL, "arguments": { "city": "Paris" } } },
            ] },
            { "role": "tool", "parts": [{ "tool_result": { "id": "call_1", "text": "sunny" } }] },
            { "role": "user", "parts": [{ "text": MORE }] },
        ],
        "tools": [{ "name": TOOL, "description": ABOUT, "parameters": schema() }],
        "tool_choice": { "name": TOOL },
        "max_tokens": 100, "temperature": 0.5, "top_p": 0.25, "stop": ["END"],
    })
}

async fn ask(simulator: &Gateway, request: Request<Full<Bytes>>) -> Value {
    let path = request.uri().clone();
    let answer = open(simulator, request).await.unwrap();
    assert_eq!(answer.status, 200, "{path}");
    assert!(answer.rest().await.1, "{path}");
    last_call(simulator).await
}

#[tokio::test]
async fn the_same_conversation_means_the_same_on_every_wire() {
    let simulator = simulator();
    let token = token(&simulator).await;
    for provider in PROVIDERS {
        for streamed in [false, true] {
            let call = ask(&simulator, conversation(provider, streamed, &token)).await;
            assert_eq!((&call["provider"], &call["streamed"]), (&json!(provider), &json!(streamed)));
            assert_eq!(call["asked"], meaning(), "{provider}, streamed: {streamed}");
            let answered = &call["answered"];
            let called = &answered["tool_calls"][0];
            assert_eq!((&called["name"], &answered["finish"]), (&json!(TOOL), &json!("tool-calls")));
            assert!(called["arguments"].is_object(), "{provider}: {answered}");
        }
    }
}

#[tokio::test]
async fn what_is_answered_is_what_the_caller_is_told() {
    let simulator = simulator();
    let token = token(&simulator).await;
    for (provider, text, input, output) in [
        ("openai", "/choices/0/message/content", "/usage/prompt_tokens", "/usage/completion_tokens"),
        ("anthropic", "/content/0/text", "/usage/input_tokens", "/usage/output_tokens"),
        (
            "gemini",
            "/candidates/0/content/parts/0/text",
            "/usageMetadata/promptTokenCount",
            "/usageMetadata/candidatesTokenCount",
        ),
        ("bedrock", "/output/message/content/0/text", "/usage/inputTokens", "/usage/outputTokens"),
        (
            "vertex",
            "/candidates/0/content/parts/0/text",
            "/usageMetadata/promptTokenCount",
            "/usageMetadata/candidatesTokenCount",
        ),
    ] {
        let told = simulator.send(question(provider, false, &token)).await.json();
        let answered = last_call(&simulator).await["answered"].clone();
        assert_eq!(Some(&answered["text"]), told.pointer(text), "{provider}");
        assert_eq!((&answered["finish"], &answered["tool_calls"]), (&json!("stop"), &json!([])));
        let usage = &answered["usage"];
        assert_eq!(Some(&usage["input_tokens"]), told.pointer(input), "{provider}");
        let thought = usage["thinking_tokens"].as_u64().unwrap_or(0);
        let said = usage["output_tokens"].as_u64().unwrap() - thought;
        assert_eq!(Some(said), told.pointer(output).and_then(Value::as_u64), "{provider}");
        // In parts it is the same.
        let streamed = ask(&simulator, question(provider, true, &token)).await;
        assert_eq!(streamed["answered"], answered, "{provider}");
    }
}

#[tokio::test]
async fn a_fault_changes_nothing_of_what_was_asked_and_answered() {
    let simulator = simulator();
    let sound = ask(&simulator, question("openai", true, "")).await;
    assert!(sound["answered"]["text"].as_str().unwrap().contains("Paris"), "{sound}");
    for fault in ["status", "html", "truncated-json", "missing-fields", "cut-stream", "reset"] {
        arm(&simulator, json!({ "kind": fault })).await;
        if let Ok(answer) = open(&simulator, question("openai", true, "")).await {
            answer.rest().await;
        }
        let call = last_call(&simulator).await;
        assert_eq!(call["fault"], fault);
        assert_eq!((&call["asked"], &call["answered"]), (&sound["asked"], &sound["answered"]), "{fault}");
    }
}

#[tokio::test]
async fn texts_to_embed_mean_the_same_on_every_wire() {
    let simulator = simulator();
    let token = token(&simulator).await;
    let models = "/vertex/v1/projects/p/locations/l/publishers/google/models";
    for (path, key, body) in [
        (
            "/openai/v1/embeddings".to_owned(),
            "sk-upstream-openai",
            json!({ "model": "text-embedding-3-small", "input": ["one", "two"], "dimensions": 256 }),
        ),
        (
            format!("{models}/text-embedding-005:predict"),
            token.as_str(),
            json!({
                "instances": [{ "content": "one" }, { "content": "two" }],
                "parameters": { "outputDimensionality": 256 },
            }),
        ),
    ] {
        let call = ask(&simulator, request("POST", &path, Some(key), body.to_string())).await;
        assert_eq!(call["asked"], json!({ "input": ["one", "two"], "dimensions": 256 }), "{path}");
        let answered = &call["answered"];
        assert_eq!((&answered["vectors"], &answered["dimensions"]), (&json!(2), &json!(256)), "{path}");
        assert!(answered["usage"]["input_tokens"].as_u64().unwrap() > 0);
    }
}

#[tokio::test]
async fn what_asks_no_model_means_nothing_and_what_is_refused_has_no_answer() {
    let simulator = simulator();
    let key = Some("sk-upstream-openai");
    let asked = |body: &Value| request("POST", "/openai/v1/chat/completions", key, body.to_string());
    let hello =
        |text: &str| json!({ "model": "gpt-3.5-turbo", "messages": [{ "role": "user", "content": text }] });
    for (request, status) in [
        (request("GET", "/openai/v1/models", key, ""), 200),
        (with_header(asked(&hello("Hello")), "authorization", "Bearer wrong"), 401),
        (asked(&json!({ "model": "gpt-3.5-turbo", "messages": [] })), 400),
    ] {
        assert_eq!(simulator.send(request).await.status, status);
        let call = last_call(&simulator).await;
        assert_eq!((&call["asked"], &call["answered"]), (&Value::Null, &Value::Null), "{call}");
    }
    // The model itself refuses what is too long for it.
    let long = "word ".repeat(20_000);
    assert_eq!(simulator.send(asked(&hello(&long))).await.status, 400);
    let call = last_call(&simulator).await;
    assert_eq!(call["asked"]["messages"][0]["parts"][0]["text"], long);
    assert_eq!(call["answered"], Value::Null);
}

#[tokio::test]
async fn a_call_that_comes_again_is_asked_again() {
    let simulator = simulator();
    let again = || with_header(question("openai", false, ""), "idempotency-key", "once");
    let first = ask(&simulator, again()).await;
    let second = ask(&simulator, again()).await;
    assert_eq!((&second["asked"], &second["number"]), (&first["asked"], &json!(2)));
    assert!(second["asked"].is_object());
    assert_eq!(second["headers"]["idempotency-key"], "once");
}
