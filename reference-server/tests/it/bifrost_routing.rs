//! Where governed calls go, as the providers see it: fallbacks in order, sessions with their keys, weights within bounds.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use plumbline_reference_server::{Config, Settings};
use serde_json::{Value, json};

use crate::bifrost_support::{
    CHAT, Client, KEYS, api, asked, asking, asking_with, billed, chat, make_key, settings, simulated, started,
};
use crate::support::{Gateway, request, with_header};
use crate::upstream_support::{journal, simulator};

/// The keys that the simulator takes as OpenAI, with these weights.
async fn weigh(gateway: &Gateway, weights: [u32; 3]) {
    let values = ["sk-upstream-openai", "sk-upstream-openai-2", "sk-upstream-openai-3"];
    let keys: Vec<_> = values
        .iter()
        .zip(weights)
        .map(|(value, weight)| json!({ "id": value, "name": value, "value": value, "models": [], "weight": weight }))
        .collect();
    let reply = api(gateway, "PUT", "/api/providers/openai", &json!({ "keys": keys })).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// The credential of a call.
fn credential(call: &Value) -> String {
    call["headers"]["authorization"].as_str().unwrap().to_owned()
}

/// All calls of a journal, which is told in pages.
async fn calls(simulator: &Gateway) -> Vec<Value> {
    let mut calls: Vec<Value> = Vec::new();
    loop {
        let after = calls.last().map_or(0, |call| call["number"].as_u64().unwrap());
        let page = journal(simulator, "root", &format!("after={after}&limit=1000")).await;
        if page.is_empty() {
            return calls;
        }
        calls.extend(page);
    }
}

/// How often each value comes.
fn counted(values: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts
}

/// Sends as many of these as there are, over some connections at once.
async fn send_all(gateway: &Gateway, key: Option<&str>, model: &str, count: usize) {
    const CONNECTIONS: usize = 16;
    let clients = (0..CONNECTIONS).map(|_| {
        let (address, body) = (gateway.address, chat(model, "Hello").to_string());
        let key = key.map(str::to_owned);
        tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            for _ in 0..count / CONNECTIONS {
                let asked = request("POST", CHAT, None, body.clone());
                let asked = match &key {
                    Some(key) => with_header(asked, "x-bf-vk", key),
                    None => asked,
                };
                let reply = client.send(asked).await;
                assert_eq!(reply.status, 200, "{}", reply.text());
            }
        })
    });
    for client in join_all(clients).await {
        client.unwrap();
    }
}

