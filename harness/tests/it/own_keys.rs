//! A burst whose requests have a key of their own each: where the keys come from, what they show, and where they go.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use plumbline_harness::engine::Cancel;
use plumbline_record::Verdict;
use serde_json::{Value, json};

use crate::gateway::{Answer, Gateway, Received};
use crate::lint::assert_told;
use crate::support::{Events, Setup, TARGET, missed, read_files};

/// How keys are minted and revoked.
const KEYS: &str = r#"
keys:
  mint: { request: { call: POST /keys, json: { role: "{{ role.name }}" } }, id: $.id, secret: $.secret }
  revoke: { call: "DELETE /keys/{{ key.id }}" }
"#;

/// A burst of more keys than are minted at once.
const RUSH: &str = r#"{ name: rush, call: POST /chat, as: user, burst: 20, own_keys: true, json: { text: "{{ index }}" },
    expect: { status: 200, body: [{ at: $.text, equals: "{{ index }}", verifies: chat.answers }] } }"#;

/// One scenario `ONE` with these steps, each a flow mapping.
fn steps(steps: &str) -> String {
    format!("\n  - {{ id: ONE, title: One, steps: [{steps}] }}")
}

/// A target whose role has a key for each scenario.
fn minting() -> String {
    format!("name: demo gateway\nroles: {{ user: {{ mint: {{}} }} }}{KEYS}")
}

/// A gateway that mints keys up to a number, and answers a chat with a text and the key that it came with.
async fn gateway(most_keys: usize, chat: impl Fn(&str, Value) -> Value + Send + Sync + 'static) -> Gateway {
    let keys = Mutex::new(0);
    Gateway::start(move |request| match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/worlds") => {
            let keys = [json!({ "role": "user", "secret": "sk-of-the-world" })];
            Answer::json(201, &json!({ "id": "w1", "path": "/w1", "keys": keys }))
        }
        ("POST", path) if path.starts_with("/keys") => {
            let mut keys = keys.lock();
            *keys += 1;
            if *keys > most_keys {
                // Long enough for what is shown of it to end in the middle of a key.
                let others = "sk-minted-1 ".repeat(100);
                return Answer::json(500, &json!({ "error": format!("no more keys, {others}") }));
            }
            let (id, secret) = (format!("key-{keys}"), format!("sk-minted-{keys}"));
            Answer::json(201, &json!({ "id": id, "secret": secret }))
        }
        ("DELETE", _) => Answer::whole(204, ""),
        _ => {
            let key = request.header("authorization").unwrap_or_default();
            let body: Value = serde_json::from_str(&request.body).unwrap();
            Answer::json(200, &json!({ "text": chat(key, body["text"].clone()) })).with("x-told", key)
        }
    })
    .await
}

/// Answers each with its own text.
fn echo(_: &str, text: Value) -> Value {
    text
}

/// Answers each with what another key has asked last.
fn mixing_up_keys() -> impl Fn(&str, Value) -> Value + Send + Sync {
    let last: Mutex<Option<(String, Value)>> = Mutex::default();
    move |key, text| {
        let before = last.lock().replace((key.to_owned(), text.clone()));
        before.filter(|(other, _)| other != key).map_or(text, |(_, text)| text)
    }
}

async fn run(gateway: &Gateway, target: &str, scenarios: &str) -> Events {
    Setup { target, ..Setup::new(&gateway.url, scenarios) }.run().await
}

/// The keys of chats, by what was asked.
fn keys_of(chats: &[Received]) -> BTreeMap<String, String> {
    let key = |chat: &Received| chat.header("authorization").unwrap_or_default().to_owned();
    chats.iter().map(|chat| (chat.body.clone(), key(chat))).collect()
}

