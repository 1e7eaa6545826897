//! Whatever is sent: an answer or a refusal in shape, never a failure.

use std::fmt::Debug;

use proptest::collection::{hash_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::support::{CHAT, EMBEDDINGS, Gateway, PIXEL, Reply, request};

fn any_json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        number(),
        any::<String>().prop_map(Value::from),
        url(),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            hash_map(any::<String>(), inner.clone(), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            vec((member(), inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
    .boxed()
}

/// A number at the edge of what some type holds, and some texts that read as one.
fn number() -> impl Strategy<Value = Value> {
    let digits = ["1e400", "-1e400", "1e-400", "-0.0", "0.1e1", "2147483648", "9223372036854775808"];
    let numbers = digits.map(|digits| serde_json::from_str::<Value>(digits).unwrap());
    let long = serde_json::from_str("9".repeat(400).as_str()).unwrap();
    select([numbers.as_slice(), &[long, json!("0.5"), json!(" 7 "), json!("nan"), json!("-inf")]].concat())
}

/// What may or may not be an image.
fn url() -> impl Strategy<Value = Value> {
    let urls = ["iVBORw==", PIXEL, "@@", "", "===="].map(|data| format!("data:image/png;base64,{data}"));
    let others = ["data:", "data:image/webp;base64,UklGRg==", "https://example.com/a.png"].map(str::to_owned);
    select([urls.as_slice(), &others].concat()).prop_map(Value::from)
}

/// A name that means something somewhere.
fn member() -> impl Strategy<Value = String> {
    let names = vec![
        "model",
        "messages",
        "role",
        "content",
        "type",
        "text",
        "image_url",
        "url",
        "file",
        "file_data",
        "input",
        "dimensions",
        "stream",
        "stop",
        "max_tokens",
        "temperature",
        "n",
        "logit_bias",
        "user",
        "encoding_format",
        "input_type",
        "detail",
        "file_name",
    ];
    select(names).prop_map(str::to_owned)
}

/// An object of these members, each of which is mostly right, sometimes odd, and sometimes not there.
fn object(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let members: Vec<_> = members
        .into_iter()
        .map(|(name, right)| {
            let value = prop_oneof![9 => right, 1 => any_json()];
            option::weighted(0.9, value).prop_map(move |value| (name.to_owned(), value))
        })
        .collect();
    members
        .prop_map(|members| {
            let present = members.into_iter().filter_map(|(name, value)| Some((name, value?)));
            Value::Object(present.collect::<Map<_, _>>())
        })
        .boxed()
}

fn word(words: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(words).prop_map(Value::from).boxed()
}

fn text() -> BoxedStrategy<Value> {
    any::<String>().prop_map(Value::from).boxed()
}

fn part() -> BoxedStrategy<Value> {
    let image = object(vec![("url", url().boxed()), ("detail", word(&["auto", "low", "high"]))]);
    let file = object(vec![("file_data", text()), ("file_name", text())]);
    object(vec![
        ("type", word(&["text", "image_url", "file"])),
        ("text", text()),
        ("image_url", image),
        ("file", file),
    ])
}

fn message() -> BoxedStrategy<Value> {
    let parts = vec(part(), 0..4).prop_map(Value::from);
    object(vec![
        ("role", word(&["user", "system", "assistant"])),
        ("content", prop_oneof![text(), parts].boxed()),
    ])
}

fn chat() -> BoxedStrategy<Value> {
    let stop = prop_oneof![text(), vec(text(), 0..6).prop_map(Value::from)];
    let flag = any::<bool>().prop_map(Value::from);
    object(vec![
        ("model", word(&["claude_3_haiku", "llama3211b", "cohere_english_v3"])),
        ("messages", vec(message(), 0..5).prop_map(Value::from).boxed()),
        ("temperature", (0.0..3.0_f64).prop_map(Value::from).boxed()),
        ("top_p", (0.0..1.5_f64).prop_map(Value::from).boxed()),
        ("n", (0..130_i32).prop_map(Value::from).boxed()),
        ("max_tokens", (0..50_i32).prop_map(Value::from).boxed()),
        ("stop", stop.boxed()),
        ("stream", flag.boxed()),
        ("logit_bias", hash_map(any::<String>(), number(), 0..4).prop_map(|bias| json!(bias)).boxed()),
        ("user", text()),
    ])
}

fn embedding() -> BoxedStrategy<Value> {
    let input = prop_oneof![text(), vec(text(), 0..6).prop_map(Value::from)];
    object(vec![
        ("model", word(&["cohere_english_v3", "text-embedding-005", "claude_3_haiku"])),
        ("input", input.boxed()),
        ("dimensions", (-1..5_000_i32).prop_map(Value::from).boxed()),
        ("encoding_format", word(&["float", "base64"])),
        ("input_type", word(&["search_query", "clustering", "poem"])),
        ("user", text()),
    ])
}

/// JSON that goes deep, which may end too early, inside a member that is read or one that is not.
fn deep() -> impl Strategy<Value = Vec<u8>> {
    (member(), 0_usize..300, any::<bool>(), any::<bool>()).prop_map(|(name, depth, objects, ends)| {
        let (open, close) = if objects { ("{\"a\":", "}") } else { ("[", "]") };
        let close = if ends { close.repeat(depth) } else { String::new() };
        format!("{{\"model\":\"claude_3_haiku\",\"{name}\":{}1{close}}}", open.repeat(depth)).into_bytes()
    })
}

/// JSON that goes wide: thousands of values where a few are usual.
fn wide() -> impl Strategy<Value = Vec<u8>> {
    let items = prop_oneof![any_json(), message(), text()];
    (member(), items, 0_usize..1_500).prop_map(|(name, item, count)| {
        json!({ "model": "claude_3_haiku", "messages": [], name: vec![item; count] }).to_string().into_bytes()
    })
}

/// A right body of which some bytes have been replaced.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    (prop_oneof![chat(), embedding()], vec((any::<Index>(), any::<u8>()), 1..8)).prop_map(|(body, bytes)| {
        let mut body = body.to_string().into_bytes();
        for (place, byte) in bytes {
            let place = place.index(body.len());
            body[place] = byte;
        }
        body
    })
}

fn is_planned(reply: &Reply) -> bool {
    match reply.status {
        200 => true,
        400 | 422 => {
            reply.header("content-type") == Some("application/json")
                && reply.json().get("detail").is_some()
                && reply.body.len() < 16 * 1024
        }
        _ => false,
    }
}

/// Sends bodies to both endpoints, until one is not answered as planned.
fn send_all<T: Debug>(cases: u32, bodies: &impl Strategy<Value = T>, bytes: impl Fn(T) -> Vec<u8>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let gateway = runtime.block_on(async { Gateway::start() });
    let key = gateway.key("all_scopes");
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(bodies, |body| {
            let body = bytes(body);
            for path in [CHAT, EMBEDDINGS] {
                let request = request("POST", path, Some(&key), body.clone());
                let reply = runtime.block_on(gateway.send(request));
                let told = String::from_utf8_lossy(&reply.body);
                prop_assert!(is_planned(&reply), "{path}: {} {told}", reply.status);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn no_json_makes_the_gateway_fail() {
    let bodies = prop_oneof![1 => any_json(), 2 => chat(), 2 => embedding()];
    send_all(300, &bodies, |body: Value| body.to_string().into_bytes());
}

#[test]
fn no_bytes_make_the_gateway_fail() {
    let bodies = prop_oneof![vec(any::<u8>(), 0..4_000), damaged(), deep(), wide()];
    send_all(200, &bodies, |body: Vec<u8>| body);
}
