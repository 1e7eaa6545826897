//! A provider that fails: in one request, or by rule.

use serde_json::{Value, json};

use crate::support::{CHAT, EMBEDDINGS, Gateway, Reply, hello, request, with_header};

const FAULTS: &str = "/worlds/root/faults";

async fn chat(gateway: &Gateway, model: &str) -> Reply {
    gateway.post(CHAT, &gateway.key("chat_only"), &hello(model)).await
}

async fn embed(gateway: &Gateway) -> Reply {
    let body = json!({ "model": "cohere_english_v3", "input": "x" });
    gateway.post(EMBEDDINGS, &gateway.key("embedding_only"), &body).await
}

async fn arm(gateway: &Gateway, rule: Value) -> Value {
    let reply = gateway.control("POST", FAULTS, Some(rule)).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

#[tokio::test]
async fn a_rule_is_armed_strikes_is_listed_and_is_taken_away() {
    let gateway = Gateway::start();
    assert_eq!(gateway.control("GET", FAULTS, None).await.json(), json!({ "faults": [] }));
    let rule = json!({ "kind": "html", "model": "claude_3_haiku", "times": 1, "after": 1 });
    let armed = arm(&gateway, rule).await;
    let expected = json!({
        "id": 1, "kind": "html", "model": "claude_3_haiku", "operation": null, "times": 1, "after": 1,
        "status": null, "retry_after": null, "message": null, "passed": 0, "struck": 0,
    });
    assert_eq!(armed, expected);
    let mut statuses = Vec::new();
    for model in ["claude_3_haiku", "claude_3_5_sonnet", "claude_3_haiku", "claude_3_haiku"] {
        statuses.push(chat(&gateway, model).await.status);
    }
    assert_eq!(statuses, [200, 200, 500, 200]);
    assert_eq!(gateway.ledger("root").await.len(), 3);
    let listed = gateway.control("GET", FAULTS, None).await.json();
    assert_eq!((&listed["faults"][0]["passed"], &listed["faults"][0]["struck"]), (&json!(1), &json!(1)));

    arm(&gateway, json!({ "kind": "html" })).await;
    assert_eq!(chat(&gateway, "claude_3_haiku").await.status, 500);
    assert_eq!(gateway.control("DELETE", &format!("{FAULTS}/2"), None).await.status, 204);
    assert_eq!(gateway.control("DELETE", &format!("{FAULTS}/2"), None).await.status, 404);
    assert_eq!(gateway.control("DELETE", &format!("{FAULTS}/two"), None).await.status, 404);
    assert_eq!(chat(&gateway, "claude_3_haiku").await.status, 200);
    arm(&gateway, json!({ "kind": "html" })).await;
    assert_eq!(gateway.control("DELETE", FAULTS, None).await.status, 204);
    assert_eq!(chat(&gateway, "claude_3_haiku").await.status, 200);
}

#[tokio::test]
async fn a_rule_stays_in_its_world_and_strikes_its_operation() {
    let gateway = Gateway::start();
    let made = gateway.control("POST", "/worlds", None).await.json();
    let other = format!("/worlds/{}/faults", made["id"].as_str().unwrap());
    gateway.control("POST", &other, Some(json!({ "kind": "html" }))).await;
    assert_eq!(chat(&gateway, "claude_3_haiku").await.status, 200);
    arm(&gateway, json!({ "kind": "empty-success", "operation": "embedding" })).await;
    assert_eq!(chat(&gateway, "claude_3_haiku").await.status, 200);
    assert_eq!(embed(&gateway).await.status, 500);
}

#[tokio::test]
async fn a_request_that_names_its_own_fault_leaves_the_rules_alone() {
    let gateway = Gateway::start();
    arm(&gateway, json!({ "kind": "html", "times": 1 })).await;
    let body = hello("claude_3_haiku").to_string();
    let named = request("POST", CHAT, Some(&gateway.key("chat_only")), body);
    assert_eq!(gateway.send(with_header(named, "x-plumbline-fault", "rejected")).await.status, 400);
    assert_eq!(chat(&gateway, "claude_3_haiku").await.status, 500);
    assert_eq!(chat(&gateway, "claude_3_haiku").await.status, 200);
}

#[tokio::test]
async fn a_request_may_say_more_of_its_fault() {
    let gateway = Gateway::start();
    let ask = async |fault: &str| {
        let body = hello("claude_3_haiku").to_string();
        let named = request("POST", CHAT, Some(&gateway.key("chat_only")), body);
        gateway.send(with_header(named, "x-plumbline-fault", fault)).await
    };
    for (kind, status) in [("rate-limited", 429), ("unavailable", 503)] {
        let reply = ask(&format!("{kind}; retry-after=7")).await;
        assert_eq!((reply.status, reply.header("retry-after")), (status, Some("7")), "{}", reply.text());
    }
    let rejected = ask("rejected; message=no%20poems%3B%20today").await;
    assert_eq!((rejected.status, &rejected.json()["detail"]["message"]), (400, &json!("no poems; today")));
    for wrong in ["rejected; retry-after=7", "html; status=500", "rejected; volume=11"] {
        let reply = ask(wrong).await;
        let told = reply.text();
        assert!(reply.status == 400 && told.contains("unknown fault"), "{wrong}: {told}");
    }
}

#[tokio::test]
async fn a_success_that_makes_no_sense_is_an_internal_error_that_the_log_explains() {
    let gateway = Gateway::start();
    for (kind, told) in [
        ("missing-fields", "missing field `text`"),
        ("empty-success", "missing field `text`"),
        ("html", "expected value"),
        ("truncated-json", "EOF while parsing"),
    ] {
        arm(&gateway, json!({ "kind": kind, "times": 1 })).await;
        let reply = chat(&gateway, "claude_3_haiku").await;
        assert_eq!((reply.status, &reply.json()["detail"]), (500, &json!("Internal Server Error")), "{kind}");
        let lines = gateway.lines(reply.json()["request_id"].as_str().unwrap()).await;
        let exception = lines.last().unwrap()["exception"].as_str().unwrap().to_owned();
        assert!(exception.contains("malformed") && exception.contains(told), "{kind}: {exception}");
    }
    assert!(gateway.ledger("root").await.is_empty());
}

#[tokio::test]
async fn a_refusal_is_relayed_in_the_providers_words() {
    let gateway = Gateway::start();
    arm(&gateway, json!({ "kind": "rejected", "message": "no poems today" })).await;
    for reply in [chat(&gateway, "claude_3_haiku").await, embed(&gateway).await] {
        let detail = json!({ "error": "Bad Request", "message": "no poems today" });
        assert_eq!(reply.outcome(), (400, json!({ "detail": detail })));
    }
}

#[tokio::test]
async fn a_rate_limit_is_told_with_when_to_come_back() {
    let gateway = Gateway::start();
    arm(&gateway, json!({ "kind": "rate-limited", "retry_after": 7, "times": 1 })).await;
    let reply = chat(&gateway, "claude_3_haiku").await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("7")));
    assert_eq!(reply.json()["detail"]["error"], "Too Many Requests");
    assert_eq!(chat(&gateway, "claude_3_haiku").await.status, 200);
    assert_eq!(gateway.ledger("root").await.len(), 1);
}

