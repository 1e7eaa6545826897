//! Bedrock's wire.

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use serde_json::{Value, json};

use crate::support::{EMBEDDINGS, Gateway, Reply, request, with_header};

async fn post(gateway: &Gateway, role: &str, action: &str, body: &Value) -> Reply {
    gateway.post(&format!("/~bedrock/model/{action}"), &gateway.key(role), body).await
}

async fn answered(gateway: &Gateway, action: &str, body: &Value) -> Value {
    let reply = post(gateway, "all_scopes", action, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn asking(text: &str) -> Value {
    json!({ "messages": [{ "role": "user", "content": [{ "text": text }] }] })
}

/// The headers and the payload of each event.
fn events(reply: &Reply) -> Vec<(Vec<String>, Value)> {
    assert_eq!(reply.header("content-type"), Some("application/vnd.amazon.eventstream"));
    let (mut decoder, mut rest, mut events) = (MessageFrameDecoder::new(), &reply.body[..], Vec::new());
    while let DecodedFrame::Complete(message) = decoder.decode_frame(&mut rest).unwrap() {
        let headers = message.headers().iter();
        let headers = headers.map(|header| header.value().as_string().unwrap().as_str().to_owned());
        events.push((headers.collect(), serde_json::from_slice(message.payload()).unwrap()));
    }
    assert!(rest.is_empty());
    events
}

async fn streamed(gateway: &Gateway, model: &str, body: &Value) -> Vec<(String, Value)> {
    let reply = post(gateway, "all_scopes", &format!("{model}/converse-stream"), body).await;
    let named = |(headers, payload): (Vec<String>, Value)| {
        assert_eq!(headers[1..], ["application/json", "event"]);
        (headers[0].clone(), payload)
    };
    events(&reply).into_iter().map(named).collect()
}

/// What the deltas say at a place, joined.
fn joined(events: &[(String, Value)], pointer: &str) -> String {
    events.iter().filter_map(|(_, payload)| payload.pointer(pointer)?.as_str()).collect()
}

#[tokio::test]
async fn a_stream_tells_the_same_as_a_whole_answer() {
    let gateway = Gateway::start();
    let mut body = asking("Hello");
    body["system"] = json!([{ "text": "be kind" }]);
    body["inferenceConfig"] = json!({ "maxTokens": 500, "temperature": 0.5 });
    let reply = post(&gateway, "chat_only", "claude_3_5_sonnet/converse", &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.header("x-amzn-requestid").is_some());
    let whole = reply.json();
    assert_eq!(
        (&whole["stopReason"], &whole["output"]["message"]["role"]),
        (&json!("end_turn"), &json!("assistant"))
    );
    let events = streamed(&gateway, "claude_3_5_sonnet", &body).await;
    assert_eq!(events[0], ("messageStart".to_owned(), json!({ "role": "assistant" })));
    let text = whole["output"]["message"]["content"][0]["text"].as_str().unwrap();
    assert_eq!(joined(&events, "/delta/text"), text);
    let names: Vec<_> = events[events.len() - 3..].iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["contentBlockStop", "messageStop", "metadata"]);
    assert_eq!(events[events.len() - 1].1["usage"], whole["usage"]);
    assert!(whole["metrics"]["latencyMs"].is_u64());
    let billed = gateway.ledger("root").await;
    assert_eq!(billed.len(), 2);
    assert_eq!(billed[0]["output_tokens"], whole["usage"]["outputTokens"]);
}

#[tokio::test]
async fn tools_are_called_and_their_results_reported() {
    let gateway = Gateway::start();
    let mut body = asking("What is the weather in Paris and in London?");
    let schema = json!({
        "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"],
    });
    body["toolConfig"] = json!({
        "tools": [{ "toolSpec": { "name": "get_weather", "inputSchema": { "json": schema } } }],
        "toolChoice": { "auto": {} },
    });
    let whole = answered(&gateway, "claude_3_haiku/converse", &body).await;
    assert_eq!(whole["stopReason"], "tool_use");
    let turn = whole["output"]["message"].clone();
    let calls = turn["content"].as_array().unwrap();
    let cities: Vec<_> = calls.iter().map(|call| &call["toolUse"]["input"]["city"]).collect();
    assert_eq!(cities, ["Paris", "London"]);
    let events = streamed(&gateway, "claude_3_haiku", &body).await;
    let starts = events.iter().filter(|(name, _)| name == "contentBlockStart");
    assert!(starts.clone().all(|(_, start)| start["start"]["toolUse"]["name"] == "get_weather"));
    assert_eq!(starts.count(), 2);
    assert_eq!(
        joined(&events, "/delta/toolUse/input").replace(' ', ""),
        "{\"city\":\"Paris\"}{\"city\":\"London\"}"
    );
    let results = calls.iter().map(|call| {
        let id = &call["toolUse"]["toolUseId"];
        json!({ "toolResult": { "toolUseId": id, "content": [{ "json": { "sky": "clear" } }] } })
    });
    let results: Vec<_> = results.collect();
    let messages = body["messages"].as_array_mut().unwrap();
    messages.extend([turn, json!({ "role": "user", "content": results })]);
    assert_eq!(answered(&gateway, "claude_3_haiku/converse", &body).await["stopReason"], "end_turn");
    body["toolConfig"].take();
    let refused = post(&gateway, "all_scopes", "claude_3_haiku/converse", &body).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("toolConfig field must be defined"), "{}", refused.text());
}

