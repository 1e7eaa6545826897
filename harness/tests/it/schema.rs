//! The JSON Schemas that editors use say of a file what the reader says.

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use plumbline_harness::source::Files;
use plumbline_harness::source::written::{contract_schema, dialect_schema, scenario_schema};
use plumbline_harness::target::descriptor_schema;
use serde_json::Value;

use crate::support::{CONTRACT, read_files};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The schema of each kind of file, by its name on the command line.
fn schemas() -> [(&'static str, schemars::Schema); 4] {
    [
        ("scenario", scenario_schema()),
        ("contract", contract_schema()),
        ("dialect", dialect_schema()),
        ("target", descriptor_schema()),
    ]
}

fn validator(kind: &str) -> Validator {
    let (_, schema) = schemas().into_iter().find(|(name, _)| *name == kind).unwrap();
    jsonschema::validator_for(schema.as_value()).unwrap()
}

/// A file as an editor's YAML reader hands it to a schema.
fn json(text: &str) -> Value {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).unwrap()
}

fn mistakes(validator: &Validator, text: &str) -> Vec<String> {
    let value = json(text);
    let errors = validator.iter_errors(&value);
    errors.map(|error| format!("{}: {error}", error.instance_path().as_str())).collect()
}

#[test]
fn the_shipped_files_are_valid() {
    let (scenario, contract, target) = (validator("scenario"), validator("contract"), validator("target"));
    let dialect = validator("dialect");
    let shipped = Files::below(&root().join("scenarios")).unwrap();
    assert!(shipped.iter().count() > 1);
    for file in shipped.iter().filter(|file| !file.name.ends_with(".feature")) {
        let validator = match file.name.rsplit('/').collect::<Vec<_>>()[..] {
            ["contract.yaml", ..] => &contract,
            [_, "dialects", ..] => &dialect,
            _ => &scenario,
        };
        assert_eq!(mistakes(validator, &file.text), Vec::<String>::new(), "{}", file.name);
    }
    let targets = Files::below(&root().join("targets")).unwrap();
    assert!(targets.iter().count() > 1);
    // What a gateway itself is configured with stands beside its descriptor.
    for file in targets.iter().filter(|file| !file.name.ends_with(".config.yaml")) {
        assert_eq!(mistakes(&target, &file.text), Vec::<String>::new(), "{}", file.name);
    }
    assert_eq!(mistakes(&contract, CONTRACT), Vec::<String>::new());
}