/// Asks in a session.
async fn ask_in(gateway: &Gateway, session: &str, text: &str) {
    let asked = request("POST", CHAT, None, chat("openai/gpt-4o", text).to_string());
    let reply = gateway.send(with_header(asked, "x-bf-session-id", session)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// Whether a number is within six standard deviations of what chance gives: one in a billion is not.
fn is_likely(count: usize, of: usize, share: f64) -> bool {
    let of = f64::from(u32::try_from(of).unwrap());
    let count = f64::from(u32::try_from(count).unwrap());
    (count - of * share).abs() <= 6.0 * (of * share * (1.0 - share)).sqrt()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fallbacks_are_asked_in_order_at_the_providers() {
    let (simulator, gateway) = simulated();
    for model in ["gpt-4o", "gpt-4o-mini"] {
        let rule =
            json!({ "provider": "openai", "model": model, "fault": { "kind": "status", "status": 503 } });
        let reply = simulator.control("POST", "/worlds/root/faults", Some(rule)).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
    }
    let (_, key) = make_key(&gateway, &json!({ "name": "everything" })).await;
    let asks = (0..50).map(|number| {
        let mut body = chat("openai/gpt-4o", &format!("Call {number}."));
        body["fallbacks"] =
            json!(["openai/gpt-4o-mini", "anthropic/claude-3-5-sonnet-20241022", "openai/gpt-4.1"]);
        gateway.send(asked(&key, &body))
    });
    for reply in join_all(asks).await {
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.json()["extra_fields"]["provider"], "anthropic");
    }
    let calls = journal(&simulator, "root", "wait_ms=5000").await;
    for number in 0..50 {
        let text = format!("Call {number}.");
        let models: Vec<_> = calls
            .iter()
            .filter(|call| call["body"]["messages"].to_string().contains(&text))
            .map(|call| call["model"].as_str().unwrap())
            .collect();
        assert_eq!(models, ["gpt-4o", "gpt-4o-mini", "claude-3-5-sonnet-20241022"], "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_stays_with_its_key() {
    let (simulator, gateway) = simulated();
    let call = |session: usize| {
        let body = chat("openai/gpt-4o", &format!("Session {session}.")).to_string();
        let asked = request("POST", CHAT, None, body);
        gateway.send(with_header(asked, "x-bf-session-id", &format!("session-{session}")))
    };
    let keys_of = |calls: &[Value], session: usize| -> BTreeSet<String> {
        let text = format!("Session {session}.");
        let own = calls.iter().filter(|call| call["body"]["messages"].to_string().contains(&text));
        own.map(credential).collect()
    };
    weigh(&gateway, [1, 1, 1]).await;
    // The first call of each session gives it its key.
    for round in 0..10 {
        for reply in join_all((0..40).map(&call)).await {
            assert_eq!(reply.status, 200, "round {round}: {}", reply.text());
        }
    }
    let calls_before = calls(&simulator).await;
    let seats: Vec<_> = (0..40).map(|session| keys_of(&calls_before, session)).collect();
    assert!(seats.iter().all(|keys| keys.len() == 1), "{seats:?}");
    assert_eq!(seats.iter().flatten().collect::<BTreeSet<_>>().len(), 3, "chance has left one out");

    // All weight goes to the first: the others keep the sessions that they have.
    weigh(&gateway, [1, 0, 0]).await;
    join_all((0..40).map(&call)).await;
    let kept: Vec<_> = calls(&simulator).await.split_off(calls_before.len());
    assert!((0..40).all(|session| keys_of(&kept, session) == seats[session]));

    let moved = gateway.control("POST", "/worlds/root/clock", Some(json!({ "advance": "61m" }))).await;
    assert_eq!(moved.status, 200, "{}", moved.text());
    join_all((0..40).map(&call)).await;
    let expired: Vec<_> = calls(&simulator).await.split_off(calls_before.len() + kept.len());
    let first = BTreeSet::from(["Bearer sk-upstream-openai".to_owned()]);
    assert!((0..40).all(|session| keys_of(&expired, session) == first));
}

#[tokio::test]
async fn a_session_stays_with_its_key_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let kept = || Settings { state: Some(folder.path().join("state.db")), ..settings() };
    let simulator = simulator();
    let gateway = asking_with(&simulator, kept());
    weigh(&gateway, [0, 0, 1]).await;
    ask_in(&gateway, "bound", "Before.").await;
    weigh(&gateway, [1, 0, 0]).await;
    gateway.stop().await;

    let gateway = asking_with(&simulator, kept());
    ask_in(&gateway, "bound", "After.").await;
    ask_in(&gateway, "another", "After.").await;
    let asked: Vec<_> = calls(&simulator).await.iter().map(credential).collect();
    let (bound, first) = ("Bearer sk-upstream-openai-3", "Bearer sk-upstream-openai");
    assert_eq!(asked, [bound, bound, first]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_weights_of_keys_are_kept_over_ten_thousand_calls() {
    const CALLS: usize = 10_000;
    let mut counts = Vec::new();
    // The same seed gives the same draws, whichever call gets which.
    for _ in 0..2 {
        let simulator = simulator();
        let gateway = asking(&simulator);
        weigh(&gateway, [5, 3, 2]).await;
        send_all(&gateway, None, "openai/gpt-4o", CALLS).await;
        counts.push(counted(calls(&simulator).await.iter().map(credential)));
    }
    for (value, share) in
        [("sk-upstream-openai", 0.5), ("sk-upstream-openai-2", 0.3), ("sk-upstream-openai-3", 0.2)]
    {
        let count = counts[0][&format!("Bearer {value}")];
        assert!(is_likely(count, CALLS, share), "{value}: {count}");
    }
    assert_eq!(counts[0], counts[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_weights_of_providers_are_kept() {
    const CALLS: usize = 4_000;
    let (simulator, gateway) = simulated();
    // Either is allowed the model by the other's name for it, which is the only one that both have.
    let configs = json!([
        { "provider": "openai", "weight": 0.7, "allowed_models": ["gpt-4o"] },
        { "provider": "anthropic", "weight": 0.3, "allowed_models": ["gpt-4o"] },
    ]);
    let (_, key) = make_key(&gateway, &json!({ "name": "weighed", "provider_configs": configs })).await;
    let mut client = Client::connect(gateway.address).await;
    for _ in 0..CALLS {
        client.send(asked(&key, &chat("gpt-4o", "Hello"))).await;
    }
    let counts =
        counted(calls(&simulator).await.iter().map(|call| call["provider"].as_str().unwrap().to_owned()));
    assert_eq!(counts.values().sum::<usize>(), CALLS);
    assert!(is_likely(counts["openai"], CALLS, 0.7), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_weights_of_the_targets_of_a_rule_are_kept_over_ten_thousand_calls() {
    const CALLS: usize = 10_000;
    let (simulator, gateway) = simulated();
    let rule = json!({
        "name": "shared", "cel_expression": "true", "scope": "global", "priority": 1,
        "targets": [
            { "provider": "openai", "model": "gpt-4o", "weight": 0.6 },
            { "provider": "openai", "model": "gpt-4o-mini", "weight": 0.3 },
            { "provider": "openai", "model": "gpt-4.1", "weight": 0.1 },
        ],
    });
    let reply = api(&gateway, "POST", "/api/governance/routing-rules", &rule).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    send_all(&gateway, None, "openai/gpt-4o", CALLS).await;
    let models = calls(&simulator).await;
    let counts = counted(models.iter().map(|call| call["model"].as_str().unwrap().to_owned()));
    assert_eq!(counts.values().sum::<usize>(), CALLS);
    for (model, share) in [("gpt-4o", 0.6), ("gpt-4o-mini", 0.3), ("gpt-4.1-2025-04-14", 0.1)] {
        let count = counts.get(model).copied().unwrap_or_default();
        assert!(is_likely(count, CALLS, share), "{counts:?}");
    }
}

/// A gateway that asks a simulator as providers that its operator calls otherwise.
fn called_otherwise(simulator: &Gateway) -> Gateway {
    let address = simulator.address;
    let config = format!(
        "providers:\n  main: {{ kind: openai, url: \"http://{address}/openai/v1\", key: {{ env: OPENAI }} }}\n  \
         claude: {{ kind: anthropic, url: \"http://{address}/anthropic\", key: {{ env: ANTHROPIC }} }}\n"
    );
    let read = Config::read(&config, &|name| {
        Some(if name == "OPENAI" { "sk-upstream-openai" } else { "sk-ant-upstream" }.to_owned())
    });
    started(Settings { config: read.unwrap(), ..settings() })
}

#[tokio::test]
async fn providers_have_the_models_of_their_kinds_under_any_name() {
    let simulator = simulator();
    let gateway = called_otherwise(&simulator);
    let listed = api(&gateway, "GET", "/v1/models", &Value::Null).await.json();
    let ids: Vec<_> =
        listed["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"main/gpt-4o") && ids.contains(&"claude/claude-sonnet-4-5"), "{ids:?}");
    for (path, model) in [
        (CHAT, "main/gpt-4o"),
        (CHAT, "gpt-4o"),
        ("/openai/v1/chat/completions", "gpt-4o"),
        ("/anthropic/v1/messages", "claude-sonnet-4-5"),
        ("/anthropic/v1/messages", "claude/claude-sonnet-4-5-20250929"),
    ] {
        let body = chat(model, "Hello").to_string();
        let reply = gateway.send(request("POST", path, None, body)).await;
        assert_eq!(reply.status, 200, "{path} {model}: {}", reply.text());
    }
    let providers: Vec<_> =
        calls(&simulator).await.iter().map(|call| call["provider"].as_str().unwrap().to_owned()).collect();
    assert_eq!(providers, ["openai", "openai", "openai", "anthropic", "anthropic"]);
}

#[tokio::test]
async fn a_budget_binds_at_a_provider_of_any_name() {
    let simulator = simulator();
    let gateway = called_otherwise(&simulator);
    let budget = json!({ "max_limit": 0.000_001, "reset_duration": "1d" });
    let (id, key) = make_key(&gateway, &json!({ "name": "poor", "budget": budget })).await;
    for status in [200, 402, 402] {
        let reply = gateway.send(asked(&key, &chat("main/gpt-4o", "Hello"))).await;
        assert_eq!(reply.status, status, "{}", reply.text());
    }
    let costs = billed(&gateway, &id).await;
    assert!(costs.len() == 1 && !costs[0].is_zero(), "{costs:?}");
}

#[tokio::test]
async fn a_name_that_leads_here_tells_no_page_anything() {
    let gateway = started(settings());
    for (name, value) in
        [("host", "evil.example"), ("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")]
    {
        let listing = with_header(request("GET", KEYS, None, ""), name, value);
        let reply = gateway.send(listing).await;
        assert_eq!(reply.status, 401, "{name}: {}", reply.text());
        let body = chat("openai/gpt-4o", "Hello").to_string();
        let reply = gateway.send(with_header(request("POST", CHAT, None, body), name, value)).await;
        assert_eq!(reply.status, 401, "{name}: {}", reply.text());
    }
    assert_eq!(api(&gateway, "GET", KEYS, &Value::Null).await.status, 200);
}
