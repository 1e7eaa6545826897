//! Writes to the management API: many at once, those that name a credential by what was told of it, and what becomes of
//! providers' keys when the configuration has others.

use std::path::Path;

use futures::future::join_all;
use plumbline_reference_server::{Config, Settings};
use serde_json::{Value, json};

use crate::bifrost_support::{api, settings, started};
use crate::support::Gateway;

const CUSTOMERS: &str = "/api/governance/customers";
const CONFIG: &str = "/api/config";
const KEYS: &str = "/api/providers/openai/keys";
const GOVERNED: &str = "/api/governance/providers/openai";

/// How many writes of a kind come at once.
const WRITES: usize = 48;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writes_that_come_at_once_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let state = Some(folder.path().join("state.db"));
    let gateway = started(Settings { state, durable: true, ..settings() });
    let customer = json!({ "name": "customer", "budget": { "max_limit": 1, "reset_duration": "1d" } });
    let made = api(&gateway, "POST", CUSTOMERS, &customer).await.json();
    let path = format!("{CUSTOMERS}/{}", made["customer"]["id"].as_str().unwrap());
    let writes = (0..WRITES).map(|number: usize| {
        let (gateway, path) = (&gateway, &path);
        async move {
            let config = json!({ "client_config": { (format!("note-{number}")): number } });
            let half = number.is_multiple_of(2);
            let budget = if half { json!({ "max_limit": 2 }) } else { json!({ "calendar_aligned": true }) };
            let customer = json!({ "budget": budget });
            let replies = [api(gateway, "PUT", CONFIG, &config), api(gateway, "PUT", path, &customer)];
            for reply in join_all(replies).await {
                assert_eq!(reply.status, 200, "{}", reply.text());
            }
        }
    });
    join_all(writes).await;
    let told = api(&gateway, "GET", CONFIG, &Value::Null).await.json();
    for number in 0..WRITES {
        assert_eq!(told["client_config"][format!("note-{number}")], number);
    }
    let told = api(&gateway, "GET", &path, &Value::Null).await.json();
    let budget = &told["customer"]["budget"];
    assert_eq!((&budget["max_limit"], &budget["calendar_aligned"]), (&json!(2), &json!(true)));
}

#[tokio::test]
async fn what_is_told_of_a_credential_is_no_credential() {
    let gateway = started(settings());
    let key = json!({ "id": "mine", "name": "mine", "value": "sk-hidden-credential-1" });
    let made = api(&gateway, "POST", KEYS, &key).await.json();
    let again = json!({ "id": "other", "name": "other", "value": made["value"] });
    let reply = api(&gateway, "POST", KEYS, &again).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["error"]["message"], "value of key 'other' is required");
}

/// A gateway whose provider has keys of these names.
fn configured(folder: &Path, names: &[&str]) -> Gateway {
    let keys: Vec<_> =
        names.iter().map(|name| format!("{{ name: {name}, key: {{ env: {name} }} }}")).collect();
    let keys = keys.join(", ");
    let config =
        format!("providers:\n  openai: {{ kind: openai, url: \"http://127.0.0.1:9/v1\", keys: [{keys}] }}\n");
    let config = Config::read(&config, &|name| Some(format!("sk-{name}"))).unwrap();
    started(Settings { config, state: Some(folder.join("state.db")), ..settings() })
}

async fn keys(gateway: &Gateway) -> Vec<String> {
    let told = api(gateway, "GET", KEYS, &Value::Null).await.json();
    let keys = told["keys"].as_array().unwrap().iter();
    keys.map(|key| key["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn keys_that_were_not_written_are_those_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = configured(folder.path(), &["OLD", "SPARE"]);
    let limit = json!({ "rate_limit": { "request_max_limit": 9, "request_reset_duration": "1h" } });
    assert_eq!(api(&gateway, "PUT", GOVERNED, &limit).await.status, 200);
    gateway.stop().await;

    let gateway = configured(folder.path(), &["SPARE", "FRESH"]);
    assert_eq!(keys(&gateway).await, ["SPARE", "FRESH"]);
    let told = api(&gateway, "GET", GOVERNED, &Value::Null).await.json();
    assert_eq!(told["provider"]["rate_limit"]["request_max_limit"], 9);
    let mine = json!({ "name": "MINE", "value": "sk-hidden-credential-1" });
    assert_eq!(api(&gateway, "POST", KEYS, &mine).await.status, 200);
    gateway.stop().await;

    // From now on they are what was written, but for a credential that the configuration has no more.
    let gateway = configured(folder.path(), &["FRESH", "ANOTHER"]);
    assert_eq!(keys(&gateway).await, ["FRESH", "MINE"]);
}
