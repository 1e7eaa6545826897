//! `plumbline serve` in a second process.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use plumbline_record::Verdict;

use crate::support::{Served, plumbline, root, run, run_with};

/// One request on a connection of its own; the answer's status and body, when it came in full.
fn send(address: &str, method: &str, path: &str, key: &str, body: &str) -> Option<(u16, serde_json::Value)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, serde_json::from_str(body).ok()?))
}

#[test]
fn the_same_verdicts_through_a_descriptor_and_a_log_file() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("gateway.log");
    let served = Served::start(["--log".as_ref(), log.as_os_str()]);
    let mut command = plumbline();
    command.env("PLUMBLINE_CONTROL_TOKEN", "test-control").env("PLUMBLINE_GATEWAY_LOG", &log);
    let url = format!("http://{}", served.address);
    let target = root().join("targets/local.yaml");
    let there = run_with(command, ["--target", target.to_str().unwrap(), "--url", &url]);
    assert_eq!(there.code, 0, "{}{}", there.stdout, there.stderr);
    // All scenarios share the one world there, so that no faults are injected.
    let (mut there_too, mut here) = (there.verdicts(), run::<&str>([]).verdicts());
    there_too.retain(|_, verdict| *verdict != Verdict::Unsupported);
    // Nor does it have providers, whom the contracts `gateway` and `bifrost` look at.
    let may_be_left_out = |case: &str| {
        ["EC_", "_ERRORS_", "_STREAM_", "_STREAMING_", "GATEWAY_", "BIFROST_"]
            .iter()
            .any(|id| case.contains(id))
    };
    here.retain(|case, _| there_too.contains_key(case) || !may_be_left_out(case));
    assert_eq!(there_too, here);
    let lines = fs::read_to_string(&log).unwrap();
    assert!(!lines.contains("sk-plumbline"), "a key is in the log");
}

#[test]
fn a_defect_is_caught_through_a_log_file_too() {
    for (defect, case) in [
        ("billing-event-missing", "SEQ_BILLING_001_TC01[billing]"),
        ("billing-event-on-failure", "SEQ_AUTH_SCOPE_001_TC01[billing]"),
        ("request-id-not-logged", "SEQ_REQUEST_TRACE_001_TC01[logs]"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("gateway.log");
        let served = Served::start(["--defect".as_ref(), defect.as_ref(), "--log".as_ref(), log.as_os_str()]);
        let mut command = plumbline();
        command.env("PLUMBLINE_CONTROL_TOKEN", "test-control").env("PLUMBLINE_GATEWAY_LOG", &log);
        let url = format!("http://{}", served.address);
        let id = case.split('[').next().unwrap();
        let run = run_with(command, ["--target", "targets/local.yaml", "--url", &url, id]);
        assert_eq!(run.code, 1, "{defect}: {}", run.stdout);
        assert_eq!(run.verdicts()[case], Verdict::Failed, "{defect}: {}", run.stdout);
    }
}

#[test]
fn nothing_that_was_answered_is_lost_when_it_is_killed() {
    const CHAT: &str = r#"{"model":"claude_3_5_sonnet","messages":[{"role":"user","content":"Hello"}]}"#;
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.db");
    let arguments = || ["--durable".as_ref(), "--state".as_ref(), state.as_os_str()];
    let mut served = Served::start(arguments());
    let answered = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let answer = send(
                        &served.address,
                        "POST",
                        "/api/v1/chat/completions",
                        "sk-plumbline-chat-only",
                        CHAT,
                    );
                    if answer.is_some_and(|(status, _)| status == 200) {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let deadline = Instant::now() + Duration::from_mins(1);
        while answered.load(Ordering::Relaxed) < 200 && Instant::now() < deadline {
            thread::yield_now();
        }
        // SIGKILL, in the middle of the load.
        let killed =
            std::process::Command::new("kill").args(["-KILL", &served.child.id().to_string()]).status();
        assert!(killed.unwrap().success());
        stop.store(true, Ordering::Relaxed);
    });
    assert!(answered.load(Ordering::Relaxed) >= 200, "too few calls were answered");
    served.child.wait().unwrap();
    let again = Served::start(arguments());
    let mut events = 0;
    let mut after = 0;
    loop {
        let path = format!("/~control/worlds/root/ledger?after={after}&limit=1000");
        let (status, page) = send(&again.address, "GET", &path, "test-control", "").unwrap();
        assert_eq!(status, 200, "{page}");
        let page = page["events"].as_array().unwrap().clone();
        let Some(last) = page.last() else { break };
        after = last["seq"].as_u64().unwrap();
        events += page.len();
    }
    let answered = answered.load(Ordering::Relaxed);
    assert!(events >= answered, "{answered} calls were answered, {events} are in the ledger");
}

/// Millionths of a millionth of a dollar, of an amount that is told as a number or as a text. No digit is lost.
fn amount(value: &serde_json::Value) -> i128 {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    assert!(fraction.len() <= 12 && !text.contains(['e', 'E']), "{text}");
    format!("{whole}{fraction:0<12}").parse().unwrap()
}

/// What a virtual key has used, and what it was billed.
struct Standing {
    requests: u64,
    spent: i128,
    events: usize,
    billed: i128,
    dearest: i128,
}