#[tokio::test]
async fn thoughts_come_signed_and_are_taken_back() {
    let gateway = Gateway::start();
    let mut body = asking("What is the capital of France?");
    let thinking = json!({ "type": "enabled", "budget_tokens": 1_024 });
    body["additionalModelRequestFields"] = json!({ "thinking": thinking });
    let whole = answered(&gateway, "claude_3_7_sonnet/converse", &body).await;
    let thought = &whole["output"]["message"]["content"][0]["reasoningContent"]["reasoningText"];
    let events = streamed(&gateway, "claude_3_7_sonnet", &body).await;
    assert_eq!(joined(&events, "/delta/reasoningContent/text"), thought["text"]);
    assert_eq!(joined(&events, "/delta/reasoningContent/signature"), thought["signature"]);
    let next = json!({ "role": "user", "content": [{ "text": "And of Spain?" }] });
    body["messages"].as_array_mut().unwrap().extend([whole["output"]["message"].clone(), next]);
    answered(&gateway, "claude_3_7_sonnet/converse", &body).await;
    body["messages"][1]["content"][0]["reasoningContent"]["reasoningText"]["signature"] = json!("forged");
    let refused = post(&gateway, "all_scopes", "claude_3_7_sonnet/converse", &body).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("Invalid `signature` in `thinking` block"), "{}", refused.text());
}

