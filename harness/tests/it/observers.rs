//! What a gateway did besides answering: each part that is wrong misses the requirement that speaks of it and no
//! other, and what cannot be seen is never taken for right.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use plumbline_harness::engine::Settings;
use plumbline_record::{Event, Verdict, Verified};
use serde_json::{Value, json};

use crate::gateway::{Answer, Gateway, Received, Then};
use crate::support::{Events, Setup, TARGET, environment, missed, settings};

/// A chat as the gateway bills it.
struct Chat {
    /// The id of the key that it came with.
    key: String,
    /// Whether it was refused.
    refused: bool,
}

/// The billing events that a gateway writes for one chat.
type Billing = fn(&Chat) -> Vec<Value>;

/// Where a gateway writes its billing events.
enum Ledger {
    /// Where `GET /ledger` shows them: so many looks after they were written.
    Shown { late: usize },
    /// In a file.
    File(PathBuf),
}

struct State {
    billing: Billing,
    ledger: Ledger,
    events: Vec<Value>,
    keys: usize,
    looks: usize,
    chats: usize,
}

/// A gateway that mints keys, chats, and bills as it is told.
async fn gateway(ledger: Ledger, billing: Billing) -> Gateway {
    let state = State { billing, ledger, events: Vec::new(), keys: 0, looks: 0, chats: 0 };
    let state = Mutex::new(state);
    Gateway::start(move |request| state.lock().answer(request)).await
}

impl State {
    fn answer(&mut self, request: &Received) -> Answer {
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/keys") => {
                self.keys += 1;
                let (id, secret) = (format!("key-{}", self.keys), format!("sk-minted-{}", self.keys));
                Answer::json(201, &json!({ "id": id, "secret": secret }))
            }
            ("DELETE", _) => Answer::whole(204, ""),
            ("GET", "/ledger") => self.show(),
            ("POST", "/chat") => self.chat(request),
            _ => Answer::whole(200, "{}"),
        }
    }

    /// The events; the last is held back for some looks after the latest was written.
    fn show(&mut self) -> Answer {
        let late = match self.ledger {
            Ledger::Shown { late } => late,
            Ledger::File(_) => 0,
        };
        self.looks += 1;
        let shown = if self.looks > late { self.events.len() } else { self.events.len().saturating_sub(1) };
        Answer::json(200, &json!({ "events": self.events[..shown] }))
    }

    fn chat(&mut self, request: &Received) -> Answer {
        let bearer = request.header("authorization").unwrap_or_default();
        let key = bearer.replace("Bearer sk-minted-", "key-");
        let chat = Chat { key, refused: request.body.contains("refuse") };
        let events = (self.billing)(&chat);
        if let Ledger::File(path) = &self.ledger {
            for event in &events {
                append(path, &format!("2026-01-01T00:00:00Z billing {event}"));
            }
        }
        self.events.extend(events);
        self.looks = 0;
        self.chats += 1;
        if chat.refused {
            return Answer::json(400, &json!({ "error": "refused" }));
        }
        let usage = json!({ "prompt_tokens": 10, "completion_tokens": 5 });
        Answer::json(
            200,
            &json!({ "id": format!("chat-{}", self.chats), "model": "model-a", "usage": usage }),
        )
    }
}

