//! `plumbline prove` and `plumbline coverage`.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use plumbline_reports::proof::Proof;
use tempfile::TempDir;

use crate::support::{plumbline, texts};

/// Two requirements, each of which one defect breaks: `wrong-model-echoed` and `empty-answer`.
const CONTRACT: &str = r#"
contract: gsai
version: "1"
title: A contract of two requirements
roles: [{ name: all_scopes, text: A key }]
models: [{ name: chat, text: A chat model }]
capabilities: [{ name: chat, text: Chats }]
requirements:
  - { id: chat.model-echoed, level: MUST, text: The answer names the model, source: this test }
  - { id: chat.content-present, level: MUST, text: The answer says something, source: this test }
"#;

const MODEL: &str = "{ at: $.model, equals: '{{ models.chat }}', verifies: chat.model-echoed }";
const CONTENT: &str = "{ at: '$.choices[0].message.content', is: not-empty, verifies: chat.content-present }";

/// The contract and a scenario `S0`, `S1`, … for each of these lists of checks.
fn folder(scenarios: &[&[&str]]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let texts: Vec<_> = scenarios.iter().enumerate().map(|(index, checks)| scenario(index, checks)).collect();
    let inside = folder.path().join("gsai");
    fs::create_dir(&inside).unwrap();
    fs::write(inside.join("contract.yaml"), CONTRACT).unwrap();
    let text = format!("contract: gsai\nscenarios:\n{}", texts.concat());
    fs::write(inside.join("chat.yaml"), text).unwrap();
    folder
}

fn scenario(index: usize, checks: &[&str]) -> String {
    let checks: Vec<_> = checks.iter().map(|check| format!("            - {check}\n")).collect();
    format!(
        "  - id: S{index}
    title: The chosen model answers
    requires: [chat]
    steps:
      - name: chat
        call: POST /api/v1/chat/completions
        as: all_scopes
        json: {{ model: '{{{{ models.chat }}}}', messages: [{{ role: user, content: Hello }}] }}
        expect:
          status: 200
          body:
{}",
        checks.concat()
    )
}

fn command<S: AsRef<OsStr>>(
    name: &str,
    folder: &Path,
    arguments: impl IntoIterator<Item = S>,
) -> (i32, String, String) {
    texts(plumbline().arg(name).arg("--scenarios").arg(folder).args(arguments).output().unwrap())
}

/// `plumbline prove` on these scenarios: its exit code and what it prints.
fn prove(scenarios: &[&[&str]], arguments: &[&str]) -> (i32, String) {
    let folder = folder(scenarios);
    let (code, stdout, stderr) = command("prove", folder.path(), arguments);
    (code, stdout + &stderr)
}

