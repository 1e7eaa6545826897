//! Bodies that are wrong, or not what they claim to be.

use serde_json::{Value, json};

use crate::support::{CHAT, EMBEDDINGS, Gateway, hello, refused, request, with_header, without_header};

#[tokio::test]
async fn mistakes_are_told_twice_over_with_the_plain_place_last() {
    let gateway = Gateway::start();
    let body = json!({ "messages": [{ "role": "user", "content": "x" }] });
    let reply = gateway.post(CHAT, &gateway.key("chat_only"), &body).await;
    let missing =
        |loc: Value| json!({ "type": "missing", "loc": loc, "msg": "Field required", "input": body });
    let detail = json!([
        missing(json!(["body", "ChatCompletionRequest", "model"])),
        missing(json!(["body", "EmbeddingRequest", "input"])),
        missing(json!(["body", "EmbeddingRequest", "model"])),
        missing(json!(["body", "model"])),
    ]);
    assert_eq!(reply.outcome(), (422, json!({ "detail": detail })));
}

#[tokio::test]
async fn what_is_no_json_is_told_with_its_place() {
    let gateway = Gateway::start();
    let key = gateway.key("chat_only");
    for (body, offset) in [("{\"a\": 1,}", 8), ("{\"model\": \"m\"", 13), ("NaN", 0), ("\"\\ud800\"", 7)] {
        let reply = gateway.send(request("POST", CHAT, Some(&key), body)).await;
        assert_eq!(reply.status, 422, "{body}");
        let mistake = &reply.json()["detail"][0];
        assert_eq!(mistake["type"], "json_invalid", "{body}");
        assert_eq!(mistake["msg"], "JSON decode error");
        assert_eq!(mistake["input"], json!({}));
        assert!(mistake["ctx"]["error"].is_string());
        assert_eq!(mistake["loc"][0], "body");
        let told = mistake["loc"][1].as_u64().unwrap();
        assert!(told.abs_diff(offset) <= 1, "{body}: {told}");
    }
    let deep = "[".repeat(10_000);
    let reply = gateway.send(request("POST", CHAT, Some(&key), deep)).await;
    assert_eq!((reply.status, &reply.json()["detail"][0]["type"]), (422, &json!("json_invalid")));
}

#[tokio::test]
async fn an_absent_body_is_missing_twice() {
    let gateway = Gateway::start();
    let missing = json!({ "type": "missing", "loc": ["body"], "msg": "Field required", "input": null });
    for path in [CHAT, EMBEDDINGS] {
        for body in ["", "null"] {
            let reply = gateway.send(request("POST", path, Some(&gateway.key("all_scopes")), body)).await;
            assert_eq!(reply.outcome(), (422, json!({ "detail": [missing, missing] })), "{path} {body:?}");
        }
    }
}

#[tokio::test]
async fn content_types_are_read_as_observed() {
    let gateway = Gateway::start();
    let key = gateway.key("chat_only");
    let body = hello("claude_3_5_sonnet").to_string();
    let post = || request("POST", CHAT, Some(&key), body.clone());
    assert_eq!(gateway.send(without_header(post(), "content-type")).await.status, 200);
    for accepted in ["application/json; charset=utf-8", "application/vnd.api+json"] {
        assert_eq!(
            gateway.send(with_header(post(), "content-type", accepted)).await.status,
            200,
            "{accepted}"
        );
    }
    for refused in ["text/plain", "application/xml", "application/x-www-form-urlencoded"] {
        let reply = gateway.send(with_header(post(), "content-type", refused)).await;
        assert_eq!(reply.status, 422, "{refused}");
        let detail = reply.json()["detail"].as_array().unwrap().clone();
        assert!(detail.iter().all(|mistake| mistake["type"] == "model_attributes_type"));
        assert_eq!(detail.last().unwrap()["loc"], json!(["body"]));
        assert_eq!(detail.last().unwrap()["input"], json!(body));
    }
    let accepts = with_header(post(), "accept", "application/xml");
    assert_eq!(gateway.send(accepts).await.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn bytes_that_are_no_text_are_unreadable() {
    let gateway = Gateway::start();
    let body = b"{\"model\": \"\xff\xfe\"}".to_vec();
    let reply = gateway.send(request("POST", CHAT, Some(&gateway.key("chat_only")), body)).await;
    assert_eq!(reply.outcome(), refused(400, "There was an error parsing the body"));
}

#[tokio::test]
async fn of_two_members_with_one_name_the_last_counts() {
    let gateway = Gateway::start();
    let body = "{\"model\": \"no-such\", \"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}], \
                \"model\": \"claude_3_haiku\"}";
    let reply = gateway.send(request("POST", CHAT, Some(&gateway.key("chat_only")), body)).await;
    assert_eq!((reply.status, &reply.json()["model"]), (200, &json!("claude_3_haiku")));
}