#[tokio::test]
async fn an_answer_can_be_begun_where_the_model_goes_on_with_it() {
    let gateway = Gateway::start();
    let mut body = asking("Hello");
    let begun = json!({ "role": "assistant", "content": [{ "text": "Well," }] });
    body["messages"].as_array_mut().unwrap().push(begun);
    answered(&gateway, "claude_3_5_sonnet/converse", &body).await;
    let refused = post(&gateway, "all_scopes", "llama3211b/converse", &body).await;
    assert_eq!((refused.status, refused.header("x-amzn-errortype")), (400, Some("ValidationException")));
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_with_an_exception() {
    let gateway = Gateway::start();
    let path = "/~bedrock/model/claude_3_haiku/converse-stream";
    let request = request("POST", path, Some(&gateway.key("chat_only")), asking("Hello").to_string());
    let reply = gateway.send(with_header(request, "x-plumbline-fault", "truncated-stream")).await;
    let events = events(&reply);
    let (headers, payload) = &events[events.len() - 1];
    assert_eq!(headers[..], ["internalServerException", "application/json", "exception"]);
    assert!(payload["message"].is_string());
    assert!(gateway.ledger("root").await.is_empty());
}

#[tokio::test]
async fn each_refusal_has_its_status_and_its_type() {
    let gateway = Gateway::start();
    let hello = asking("Hello");
    let sonnet = "claude_3_5_sonnet/converse";
    let twice = json!({ "messages": [hello["messages"][0], hello["messages"][0]] });
    for (role, action, body, status, kind) in [
        ("inactive", sonnet, &hello, 403, "AccessDeniedException"),
        ("expired", sonnet, &hello, 403, "AccessDeniedException"),
        ("embedding_only", sonnet, &hello, 403, "AccessDeniedException"),
        ("chat_only", "no-such/converse", &hello, 400, "ValidationException"),
        ("chat_only", "cohere_english_v3/converse", &hello, 400, "ValidationException"),
        ("all_scopes", "claude_3_5_sonnet/invoke", &hello, 400, "ValidationException"),
        ("chat_only", sonnet, &twice, 400, "ValidationException"),
        ("chat_only", sonnet, &json!({ "messages": "Hello" }), 400, "SerializationException"),
        ("chat_only", "claude_3_5_sonnet/think", &hello, 404, "UnknownOperationException"),
    ] {
        let reply = post(&gateway, role, action, body).await;
        let found = (reply.status, reply.header("x-amzn-errortype"));
        assert_eq!(found, (status, Some(kind)), "{role} {action}: {}", reply.text());
        assert!(reply.json()["message"].is_string() && reply.header("x-amzn-requestid").is_some());
    }
    let path = format!("/~bedrock/model/{sonnet}");
    let nobody = gateway.send(request("POST", &path, None, hello.to_string())).await;
    assert_eq!(nobody.header("x-amzn-errortype"), Some("MissingAuthenticationTokenException"));
    let limited = || post(&gateway, "rate_limited", sonnet, &hello);
    while limited().await.status == 200 {}
    let reply = limited().await;
    assert_eq!((reply.status, reply.header("x-amzn-errortype")), (429, Some("ThrottlingException")));
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(reply.header("x-amz-retry-after"), Some((seconds * 1_000).to_string().as_str()));
}

#[tokio::test]
async fn embeddings_are_those_of_every_other_wire() {
    let gateway = Gateway::start();
    let body = json!({ "texts": ["one", "two"], "input_type": "search_document", "truncate": "END" });
    let reply = post(&gateway, "embedding_only", "cohere_english_v3/invoke", &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let told = json!({ "model": "cohere_english_v3", "input": ["one", "two"] });
    let elsewhere = gateway.post(EMBEDDINGS, &gateway.key("embedding_only"), &told).await.json();
    for (own, other) in
        reply.json()["embeddings"].as_array().unwrap().iter().zip(elsewhere["data"].as_array().unwrap())
    {
        assert_eq!(*own, other["embedding"]);
    }
    let billed = gateway.ledger("root").await;
    let tokens = reply.header("x-amzn-bedrock-input-token-count").map(|tokens| tokens.parse().unwrap());
    assert_eq!(billed[0]["input_tokens"].as_u64(), tokens);
    // What is sent to a model need not be called JSON.
    let path = "/~bedrock/model/titan_embed_text_v2/invoke";
    let body = json!({ "inputText": "one", "dimensions": 256 }).to_string();
    let titan = request("POST", path, Some(&gateway.key("embedding_only")), body);
    let titan = gateway.send(with_header(titan, "content-type", "application/octet-stream")).await;
    assert_eq!(titan.status, 200, "{}", titan.text());
    let titan = titan.json();
    assert_eq!(titan["embedding"].as_array().unwrap().len(), 256);
    assert_eq!(titan["embeddingsByType"]["float"], titan["embedding"]);
    let odd =
        post(&gateway, "embedding_only", "titan_embed_text_v2/invoke", &json!({ "input": "one" })).await;
    assert_eq!(odd.status, 400);
    assert!(odd.text().contains("required key [inputText] not found"), "{}", odd.text());
}
