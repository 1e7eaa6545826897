//! Bodies that are wrong, or not what they claim to be.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{
    CHAT, EMBEDDINGS, Gateway, PIXEL, chunked, hello, image, raw_chat, refused, request, with_header,
    without_header,
};

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
async fn an_error_is_short_however_long_the_body_is() {
    let gateway = Gateway::start();
    let key = gateway.key("all_scopes");
    let long = "\u{1f642}\\\u{0}x".repeat(100_000);
    let many: Vec<_> = (0..100_000).collect();
    for body in [
        json!({ "model": long, "messages": [{ "role": "user", "content": "x" }], "input": "x" }),
        json!({ "model": "claude_3_haiku", "messages": long, "input": { "a": long } }),
        json!({ "messages": [{ "role": long, "content": [long] }], "dimensions": long }),
        json!({ "model": 5, "messages": many, "input": many, "stop": many }),
        json!({ "logit_bias": { &long: long }, "encoding_format": long }),
        json!({ "user": "x".repeat(5_000_000) }),
        json!([long]),
    ] {
        let body = body.to_string();
        for (path, content_type) in
            [(CHAT, "application/json"), (EMBEDDINGS, "application/json"), (CHAT, "text/plain")]
        {
            let post = request("POST", path, Some(&key), body.clone());
            let reply = gateway.send(with_header(post, "content-type", content_type)).await;
            assert_eq!(reply.status, 422, "{path} {content_type}");
            assert!(!reply.json()["detail"].is_null());
            assert!(reply.body.len() < 16 * 1024, "{path} {content_type}: {} bytes", reply.body.len());
        }
    }
}

#[tokio::test]
async fn a_body_may_have_a_million_values() {
    let gateway = Gateway::start();
    let key = gateway.key("chat_only");
    let with_values = |count: usize| {
        let numbers = vec!["0"; count].join(",");
        let text = ",[{".repeat(400_000);
        format!("{{\"model\":\"m\",\"user\":\"{text}\",\"x\":[{numbers}]}}")
    };
    // The two brackets and three members take a place as well.
    let most = gateway.send(request("POST", CHAT, Some(&key), with_values(999_997))).await;
    assert_eq!((most.status, &most.json()["detail"][0]["type"]), (422, &json!("missing")));
    let more = gateway.send(request("POST", CHAT, Some(&key), with_values(999_998))).await;
    assert_eq!(more.outcome(), refused(413, "Request Entity Too Large"));
}

#[tokio::test]
async fn a_large_image_is_read() {
    let gateway = Gateway::start();
    let mut bytes = BASE64_STANDARD.decode(PIXEL).unwrap();
    bytes.resize(7_000_000, 0);
    let messages = json!([{ "role": "user", "content": [image("image/png", &bytes)] }]);
    let body = json!({ "model": "claude_3_5_sonnet", "messages": messages });
    let reply = gateway.post(CHAT, &gateway.key("chat_only"), &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let said = reply.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    assert!(said.contains("1x1 pixels"), "{said}");
}

#[tokio::test]
async fn a_chunked_body_is_read_like_any_other() {
    let gateway = Gateway::start();
    let body = chunked(&hello("claude_3_haiku").to_string());
    let lines = "transfer-encoding: chunked\r\nconnection: close\r\n";
    let request = raw_chat(CHAT, &gateway.key("chat_only"), lines, &body);
    let reply = gateway.raw(request).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    // A chunked body does not tell how long it is before it is there.
    let long = chunked(&json!({ "model": "no-such", "user": "x".repeat(3_000_000) }).to_string());
    let request = raw_chat(CHAT, &gateway.key("chat_only"), lines, &long);
    let reply = gateway.raw(request).await;
    assert!(reply.starts_with("HTTP/1.1 422 "), "{reply}");
}

#[tokio::test]
async fn a_body_that_ends_early_is_never_acted_on() {
    let gateway = Gateway::start();
    let body = hello("claude_3_haiku").to_string();
    let chunks = chunked(&body);
    let (no_end, _) = chunks.rsplit_once("0\r\n").unwrap();
    for (lines, sent) in [
        (format!("content-length: {}\r\n", body.len() + 1), body.as_str()),
        ("transfer-encoding: chunked\r\n".to_owned(), no_end),
    ] {
        let reply = gateway.raw_and_no_more(raw_chat(CHAT, &gateway.key("chat_only"), &lines, sent)).await;
        assert!(reply.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{reply}");
        assert!(reply.ends_with("{\"detail\":\"There was an error parsing the body\"}"), "{reply}");
    }
    assert!(gateway.ledger("root").await.is_empty());
    // The same body with its own length is answered.
    let lines = format!("content-length: {}\r\nconnection: close\r\n", body.len());
    let reply = gateway.raw(raw_chat(CHAT, &gateway.key("chat_only"), &lines, &body)).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_told_to_go_on() {
    let gateway = Gateway::start();
    let body = hello("claude_3_haiku").to_string();
    let lines = format!("expect: 100-continue\r\ncontent-length: {}\r\n", body.len());
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let head = raw_chat(CHAT, &gateway.key("chat_only"), &lines, "");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[tokio::test]
async fn of_two_members_with_one_name_the_last_counts() {
    let gateway = Gateway::start();
    let body = "{\"model\": \"no-such\", \"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}], \
                \"model\": \"claude_3_haiku\"}";
    let reply = gateway.send(request("POST", CHAT, Some(&gateway.key("chat_only")), body)).await;
    assert_eq!((reply.status, &reply.json()["model"]), (200, &json!("claude_3_haiku")));
}

#[tokio::test]
async fn a_connection_on_which_a_body_was_left_over_ends_and_says_so() {
    let gateway = Gateway::start();
    let long = "x".repeat(100_000);
    for (method, path, status) in [("POST", "/nowhere", 404), ("PUT", CHAT, 405), ("POST", "/~w/none/x", 404)]
    {
        let reply = gateway.send(request(method, path, None, long.clone())).await;
        assert_eq!((reply.status, reply.header("connection")), (status, Some("close")), "{method} {path}");
    }
    // What was read, or is no more than comes with the head, ends nothing.
    let key = gateway.key("chat_only");
    let read = json!({ "model": "no-such", "user": long }).to_string();
    for (path, body) in [(CHAT, read), ("/nowhere", "short".to_owned())] {
        let reply = gateway.send(request("POST", path, Some(&key), body)).await;
        assert_eq!(reply.header("connection"), None, "{path}");
    }
}
