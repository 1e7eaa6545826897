//! Methods, paths, limits, browsers.

use plumbline_reference_server::Settings;
use serde_json::json;

use crate::support::{CHAT, EMBEDDINGS, Gateway, MODELS, hello, refused, request, with_header};

#[tokio::test]
async fn unknown_paths_are_not_found_everywhere() {
    let gateway = Gateway::start();
    for path in [
        "/nothing",
        "/api/v1",
        "/api/v1/nothing/",
        "/~nobody/api/v1/models",
        "/~w/nowhere/api/v1/models",
        "/~w",
    ] {
        let reply = gateway.get(path, Some(&gateway.key("all_scopes"))).await;
        assert_eq!(reply.outcome(), refused(404, "Not Found"), "{path}");
    }
}

#[tokio::test]
async fn wrong_methods_are_refused_with_the_right_one_and_without_a_key() {
    let gateway = Gateway::start();
    for (path, allow) in [(MODELS, "GET"), (CHAT, "POST"), (EMBEDDINGS, "POST"), ("/health", "GET")] {
        for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
            if method == allow {
                continue;
            }
            let reply = gateway.send(request(method, path, None, "")).await;
            assert_eq!(reply.outcome(), refused(405, "Method Not Allowed"), "{method} {path}");
            assert_eq!(reply.header("allow"), Some(allow));
        }
    }
    let reply = gateway.send(request("HEAD", MODELS, None, "")).await;
    assert_eq!((reply.status, reply.body.len()), (405, 0));
}

#[tokio::test]
async fn a_slash_behind_a_path_is_sent_on() {
    let gateway = Gateway::start();
    let reply = gateway.get("/api/v1/models/", None).await;
    assert_eq!((reply.status, reply.header("location")), (307, Some(MODELS)));
    assert!(reply.body.is_empty());
    let reply = gateway.get("/~gsai/api/v1/models/?a=b", None).await;
    assert_eq!(reply.header("location"), Some("/~gsai/api/v1/models?a=b"));
}

#[tokio::test]
async fn a_body_past_the_limit_is_refused_and_one_at_the_limit_is_not() {
    let body = hello("claude_3_5_sonnet").to_string();
    let settings = Settings { body_limit: body.len(), ..Settings::default() };
    let gateway = Gateway::start_with(settings);
    let key = gateway.key("chat_only");
    assert_eq!(gateway.send(request("POST", CHAT, Some(&key), body.clone())).await.status, 200);
    let longer = format!("{body} ");
    let reply = gateway.send(request("POST", CHAT, Some(&key), longer)).await;
    assert_eq!(reply.outcome(), refused(413, "Request Entity Too Large"));
    let much_longer = " ".repeat(1_000_000);
    let reply = gateway.send(request("POST", CHAT, Some(&key), much_longer)).await;
    assert_eq!(reply.status, 413);
}

#[tokio::test]
async fn a_head_past_the_limit_is_refused_with_words() {
    let gateway = Gateway::start();
    let key = gateway.key("chat_only");
    let long_field =
        |length: usize| with_header(request("GET", MODELS, Some(&key), ""), "x-long", &"x".repeat(length));
    assert_eq!(gateway.send(long_field(65_000)).await.status, 200);
    let too_large = refused(431, "Request Header Fields Too Large");
    for length in [65_536, 250_000] {
        assert_eq!(gateway.send(long_field(length)).await.outcome(), too_large, "{length}");
    }
    let address = |length: usize| format!("{MODELS}?q={}", "x".repeat(length));
    assert_eq!(gateway.get(&address(16_000), Some(&key)).await.status, 200);
    for length in [16_384, 60_000] {
        let reply = gateway.get(&address(length), Some(&key)).await;
        assert_eq!(reply.outcome(), refused(414, "URI Too Long"), "{length}");
    }
    assert_eq!(gateway.get(MODELS, Some(&key)).await.status, 200);
}

#[tokio::test]
async fn a_head_that_is_not_even_read_is_refused_without_words() {
    let gateway = Gateway::start();
    for (path, fields, status) in [
        (MODELS.to_owned(), format!("x-long: {}\r\n", "x".repeat(300_000)), 431),
        (MODELS.to_owned(), "x: y\r\n".repeat(101), 431),
        (format!("{MODELS}?{}", "x".repeat(70_000)), String::new(), 414),
    ] {
        let reply = gateway.raw(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n")).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {reply}");
    }
    assert_eq!(gateway.get(MODELS, Some(&gateway.key("chat_only"))).await.status, 200);
}

#[tokio::test]
async fn browsers_are_let_in_from_everywhere() {
    let gateway = Gateway::start();
    let origin = "https://app.example";
    let preflight = with_header(request("OPTIONS", CHAT, None, ""), "origin", origin);
    let preflight = with_header(preflight, "access-control-request-method", "POST");
    let reply = gateway.send(preflight).await;
    assert_eq!((reply.status, reply.text()), (200, "OK"));
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(reply.header("access-control-max-age"), Some("600"));
    assert_eq!(reply.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
    let simple = with_header(request("GET", MODELS, None, ""), "origin", origin);
    let reply = gateway.send(simple).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (403, Some("*")));
    assert_eq!(reply.json(), json!({ "detail": "Not authenticated" }));
}