#[tokio::test]
async fn what_an_unknown_error_tells_is_for_the_log_only() {
    let gateway = Gateway::start();
    arm(&gateway, json!({ "kind": "unmapped-error", "status": 451 })).await;
    let reply = chat(&gateway, "claude_3_haiku").await;
    assert_eq!(reply.status, 500);
    assert!(!reply.text().contains("node-7") && !reply.text().contains("/srv"), "{}", reply.text());
    let lines = gateway.lines(reply.json()["request_id"].as_str().unwrap()).await;
    let exception = lines.last().unwrap()["exception"].as_str().unwrap().to_owned();
    assert!(exception.contains("status 451") && exception.contains("node-7"), "{exception}");
}

#[tokio::test]
async fn what_is_no_fault_is_not_armed() {
    let gateway = Gateway::start();
    for (rule, told) in [
        (json!({ "kind": "htm" }), "did you mean \"html\""),
        (json!({ "kind": "html", "model": "no-such" }), "/api/v1/models"),
        (json!({ "kind": "html", "tims": 1 }), "unknown field `tims`"),
        (json!("html"), "the body cannot be used"),
    ] {
        let reply = gateway.control("POST", FAULTS, Some(rule)).await;
        let error = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(reply.status == 400 && error.contains(told), "{} {error}", reply.status);
    }
    for _ in 0..100 {
        arm(&gateway, json!({ "kind": "truncated-stream" })).await;
    }
    let reply = gateway.control("POST", FAULTS, Some(json!({ "kind": "html" }))).await;
    assert_eq!(reply.status, 409, "{}", reply.text());
    assert_eq!(gateway.control("PUT", FAULTS, None).await.status, 405);
}
