//! Responses of OpenAI's wire: made, streamed, kept, gone on from and deleted.

use plumbline_reference_server::Settings;
use serde_json::{Value, json};

use crate::openai_support::ask;
use crate::support::{Gateway, Reply};

const RESPONSES: &str = "/~openai/v1/responses";

fn asking(input: &Value, members: &Value) -> Value {
    let mut body = json!({ "model": "gpt-4.1-mini", "input": input });
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn made(gateway: &Gateway, input: Value, members: Value) -> Value {
    let reply = ask(gateway, RESPONSES, &asking(&input, &members)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn text(response: &Value) -> &str {
    let mut items = response["output"].as_array().unwrap().iter().rev();
    items.find(|item| item["type"] == "message").unwrap()["content"][0]["text"].as_str().unwrap()
}

fn code(reply: &Reply) -> (u16, Value) {
    (reply.status, reply.json()["error"]["code"].clone())
}

fn weather() -> Value {
    json!([{ "type": "function", "name": "get_weather", "strict": true, "parameters": {
        "type": "object",
        "properties": { "city": { "type": "string" } },
        "required": ["city"],
        "additionalProperties": false,
    } }])
}

#[tokio::test]
async fn a_response_is_kept_told_again_and_deleted() {
    let gateway = Gateway::start();
    let response = made(&gateway, json!("Hello"), json!({ "metadata": { "a": "b" } })).await;
    assert_eq!((&response["status"], &response["metadata"]), (&json!("completed"), &json!({ "a": "b" })));
    let path = format!("{RESPONSES}/{}", response["id"].as_str().unwrap());
    let (own, other) = (gateway.key("all_scopes"), gateway.key("chat_only"));
    assert_eq!(gateway.get(&path, Some(&own)).await.json(), response);
    assert_eq!(gateway.get(&path, Some(&other)).await.status, 404);
    let items = gateway.get(&format!("{path}/input_items"), Some(&own)).await.json();
    assert_eq!(items["data"][0]["content"][0]["text"], "Hello");
    let delete = || gateway.send(crate::support::request("DELETE", &path, Some(&own), ""));
    assert_eq!(delete().await.json()["deleted"], true);
    assert_eq!(delete().await.status, 404);
    let unkept = made(&gateway, json!("Hello"), json!({ "store": false })).await;
    let path = format!("{RESPONSES}/{}", unkept["id"].as_str().unwrap());
    assert_eq!(gateway.get(&path, Some(&own)).await.status, 404);
}

#[tokio::test]
async fn a_conversation_goes_on_from_a_response_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let settings = || Settings { state: Some(folder.path().join("state.db")), ..Settings::default() };
    let gateway = Gateway::start_with(settings());
    let first = made(&gateway, json!("My name is Alex."), json!({ "top_logprobs": 2 })).await;
    gateway.stop().await;
    let gateway = Gateway::start_with(settings());
    let previous = json!({ "previous_response_id": first["id"] });
    let second = made(&gateway, json!("What is my name?"), previous.clone()).await;
    assert_eq!((text(&second), &second["previous_response_id"]), ("Your name is Alex.", &first["id"]));
    let unknown = asking(&json!("Hi"), &json!({ "previous_response_id": "resp_none" }));
    let unknown = ask(&gateway, RESPONSES, &unknown).await;
    assert_eq!(code(&unknown), (400, json!("previous_response_not_found")));
    let body = asking(&json!("What is my name?"), &previous);
    let other = gateway.post(RESPONSES, &gateway.key("chat_only"), &body).await;
    assert_eq!(code(&other), (400, json!("previous_response_not_found")));
}

#[tokio::test]
async fn a_long_conversation_is_gone_on_from_and_told_again() {
    let gateway = Gateway::start();
    let long = format!("My name is Alex. {}", "word ".repeat(300_000));
    let first = made(&gateway, json!(long), json!({})).await;
    let previous = json!({ "previous_response_id": first["id"] });
    assert_eq!(text(&made(&gateway, json!("What is my name?"), previous).await), "Your name is Alex.");
    let path = format!("{RESPONSES}/{}", first["id"].as_str().unwrap());
    let key = gateway.key("all_scopes");
    assert_eq!(gateway.get(&path, Some(&key)).await.json(), first);
    let items = gateway.get(&format!("{path}/input_items"), Some(&key)).await.json();
    assert_eq!(items["data"][0]["content"][0]["text"], long.as_str());
}

#[tokio::test]
async fn a_tool_is_called_answered_and_spoken_of() {
    let gateway = Gateway::start();
    let tools = json!({ "tools": weather() });
    let first = made(&gateway, json!("What is the weather in Paris?"), tools.clone()).await;
    let call = &first["output"][0];
    assert_eq!(
        (&call["type"], &call["arguments"]),
        (&json!("function_call"), &json!("{\"city\":\"Paris\"}"))
    );
    let output =
        json!([{ "type": "function_call_output", "call_id": call["call_id"], "output": "18 degrees" }]);
    let more = json!({ "tools": weather(), "previous_response_id": first["id"] });
    assert!(text(&made(&gateway, output, more).await).contains("18 degrees"));
    let unanswered = json!({ "tools": weather(), "previous_response_id": first["id"] });
    let reply = ask(&gateway, RESPONSES, &asking(&json!("And now?"), &unanswered)).await;
    assert_eq!(reply.status, 400);
}

#[tokio::test]
async fn a_stream_tells_the_same_response_in_numbered_events() {
    let gateway = Gateway::start();
    for members in [
        json!({}),
        json!({ "max_output_tokens": 4 }),
        json!({ "tools": weather() }),
        json!({ "top_logprobs": 2 }),
        json!({ "model": "o4-mini" }),
    ] {
        let question = json!("What is the weather in Paris?");
        let whole = made(&gateway, question.clone(), members.clone()).await;
        let mut body = asking(&question, &members);
        body["stream"] = true.into();
        let reply = ask(&gateway, RESPONSES, &body).await;
        let events: Vec<Value> = reply
            .text()
            .split_terminator("\n\n")
            .map(|event| {
                let (name, data) = event.split_once('\n').unwrap();
                let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
                assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
                data
            })
            .collect();
        let numbers: Vec<_> = events.iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
        assert!(numbers.into_iter().eq(0..events.len() as u64));
        assert_eq!(events[0]["type"], "response.created");
        let last = &events[events.len() - 1]["response"];
        for member in ["status", "incomplete_details", "usage", "model"] {
            assert_eq!(last[member], whole[member], "{member}");
        }
        let own = last["output"].as_array().unwrap();
        for (streamed, told) in own.iter().zip(whole["output"].as_array().unwrap()) {
            for member in ["type", "status", "content", "arguments", "name"] {
                assert_eq!(streamed[member], told[member], "{member}");
            }
        }
        let path = format!("{RESPONSES}/{}", last["id"].as_str().unwrap());
        assert_eq!(gateway.get(&path, Some(&gateway.key("all_scopes"))).await.json(), *last);
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_fails_its_response() {
    let gateway = Gateway::start();
    let mut body = asking(&json!("Hello"), &json!({}));
    body["stream"] = true.into();
    let request =
        crate::support::request("POST", RESPONSES, Some(&gateway.key("all_scopes")), body.to_string());
    let reply =
        gateway.send(crate::support::with_header(request, "x-plumbline-fault", "truncated-stream")).await;
    let last = reply.text().split_terminator("\n\n").last().unwrap().to_owned();
    assert!(last.starts_with("event: response.failed\n"), "{last}");
    assert!(gateway.ledger("root").await.is_empty());
}
