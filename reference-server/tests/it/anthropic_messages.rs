//! Messages on Anthropic's wire.

use serde_json::{Value, json};

use crate::anthropic_support::{
    COUNT, MESSAGES, answered, call, events, post, question, question_with, tools,
};
use crate::support::{Gateway, PIXEL, with_header, without_header};

/// The sum of all tokens of a prompt.
fn prompt_tokens(usage: &Value) -> u64 {
    ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"]
        .iter()
        .map(|name| usage[name].as_u64().unwrap())
        .sum()
}

#[tokio::test]
async fn an_answer_has_the_documented_form() {
    let gateway = Gateway::start();
    let reply = post(&gateway, "chat_only", MESSAGES, &question("Hello test")).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    let body = reply.json();
    let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"]);
    assert!(body["id"].as_str().unwrap().starts_with("msg_"));
    assert_eq!(
        (&body["type"], &body["role"], &body["model"], &body["stop_reason"], &body["stop_sequence"]),
        (
            &json!("message"),
            &json!("assistant"),
            &json!("claude-sonnet-4-5"),
            &json!("end_turn"),
            &Value::Null
        )
    );
    assert_eq!(body["content"].as_array().unwrap().len(), 1);
    assert!(!body["content"][0]["text"].as_str().unwrap().is_empty());
    let usage = &body["usage"];
    assert!(usage["output_tokens"].as_u64().unwrap() > 0 && prompt_tokens(usage) > 0);
    let ledger = gateway.ledger("root").await;
    assert_eq!(ledger.len(), 1);
    assert_eq!(ledger[0]["input_tokens"], usage["input_tokens"]);
    assert_eq!(ledger[0]["output_tokens"], usage["output_tokens"]);
}

#[tokio::test]
async fn every_answer_names_its_request_and_what_is_left() {
    let gateway = Gateway::start();
    let (first, second) = (
        post(&gateway, "chat_only", MESSAGES, &question("Hi")).await,
        post(&gateway, "chat_only", COUNT, &json!({})).await,
    );
    assert_eq!((first.status, second.status), (200, 400));
    let id = first.header("request-id").unwrap().strip_prefix("req_").unwrap();
    assert_eq!(gateway.lines(id).await.len(), 3);
    let left = |name: &str| {
        let header = format!("anthropic-ratelimit-requests-{name}");
        (first.header(&header).unwrap().to_owned(), second.header(&header).unwrap().to_owned())
    };
    let (limit, remaining) = (left("limit"), left("remaining"));
    assert_eq!(limit.0, limit.1);
    assert_eq!(remaining.0.parse::<u64>().unwrap(), remaining.1.parse::<u64>().unwrap() + 1);
    assert!(left("reset").0.ends_with('Z'));
    assert!(first.header("anthropic-ratelimit-tokens-limit").is_some());
    assert_eq!(first.header("anthropic-organization-id"), second.header("anthropic-organization-id"));
}

#[tokio::test]
async fn a_key_comes_as_a_bearer_token_too() {
    let gateway = Gateway::start();
    let bearer = format!("Bearer {}", gateway.key("chat_only"));
    let request = call("POST", MESSAGES, "", question("Hi").to_string());
    let request = with_header(without_header(request, "x-api-key"), "authorization", &bearer);
    let request = with_header(request, "anthropic-beta", "some-feature-2026-01-01");
    assert_eq!(gateway.send(request).await.status, 200);
}

#[tokio::test]
async fn limits_and_stop_sequences_end_an_answer() {
    let gateway = Gateway::start();
    let cut = answered(&gateway, &question_with("Hello test", &json!({ "max_tokens": 1 }))).await;
    assert_eq!((&cut["stop_reason"], &cut["usage"]["output_tokens"]), (&json!("max_tokens"), &json!(1)));
    let body = question_with("alpha gamma delta", &json!({ "stop_sequences": ["omega", "gamma"] }));
    let stopped = answered(&gateway, &body).await;
    assert_eq!(stopped["stop_reason"], "stop_sequence");
    assert_eq!(stopped["stop_sequence"], "gamma");
    assert!(!stopped["content"][0]["text"].as_str().unwrap().contains("gamma"));
}

