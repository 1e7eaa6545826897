//! Chat completions on the OpenAI wire.

use serde_json::{Value, json};

use crate::openai_support::{CHAT, ask, error, say, weather};
use crate::support::{Gateway, PIXEL};

async fn message(gateway: &Gateway, body: &Value) -> Value {
    let reply = ask(gateway, CHAT, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["choices"][0]["message"].clone()
}

#[tokio::test]
async fn an_answer_has_the_form_of_the_reference() {
    let gateway = Gateway::start();
    let reply = ask(&gateway, CHAT, &say("Hello test", &json!({}))).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    let body = reply.json();
    assert!(body["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!((&body["object"], &body["model"]), (&json!("chat.completion"), &json!("gpt-4.1-mini")));
    assert!(body["created"].as_i64().unwrap() > 1_700_000_000);
    let choice = &body["choices"][0];
    assert_eq!((&choice["index"], &choice["logprobs"]), (&json!(0), &Value::Null));
    assert_eq!(choice["finish_reason"], "stop");
    assert_eq!(
        (&choice["message"]["role"], &choice["message"]["refusal"]),
        (&json!("assistant"), &Value::Null)
    );
    assert!(!choice["message"]["content"].as_str().unwrap().is_empty());
    let usage = |name: &str| body["usage"][name].as_u64().unwrap();
    assert!(usage("prompt_tokens") > 0 && usage("completion_tokens") > 0);
    assert_eq!(usage("total_tokens"), usage("prompt_tokens") + usage("completion_tokens"));
    assert_eq!(body["usage"]["completion_tokens_details"]["reasoning_tokens"], 0);
    let ledger = gateway.ledger("root").await;
    assert_eq!((ledger.len(), &ledger[0]["input_tokens"]), (1, &body["usage"]["prompt_tokens"]));
}

#[tokio::test]
async fn limits_and_stops_end_an_answer() {
    let gateway = Gateway::start();
    for limit in ["max_tokens", "max_completion_tokens"] {
        let body = ask(&gateway, CHAT, &say("Hello test", &json!({ limit: 2 }))).await.json();
        assert_eq!(body["choices"][0]["finish_reason"], "length", "{limit}");
        assert_eq!(body["usage"]["completion_tokens"], 2);
    }
    let whole = message(&gateway, &say("Say pineapple and more", &json!({}))).await;
    assert!(whole["content"].as_str().unwrap().contains("pineapple"), "{whole}");
    let stopped = message(&gateway, &say("Say pineapple and more", &json!({ "stop": ["pineapple"] }))).await;
    assert!(!stopped["content"].as_str().unwrap().contains("pineapple"), "{stopped}");
}

#[tokio::test]
async fn several_answers_are_numbered_and_differ() {
    let gateway = Gateway::start();
    let body = ask(&gateway, CHAT, &say("Hello test", &json!({ "n": 3 }))).await.json();
    let choices = body["choices"].as_array().unwrap();
    let numbers: Vec<_> = choices.iter().map(|choice| choice["index"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert_ne!(choices[0]["message"]["content"], choices[1]["message"]["content"]);
}

#[tokio::test]
async fn tools_are_called_and_their_answers_reach_the_model() {
    let gateway = Gateway::start();
    let question = "What is the weather in Paris?";
    let asked = say(question, &json!({ "tools": [weather()] }));
    let body = ask(&gateway, CHAT, &asked).await.json();
    assert_eq!(body["choices"][0]["finish_reason"], "tool_calls");
    let called = &body["choices"][0]["message"];
    assert_eq!(called["content"], Value::Null);
    let call = &called["tool_calls"][0];
    assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("get_weather")));
    let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments, json!({ "city": "Paris" }));
    let mut answered = asked.clone();
    answered["messages"].as_array_mut().unwrap().extend([
        called.clone(),
        json!({ "role": "tool", "tool_call_id": call["id"], "content": "18 degrees" }),
    ]);
    let last = message(&gateway, &answered).await;
    assert!(last["content"].as_str().unwrap().contains("18 degrees"), "{last}");
    for (choice, calls) in [("none", false), ("required", true)] {
        let said = say("Hello test", &json!({ "tools": [weather()], "tool_choice": choice }));
        assert_eq!(message(&gateway, &said).await.get("tool_calls").is_some(), calls, "{choice}");
    }
}

#[tokio::test]
async fn an_answer_has_the_form_that_is_asked_for() {
    let gateway = Gateway::start();
    let object = json!({ "response_format": { "type": "json_object" } });
    let told = message(&gateway, &say("Answer in JSON: hello", &object)).await;
    let read: Value = serde_json::from_str(told["content"].as_str().unwrap()).unwrap();
    assert!(read.is_object());
    let untold = ask(&gateway, CHAT, &say("Hello", &object)).await;
    assert_eq!(error(&untold).2, "messages");
    let schema = json!({
        "type": "object",
        "properties": { "name": { "type": "string" }, "age": { "type": "integer" } },
        "required": ["name", "age"],
        "additionalProperties": false,
    });
    let format =
        json!({ "type": "json_schema", "json_schema": { "name": "x", "strict": true, "schema": schema } });
    let told = message(&gateway, &say("Alex is 42.", &json!({ "response_format": format }))).await;
    let read: Value = serde_json::from_str(told["content"].as_str().unwrap()).unwrap();
    assert!(read["name"].is_string() && read["age"].is_i64(), "{read}");
}

#[tokio::test]
async fn probabilities_are_told_of_every_token() {
    let gateway = Gateway::start();
    let asked = json!({ "logprobs": true, "top_logprobs": 2 });
    let body = ask(&gateway, CHAT, &say("Hello test", &asked)).await.json();
    let tokens = body["choices"][0]["logprobs"]["content"].as_array().unwrap();
    let bytes = tokens.iter().flat_map(|token| token["bytes"].as_array().unwrap());
    let bytes: Vec<_> = bytes.map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap()).collect();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(body["choices"][0]["message"]["content"], text.as_str());
    for token in tokens {
        assert!(token["logprob"].as_f64().unwrap() <= 0.0);
        assert_eq!(token["top_logprobs"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_model_that_thinks_tells_how_much_and_not_what() {
    let gateway = Gateway::start();
    let body = ask(&gateway, CHAT, &say("Hello test", &json!({ "model": "o4-mini" }))).await.json();
    let usage = &body["usage"];
    let thought = usage["completion_tokens_details"]["reasoning_tokens"].as_u64().unwrap();
    assert!(0 < thought && thought < usage["completion_tokens"].as_u64().unwrap(), "{usage}");
}

#[tokio::test]
async fn images_are_seen_and_not_fetched() {
    let gateway = Gateway::start();
    let show = async |url: &str| {
        let parts = json!([
            { "type": "text", "text": "What is this?" },
            { "type": "image_url", "image_url": { "url": url, "detail": "low" } },
        ]);
        ask(
            &gateway,
            CHAT,
            &json!({ "model": "gpt-4.1", "messages": [{ "role": "user", "content": parts }] }),
        )
        .await
    };
    let seen = show(&format!("data:image/png;base64,{PIXEL}")).await;
    assert!(seen.text().contains("1x1 pixels"), "{}", seen.text());
    assert_eq!(
        error(&show("https://example.com/a.png").await),
        (
            400,
            json!("invalid_request_error"),
            json!("messages[0].content[1].image_url.url"),
            json!("invalid_image_url"),
        )
    );
}
