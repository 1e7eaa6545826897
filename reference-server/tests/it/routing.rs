//! Who serves a request, as its caller and the control API see it. The providers here are mocks under several names.

use std::time::{Duration, Instant};

use plumbline_reference_server::{Config, Settings};
use serde_json::{Value, json};

use crate::support::{CHAT, EMBEDDINGS, Gateway, Reply, hello, request, with_header};

const CONFIG: &str = "
providers: { one: { kind: mock }, two: { kind: mock } }
models:
  claude_3_haiku:
    routes: [{ provider: one, model: haiku }]
    fallbacks: [{ provider: two }]
    breaker: { failures: 2, cooldown: 1h }
  cohere_english_v3: { routes: [{ provider: one }], fallbacks: [{ provider: two }] }
  gpt-4.1-mini: { routes: [{ provider: one }] }
  claude-sonnet-4-5: { routes: [{ provider: one }] }
  gemini-2.5-flash: { routes: [{ provider: one }] }
";

fn gateway() -> Gateway {
    let config = Config::read(CONFIG, &|_| None).unwrap();
    Gateway::start_with(Settings { config, ..Settings::default() })
}

async fn chat(gateway: &Gateway, body: &Value) -> Reply {
    gateway.post(CHAT, &gateway.key("all_scopes"), body).await
}

async fn arm(gateway: &Gateway, kind: &str, times: u32) {
    let rule = json!({ "kind": kind, "times": times });
    assert_eq!(gateway.control("POST", "/worlds/root/faults", Some(rule)).await.status, 201);
}

/// Who has served it: provider, model and attempts.
fn served(reply: &Reply) -> [Option<&str>; 3] {
    ["x-plumbline-provider", "x-plumbline-model", "x-plumbline-attempts"].map(|name| reply.header(name))
}

#[tokio::test]
async fn an_answer_tells_who_has_served_it_in_every_dialect_and_way() {
    let gateway = gateway();
    let key = gateway.key("all_scopes");
    let message = json!([{ "role": "user", "content": "Hello" }]);
    let contents = json!({ "contents": [{ "parts": [{ "text": "Hello" }] }] });
    let mini = |stream: bool| json!({ "model": "gpt-4.1-mini", "messages": message, "stream": stream });
    let sonnet = |stream: bool| json!({ "model": "claude-sonnet-4-5", "max_tokens": 20, "messages": message, "stream": stream });
    let generate = |method: &str| format!("/~gemini/v1beta/models/gemini-2.5-flash:{method}");
    for (path, body, model) in [
        ("/~openai/v1/chat/completions".to_owned(), mini(false), "gpt-4.1-mini"),
        ("/~openai/v1/chat/completions".to_owned(), mini(true), "gpt-4.1-mini"),
        ("/~anthropic/v1/messages".to_owned(), sonnet(false), "claude-sonnet-4-5"),
        ("/~anthropic/v1/messages".to_owned(), sonnet(true), "claude-sonnet-4-5"),
        (generate("generateContent"), contents.clone(), "gemini-2.5-flash"),
        (generate("streamGenerateContent"), contents, "gemini-2.5-flash"),
        (
            "/~gsai/api/v1/embeddings".to_owned(),
            json!({ "model": "cohere_english_v3", "input": "x" }),
            "cohere_english_v3",
        ),
    ] {
        let sent = request("POST", &path, Some(&key), body.to_string());
        let reply = gateway.send(with_header(sent, "anthropic-version", "2023-06-01")).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        assert_eq!(served(&reply), [Some("one"), Some(model), Some("1")], "{path}");
    }
    let unrouted = chat(&gateway, &hello("claude_3_5_sonnet")).await;
    assert_eq!((unrouted.status, served(&unrouted)), (200, [None; 3]));
}