#[tokio::test]
async fn each_request_has_a_key_that_is_minted_before_and_revoked_afterwards() {
    let gateway = gateway(usize::MAX, echo).await;
    let again = RUSH.replace("rush", "again").replace("burst: 20", "burst: 5");
    let events = run(&gateway, &minting(), &steps(&format!("{RUSH}, {again}"))).await;
    assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""));
    let received = gateway.received();
    let of = |method: &str, path: &str| -> Vec<_> {
        let fits = |request: &&Received| request.method == method && request.path.starts_with(path);
        received.iter().filter(fits).cloned().collect()
    };
    // One of them is the role's.
    assert_eq!(of("POST", "/keys").len(), 21);
    assert!(received[..21].iter().all(|request| request.path == "/keys"));
    let chats = of("POST", "/chat");
    let (first, second) = (keys_of(&chats[..20]), keys_of(&chats[20..]));
    let mut different: Vec<_> = first.values().collect();
    different.sort();
    different.dedup();
    assert_eq!((first.len(), different.len(), second.len()), (20, 20, 5));
    // A later burst has the same keys.
    assert!(second.iter().all(|(asked, key)| first[asked] == *key));
    let mut revoked: Vec<_> = of("DELETE", "/keys/").into_iter().map(|request| request.path).collect();
    revoked.sort();
    revoked.dedup();
    assert_eq!(revoked.len(), 21);
    assert_eq!(received.last().unwrap().method, "DELETE");
    assert_eq!(events.exchanges().len(), 25);
    let written = events.written();
    assert!(written.contains("[redacted:user]") && !written.contains("sk-minted"), "{written}");
}

#[tokio::test]
async fn answers_that_are_mixed_up_between_keys_are_noticed_with_several_keys_only() {
    let with_one = RUSH.replace("own_keys: true, ", "");
    let own = gateway(usize::MAX, mixing_up_keys()).await;
    assert_eq!(run(&own, &minting(), &steps(&with_one)).await.verdict("ONE"), (Verdict::Passed, ""));
    let mixed_up = gateway(usize::MAX, mixing_up_keys()).await;
    let events = run(&mixed_up, &minting(), &steps(RUSH)).await;
    let case = events.case("ONE");
    assert_eq!(case.verdict, Verdict::Failed);
    let missed = missed(case);
    assert!(
        !missed.is_empty() && missed.iter().all(|requirement| *requirement == "chat.answers"),
        "{missed:?}"
    );
}

