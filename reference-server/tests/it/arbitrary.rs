//! Whatever JSON is sent: an answer or a refusal in shape, never a failure.

use proptest::collection::{hash_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::support::{CHAT, EMBEDDINGS, Gateway, Reply};

fn any_json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("data:image/png;base64,iVBORw==")),
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

/// A name that means something somewhere.
fn member() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
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
    ])
    .prop_map(str::to_owned)
}

/// A body that is right but for one member.
fn nearly_right() -> impl Strategy<Value = Value> {
    let right = json!({
        "model": "claude_3_haiku",
        "messages": [{ "role": "user", "content": "Hi" }],
        "input": "Hi",
    });
    (member(), option::of(any_json())).prop_map(move |(name, value)| {
        let mut members: Map<String, Value> = right.as_object().unwrap().clone();
        match value {
            Some(value) => members.insert(name, value),
            None => members.remove(&name),
        };
        Value::Object(members)
    })
}

fn is_planned(reply: &Reply) -> bool {
    match reply.status {
        200 => true,
        400 | 422 => reply.json().get("detail").is_some(),
        _ => false,
    }
}

#[test]
fn no_json_makes_the_gateway_fail() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let gateway = runtime.block_on(async { Gateway::start() });
    let key = gateway.key("all_scopes");
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    let strategy = prop_oneof![any_json(), nearly_right()];
    TestRunner::new(config)
        .run(&strategy, |body| {
            for path in [CHAT, EMBEDDINGS] {
                let reply = runtime.block_on(gateway.post(path, &key, &body));
                prop_assert!(is_planned(&reply), "{path}: {} {}", reply.status, reply.text());
            }
            Ok(())
        })
        .unwrap();
}