fn standing(address: &str, id: &str) -> Standing {
    let get = |path: &str| {
        let (status, body) = send(address, "GET", path, "test-control", "").unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        body
    };
    let told = get(&format!("/api/governance/virtual-keys/{id}"));
    let used = |place: &str| told.pointer(&format!("/virtual_key/{place}")).cloned().unwrap_or_default();
    let page = get(&format!("/~control/worlds/root/ledger?key_id={id}&limit=10000"));
    let events = page.get("events").and_then(serde_json::Value::as_array).unwrap();
    let costs: Vec<_> =
        events.iter().map(|event| amount(&event.get("cost").cloned().unwrap_or_default())).collect();
    Standing {
        requests: used("rate_limit/request_current_usage").as_u64().unwrap_or_default(),
        spent: amount(&used("budget/current_usage")),
        events: costs.len(),
        billed: costs.iter().sum(),
        dearest: costs.iter().copied().max().unwrap_or_default(),
    }
}

/// Makes a virtual key with these members: its id and its value.
fn made(address: &str, members: &str) -> (String, String) {
    let path = "/api/governance/virtual-keys";
    let (status, body) = send(address, "POST", path, "test-control", &format!("{{{members}}}")).unwrap();
    assert_eq!(status, 200, "{body}");
    let key = body.get("virtual_key").cloned().unwrap_or_default();
    let text = |member: &str| key.get(member).and_then(serde_json::Value::as_str).unwrap().to_owned();
    (text("id"), text("value"))
}

/// How many clients ask at once.
const CLIENTS: usize = 64;

/// Has many clients ask so many words until each of them has been refused, or the gateway has been killed: after so many
/// answers, where it is to be. How many were answered.
fn ask_all(served: &mut Served, key: &str, words: usize, kill_after: Option<usize>) -> usize {
    let chat = format!(
        r#"{{"model":"openai/gpt-4o","max_tokens":1,"messages":[{{"role":"user","content":"{}"}}]}}"#,
        "word ".repeat(words)
    );
    let answered = AtomicUsize::new(0);
    let Served { child, address } = served;
    let address = address.as_str();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        match send(address, "POST", "/v1/chat/completions", key, &chat) {
                            Some((200, _)) => answered.fetch_add(1, Ordering::Relaxed),
                            Some((429 | 402, _)) | None => return,
                            Some((status, body)) => panic!("{status}: {body}"),
                        };
                    }
                })
            })
            .collect();
        if let Some(enough) = kill_after {
            let deadline = Instant::now() + Duration::from_mins(1);
            while answered.load(Ordering::Relaxed) < enough && Instant::now() < deadline {
                thread::yield_now();
            }
            // SIGKILL, in the middle of the load.
            child.kill().unwrap();
        }
        for client in clients {
            client.join().unwrap();
        }
    });
    answered.into_inner()
}

/// A gateway with a virtual key that was killed while calls of this key were under way.
struct Killed {
    /// Where its state is.
    folder: tempfile::TempDir,
    id: String,
    value: String,
    /// How many calls were answered.
    answered: usize,
}

impl Killed {
    /// Tries until so few were answered by then that some must have been under way.
    fn amid(members: &str, words: usize, fewer_than: usize) -> Self {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let mut served = durable(&folder);
            let (id, value) = made(&served.address, members);
            let answered = ask_all(&mut served, &value, words, Some(fewer_than / 4));
            served.child.wait().unwrap();
            if answered < fewer_than {
                return Self { folder, id, value, answered };
            }
        }
        panic!("it was never killed before everything was answered");
    }
}

/// A gateway whose state is in a folder, and on disk before it answers.
fn durable(folder: &tempfile::TempDir) -> Served {
    let state = folder.path().join("state.db");
    Served::start_as("bifrost", ["--durable".as_ref(), "--state".as_ref(), state.as_os_str()])
}

#[test]
fn budgets_and_limits_add_up_when_it_is_killed() {
    let killed = Killed::amid(
        r#""name":"hundred","rate_limit":{"request_max_limit":100,"request_reset_duration":"1h"},"budget":{"max_limit":1,"reset_duration":"1h"}"#,
        500,
        100,
    );
    let mut served = durable(&killed.folder);
    let told = standing(&served.address, &killed.id);
    let before = killed.answered;
    assert!((before..=100).contains(&told.events), "{before} were answered, {} are billed", told.events);
    assert_eq!((told.requests, told.spent), (told.events as u64, told.billed));
    // A call that was under way when the gateway died has neither been billed nor counted.
    let after = ask_all(&mut served, &killed.value, 500, None);
    assert_eq!(after, 100 - told.events);
    served.child.kill().unwrap();
    served.child.wait().unwrap();

    let served = durable(&killed.folder);
    let told = standing(&served.address, &killed.id);
    assert_eq!((told.requests, told.events), (100, 100));
    assert_eq!(told.spent, told.billed);
}

#[test]
fn a_dollar_is_not_overspent_by_a_kill() {
    // A call costs half a cent.
    let members = r#""name":"dollar","budget":{"max_limit":1,"reset_duration":"1h"}"#;
    let killed = Killed::amid(members, 2_000, 150);
    let mut served = durable(&killed.folder);
    let told = standing(&served.address, &killed.id);
    let before = killed.answered;
    assert!(told.events >= before, "{before} were answered, {} are billed", told.events);
    assert_eq!(told.spent, told.billed);
    let after = ask_all(&mut served, &killed.value, 2_000, None);
    served.child.kill().unwrap();
    served.child.wait().unwrap();

    let served = durable(&killed.folder);
    let (begun, told) = (told.events, standing(&served.address, &killed.id));
    assert_eq!((told.spent, told.events), (told.billed, begun + after));
    // What was under way when it was killed is gone, so it is what is under way at the end that may be too much.
    let (most, flying) = (amount(&serde_json::json!("1")), i128::try_from(CLIENTS).unwrap());
    assert!(told.spent >= most, "{}", told.spent);
    assert!(told.spent <= most + flying * told.dearest, "{}", told.spent);
}
