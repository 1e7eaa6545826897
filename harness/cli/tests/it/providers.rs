//! Scenarios that involve the providers, on the reference gateway and the simulator in one process.

use std::fs;
use std::path::Path;

use plumbline_record::Verdict;
use tempfile::TempDir;

use crate::support::{Run, root, run};

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

/// The cases of `gsai` that are about failing providers, and those who answered.
fn provider_side(scenarios: &Path, over_http: bool) -> (Run, String) {
    let folder = scenarios.to_str().unwrap();
    let in_process = ["--contract", "gsai", "--tags", "provider", "--scenarios", folder];
    let run = run(in_process.into_iter().chain(over_http.then_some("--upstream")));
    assert_eq!(run.code, 0, "{}", run.stdout);
    let record = fs::read_to_string(run.out.path().join("run.jsonl")).unwrap();
    (run, record)
}

#[test]
fn providers_in_this_process_and_over_http_fail_alike() {
    let written = root().join("scenarios/gsai/edge-provider.yaml");
    let written = fs::read_to_string(written).unwrap();
    // Bedrock's models, and then those of Vertex AI in their place.
    let swapped = ["chat", "embedding"].into_iter().fold(written.clone(), |text, word| {
        let (one, other) = (format!("models.{word} }}}}"), format!("models.{word}_other }}}}"));
        text.replace(&one, "models.@ }}").replace(&other, &one).replace("models.@ }}", &other)
    });
    for (text, provider) in [(written, "bedrock"), (swapped, "vertex")] {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("edge-provider.yaml"), text).unwrap();
        let (inside, _) = provider_side(folder.path(), false);
        let (over_http, record) = provider_side(folder.path(), true);
        assert_eq!(inside.verdicts(), over_http.verdicts(), "{provider}");
        assert!(inside.verdicts().len() > 20, "{:?}", inside.verdicts());
        let served = record.matches(&format!(r#"["x-plumbline-provider","{provider}"]"#)).count();
        assert!(served > 20, "{provider} answered {served} times");
    }
}