#[tokio::test]
async fn a_world_has_further_keys_of_its_roles() {
    let gateway = gateway(usize::MAX, echo).await;
    let worlds = "worlds: { create: { call: POST /worlds }, base_path: $.path, keys: \"$.keys[*]\" }";
    let keys = KEYS.replace("POST /keys", "\"POST /keys/{{ world.id }}\"");
    let target = format!("name: demo gateway\n{worlds}{keys}");
    let events = run(&gateway, &target, &steps(RUSH)).await;
    assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""));
    let received = gateway.received();
    assert_eq!((received[1].path.as_str(), received[1].body.as_str()), ("/keys/w1", r#"{"role":"user"}"#));
    let chats: Vec<_> = received.into_iter().filter(|request| request.path == "/w1/chat").collect();
    let keys = keys_of(&chats);
    assert_eq!(keys.len(), 20);
    assert!(keys.values().all(|key| key.starts_with("Bearer sk-minted-")), "{keys:?}");
}

#[tokio::test]
async fn where_keys_cannot_be_minted_nothing_is_sent() {
    let gateway = gateway(usize::MAX, echo).await;
    let shared = format!("{TARGET}{KEYS}");
    for (target, reason) in [
        (TARGET, "the target can't mint keys"),
        (shared.as_str(), "the key of `user` is shared: no other is minted for each request"),
    ] {
        let events = run(&gateway, target, &steps(RUSH)).await;
        assert_eq!(events.verdict("ONE"), (Verdict::NotTestable, reason));
    }
    assert_eq!(gateway.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn keys_that_were_minted_are_revoked_where_another_is_refused() {
    let gateway = gateway(7, echo).await;
    let events = run(&gateway, &minting(), &steps(RUSH)).await;
    let (verdict, reason) = events.verdict("ONE");
    assert_eq!(verdict, Verdict::Error);
    assert!(reason.contains("could not be set up") && reason.contains("no more keys"), "{reason}");
    let written = events.written();
    assert!(written.contains("[redacted:user]") && !written.contains("sk-m"), "{written}");
    let mut revoked: Vec<_> = gateway.calls().into_iter().filter(|call| call.starts_with("DELETE")).collect();
    revoked.sort();
    assert_eq!(revoked, (1..=7).map(|key| format!("DELETE /keys/key-{key}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_key_that_is_left_is_told_whatever_else_is_refused() {
    let keys = Mutex::new(0);
    let gateway = Gateway::start(move |request| match (request.method.as_str(), request.path.as_str()) {
        ("POST", _) => {
            let mut keys = keys.lock();
            *keys += 1;
            match *keys {
                1 => Answer::json(201, &json!({ "id": "key-1", "secret": "sk-minted-1" })),
                2 => Answer::json(201, &json!({ "id": "key-2" })),
                _ => Answer::whole(500, "no more keys"),
            }
        }
        ("DELETE", "/keys/key-2") => Answer::whole(500, "key-2 is in use"),
        _ => Answer::whole(204, ""),
    })
    .await;
    let events = run(&gateway, &minting(), &steps(RUSH)).await;
    let (verdict, reason) = events.verdict("ONE");
    assert_eq!(verdict, Verdict::Error);
    assert!(reason.contains("what was made is still there: DELETE"), "{reason}");
    assert!(reason.contains("key-2 is in use"), "{reason}");
}

#[tokio::test]
async fn keys_are_revoked_also_where_a_fault_cannot_be_taken_away() {
    let gateway = Gateway::start(|request| match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/keys") => Answer::json(201, &json!({ "id": "key-1", "secret": "sk-minted-1" })),
        ("DELETE", "/faults") => Answer::whole(500, "out of order"),
        _ => Answer::whole(200, "{}"),
    })
    .await;
    let faults = "faults: { arm: { call: POST /faults }, clear: { call: DELETE /faults } }";
    let target = format!("{}{faults}", minting());
    let fault = "{ name: break, fault: { kind: html } }";
    let call = "{ name: one, call: GET /, as: user, expect: { status: 200 } }";
    let events = run(&gateway, &target, &steps(&format!("{fault}, {call}"))).await;
    let case = events.case("ONE");
    let [miss] = case.misses.as_slice() else { panic!("{case:#?}") };
    assert_eq!((case.verdict, miss.step.as_str()), (Verdict::Passed, "cleanup"));
    assert!(miss.actual.contains("DELETE /faults answered 500"), "{}", miss.actual);
    assert_eq!(
        gateway.calls(),
        ["POST /keys", "POST /faults", "GET /", "DELETE /faults", "DELETE /keys/key-1"]
    );
}

#[tokio::test]
async fn who_asks_to_stop_gets_no_further_keys() {
    let (keys, cancel) = (Mutex::new(0), Cancel::default());
    let stop = cancel.clone();
    let gateway = Gateway::start(move |request| match request.method.as_str() {
        "POST" => {
            let mut keys = keys.lock();
            *keys += 1;
            // The role has one, and of the burst's the first sixteen are under way.
            if *keys == 2 {
                stop.cancel();
            }
            Answer::json(201, &json!({ "id": format!("key-{keys}"), "secret": format!("sk-minted-{keys}") }))
        }
        _ => Answer::whole(204, ""),
    })
    .await;
    let (target, scenarios) = (minting(), steps(RUSH));
    let setup = Setup { target: &target, cancel, ..Setup::new(&gateway.url, &scenarios) };
    assert!(setup.run().await.finished().interrupted);
    let of = |method: &str| gateway.calls().iter().filter(|call| call.starts_with(method)).count();
    assert_eq!((of("POST"), of("DELETE")), (17, 17), "{:?}", gateway.calls());
}

#[tokio::test]
async fn what_was_made_is_taken_down_where_its_answer_is_not_as_described() {
    let worlds = "worlds: { create: { call: POST /worlds }, base_path: $.path, keys: \"$.keys[*]\"";
    let deleting = format!(
        "name: demo gateway\n{worlds}, delete: {{ call: \"DELETE /worlds/{{{{ world.id }}}}\" }} }}{KEYS}"
    );
    let revoking = format!("name: demo gateway\n{worlds} }}{KEYS}");
    let keys = json!([{ "role": "user", "id": "key-1", "secret": "sk-minted-1" }]);
    let (pathless, secretless) = (json!({ "id": "w1", "keys": keys }), json!({ "id": "key-1" }));
    let roleless = json!({ "id": "w1", "keys": [{ "secret": "sk-minted-1" }] });
    let behind = json!({ "id": "w1", "keys": [{ "role": "guest" }, keys[0]] });
    for (target, made, lacking, taken_down) in [
        (&deleting, &pathless, "$.path finds 0 values", "DELETE /worlds/w1"),
        (&revoking, &pathless, "$.path finds 0 values", "DELETE /keys/key-1"),
        (&deleting, &roleless, "a key has no `role` and `secret`", "DELETE /worlds/w1"),
        (&revoking, &behind, "a key has no `role` and `secret`", "DELETE /keys/key-1"),
        (&minting(), &secretless, "$.secret finds 0 values", "DELETE /keys/key-1"),
    ] {
        for status in [200, 500] {
            let answer = made.clone();
            let gateway = Gateway::start(move |request| match request.method.as_str() {
                "POST" => Answer::json(201, &answer),
                _ => Answer::whole(status, "sk-minted-1 is in use"),
            })
            .await;
            let events = run(&gateway, target, &steps(RUSH)).await;
            let (verdict, reason) = events.verdict("ONE");
            assert_eq!(verdict, Verdict::Error);
            assert!(reason.contains(lacking), "{reason}");
            assert_eq!(gateway.calls().last().map(String::as_str), Some(taken_down));
            // Who has to take it down by hand is told.
            let is_told = reason.contains("what was made is still there: DELETE");
            assert_eq!(is_told, status == 500, "{reason}");
            assert!(made == &secretless || !events.written().contains("sk-minted-1"), "{reason}");
        }
    }
}

const WRONG: &str = "contract: demo
scenarios:
  - id: WRONG
    title: Keys that nobody could tell apart, or that are nobody's
    steps:
      - name: alone
        call: GET /
        as: user
        own_keys: true
      - name: nobodys
        call: GET /
        burst: 2
        own_keys: true
      - name: watched
        call: GET /
        as: user
        burst: 2
        own_keys: true
        bills: { key: guest }
        key: { last_used: moved }
      - name: written_out
        call: GET /
        as: user
        burst: 2
        own_keys: true
        headers: { Authorization: Bearer everybody }
      - name: bytes
        raw: GET / HTTP/1.1
        own_keys: true
      - name: polled
        poll: GET /
        until: { status: 200 }
        own_keys: true
";

#[test]
fn keys_that_make_no_sense_are_told() {
    let file = "demo/a.yaml";
    let (_, mut mistakes) = read_files(&[(file, WRONG)]);
    mistakes.sort_by_key(|mistake| mistake.span.line);
    assert_told(
        &mistakes,
        &[
            (file, 9, "`own_keys` does not go with `call`", "it goes with `burst`"),
            (file, 13, "it is not said whose keys they are", "add `as: role`"),
            (file, 19, "the `key` of `bills` does not go with `own_keys`", "billed to its own key"),
            (file, 20, "`key` does not go with `own_keys`", "each request has another"),
            (
                file,
                26,
                "the header `Authorization` does not go with `own_keys`",
                "each request sends its own key",
            ),
            (file, 29, "`own_keys` does not go with `raw`", "it goes with `call`"),
            (file, 33, "`own_keys` does not go with `poll`", "it goes with `call`"),
        ],
    );
}