#[tokio::test]
async fn an_answer_that_was_begun_goes_on_where_it_ends() {
    let gateway = Gateway::start();
    let question = json!({ "role": "user", "content": "What is the capital of France?" });
    let whole = answered(&gateway, &question_with("", &json!({ "messages": [question] }))).await;
    let text = whole["content"][0]["text"].as_str().unwrap();
    let (begun, rest) = text.split_at(text.find(" Paris").unwrap());
    for content in [json!(begun), json!([{ "type": "text", "text": begun }])] {
        let turns = json!([question, { "role": "assistant", "content": content }]);
        let body = question_with("", &json!({ "messages": turns }));
        let answer = answered(&gateway, &body).await;
        assert_eq!(answer["content"], json!([{ "type": "text", "text": rest }]));
        assert!(prompt_tokens(&answer["usage"]) > prompt_tokens(&whole["usage"]));
        assert!(answer["usage"]["output_tokens"].as_u64() < whole["usage"]["output_tokens"].as_u64());
        let streamed = question_with("", &json!({ "messages": turns, "stream": true }));
        let streamed = events(&post(&gateway, "chat_only", MESSAGES, &streamed).await);
        let texts = streamed.iter().filter_map(|(_, data)| data["delta"]["text"].as_str());
        assert_eq!(texts.collect::<String>(), rest);
    }
}

#[tokio::test]
async fn blocks_and_texts_say_the_same() {
    let gateway = Gateway::start();
    let text = |body: &Value| body["content"][0]["text"].as_str().unwrap().to_owned();
    let plain = answered(&gateway, &question_with("Hello test", &json!({ "system": "be kind" }))).await;
    let blocks = json!({
        "system": [{ "type": "text", "text": "be kind" }],
        "messages": [{ "role": "user", "content": [{ "type": "text", "text": "Hello test" }] }],
    });
    let in_blocks = answered(&gateway, &question_with("", &blocks)).await;
    assert_eq!(text(&plain), text(&in_blocks));
    assert_eq!(plain["usage"], in_blocks["usage"]);
}

#[tokio::test]
async fn images_and_documents_reach_the_model() {
    let gateway = Gateway::start();
    let pixel = json!({ "type": "base64", "media_type": "image/png", "data": PIXEL });
    let note = json!({ "type": "text", "media_type": "text/plain", "data": "The word is xylophone." });
    let body = question_with(
        "",
        &json!({ "messages": [{ "role": "user", "content": [
            { "type": "image", "source": pixel },
            { "type": "document", "source": note, "title": "A note" },
            { "type": "text", "text": "What do you see?" },
        ] }] }),
    );
    let shown = answered(&gateway, &body).await;
    let without = answered(&gateway, &question("What do you see?")).await;
    assert!(prompt_tokens(&shown["usage"]) > prompt_tokens(&without["usage"]));
    let remote = json!({ "type": "image", "source": { "type": "url", "url": "https://example.com/a.png" } });
    let body = question_with("", &json!({ "messages": [{ "role": "user", "content": [remote] }] }));
    assert_eq!(post(&gateway, "chat_only", MESSAGES, &body).await.status, 400);
}

#[tokio::test]
async fn a_tool_is_called_and_its_result_is_told() {
    let gateway = Gateway::start();
    let asked = "What is the weather in Paris?";
    let body = question_with(asked, &json!({ "tools": tools() }));
    let called = answered(&gateway, &body).await;
    assert_eq!(called["stop_reason"], "tool_use");
    let block = called["content"].as_array().unwrap().last().unwrap();
    assert_eq!((&block["type"], &block["name"]), (&json!("tool_use"), &json!("get_weather")));
    assert_eq!(block["input"], json!({ "city": "Paris" }));
    assert!(block["id"].as_str().unwrap().starts_with("toolu_"));
    let result = json!({ "type": "tool_result", "tool_use_id": block["id"], "content": "18 degrees" });
    let told = question_with(
        "",
        &json!({ "tools": tools(), "messages": [
            { "role": "user", "content": asked },
            { "role": "assistant", "content": called["content"] },
            { "role": "user", "content": [result] },
        ] }),
    );
    let told = answered(&gateway, &told).await;
    assert_eq!(told["stop_reason"], "end_turn");
    assert!(told["content"][0]["text"].as_str().unwrap().contains("18 degrees"), "{told}");
}

