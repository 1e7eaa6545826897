//! Scenarios that involve the providers, on the reference gateway and the simulator in one process.

use std::fs;
use std::path::Path;

use plumbline_record::Verdict;
use tempfile::TempDir;

use crate::support::{Run, run};

const SCENARIOS: &str = r#"
contract: openai
scenarios:
  - id: UP_ASKED
    title: What is asked of a gateway is asked of its provider, and nothing else
    steps:
      - name: chat
        call: POST /v1/chat/completions
        as: all_scopes
        json:
          model: "{{ models.chat }}"
          messages: [{ role: user, content: "Repeat these words: {{ nonce }}" }]
        expect: { status: 200, body: [{ at: "$.choices[0].message.content", contains: "{{ nonce }}" }] }
        upstream:
          calls_are: [{ provider: openai, status: 200 }]
          every: [{ at: "$.body.messages[0].content", equals: "Repeat these words: {{ nonce }}" }]
          lacks: ["{{ credentials.all_scopes }}"]
          outcome: whole
      - name: stranger
        call: POST /v1/chat/completions
        json: { model: "{{ models.chat }}", messages: [{ role: user, content: "{{ nonce }}" }] }
        expect: { status: 401 }
        upstream: none
  - id: UP_FAILING
    title: A provider fails at the second call and then no more
    steps:
      - { name: fail, fault: { upstream: { kind: status, status: 503, nth: 2 } } }
      - name: first
        call: POST /v1/chat/completions
        as: all_scopes
        json: { model: "{{ models.chat }}", messages: [{ role: user, content: "{{ nonce }}" }] }
        expect: { status: 200 }
        upstream: { calls: 1 }
      - name: second
        call: POST /v1/chat/completions
        as: all_scopes
        json: { model: "{{ models.chat }}", messages: [{ role: user, content: "{{ nonce }}" }] }
        expect: { status: [500, 502, 503, 504] }
        upstream: { calls_are: [{ status: 503, checks: [{ at: $.fault, equals: status }] }] }
  - id: UP_GATED
    title: Each piece of a stream is passed on before there is another
    steps:
      - name: streamed
        call: POST /v1/chat/completions
        as: all_scopes
        timeout: 10s
        json:
          model: "{{ models.chat }}"
          stream: true
          messages: [{ role: user, content: "Repeat these words: straight as a plumb line" }]
        gate: text
        expect: { status: 200, stream: { of: chat, checks: [{ at: $.joined.text, contains: plumb line }] } }
        upstream: { calls: 1, outcome: whole, every: [{ at: $.streamed, equals: true }] }
  - id: UP_LEFT
    title: Nobody answers for a client that has left
    steps:
      - { name: slow, fault: { upstream: { kind: slow-chunks, delay: 50ms } } }
      - name: left
        call: POST /v1/chat/completions
        as: all_scopes
        json:
          model: "{{ models.chat }}"
          stream: true
          messages: [{ role: user, content: "Repeat these words: one two three four five six seven eight nine ten" }]
        leave: first-event
        expect: { status: 200, stream: { of: chat } }
        upstream: { calls: 1, outcome: left }
"#;

/// A folder with these scenarios of OpenAI's contract.
fn folder(scenarios: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("openai")).unwrap();
    fs::write(folder.path().join("openai/up.yaml"), scenarios).unwrap();
    folder
}

fn run_from(folder: &Path, arguments: &[&str]) -> Run {
    let sources = ["--scenarios", folder.to_str().unwrap()];
    run(sources.iter().chain(arguments))
}

#[test]
fn scenarios_that_involve_the_providers_pass_in_one_process() {
    let folder = folder(SCENARIOS);
    let run = run_from(folder.path(), &["UP_*"]);
    let verdicts = run.verdicts();
    assert_eq!(verdicts.len(), 8, "{verdicts:?}");
    let others: Vec<_> = verdicts.iter().filter(|(_, verdict)| **verdict != Verdict::Passed).collect();
    assert!(others.is_empty(), "{others:?}\n{}{}", run.stdout, run.stderr);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

#[test]
fn every_scenario_can_have_its_providers_played() {
    let run = run(["OPENAI_STREAMING_001", "SEQ_MODEL_DISCOVERY_001_TC01", "--upstream"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let verdicts = run.verdicts();
    assert!(
        verdicts.len() >= 2 && verdicts.values().all(|verdict| *verdict == Verdict::Passed),
        "{verdicts:?}"
    );
}