#[test]
fn every_shape_that_may_be_written_is_valid() {
    let text = r#"
contract: demo
group: GROUP
scenarios:
  - id: SHAPES
    title: Everything in each of its shapes
    covers: [A, B]
    tags: [p0]
    requires: [tools]
    timeout: 90s
    steps:
      - name: one
        call: POST /v1/chat
        as: user
        headers: { x-a: "{{ models.chat }}" }
        json: null
        timeout: 5s
        expect:
          status: 200
          schema: demo/chat
          verifies: chat.answers
          headers: { x-b: { matches: "^a", level: SHOULD }, x-c: { absent: true } }
          text: { length: 3 }
          body:
            - { at: $, is: unit-vector }
            - { each: "$[*]", equals: null }
            - { any: "$[*]", differs_from: { a: [1, "2"] }, wording: true }
            - { at: $.a, between: [0, 0.5], level: MAY }
            - { at: $.a, one_of: [a, 1, null] }
            - { at: $.a, length: { min: 1 }, verifies: chat.polite }
            - { at: $.a, contains: a }
          any_of: [{ name: a, status: [200, 201] }]
        capture: { a: { only: $.a, secret: true }, b: { header: x-b }, c: { all: $ }, d: { first: $ } }
        bills: { model: a, usage: { prompt_tokens: 1 }, key: user }
        key: { last_used: moved, verifies: key.used }
        logs: { request_id: a, expect: [{ at: $, is: array }], verifies: log.line }
      - { name: two, call: GET /, bills: one }
      - { name: flow, call: GET /, expect: { stream: { of: chat, order: { is: text+ finish }, ended: false } } }
      - { name: torn, call: GET /, expect: { stream: { of: chat, ended: broken-off } } }
      - { name: rent, call: GET /, expect: { stream: { of: chat, ended: { is: broken-off, verifies: stream.ended } } } }
      - { name: three, call: GET /, body: text, bills: none }
      - { name: fail, fault: { kind: html, times: 1 } }
      - name: drip
        fault: { upstream: { kind: slow-drip, delay: 1ms, header: { name: a, value: b }, nth: 2, probability: 0.5 } }
      - { name: mend, fault: none }
      - { name: gated, call: GET /, gate: text, gated: { verifies: stream.unbuffered }, expect: { stream: { of: chat } } }
      - { name: left, call: GET /, leave: first-event, expect: { stream: { of: chat } }, upstream: { outcome: left } }
      - { name: unasked, call: GET /, upstream: none }
      - { name: polled, poll: GET /, every: 1s, at_most: 1m, until: [{ at: $.a, is: string }], covers: [C] }
      - name: awaited
        poll: GET /
        until: { status: [200, 204], body: [{ at: $.a, equals: 1 }] }
        stop_when: { status: 500 }
        meanwhile: { status: 202, verifies: chat.answers }
      - { name: later, advance: 61s }
      - { name: counted, call: GET /, upstream: { calls: { between: [0, 2] }, verifies: up.calls } }
      - name: asked
        call: GET /
        upstream:
          calls: 1
          calls_are: [{ provider: a, model: b, status: [200, 503], checks: [{ at: $.streamed, equals: true }] }]
          every: [{ at: $.body, is: object, verifies: up.every }]
          lacks: [a, { text: b, verifies: up.lacks }]
          outcome: { is: whole, verifies: up.outcome }
    always: [{ name: four, revoke_key: user }]
"#;
    assert_eq!(mistakes(&validator("scenario"), text), Vec::<String>::new());
    // And the reader says the same.
    let (suite, told) = read_files(&[("demo/a.yaml", text)]);
    assert_eq!(told.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
    assert_eq!(suite.scenarios.len(), 1);
}

#[test]
fn a_mistake_is_one_for_the_schema_as_well() {
    let right = "contract: demo
scenarios:
  - id: A
    title: T
    steps:
      - name: one
        call: GET /
        expect: { status: 200, body: [{ at: $.a, is: string }] }
        bills: one
";
    let scenario = validator("scenario");
    assert_eq!(mistakes(&scenario, right), Vec::<String>::new());
    for (part, wrong) in [
        ("status: 200", "stauts: 200"),
        ("status: 200", "status: fine"),
        ("is: string", "is: strin"),
        ("is: string", "length: -1"),
        ("is: string", "length: { least: 1 }"),
        ("is: string", "is: string, level: COULD"),
        ("status: 200", "stream: { of: chat, ended: broken }"),
        ("bills: one", "bills: two"),
        ("bills: one", "bills: { modle: a }"),
        ("bills: one", "capture: { a: { second: $.a } }"),
        ("bills: one", "upstream: nothing"),
        ("bills: one", "upstream: { calls: -1 }"),
        ("bills: one", "upstream: { calls: { between: [1] } }"),
        ("bills: one", "upstream: { calls_are: [{ provder: a }] }"),
        ("bills: one", "upstream: { outcome: gone }"),
        ("bills: one", "leave: last-event"),
        ("bills: one", "covers: B"),
        ("bills: one", "until: { stauts: 200 }"),
        ("        call: GET /\n", "        fault: { upstream: { kind: hnag } }\n"),
        ("    title: T\n", ""),
        ("title: T", "title: 7"),
        ("        call: GET /\n", "        calls: GET /\n"),
    ] {
        let text = right.replace(part, wrong);
        assert_ne!(text, right);
        assert_ne!(mistakes(&scenario, &text), Vec::<String>::new(), "{wrong}");
        let (_, told) = read_files(&[("demo/a.yaml", text.as_str())]);
        assert!(!told.is_empty(), "the reader accepts `{wrong}`");
    }
}

#[test]
fn a_list_of_no_status_is_a_mistake_for_both() {
    let text = "contract: demo
scenarios:
  - id: A
    title: T
    steps: [{ name: one, call: GET /, expect: { status: [] } }]
";
    assert_ne!(mistakes(&validator("scenario"), text), Vec::<String>::new());
    let (_, told) = read_files(&[("demo/a.yaml", text)]);
    assert!(!told.is_empty(), "the reader accepts a list that no status is in");
}

#[test]
fn what_is_checked_in_is_what_the_types_say() {
    for (kind, schema) in schemas() {
        let file = format!("docs/schemas/{kind}.json");
        let written = fs::read_to_string(root().join(&file)).unwrap_or_default();
        let current = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        assert!(written == current, "{file} is out of date: plumbline schema {kind} > {file}");
    }
}
