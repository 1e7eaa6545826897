//! Limits and budgets where many callers come at once: they hold, and what they tell is what is billed.

use futures::future::join_all;
use plumbline_reference_server::Settings;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::bifrost_support::{
    Client, api, asked, billed, chat, dollars, key, make_key, settings, simulated, started,
};
use crate::support::{Gateway, Reply};
use crate::upstream_support::{journal, open};

/// How many callers there are.
const CLIENTS: usize = 64;

/// Has each of many clients ask until it is answered with something else than 200; all that it was answered.
async fn ask_until_refused(gateway: &Gateway, key: &str, text: &str) -> Vec<Reply> {
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (address, request) = (gateway.address, asked(key, &chat("openai/gpt-4o", text)));
            tokio::spawn(async move {
                let mut client = Client::connect(address).await;
                let mut replies = Vec::new();
                loop {
                    let reply = client.send(request.clone()).await;
                    let is_over = reply.status != 200;
                    replies.push(reply);
                    if is_over {
                        return replies;
                    }
                }
            })
        })
        .collect();
    join_all(clients).await.into_iter().flat_map(Result::unwrap).collect()
}

fn answered(replies: &[Reply]) -> usize {
    replies.iter().filter(|reply| reply.status == 200).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_clients_of_one_key_get_exactly_what_its_window_has() {
    let (simulator, gateway) = simulated();
    let limit = json!({ "request_max_limit": 100, "request_reset_duration": "1h" });
    let (id, value) = make_key(&gateway, &json!({ "name": "hundred", "rate_limit": limit })).await;
    let replies = ask_until_refused(&gateway, &value, "Hello").await;
    assert_eq!(answered(&replies), 100);
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status != 200).collect();
    assert_eq!(refused.len(), CLIENTS);
    for reply in refused {
        assert_eq!(reply.status, 429, "{}", reply.text());
        assert_eq!(reply.json()["type"], "request_limited");
        assert!(reply.header("retry-after").is_some());
    }
    assert_eq!(key(&gateway, &id).await["rate_limit"]["request_current_usage"], 100);
    assert_eq!(billed(&gateway, &id).await.len(), 100);
    assert_eq!(journal(&simulator, "root", "wait_ms=5000").await.len(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_clients_whose_provider_fails_get_exactly_what_their_fallback_has() {
    const LEFT: usize = 20;
    let (simulator, gateway) = simulated();
    let fault = json!({ "kind": "status", "status": 503 });
    let rule = json!({ "provider": "openai", "fault": fault });
    let armed = simulator.control("POST", "/worlds/root/faults", Some(rule)).await;
    assert_eq!(armed.status, 201, "{}", armed.text());
    let limit = json!({ "request_max_limit": LEFT, "request_reset_duration": "1h" });
    let configs = json!([{ "provider": "openai" }, { "provider": "anthropic", "rate_limit": limit }]);
    let (id, value) = make_key(&gateway, &json!({ "name": "fallback", "provider_configs": configs })).await;
    let mut body = chat("openai/gpt-4o", "Hello");
    body["fallbacks"] = json!(["anthropic/claude-3-5-sonnet-20241022"]);
    let replies = join_all((0..CLIENTS).map(|_| gateway.send(asked(&value, &body)))).await;
    assert_eq!(answered(&replies), LEFT);
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        assert_eq!(reply.status, 503, "{}", reply.text());
    }
    let told = key(&gateway, &id).await;
    assert_eq!(told["provider_configs"][1]["rate_limit"]["request_current_usage"], LEFT);
    assert_eq!(billed(&gateway, &id).await.len(), LEFT);
    let calls = journal(&simulator, "root", "wait_ms=5000&limit=1000").await;
    assert_eq!(calls.iter().filter(|call| call["model"] != "gpt-4o").count(), LEFT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dollar_is_overspent_by_no_more_than_what_is_in_flight() {
    let gateway = started(settings());
    let budget = json!({ "max_limit": 1, "reset_duration": "1h" });
    let (id, value) = make_key(&gateway, &json!({ "name": "dollar", "budget": budget })).await;
    // Half a cent each, for two thousand tokens.
    let replies = ask_until_refused(&gateway, &value, &"word ".repeat(2_000)).await;
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        assert_eq!((reply.status, &reply.json()["type"]), (402, &json!("budget_exceeded")));
    }
    let costs = billed(&gateway, &id).await;
    assert_eq!(costs.len(), answered(&replies));
    let (spent, dearest) = (costs.iter().sum::<Decimal>(), costs.iter().max().copied().unwrap());
    assert!(costs.len() > CLIENTS, "{} calls are too few to show anything", costs.len());
    assert!(spent >= Decimal::ONE, "{spent}");
    assert!(spent <= Decimal::ONE + dearest * Decimal::from(CLIENTS), "{spent}");
    assert_eq!(dollars(&key(&gateway, &id).await["budget"]["current_usage"]), spent);
    let path = format!("/api/logs/stats?virtual_key_ids={id}&status=success");
    assert_eq!(dollars(&api(&gateway, "GET", &path, &Value::Null).await.json()["total_cost"]), spent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_budget_of_a_customer_is_what_all_of_its_keys_have_spent() {
    let gateway = started(settings());
    let budget = json!({ "max_limit": 0.25, "reset_duration": "1h" });
    let customer = json!({ "name": "customer", "budget": budget });
    let customer = api(&gateway, "POST", "/api/governance/customers", &customer).await.json();
    let customer = customer["customer"]["id"].as_str().unwrap().to_owned();
    let team = json!({ "name": "team", "customer_id": customer });
    let team = api(&gateway, "POST", "/api/governance/teams", &team).await.json();
    let (one, first) = make_key(&gateway, &json!({ "name": "one", "customer_id": customer })).await;
    let (two, second) = make_key(&gateway, &json!({ "name": "two", "team_id": team["team"]["id"] })).await;
    let text = "word ".repeat(2_000);
    tokio::join!(ask_until_refused(&gateway, &first, &text), ask_until_refused(&gateway, &second, &text));
    let spent: Decimal = [billed(&gateway, &one).await, billed(&gateway, &two).await].iter().flatten().sum();
    let path = format!("/api/governance/customers/{customer}");
    let told = api(&gateway, "GET", &path, &Value::Null).await.json();
    assert_eq!(dollars(&told["customer"]["budget"]["current_usage"]), spent);
    assert!(spent >= dollars(&json!(0.25)), "{spent}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn streams_are_counted_once_whether_they_are_read_to_their_end_or_left() {
    let gateway = started(settings());
    let governed = json!({
        "name": "streams",
        "budget": { "max_limit": 10, "reset_duration": "1h" },
        "rate_limit": { "request_max_limit": 100, "request_reset_duration": "1h" },
    });
    let (id, value) = make_key(&gateway, &governed).await;
    let body = json!({
        "model": "openai/gpt-4o", "stream": true,
        "messages": [{ "role": "user", "content": "word ".repeat(200) }],
    });
    let streams = (0..32).map(|number| {
        let request = asked(&value, &body);
        let gateway = &gateway;
        async move {
            let mut answer = open(gateway, request).await.unwrap();
            assert_eq!(answer.status, 200);
            if number % 2 == 0 {
                assert!(answer.rest().await.1);
            } else {
                answer.next().await.unwrap();
            }
        }
    });
    join_all(streams).await;
    // Those that were left are noticed a little later; each is in the log once it is settled.
    let path = format!("/api/logs?virtual_key_ids={id}&limit=100");
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    loop {
        let logs = api(&gateway, "GET", &path, &Value::Null).await.json();
        if logs["pagination"]["total_count"] == 32 {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{}", logs["pagination"]);
        tokio::task::yield_now().await;
    }
    let told = key(&gateway, &id).await;
    assert_eq!(told["rate_limit"]["request_current_usage"], 32);
    let spent: Decimal = billed(&gateway, &id).await.iter().sum();
    assert_eq!(dollars(&told["budget"]["current_usage"]), spent);
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let kept = || Settings { state: Some(folder.path().join("state.db")), durable: true, ..settings() };
    let gateway = started(kept());
    let budget = json!({ "max_limit": 5, "reset_duration": "1d" });
    let customer = json!({ "name": "customer", "budget": budget });
    let customer = api(&gateway, "POST", "/api/governance/customers", &customer).await.json();
    let customer = &customer["customer"]["id"];
    let team = json!({ "name": "team", "customer_id": customer });
    let team = api(&gateway, "POST", "/api/governance/teams", &team).await.json();
    let governed = json!({
        "name": "key", "team_id": team["team"]["id"], "budget": budget,
        "provider_configs": [{ "provider": "openai", "weight": 0.7, "allowed_models": ["gpt-4o"] }],
        "rate_limit": { "request_max_limit": 10, "request_reset_duration": "1d", "token_max_limit": 1_000_000, "token_reset_duration": "1d" },
    });
    let (id, value) = make_key(&gateway, &governed).await;
    let rule = json!({
        "name": "rule", "cel_expression": "model == \"never\"", "scope": "global", "priority": 3,
        "targets": [{ "model": "gpt-4o-mini", "weight": 1 }],
    });
    let model = json!({ "model_name": "gpt-4o", "provider": "openai", "budget": budget });
    let config = json!({ "client_config": { "async_job_result_ttl": 77 } });
    let keys = json!({ "keys": [
        { "id": "one", "name": "one", "value": "sk-hidden-credential-1", "models": [], "weight": 0.25 },
        { "id": "two", "name": "two", "value": "sk-hidden-credential-2", "models": [], "weight": 0.75 },
    ] });
    for (method, path, body) in [
        ("POST", "/api/governance/routing-rules", &rule),
        ("POST", "/api/governance/model-configs", &model),
        ("PUT", "/api/config", &config),
        ("PUT", "/api/providers/openai", &keys),
    ] {
        let reply = api(&gateway, method, path, body).await;
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.text());
    }
    for _ in 0..3 {
        assert_eq!(gateway.send(asked(&value, &chat("openai/gpt-4o", "Hello"))).await.status, 200);
    }
    let job = api(&gateway, "POST", "/v1/async/chat/completions", &chat("openai/gpt-4o", "Hello")).await;
    assert_eq!(job.status, 202, "{}", job.text());
    let job = format!("/v1/async/chat/completions/{}", job.json()["id"].as_str().unwrap());
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while api(&gateway, "GET", &job, &Value::Null).await.status == 202 {
        assert!(std::time::Instant::now() < deadline, "the job does not end");
        tokio::task::yield_now().await;
    }
    let paths = [
        "/api/governance/customers",
        "/api/governance/teams",
        "/api/governance/virtual-keys",
        "/api/governance/routing-rules",
        "/api/governance/model-configs",
        "/api/governance/budgets",
        "/api/governance/rate-limits",
        "/api/providers/openai",
        "/api/config",
        "/api/logs",
        job.as_str(),
    ];
    let mut before = Vec::new();
    for path in paths {
        before.push(api(&gateway, "GET", path, &Value::Null).await.outcome());
    }
    let ledger = gateway.ledger("root").await;
    gateway.stop().await;

    let gateway = started(kept());
    for (path, before) in paths.into_iter().zip(before) {
        assert_eq!(api(&gateway, "GET", path, &Value::Null).await.outcome(), before, "{path}");
    }
    assert_eq!(gateway.ledger("root").await, ledger);
    assert_eq!(gateway.send(asked(&value, &chat("openai/gpt-4o", "Hello"))).await.status, 200);
    assert_eq!(gateway.send(asked(&value, &chat("openai/gpt-4o-mini", "Hello"))).await.status, 403);
    assert_eq!(key(&gateway, &id).await["rate_limit"]["request_current_usage"], 4);
}
