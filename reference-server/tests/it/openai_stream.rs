//! Streamed chat completions on the OpenAI wire.

use serde_json::{Value, json};

use crate::openai_support::{CHAT, ask, error, events, say, weather};
use crate::support::{Gateway, request, with_header};

fn delta<'a>(chunk: &'a Value, name: &str) -> &'a Value {
    &chunk["choices"][0]["delta"][name]
}

#[tokio::test]
async fn a_stream_tells_the_same_as_a_whole_answer() {
    let gateway = Gateway::start();
    let whole = ask(&gateway, CHAT, &say("Hello test", &json!({}))).await.json();
    let asked = json!({ "stream": true, "stream_options": { "include_usage": true } });
    let reply = ask(&gateway, CHAT, &say("Hello test", &asked)).await;
    assert_eq!(reply.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert!(reply.header("x-request-id").is_some());
    let (chunks, done) = events(&reply);
    assert!(done);
    for chunk in &chunks {
        assert_eq!((&chunk["id"], &chunk["created"]), (&chunks[0]["id"], &chunks[0]["created"]));
        assert_eq!((&chunk["object"], &chunk["model"]), (&json!("chat.completion.chunk"), &whole["model"]));
    }
    let [role, deltas @ .., finish, usage] = &chunks[..] else { panic!("{chunks:?}") };
    assert_eq!(
        role["choices"],
        json!([{
            "index": 0,
            "delta": { "role": "assistant", "content": "", "refusal": null },
            "logprobs": null,
            "finish_reason": null,
        }])
    );
    let text: String = deltas.iter().map(|chunk| delta(chunk, "content").as_str().unwrap()).collect();
    assert_eq!(text, whole["choices"][0]["message"]["content"]);
    assert!(deltas.len() > 1);
    assert_eq!(
        finish["choices"],
        json!([{ "index": 0, "delta": {}, "logprobs": null, "finish_reason": "stop" }])
    );
    assert_eq!((&usage["choices"], &usage["usage"]), (&json!([]), &whole["usage"]));
    let untold = chunks.iter().filter(|chunk| chunk.get("usage") == Some(&Value::Null));
    assert_eq!(untold.count(), chunks.len() - 1);
}

#[tokio::test]
async fn usage_is_told_to_those_who_ask() {
    let gateway = Gateway::start();
    let (chunks, done) = events(&ask(&gateway, CHAT, &say("Hello test", &json!({ "stream": true }))).await);
    assert!(done);
    assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none() && chunk["choices"][0].is_object()));
}

#[tokio::test]
async fn calls_are_streamed_with_their_arguments_in_pieces() {
    let gateway = Gateway::start();
    let asked = json!({ "stream": true, "tools": [weather()] });
    let (chunks, _) = events(&ask(&gateway, CHAT, &say("What is the weather in Paris?", &asked)).await);
    assert_eq!(delta(&chunks[0], "role"), "assistant");
    assert_eq!(delta(&chunks[0], "content"), &Value::Null);
    let opening = &delta(&chunks[1], "tool_calls")[0];
    assert_eq!((&opening["index"], &opening["type"]), (&json!(0), &json!("function")));
    assert_eq!(opening["function"], json!({ "name": "get_weather", "arguments": "" }));
    assert!(opening["id"].is_string());
    let [_, _, pieces @ .., finish] = &chunks[..] else { panic!("{chunks:?}") };
    let mut arguments = String::new();
    for piece in pieces {
        let call = &delta(piece, "tool_calls")[0];
        assert_eq!((&call["index"], call.get("id")), (&json!(0), None));
        arguments.push_str(call["function"]["arguments"].as_str().unwrap());
    }
    let read: Value = serde_json::from_str(&arguments).unwrap();
    assert_eq!(read, json!({ "city": "Paris" }));
    assert_eq!(finish["choices"][0]["finish_reason"], "tool_calls");
}

#[tokio::test]
async fn each_of_several_answers_begins_and_ends_once() {
    let gateway = Gateway::start();
    let asked = json!({ "stream": true, "n": 2 });
    let (chunks, _) = events(&ask(&gateway, CHAT, &say("Hello test", &asked)).await);
    let whole = ask(&gateway, CHAT, &say("Hello test", &json!({ "n": 2 }))).await.json();
    for index in [0, 1] {
        let own: Vec<_> = chunks
            .iter()
            .map(|chunk| &chunk["choices"][0])
            .filter(|choice| choice["index"] == index)
            .collect();
        let [role, deltas @ .., finish] = &own[..] else { panic!("{chunks:?}") };
        assert_eq!(role["delta"]["role"], "assistant");
        assert_eq!(finish["finish_reason"], "stop");
        let text: String = deltas.iter().map(|choice| choice["delta"]["content"].as_str().unwrap()).collect();
        assert_eq!(text, whole["choices"][index]["message"]["content"]);
    }
}

#[tokio::test]
async fn the_tokens_of_each_answer_are_told_as_in_a_whole_one() {
    let gateway = Gateway::start();
    let ask = async |streamed: bool| {
        let asked = json!({ "stream": streamed, "n": 2, "logprobs": true, "top_logprobs": 3 });
        ask(&gateway, CHAT, &say("Hello 🦀 test", &asked)).await
    };
    let (chunks, _) = events(&ask(true).await);
    let whole = ask(false).await.json();
    for index in [0, 1] {
        let choices = chunks.iter().map(|chunk| &chunk["choices"][0]);
        let told = choices.filter(|choice| choice["index"] == index && choice["logprobs"].is_object());
        let tokens: Vec<_> =
            told.flat_map(|choice| choice["logprobs"]["content"].as_array().unwrap()).collect();
        let wanted = whole["choices"][index]["logprobs"]["content"].as_array().unwrap();
        assert!(tokens.len() > 10 && tokens.into_iter().eq(wanted), "{wanted:?}");
    }
}

#[tokio::test]
async fn a_failure_in_the_middle_is_told_and_ends_the_stream() {
    let gateway = Gateway::start();
    let body = say("Hello test", &json!({ "stream": true })).to_string();
    let sent = request("POST", CHAT, Some(&gateway.key("all_scopes")), body);
    let reply = gateway.send(with_header(sent, "x-plumbline-fault", "truncated-stream")).await;
    let (chunks, done) = events(&reply);
    assert!(!done);
    let (last, before) = chunks.split_last().unwrap();
    assert!(before.len() > 1 && before.iter().all(|chunk| chunk.get("error").is_none()));
    assert_eq!(last["error"]["type"], "server_error");
    assert!(gateway.ledger("root").await.is_empty());
}

#[tokio::test]
async fn failures_before_a_stream_are_ordinary_errors() {
    let gateway = Gateway::start();
    let asked = json!({ "stream": true, "model": "no-such" });
    let reply = ask(&gateway, CHAT, &say("Hello test", &asked)).await;
    assert_eq!(error(&reply), (404, json!("invalid_request_error"), Value::Null, json!("model_not_found")));
}