#[tokio::test]
async fn a_choice_says_whether_and_which_tool_is_called() {
    let gateway = Gateway::start();
    for (text, choice, expected) in [
        ("Say hello, please", json!({ "type": "auto" }), None),
        ("Say hello, please", json!({ "type": "any" }), Some("get_weather")),
        ("Say hello, please", json!({ "type": "tool", "name": "send_letter" }), Some("send_letter")),
        ("What is the weather in Paris?", json!({ "type": "none" }), None),
    ] {
        let body = question_with(text, &json!({ "tools": tools(), "tool_choice": choice }));
        let content = answered(&gateway, &body).await["content"].take();
        let called = content.as_array().unwrap().iter().find(|block| block["type"] == "tool_use");
        assert_eq!(called.and_then(|block| block["name"].as_str()), expected, "{choice}");
    }
}

#[tokio::test]
async fn thoughts_come_first_and_are_taken_back() {
    let gateway = Gateway::start();
    let thinking = json!({ "thinking": { "type": "enabled", "budget_tokens": 1_024 }, "max_tokens": 2_048 });
    let answer = answered(&gateway, &question_with("Hello test", &thinking)).await;
    let types: Vec<_> = answer["content"].as_array().unwrap().iter().map(|block| &block["type"]).collect();
    assert_eq!(types, ["thinking", "text"]);
    let mut next = question_with("", &thinking);
    next["messages"] = json!([
        { "role": "user", "content": "Hello test" },
        { "role": "assistant", "content": answer["content"] },
        { "role": "user", "content": "And now?" },
    ]);
    answered(&gateway, &next).await;
    next["messages"][1]["content"][0]["signature"] = json!("forged");
    let refused = post(&gateway, "chat_only", MESSAGES, &next).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("messages.1.content.0: Invalid `signature`"), "{}", refused.text());
}

#[tokio::test]
async fn an_answer_follows_the_schema_that_is_given() {
    let gateway = Gateway::start();
    let schema = json!({
        "type": "object",
        "properties": { "name": { "type": "string" }, "age": { "type": "integer" } },
        "required": ["name", "age"],
        "additionalProperties": false,
    });
    let format = json!({ "type": "json_schema", "schema": schema });
    let body = question_with("Who is Alex?", &json!({ "output_config": { "format": format } }));
    let answer = answered(&gateway, &body).await;
    let value: Value = serde_json::from_str(answer["content"][0]["text"].as_str().unwrap()).unwrap();
    assert!(value["name"].is_string() && value["age"].is_i64(), "{value}");
}

#[tokio::test]
async fn a_count_is_what_the_answer_costs() {
    let gateway = Gateway::start();
    let members = json!({ "system": "be kind", "tools": tools() });
    let mut body = question_with("Hello test", &members);
    let answer = answered(&gateway, &body).await;
    body.as_object_mut().unwrap().remove("max_tokens");
    let counted = post(&gateway, "chat_only", COUNT, &body).await;
    assert_eq!(counted.outcome(), (200, json!({ "input_tokens": answer["usage"]["input_tokens"] })));
    assert_eq!(gateway.ledger("root").await.len(), 1);
    body.as_object_mut().unwrap().remove("tools");
    let fewer = post(&gateway, "chat_only", COUNT, &body).await.json();
    assert!(fewer["input_tokens"].as_u64() < answer["usage"]["input_tokens"].as_u64());
}

#[tokio::test]
async fn a_marked_prompt_is_read_from_the_cache_and_billed_in_full() {
    let gateway = Gateway::start();
    let long = "word ".repeat(3_000);
    let system = json!([{ "type": "text", "text": long, "cache_control": { "type": "ephemeral" } }]);
    let ask = async |model: &str, text: &str| {
        let body = question_with(text, &json!({ "system": system, "model": model }));
        answered(&gateway, &body).await["usage"].take()
    };
    let first = ask("claude-sonnet-4-5", "One?").await;
    let written = first["cache_creation_input_tokens"].as_u64().unwrap();
    assert!(written >= 3_000 && first["cache_read_input_tokens"] == 0, "{first}");
    assert_eq!(first["cache_creation"]["ephemeral_5m_input_tokens"], written);
    let second = ask("claude-sonnet-4-5", "Two?").await;
    assert_eq!(second["cache_read_input_tokens"], written);
    assert_eq!(second["cache_creation_input_tokens"], 0);
    assert_eq!(prompt_tokens(&first), prompt_tokens(&second));
    let other = ask("claude-haiku-4-5", "Two?").await;
    assert_eq!(other["cache_read_input_tokens"], 0);
    let billed: Vec<_> =
        gateway.ledger("root").await.iter().map(|event| event["input_tokens"].as_u64()).collect();
    assert_eq!(billed, vec![Some(prompt_tokens(&first)); 3]);
}
