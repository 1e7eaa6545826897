//! Whatever is sent to the management API: an answer or a refusal in shape, never a failure.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::bifrost_support::{settings, started};
use crate::support::request;

const ROUTES: [&str; 12] = [
    "/api/governance/customers",
    "/api/governance/teams",
    "/api/governance/virtual-keys",
    "/api/governance/routing-rules",
    "/api/governance/model-configs",
    "/api/governance/providers/openai",
    "/api/governance/customers/00000000-0000-4000-8000-000000000000",
    "/api/governance/virtual-keys/%00",
    "/api/providers/openai",
    "/api/providers/openai/keys",
    "/api/config",
    "/v1/async/chat/completions",
];

fn odd() -> impl Strategy<Value = Value> {
    let numbers = ["1e400", "-1", "0", "-0.0", "1e-30", "9223372036854775808", "0.5"];
    let numbers = numbers.map(|digits| serde_json::from_str::<Value>(digits).unwrap());
    prop_oneof![
        select(numbers.to_vec()),
        any::<String>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!([null, {}, "x"])),
        select(vec!["1h", "0s", "99Y", "1M", "soon", "-5m", "18446744073709551616s"]).prop_map(Value::from),
    ]
}

/// An object of members that mean something somewhere, each as it should be or odd.
fn body() -> BoxedStrategy<Value> {
    let budget = json!({ "max_limit": 1.5, "reset_duration": "1d", "calendar_aligned": true });
    let limit = json!({ "request_max_limit": 5, "request_reset_duration": "1h" });
    let right: Vec<(&str, Value)> = vec![
        ("name", json!("a name")),
        ("budget", budget),
        ("rate_limit", limit),
        ("customer_id", json!("00000000-0000-4000-8000-000000000000")),
        ("team_id", json!(null)),
        ("is_active", json!(true)),
        ("provider_configs", json!([{ "provider": "openai", "weight": 1, "allowed_models": ["*"] }])),
        ("mcp_configs", json!([{ "mcp_client_name": "x", "tools_to_execute": ["*"] }])),
        ("cel_expression", json!("model == \"gpt-4o\"")),
        ("targets", json!([{ "provider": "openai", "weight": 1 }])),
        ("scope", json!("global")),
        ("priority", json!(1)),
        ("model_name", json!("gpt-4o")),
        ("provider", json!("openai")),
        ("keys", json!([{ "id": "one", "name": "one", "value": "sk-x", "weight": 1 }])),
        ("client_config", json!({ "async_job_result_ttl": 60 })),
        ("model", json!("openai/gpt-4o")),
        ("messages", json!([{ "role": "user", "content": "Hello" }])),
        ("fallbacks", json!(["anthropic/x", { "provider": "openai", "model": "gpt-4o" }])),
        ("stream", json!(false)),
    ];
    let members: Vec<_> = right
        .into_iter()
        .map(|(name, right)| {
            let value = prop_oneof![3 => Just(right), 1 => odd()];
            option::weighted(0.4, value).prop_map(move |value| (name.to_owned(), value))
        })
        .collect();
    members
        .prop_map(|members| {
            let present = members.into_iter().filter_map(|(name, value)| Some((name, value?)));
            Value::Object(present.collect::<Map<_, _>>())
        })
        .boxed()
}

/// Something like an expression.
fn expression() -> impl Strategy<Value = String> {
    let words = [
        "model",
        "headers[\"x\"]",
        "==",
        "&&",
        "||",
        "!",
        "(",
        ")",
        "[",
        "]",
        "\"a\"",
        "1",
        "in",
        "?",
        ":",
        ".",
        "matches",
        "contains",
        "-",
        "+",
        "size",
        "{",
        "}",
        ",",
    ];
    let words = vec(select(words.to_vec()), 0..60).prop_map(|words| words.join(" "));
    let deep = (select(vec!["(", "[", "!", "-", "a?b:", "{a:"]), 0_usize..3_000)
        .prop_map(|(text, times)| text.repeat(times));
    prop_oneof![3 => words, 1 => any::<String>(), 1 => deep]
}

/// Sends bodies to routes, until one is answered with a failure.
fn send_all<T: std::fmt::Debug>(
    cases: u32,
    bodies: &impl Strategy<Value = T>,
    sent: impl Fn(T) -> Vec<(&'static str, &'static str, Vec<u8>)>,
) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let gateway = runtime.block_on(async { started(settings()) });
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(bodies, |body| {
            for (method, path, bytes) in sent(body) {
                let reply = runtime.block_on(gateway.send(request(method, path, None, bytes)));
                let told = String::from_utf8_lossy(&reply.body);
                prop_assert!(reply.status < 500, "{method} {path}: {} {told}", reply.status);
                if reply.status >= 400 {
                    let told = reply.json();
                    prop_assert!(told["error"]["message"].is_string(), "{method} {path}: {told}");
                }
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn no_json_makes_the_management_fail() {
    send_all(150, &body(), |body| {
        let bytes = body.to_string().into_bytes();
        let sent =
            ROUTES.iter().flat_map(|path| [("POST", *path, bytes.clone()), ("PUT", *path, bytes.clone())]);
        sent.collect()
    });
}

#[test]
fn no_bytes_make_the_management_fail() {
    send_all(100, &vec(any::<u8>(), 0..400), |bytes| {
        ROUTES.iter().map(|path| ("POST", *path, bytes.clone())).collect()
    });
}

#[test]
fn an_expression_is_taken_or_refused_and_calls_go_on() {
    send_all(400, &expression(), |expression| {
        let rule = json!({
            "name": "any", "cel_expression": expression, "scope": "global",
            "targets": [{ "provider": "openai", "model": "gpt-4o", "weight": 1 }],
        });
        let chat = json!({ "model": "openai/gpt-4o", "messages": [{ "role": "user", "content": "Hi" }] });
        vec![
            ("POST", "/api/governance/routing-rules", rule.to_string().into_bytes()),
            ("POST", "/v1/chat/completions", chat.to_string().into_bytes()),
        ]
    });
}