#[tokio::test]
async fn a_failing_provider_gives_way_and_the_log_and_the_ledger_know() {
    let gateway = gateway();
    for (stream, faults) in [(false, 1), (true, 1)] {
        arm(&gateway, "unavailable", faults).await;
        let mut body = hello("claude_3_haiku");
        body["stream"] = stream.into();
        let reply = chat(&gateway, &body).await;
        assert_eq!((reply.status, served(&reply)), (200, [Some("two"), Some("claude_3_haiku"), Some("2")]));
    }
    let events = gateway.ledger("root").await;
    assert_eq!(events.len(), 2);
    let lines = gateway.lines(events[0]["request_id"].as_str().unwrap()).await;
    let attempts: Vec<_> = lines.iter().filter(|line| line["event"] == "attempt").collect();
    let told = |line: &Value| [line["provider"].clone(), line["model"].clone(), line["outcome"].clone()];
    assert_eq!(attempts.len(), 2);
    assert_eq!(told(attempts[0]), ["one", "haiku", "unavailable"]);
    assert_eq!(told(attempts[1]), ["two", "claude_3_haiku", "answered"]);
}

#[tokio::test]
async fn a_failure_tells_how_often_a_provider_was_asked_and_costs_nothing() {
    let gateway = gateway();
    arm(&gateway, "rejected", 1).await;
    let rejected = chat(&gateway, &hello("claude_3_haiku")).await;
    assert_eq!((rejected.status, served(&rejected)), (400, [None, None, Some("1")]));
    arm(&gateway, "unavailable", 2).await;
    let failed = chat(&gateway, &hello("claude_3_haiku")).await;
    assert_eq!((failed.status, served(&failed)), (503, [None, None, Some("2")]));
    assert!(gateway.ledger("root").await.is_empty());
    let embeddings = json!({ "model": "cohere_english_v3", "input": "x" });
    arm(&gateway, "html", 1).await;
    let embedded = gateway.post(EMBEDDINGS, &gateway.key("all_scopes"), &embeddings).await;
    assert_eq!(served(&embedded)[0], Some("two"));
}

#[tokio::test]
async fn the_control_api_shows_where_the_breakers_stand() {
    let gateway = gateway();
    let routes = async |world: &str| {
        let reply = gateway.control("GET", &format!("/worlds/{world}/routes"), None).await;
        let models = reply.json()["models"].as_array().unwrap().clone();
        let model = models.into_iter().find(|model| model["model"] == "claude_3_haiku").unwrap();
        [model["routes"][0].clone(), model["fallbacks"][0].clone()]
    };
    let fresh = routes("root").await;
    assert_eq!(
        fresh[0],
        json!({
            "provider": "one", "model": "haiku", "weight": 1, "breaker": "closed", "failures": 0,
        })
    );
    assert_eq!(
        fresh[1],
        json!({
            "provider": "two", "model": "claude_3_haiku", "breaker": "closed", "failures": 0,
        })
    );
    for _ in 0..2 {
        arm(&gateway, "html", 1).await;
        chat(&gateway, &hello("claude_3_haiku")).await;
    }
    let after = routes("root").await;
    assert_eq!((&after[0]["breaker"], &after[0]["failures"]), (&json!("open"), &json!(2)));
    assert_eq!((&after[1]["breaker"], &after[1]["failures"]), (&json!("closed"), &json!(0)));
    let reply = chat(&gateway, &hello("claude_3_haiku")).await;
    assert_eq!(served(&reply), [Some("two"), Some("claude_3_haiku"), Some("1")]);
    // Another world has seen none of it.
    let made = gateway.control("POST", "/worlds", None).await.json();
    assert_eq!(routes(made["id"].as_str().unwrap()).await, fresh);
}

#[tokio::test]
async fn a_world_can_be_given_routes_of_its_own() {
    let gateway = gateway();
    let routes = json!({ "claude_3_haiku": {
        "routes": [{ "provider": "two", "model": "mine" }],
        "sticky": { "header": "x-session" },
    }});
    let made = gateway.control("POST", "/worlds", Some(json!({ "routes": routes }))).await.json();
    let secret = made["keys"].as_array().unwrap().iter().find(|key| key["role"] == "chat_only").unwrap();
    let path = format!("{}{CHAT}", made["base_path"].as_str().unwrap());
    let reply = gateway.post(&path, secret["secret"].as_str().unwrap(), &hello("claude_3_haiku")).await;
    assert_eq!(served(&reply), [Some("two"), Some("mine"), Some("1")]);
    for (body, told) in [
        (
            json!({ "routes": { "claude_3_haiku": { "routes": [{ "provider": "twoo" }] } } }),
            "did you mean `two`?",
        ),
        (json!({ "routes": { "nobody": { "routes": [{ "provider": "two" }] } } }), "no model `nobody`"),
        (json!({ "upstream": "http://127.0.0.1:1" }), "no provider of this gateway is asked over HTTP"),
        (json!({ "rotes": {} }), "unknown field `rotes`"),
    ] {
        let reply = gateway.control("POST", "/worlds", Some(body)).await;
        let error = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(reply.status == 400 && error.contains(told), "{} {error}", reply.status);
    }
}

