//! Billing events.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::{CHAT, EMBEDDINGS, Gateway, MODELS, hello};

fn tokens(value: &Value) -> Decimal {
    Decimal::from(value.as_u64().unwrap())
}

fn cost(event: &Value) -> Decimal {
    event["cost"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn each_success_is_one_event_with_its_model_usage_key_and_cost() {
    let gateway = Gateway::start();
    let key = gateway.key("all_scopes");
    let first = gateway.post(CHAT, &key, &hello("claude_3_5_sonnet")).await.json();
    let embedding = json!({ "model": "cohere_english_v3", "input": "Billing test input 2" });
    let second = gateway.post(EMBEDDINGS, &key, &embedding).await.json();
    let third = gateway.post(CHAT, &key, &hello("gemini-2.0-flash")).await.json();
    let events = gateway.ledger("root").await;
    assert_eq!(events.len(), 3);
    let key_id = gateway.key_id("all_scopes").await;
    for (index, event) in events.iter().enumerate() {
        let members: Vec<_> = event.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            members,
            [
                "seq",
                "at",
                "request_id",
                "key_id",
                "manager_id",
                "model",
                "operation",
                "input_tokens",
                "output_tokens",
                "cost"
            ]
        );
        assert_eq!(event["seq"], index + 1);
        assert_eq!(event["key_id"], key_id);
        assert_eq!(event["manager_id"], "manager-all-scopes");
    }
    for (event, answer, model, input, output) in [
        (&events[0], &first, "claude_3_5_sonnet", "3.00", "15.00"),
        (&events[2], &third, "gemini-2.0-flash", "0.15", "0.60"),
    ] {
        assert_eq!((&event["model"], &event["operation"]), (&json!(model), &json!("chat")));
        assert_eq!(event["input_tokens"], answer["usage"]["prompt_tokens"]);
        assert_eq!(event["output_tokens"], answer["usage"]["completion_tokens"]);
        let (input, output): (Decimal, Decimal) = (input.parse().unwrap(), output.parse().unwrap());
        let wanted = tokens(&event["input_tokens"]) * input + tokens(&event["output_tokens"]) * output;
        assert_eq!(cost(event) * Decimal::from(1_000_000), wanted);
    }
    assert_eq!(
        (&events[1]["model"], &events[1]["operation"]),
        (&json!("cohere_english_v3"), &json!("embedding"))
    );
    assert_eq!(events[1]["input_tokens"], second["usage"]["promptTokens"]);
    assert_eq!(events[1]["output_tokens"], 0);
    assert!(cost(&events[1]) > Decimal::ZERO);
}

#[tokio::test]
async fn refusals_are_not_billed() {
    let gateway = Gateway::start();
    let all = gateway.key("all_scopes");
    gateway.get(MODELS, Some(&all)).await;
    gateway.post(CHAT, &all, &hello("no-such")).await;
    gateway.post(CHAT, &all, &hello("cohere_english_v3")).await;
    gateway.post(CHAT, &all, &json!({})).await;
    gateway.post(CHAT, &gateway.key("embedding_only"), &hello("claude_3_haiku")).await;
    gateway.post(CHAT, "sk-nobody", &hello("claude_3_haiku")).await;
    assert!(gateway.ledger("root").await.is_empty());
}

#[tokio::test]
async fn events_are_chosen_by_place_key_and_number() {
    let gateway = Gateway::start();
    for role in ["all_scopes", "chat_only", "all_scopes"] {
        gateway.post(CHAT, &gateway.key(role), &hello("claude_3_haiku")).await;
    }
    let places = async |query: &str| {
        let reply = gateway.control("GET", &format!("/worlds/root/ledger{query}"), None).await;
        let events = reply.json()["events"].as_array().unwrap().clone();
        events.iter().map(|event| event["seq"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(places("").await, [1, 2, 3]);
    assert_eq!(places("?after=1").await, [2, 3]);
    assert_eq!(places("?after=1&limit=1").await, [2]);
    let key_id = gateway.key_id("all_scopes").await;
    assert_eq!(places(&format!("?key_id={key_id}")).await, [1, 3]);
}

#[tokio::test]
async fn calls_at_the_same_time_lose_and_double_nothing() {
    let gateway = Gateway::start();
    let key = gateway.key("chat_only");
    let body = hello("claude_3_haiku");
    let calls = (0..40).map(|_| gateway.post(CHAT, &key, &body));
    let replies = futures::future::join_all(calls).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    let events = gateway.ledger("root").await;
    let mut requests: Vec<_> = events.iter().map(|event| event["request_id"].to_string()).collect();
    requests.sort();
    requests.dedup();
    assert_eq!((events.len(), requests.len()), (40, 40));
}