#[test]
fn checks_that_notice_every_defect_are_proved() {
    let (code, text) = prove(&[&[MODEL, CONTENT]], &[]);
    assert_eq!(code, 0, "{text}");
    for line in [
        "✓ wrong-model-echoed  chat.model-echoed ← S0 (1)\n",
        "✓ empty-answer  chat.content-present ← S0 (1)\n",
        "proved: ",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
}

#[test]
fn without_its_check_a_requirement_survives() {
    let (code, text) = prove(&[&[MODEL]], &[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("✗ empty-answer  chat.content-present survives\n"), "{text}");
    assert!(text.contains("no check verifies it\n"), "{text}");
    assert!(text.contains("not proved: 1 survivor\n"), "{text}");
}

#[test]
fn a_check_that_is_too_weak_lets_its_requirement_survive() {
    let weak = "{ at: $.model, is: not-empty, verifies: chat.model-echoed }";
    let (code, text) = prove(&[&[weak, CONTENT]], &[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("no check of it misses, not in S0\n"), "{text}");
}

#[test]
fn a_check_that_names_another_requirement_makes_a_bystander() {
    let wrong = MODEL.replace("chat.model-echoed", "chat.content-present");
    let (code, text) = prove(&[&[MODEL, CONTENT], &[&wrong]], &[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("✗ wrong-model-echoed  chat.model-echoed ← S0 (1); 1 bystander\n"), "{text}");
    assert!(text.contains("S1 as a bystander of wrong-model-echoed"), "{text}");
    assert!(text.contains("gsai/chat.yaml:"), "{text}");
}

#[test]
fn only_chosen_defects_are_tried_and_chosen_scenarios_asked_for_what_they_verify() {
    let (code, text) = prove(&[&[MODEL], &[CONTENT]], &["--defect", "empty-answer"]);
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("wrong-model-echoed"), "{text}");
    let (code, text) = prove(&[&[MODEL], &[CONTENT]], &["S1"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("1 requirement, 1 scenario"), "{text}");
}

#[test]
fn without_a_defect_every_scenario_must_pass_first() {
    let folder = folder(&[&["{ at: $.model, equals: another }"]]);
    let json = folder.path().join("proof.json");
    let (code, stdout, stderr) = command("prove", folder.path(), [OsStr::new("--json"), json.as_os_str()]);
    assert_eq!(code, 1, "{stdout}{stderr}");
    assert!(stdout.contains("S0 without a defect\n"), "{stdout}");
    assert!(stdout.contains("not proved: without a defect every case must pass"), "{stdout}");
    assert!(!json.exists());
}

#[test]
fn wrong_usage_and_wrong_files_have_codes_of_their_own() {
    for (arguments, code, part) in [
        (&["prove", "--defect", "empty-anser"][..], 2, "plumbline defects"),
        (&["prove", "--tags", "p0 and"], 2, "tag expression"),
        (&["prove", "--scenarios", "no-such-folder"], 3, "no-such-folder"),
        (&["prove", "NO_SUCH_ID"], 5, "nothing checked"),
        (&["coverage", "--contract", "other"], 2, "ids.csv"),
        (&["coverage", "--proof", "no-such-proof"], 3, "no-such-proof"),
        (&["coverage", "--proof", "Cargo.toml"], 3, "Cargo.toml"),
    ] {
        let (found, stdout, stderr) = texts(plumbline().args(arguments).output().unwrap());
        assert_eq!(found, code, "{arguments:?}: {stdout}{stderr}");
        assert!((stdout.clone() + &stderr).contains(part), "{arguments:?}: {stdout}{stderr}");
    }
}

#[test]
fn defects_beside_other_fixtures_are_refused_unless_they_are_those_of_the_binary() {
    let fixtures = tempfile::tempdir().unwrap();
    fs::create_dir_all(fixtures.path().join("schemas")).unwrap();
    fs::create_dir_all(fixtures.path().join("defects")).unwrap();
    let own = crate::support::root().join("fixtures/defects/openai.yaml");
    let copy = fixtures.path().join("defects/openai.yaml");
    fs::copy(own, &copy).unwrap();
    let scenarios = folder(&[&[MODEL, CONTENT]]);
    let arguments =
        ["--defect".as_ref(), "empty-answer".as_ref(), "--fixtures".as_ref(), fixtures.path().as_os_str()];
    let (code, stdout, stderr) = command("prove", scenarios.path(), arguments);
    assert_eq!(code, 0, "{stdout}{stderr}");

    fs::write(&copy, "[]\n").unwrap();
    for name in ["prove", "run"] {
        let (code, stdout, stderr) = command(name, scenarios.path(), arguments);
        assert_eq!(code, 3, "{stdout}{stderr}");
        assert!(stderr.contains("failed to use the defects in"), "{stderr}");
        assert!(stderr.contains(": openai.yaml\n"), "{stderr}");
    }
}

/// The embedded scenarios against a handful of defects; `ci/test` tries all of both.
#[test]
fn the_sequences_notice_a_handful_of_defects() {
    let out = tempfile::tempdir().unwrap();
    let (json, markdown) = (out.path().join("new/proof.json"), out.path().join("proof.md"));
    let defects = ["scope-not-enforced", "history-dropped", "billing-event-missing", "request-id-not-logged"];
    let output = plumbline()
        .args(["prove", "SEQ_*", "--defect", &defects.join(","), "--json"])
        .arg(&json)
        .arg("--markdown")
        .arg(&markdown)
        .output()
        .unwrap();
    let (code, stdout, stderr) = texts(output);
    assert_eq!(code, 0, "{stdout}{stderr}");
    let proof = Proof::from_json(&fs::read_to_string(json).unwrap()).unwrap();
    assert!(proof.is_proved());
    let page = fs::read_to_string(markdown).unwrap();
    for defect in defects {
        assert!(proof.is_caught(defect), "{defect}");
        assert!(page.contains(&format!("| `{defect}`")), "{defect}: {page}");
    }
}

#[test]
fn coverage_counts_ids_whose_scenarios_pass_and_can_fail() {
    let always = "{ at: $.object, equals: chat.completion }";
    let folder = folder(&[&[MODEL, CONTENT], &[always]]);
    let ids = folder.path().join("gsai/ids.csv");
    fs::write(&ids, "id,title\nS0,A chat\n").unwrap();
    let (code, stdout, stderr) = command::<&str>("coverage", folder.path(), []);
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains("1 scenario beyond the catalogue\n    S1\n"), "{stdout}");
    assert!(stdout.contains("gsai: 1 of 1 catalogue ids"), "{stdout}");

    let proof = folder.path().join("proof.json");
    let (code, ..) = command("prove", folder.path(), [OsStr::new("--json"), proof.as_os_str()]);
    assert_eq!(code, 0);
    fs::write(&ids, "id,title\nS0,A chat\nS1,Another chat\nS2,A third\n").unwrap();
    let (code, stdout, stderr) =
        command("coverage", folder.path(), [OsStr::new("--proof"), proof.as_os_str()]);
    assert_eq!(code, 1, "{stdout}{stderr}");
    for part in [
        "✗ S1  Another chat\n    no defect makes it miss",
        "✗ S2  A third\n    no scenario covers it\n",
        "gsai: 1 of 3 catalogue ids",
    ] {
        assert!(stdout.contains(part), "{part} is not in:\n{stdout}");
    }

    fs::write(&ids, "id,title\nS0\n").unwrap();
    let (code, _, stderr) = command::<&str>("coverage", folder.path(), []);
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("line 2"), "{stderr}");
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_a_proof_in_order() {
    use std::process::{Command, Stdio};
    use std::thread;
    use std::time::{Duration, Instant};

    let out = tempfile::tempdir().unwrap();
    let json = out.path().join("proof.json");
    let child = plumbline()
        .args(["prove", "--json"])
        .arg(&json)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    while !catches_interrupts(child.id()) {
        assert!(Instant::now() < deadline, "it does not listen for Ctrl-C");
        thread::yield_now();
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let (code, stdout, stderr) = texts(child.wait_with_output().unwrap());
    assert_eq!(code, 1, "{stdout}{stderr}");
    assert!(stderr.contains("stopping"), "{stderr}");
    assert!(stdout.contains("not proved: interrupted after"), "{stdout}");
    assert!(!json.exists());
}

/// Whether a process has a handler for SIGINT, without which the signal would just end it.
#[cfg(target_os = "linux")]
fn catches_interrupts(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & 0b10 != 0
}