#[tokio::test]
async fn cooldowns_and_pauses_pass_on_the_clock_of_the_world() {
    let config = "
providers: { one: { kind: mock } }
models:
  claude_3_haiku:
    routes: [{ provider: one }]
    retries: { attempts: 2, backoff: 1ms, most: 10m }
    deadline: 1h
    breaker: { failures: 2, cooldown: 1h }
";
    let config = Config::read(config, &|_| None).unwrap();
    let gateway = Gateway::start_with(Settings { config, ..Settings::default() });
    let advance =
        async |by: &str| gateway.control("POST", "/worlds/root/clock", Some(json!({ "advance": by }))).await;
    let rule = json!({ "kind": "unavailable", "times": 1, "retry_after": 600 });
    assert_eq!(gateway.control("POST", "/worlds/root/faults", Some(rule)).await.status, 201);
    let moves = async {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let told = gateway.control("GET", "/worlds/root/logs", None).await.json();
            if told["lines"].as_array().unwrap().iter().any(|line| line["event"] == "attempt") {
                break;
            }
            assert!(Instant::now() < deadline, "nobody was asked: {told}");
        }
        assert_eq!(advance("10m").await.status, 200);
    };
    let question = hello("claude_3_haiku");
    let (reply, ()) = tokio::join!(chat(&gateway, &question), moves);
    assert_eq!((reply.status, served(&reply)[2]), (200, Some("2")), "{}", reply.text());

    let breaker = async || {
        let reply = gateway.control("GET", "/worlds/root/routes", None).await.json();
        reply["models"][0]["routes"][0]["breaker"].as_str().unwrap().to_owned()
    };
    arm(&gateway, "html", 2).await;
    chat(&gateway, &hello("claude_3_haiku")).await;
    assert_eq!(breaker().await, "open");
    assert!(advance("1h").await.json()["now"].is_string());
    assert_eq!(breaker().await, "half-open");
    assert_eq!(chat(&gateway, &hello("claude_3_haiku")).await.status, 200);
    assert_eq!(breaker().await, "closed");
    let wrong = advance("soon").await;
    assert!(wrong.status == 400 && wrong.text().contains("is no time"), "{}", wrong.text());
}

#[tokio::test]
async fn a_session_stays_with_its_route() {
    let config = "
providers: { one: { kind: mock }, two: { kind: mock } }
models:
  claude_3_haiku:
    routes: [{ provider: one }, { provider: two }]
    sticky: { header: x-session-id }
";
    let config = Config::read(config, &|_| None).unwrap();
    let gateway = Gateway::start_with(Settings { config, ..Settings::default() });
    let key = gateway.key("chat_only");
    let ask = async |session: Option<&str>| {
        let sent = request("POST", CHAT, Some(&key), hello("claude_3_haiku").to_string());
        let sent = match session {
            Some(session) => with_header(sent, "x-session-id", session),
            None => sent,
        };
        served(&gateway.send(sent).await)[0].unwrap().to_owned()
    };
    for session in ["a", "b", "c", "d", "e", "f"] {
        let first = ask(Some(session)).await;
        for _ in 0..5 {
            assert_eq!(ask(Some(session)).await, first, "{session}");
        }
    }
    let mut without = Vec::new();
    for _ in 0..40 {
        without.push(ask(None).await);
    }
    assert!(without.contains(&"one".to_owned()) && without.contains(&"two".to_owned()), "{without:?}");
}