fn append(path: &Path, line: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// What a gateway writes that bills rightly.
fn right(chat: &Chat) -> Vec<Value> {
    if chat.refused { Vec::new() } else { vec![event(chat, json!({}))] }
}

/// As [`right`], with some members of the event replaced.
fn instead(chat: &Chat, members: Value) -> Vec<Value> {
    if chat.refused { Vec::new() } else { vec![event(chat, members)] }
}

/// What a gateway writes that bills a question even where it gave no answer.
fn refusals_too(chat: &Chat) -> Vec<Value> {
    if chat.refused {
        vec![event(chat, json!({ "output_tokens": 0, "cost": "0.00003" }))]
    } else {
        right(chat)
    }
}

/// What a gateway writes that bills nothing.
fn nothing(_: &Chat) -> Vec<Value> {
    Vec::new()
}

/// The right event for a chat, but for some members.
fn event(chat: &Chat, instead: Value) -> Value {
    let mut event = json!({
        "model": "model-a", "input_tokens": 10, "output_tokens": 5, "key_id": chat.key, "cost": "0.00010500",
    });
    let Value::Object(instead) = instead else { panic!("{instead}") };
    event.as_object_mut().unwrap().extend(instead);
    event
}

/// A target whose keys are minted.
const MINTING: &str = r#"
name: demo gateway
models: { chat: { id: model-a, price: { input: "3.00", output: "15.00" } } }
roles: { user: { mint: { scopes: [chat] } }, guest: { mint: { scopes: [] } } }
keys:
  mint:
    request: { call: POST /keys, json: { role: "{{ role.name }}", scopes: "{{ role.mint.scopes }}" } }
    id: $.id
    secret: $.secret
  revoke: { call: "DELETE /keys/{{ key.id }}" }
"#;

/// What is read of a billing event.
const MEMBERS: &str = "
    model: $.model
    input_tokens: $.input_tokens
    output_tokens: $.output_tokens
    key: $.key_id
    cost: $.cost
    deadline: 300ms
";

/// A target that shows its ledger.
fn showing(target: &str, delivery: &str) -> String {
    format!(
        "{target}observers:
  billing:
    from: {{ http: {{ request: {{ call: GET /ledger }}, lines: \"$.events[*]\" }} }}
    delivery: {delivery}{MEMBERS}"
    )
}

/// The call that closes the list of a target with ordered delivery.
const MARKER: &str = "    marker: { as: guest, request: { call: POST /chat, json: { text: marker } } }\n";

const BILLED: &str = r#"
  - id: BILLED
    title: An answer is billed and a refusal is not
    steps:
      - name: chat
        call: POST /chat
        as: user
        json: { model: "{{ models.chat }}" }
        expect: { status: 200, body: [{ at: $.model, equals: "{{ models.chat }}", verifies: chat.answers }] }
        bills: { model: "{{ models.chat }}", usage: "{{ chat.json.usage }}" }
      - name: refused
        call: POST /chat
        as: user
        json: { text: refuse }
        expect: { status: 400 }
        bills: none
      - name: other
        call: GET /models
        as: guest
        expect: { status: 200 }
"#;

/// The scenario's own verdict, the observer's, why, and the requirements that it missed.
async fn observe(
    gateway: &Gateway,
    target: &str,
    scenarios: &str,
    observer: &str,
) -> (Verdict, Verdict, String, Vec<String>) {
    let events = Setup { target, ..Setup::new(&gateway.url, scenarios) }.run().await;
    let name = events.attempts()[0].scenario.clone();
    let own = events.case(&name).verdict;
    let case = events.case(&format!("{name}[{observer}]"));
    let missed = missed(case).into_iter().map(str::to_owned).collect();
    (own, case.verdict, case.reason.clone().unwrap_or_default(), missed)
}

async fn billed(target: &str, billing: Billing) -> (Verdict, Verdict, String, Vec<String>) {
    let gateway = gateway(Ledger::Shown { late: 0 }, billing).await;
    observe(&gateway, target, BILLED, "billing").await
}

#[tokio::test]
async fn what_is_billed_rightly_passes_and_its_keys_are_taken_down() {
    let gateway = gateway(Ledger::Shown { late: 0 }, right).await;
    let target = showing(MINTING, "immediate");
    let events = Setup { target: &target, ..Setup::new(&gateway.url, BILLED) }.run().await;
    assert_eq!(events.verdict("BILLED"), (Verdict::Passed, ""));
    assert_eq!(events.verdict("BILLED[billing]"), (Verdict::Passed, ""));
    let case = events.case("BILLED[billing]");
    assert_eq!((case.observer.as_deref(), case.checks), (Some("billing"), 6));
    let verified: Vec<_> = case.verifies.iter().map(|verified| verified.requirement.as_str()).collect();
    assert_eq!(verified, ["bill.cost", "bill.key", "bill.model", "bill.none", "bill.one", "bill.usage"]);
    assert_eq!(gateway.received()[0].body, r#"{"role":"user","scopes":["chat"]}"#);
    let mut deleted: Vec<_> = gateway.calls().into_iter().filter(|call| call.starts_with("DELETE")).collect();
    deleted.sort();
    assert_eq!(deleted, ["DELETE /keys/key-1", "DELETE /keys/key-2"]);
    assert!(!events.written().contains("sk-minted-1"));
}

/// Billing on a gateway that ends the first connection on which this is asked for, without an answer.
async fn hanging_up(on: &'static str) -> (Gateway, Events) {
    let ledger = Ledger::Shown { late: 0 };
    let state = State { billing: right, ledger, events: Vec::new(), keys: 0, looks: 0, chats: 0 };
    let state = Mutex::new((state, false));
    let gateway = Gateway::start(move |request| {
        let (state, hung_up) = &mut *state.lock();
        if !*hung_up && format!("{} {}", request.method, request.path) == on {
            *hung_up = true;
            return Answer::raw("", Then::Close);
        }
        state.answer(request)
    })
    .await;
    let target = showing(MINTING, "immediate");
    let events = Setup { target: &target, ..Setup::new(&gateway.url, BILLED) }.run().await;
    (gateway, events)
}

#[tokio::test]
async fn a_look_is_repeated_on_a_new_connection_and_what_makes_something_is_not() {
    let (_, events) = hanging_up("GET /ledger").await;
    assert_eq!(events.verdict("BILLED[billing]"), (Verdict::Passed, ""));
    let (gateway, events) = hanging_up("POST /keys").await;
    assert_eq!(events.case("BILLED").verdict, Verdict::Error);
    assert_eq!(gateway.calls(), ["POST /keys"]);
}

#[tokio::test]
async fn each_wrong_bill_misses_the_requirement_that_speaks_of_it() {
    let target = showing(MINTING, "immediate");
    let situations: [(&str, Billing); 8] = [
        ("bill.one", nothing),
        ("bill.one", |chat| [right(chat), right(chat)].concat()),
        ("bill.none", refusals_too),
        ("bill.model", |chat| instead(chat, json!({ "model": "model-b" }))),
        ("bill.usage", |chat| instead(chat, json!({ "input_tokens": 11, "cost": "0.000108" }))),
        ("bill.usage", |chat| instead(chat, json!({ "output_tokens": null, "cost": "0.00003" }))),
        ("bill.key", |chat| instead(chat, json!({ "key_id": "key-2" }))),
        ("bill.cost", |chat| instead(chat, json!({ "cost": "0.000106" }))),
    ];
    for (requirement, billing) in situations {
        let (own, verdict, reason, missed) = billed(&target, billing).await;
        assert_eq!((own, verdict), (Verdict::Passed, Verdict::Failed), "{requirement}: {reason}");
        assert_eq!(missed, [requirement], "{reason}");
    }
}

#[tokio::test]
async fn each_request_of_a_burst_is_billed_to_its_own_key() {
    let rush = "
  - id: RUSH
    title: Several keys at once
    steps:
      - { name: rush, call: POST /chat, as: user, burst: 3, own_keys: true, expect: { status: 200 }, bills: one }
";
    let target = showing(MINTING, "immediate");
    let situations: [(Billing, Verdict, &[&str]); 2] = [
        (right, Verdict::Passed, &[]),
        // The role's key, with which nobody has asked.
        (|chat| instead(chat, json!({ "key_id": "key-1" })), Verdict::Failed, &["bill.key"; 3]),
    ];
    for (billing, verdict, requirements) in situations {
        let gateway = gateway(Ledger::Shown { late: 0 }, billing).await;
        let (own, actual, reason, missed) = observe(&gateway, &target, rush, "billing").await;
        assert_eq!((own, actual), (Verdict::Passed, verdict), "{reason}");
        assert_eq!(missed, requirements);
    }
}

#[tokio::test]
async fn of_a_burst_in_which_a_reply_missed_no_bill_is_judged() {
    let rush = r#"
  - id: RUSH
    title: One of several keys is refused
    steps:
      - name: rush
        call: POST /chat
        as: user
        burst: 3
        own_keys: true
        json: { text: "{{ 'refuse' if index == 1 else 'hello' }}", index: "{{ index }}" }
        expect: { status: 200, verifies: chat.answers }
        bills: { usage: "{{ rush.json.usage }}" }
"#;
    let ledger = Ledger::Shown { late: 0 };
    let state = State { billing: right, ledger, events: Vec::new(), keys: 0, looks: 0, chats: 0 };
    let state = Mutex::new(state);
    let gateway = Gateway::start(move |request| {
        let mut state = state.lock();
        let before = state.events.len();
        let answer = state.answer(request);
        let asked: Value = serde_json::from_str(&request.body).unwrap_or_default();
        for event in &mut state.events[before..] {
            event["index"] = asked["index"].clone();
        }
        // The last request was answered first.
        state.events.sort_by_key(|event| Reverse(event["index"].as_u64()));
        // Of the first, nobody can tell what it must be billed.
        if asked["index"] == 0 { Answer::json(200, &json!({ "model": "model-a" })) } else { answer }
    })
    .await;
    let target = showing(MINTING, "immediate");
    let (own, verdict, reason, missed) = observe(&gateway, &target, rush, "billing").await;
    assert_eq!((own, verdict), (Verdict::Failed, Verdict::NotTestable), "{reason}");
    assert_eq!(missed, Vec::<String>::new());
}

#[tokio::test]
async fn in_any_order_the_event_of_a_failed_step_may_come_before_that_of_a_right_one() {
    let scenarios = "
  - id: MIXED
    title: The second chat fails
    steps:
      - { name: chat, call: POST /chat, as: user, json: {}, expect: { status: 200 }, bills: one }
      - { name: fails, call: POST /chat, as: guest, json: {}, expect: { status: 500 }, bills: one }
";
    let ledger = Ledger::Shown { late: 3 };
    let state = State { billing: right, ledger, events: Vec::new(), keys: 0, looks: 0, chats: 0 };
    let state = Mutex::new(state);
    let gateway = Gateway::start(move |request| {
        let mut state = state.lock();
        let answer = state.answer(request);
        if request.path == "/chat" {
            state.events.reverse();
        }
        answer
    })
    .await;
    let target = showing(MINTING, "unordered").replace("deadline: 300ms", "deadline: 30s");
    let (own, verdict, reason, missed) = observe(&gateway, &target, scenarios, "billing").await;
    assert_eq!((own, verdict), (Verdict::Failed, Verdict::Passed), "{reason}");
    assert_eq!(missed, Vec::<String>::new());
}

#[tokio::test]
async fn without_an_observer_only_its_case_is_not_testable() {
    let (own, verdict, reason, missed) = billed(MINTING, right).await;
    assert_eq!((own, verdict), (Verdict::Passed, Verdict::NotTestable));
    assert_eq!(reason, "the target has no billing observer");
    assert_eq!(missed, Vec::<String>::new());
}

#[tokio::test]
async fn a_bill_speaks_of_all_its_parts_and_of_no_part_that_was_not_looked_at() {
    let parts = ["bill.cost", "bill.key", "bill.model", "bill.none", "bill.one", "bill.usage"];
    let unpriced =
        showing(MINTING, "immediate").replace(r#", price: { input: "3.00", output: "15.00" }"#, "");
    for (target, verdict, verified) in
        [(MINTING, Verdict::NotTestable, &parts[..]), (unpriced.as_str(), Verdict::Passed, &parts[1..])]
    {
        let gateway = gateway(Ledger::Shown { late: 0 }, right).await;
        let events = Setup { target, ..Setup::new(&gateway.url, BILLED) }.run().await;
        let case = events.case("BILLED[billing]");
        let id = |verified: &Verified| verified.requirement.clone();
        let own: Vec<_> = case.verifies.iter().map(id).collect();
        assert_eq!((case.verdict, own.iter().eq(verified)), (verdict, true), "{own:?}");
        let all: BTreeSet<_> = case.verifies.iter().chain(&case.unreached).map(id).collect();
        assert!(all.iter().eq(&parts), "{all:?}");
    }
}

#[tokio::test]
async fn after_a_failure_nothing_is_said_of_bills_that_were_not_reached() {
    let gateway = gateway(Ledger::Shown { late: 0 }, right).await;
    let scenarios = BILLED.replace("status: 200, body", "status: 201, body");
    let target = showing(MINTING, "immediate");
    let (own, verdict, reason, _) = observe(&gateway, &target, &scenarios, "billing").await;
    assert_eq!((own, verdict), (Verdict::Failed, Verdict::NotTestable));
    assert_eq!(reason, "no step that it observes came to its end as expected, and nothing else decides it");
}

#[tokio::test]
async fn an_event_that_comes_late_is_waited_for() {
    let gateway = gateway(Ledger::Shown { late: 3 }, right).await;
    let one = BILLED.replace("        bills: none\n", "");
    let target = showing(MINTING, "unordered").replace("deadline: 300ms", "deadline: 30s");
    let (own, verdict, reason, _) = observe(&gateway, &target, &one, "billing").await;
    assert_eq!((own, verdict, reason.as_str()), (Verdict::Passed, Verdict::Passed, ""));
}

#[tokio::test]
async fn that_nothing_was_billed_is_not_believed_without_proof() {
    for (delivery, marker) in [("unordered", ""), ("unordered", MARKER), ("ordered", "")] {
        let target = showing(MINTING, delivery) + marker;
        let (own, verdict, reason, missed) = billed(&target, right).await;
        assert_eq!((own, verdict), (Verdict::Passed, Verdict::NotTestable), "{delivery}: {reason}");
        assert!(reason.contains("can't be proved"), "{reason}");
        assert_eq!(missed, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_marker_proves_that_nothing_more_was_billed() {
    let target = (showing(MINTING, "ordered") + MARKER).replace("deadline: 300ms", "deadline: 30s");
    let situations: [(Billing, Verdict, &[&str]); 2] =
        [(right, Verdict::Passed, &[]), (refusals_too, Verdict::Failed, &["bill.none"])];
    for (billing, verdict, requirements) in situations {
        // The marker's event, too, is there only after some looks.
        let gateway = gateway(Ledger::Shown { late: 3 }, billing).await;
        let (own, actual, reason, missed) = observe(&gateway, &target, BILLED, "billing").await;
        assert_eq!((own, actual), (Verdict::Passed, verdict), "{reason}");
        assert_eq!(missed, requirements);
        let marked = gateway.received().into_iter().find(|request| request.body.contains("marker")).unwrap();
        assert_eq!(marked.header("authorization"), Some("Bearer sk-minted-3"));
    }
}

#[tokio::test]
async fn a_ledger_may_be_a_file_whose_lines_have_a_pattern() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.log");
    let observers = format!(
        r#"observers:
  billing:
    from: {{ file: {{ path: "{{{{ env.GATEWAY_LOG }}}}", pattern: '^\S+ billing (?<json>\{{.*\}})$' }} }}
    delivery: immediate{MEMBERS}"#
    );
    // Keys from the environment are used by others, too: what was there before is not the scenario's.
    let shared = format!(
        "{}{observers}",
        TARGET.replace("id: model-a", "id: model-a, price: { input: \"3.00\", output: \"15.00\" }")
    );
    let minting = format!("{MINTING}{observers}");
    let situations: [(&str, Billing, Verdict); 4] = [
        (&minting, right, Verdict::Passed),
        (&shared, right, Verdict::Passed),
        (&minting, nothing, Verdict::Failed),
        (&shared, nothing, Verdict::Failed),
    ];
    for (target, billing, verdict) in situations {
        // There may be no file at first, or one with a past.
        for past in [None, Some(r#"2026-01-01T00:00:00Z billing {"model":"model-a","input_tokens":10}"#)] {
            let _ = fs::remove_file(&path);
            if let Some(line) = past {
                append(&path, line);
                append(&path, "2026-01-01T00:00:00Z started");
            }
            let gateway = gateway(Ledger::File(path.clone()), billing).await;
            let environment = environment().with("GATEWAY_LOG", path.to_str().unwrap());
            let setup = Setup { target, environment, ..Setup::new(&gateway.url, BILLED) };
            let events = setup.run().await;
            assert_eq!(events.case("BILLED").verdict, Verdict::Passed, "{target}");
            let (actual, reason) = events.verdict("BILLED[billing]");
            assert_eq!(actual, verdict, "{past:?} {reason}\n{target}");
        }
    }
}

#[tokio::test]
async fn scenarios_whose_bills_look_alike_run_one_after_the_other() {
    let gateway = gateway(Ledger::Shown { late: 0 }, right).await;
    let target = showing(TARGET, "immediate");
    let scenarios = format!("{BILLED}{}", BILLED.replace("BILLED", "AGAIN"));
    let settings = Settings { jobs: 8, ..settings() };
    let events = Setup { target: &target, settings, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    let Some(Event::RunStarted(started)) = events.0.first() else { panic!("no beginning") };
    assert_eq!(started.jobs, 1);
    assert_eq!(events.finished().tally.passed, 4);
}

#[tokio::test]
async fn an_observer_that_breaks_takes_only_its_own_case_with_it() {
    let target = showing(MINTING, "immediate");
    let broken = Gateway::start(|request| match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/ledger") => Answer::whole(500, "out of order"),
        ("POST", "/keys") => Answer::json(201, &json!({ "id": "key-1", "secret": "sk-minted-1" })),
        ("POST", "/chat") if request.body.contains("refuse") => Answer::whole(400, "{}"),
        _ => Answer::json(200, &json!({ "model": "model-a", "usage": { "prompt_tokens": 1 } })),
    })
    .await;
    let (own, verdict, reason, missed) = observe(&broken, &target, BILLED, "billing").await;
    assert_eq!((own, verdict), (Verdict::Passed, Verdict::Error), "{reason}");
    assert!(reason.contains("GET /ledger answered 500"), "{reason}");
    assert_eq!(missed, Vec::<String>::new());
}

const LOGGED: &str = r#"
  - id: LOGGED
    title: A request is found in the log
    steps:
      - name: chat
        call: POST /chat
        as: user
        json: {}
        expect: { status: 200 }
        logs:
          request_id: "{{ chat.json.id }}"
          verifies: log.line
          expect: [{ any: "$[*].event", equals: answered }, { each: "$[*].level", one_of: [info, debug] }]
"#;

#[tokio::test]
async fn a_log_line_is_found_by_its_request_id_when_it_comes() {
    let lines = |id: &str| {
        json!([
            { "request_id": "another", "level": "error", "event": "failed" },
            { "level": "error" },
            { "request_id": id, "level": "debug", "event": "received" },
            { "request_id": id, "level": "info", "event": "answered" },
        ])
    };
    // The lines of the request, one more with each look.
    for (told, verdict) in [(4_usize, Verdict::Passed), (3, Verdict::Failed), (2, Verdict::Failed)] {
        let looks = Mutex::new(0_usize);
        let gateway = Gateway::start(move |request| match request.path.as_str() {
            "/logs?id=r-1" => {
                let mut looks = looks.lock();
                *looks += 1;
                let shown = told.min(*looks);
                Answer::json(200, &json!({ "lines": lines("r-1").as_array().unwrap()[..shown] }))
            }
            _ => Answer::json(200, &json!({ "id": "r-1" })),
        })
        .await;
        let deadline = if verdict == Verdict::Passed { "30s" } else { "300ms" };
        let target = format!(
            "{TARGET}observers:
  logs:
    from: {{ http: {{ request: {{ call: \"GET /logs?id={{{{ request_id }}}}\" }}, lines: \"$.lines[*]\" }} }}
    request_id: $.request_id
    deadline: {deadline}
"
        );
        let (own, actual, reason, missed) = observe(&gateway, &target, LOGGED, "logs").await;
        assert_eq!((own, actual), (Verdict::Passed, verdict), "{told}: {reason}");
        assert_eq!(missed.is_empty(), verdict == Verdict::Passed, "{missed:?}");
        assert!(missed.iter().all(|requirement| requirement == "log.line"), "{missed:?}");
    }
}

#[tokio::test]
async fn a_log_may_be_a_file_that_is_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.log");
    let file = path.clone();
    let gateway = Gateway::start(move |_| {
        let path = file.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            append(&path, r#"{"request_id":"r-1","level":"info","event":"answered"}"#);
        });
        Answer::json(200, &json!({ "id": "r-1" }))
    })
    .await;
    let target = format!(
        "{TARGET}observers: {{ logs: {{ from: {{ file: {{ path: \"{{{{ env.GATEWAY_LOG }}}}\" }} }}, \
         request_id: $.request_id, deadline: 30s }} }}"
    );
    let environment = environment().with("GATEWAY_LOG", path.to_str().unwrap());
    let setup = Setup { target: &target, environment, ..Setup::new(&gateway.url, LOGGED) };
    let events = setup.run().await;
    assert_eq!(events.verdict("LOGGED[logs]"), (Verdict::Passed, ""));
}

const USED: &str = "
  - id: USED
    title: A key knows when it was used
    steps:
      - name: chat
        call: POST /chat
        as: user
        json: {}
        expect: { status: 200 }
        key: { last_used: moved, verifies: key.used }
";

#[tokio::test]
async fn the_time_of_a_keys_last_use_must_move() {
    let times: [(Value, Value, Verdict); 6] = [
        (json!(null), json!("2026-01-01T00:00:00Z"), Verdict::Passed),
        (json!("2026-01-01T00:00:00Z"), json!("2026-01-01T00:00:00.001Z"), Verdict::Passed),
        (json!("2026-01-01T00:00:00Z"), json!("2026-01-01T01:00:00+01:00"), Verdict::Failed),
        (json!("2026-01-01T00:00:00Z"), json!("2025-01-01T00:00:00Z"), Verdict::Failed),
        (json!(null), json!(null), Verdict::Failed),
        (json!(null), json!("yesterday"), Verdict::Failed),
    ];
    let target = format!(
        "{MINTING}observers: {{ keys: {{ request: {{ call: \"GET /keys/{{{{ key.id }}}}\" }}, \
         last_used_at: $.last_used_at, deadline: 200ms }} }}"
    );
    for (before, after, verdict) in times {
        let what = format!("{before} and then {after}");
        let used = Mutex::new(before);
        let gateway = Gateway::start(move |request| match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/keys") => Answer::json(201, &json!({ "id": "key-1", "secret": "sk-minted-1" })),
            ("GET", "/keys/key-1") => Answer::json(200, &json!({ "last_used_at": *used.lock() })),
            ("POST", "/chat") => {
                used.lock().clone_from(&after);
                Answer::whole(200, "{}")
            }
            _ => Answer::whole(204, ""),
        })
        .await;
        let (own, actual, reason, missed) = observe(&gateway, &target, USED, "keys").await;
        assert_eq!((own, actual), (Verdict::Passed, verdict), "{what}: {reason}");
        let expected: &[&str] = if verdict == Verdict::Failed { &["key.used"] } else { &[] };
        assert_eq!(missed, expected, "{what}");
    }
}

#[tokio::test]
async fn a_key_from_the_environment_has_no_id_to_look_at() {
    let gateway = Gateway::start(|_| Answer::whole(200, "{}")).await;
    let target = format!(
        "{TARGET}observers: {{ keys: {{ request: {{ call: \"GET /keys/{{{{ key.id }}}}\" }}, \
         last_used_at: $.last_used_at }} }}"
    );
    let (own, verdict, reason, _) = observe(&gateway, &target, USED, "keys").await;
    assert_eq!((own, verdict), (Verdict::Passed, Verdict::NotTestable));
    assert!(reason.contains("from the environment"), "{reason}");
}

#[tokio::test]
async fn the_event_of_a_failed_step_is_awaited_where_the_next_scenario_has_the_same_key() {
    const LATE: usize = 3;
    let gateway = gateway(Ledger::Shown { late: LATE }, right).await;
    let scenarios = "
  - { id: FAILS, title: A, steps: [{ name: chat, call: POST /chat, as: user, json: {}, expect: { status: 500 }, bills: one }] }
  - { id: NEXT, title: B, steps: [{ name: chat, call: POST /chat, as: user, json: {}, expect: { status: 200 }, bills: one }] }
";
    let target = showing(crate::support::TARGET, "unordered");
    let events = Setup { target: &target, ..Setup::new(&gateway.url, scenarios) }.run().await;
    assert_eq!(events.case("FAILS").verdict, Verdict::Failed);
    assert_eq!(events.case("FAILS[billing]").verdict, Verdict::NotTestable);
    assert_eq!(events.verdict("NEXT[billing]"), (Verdict::Passed, ""));
    let calls = gateway.calls();
    let mut between = calls.split(|call| call == "POST /chat");
    let looks = between.nth(1).map(|calls| calls.iter().filter(|call| *call == "GET /ledger").count());
    assert!(looks.is_some_and(|looks| looks > LATE), "{calls:?}");
}
