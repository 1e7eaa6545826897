//! What can be said of providers, in either notation; and what is wrong with it.

use plumbline_harness::target::{Environment, SimulatorPlace, TargetError};

use crate::lint::{Told, assert_told};
use crate::support::{read_files, read_target};
use crate::twins::{read, without_places};

const FEATURE: &str = r#"
@contract:demo @requires:upstream
Feature: Everything that can be said of providers

  Scenario: P1 Calls to providers
    When fail has the providers fail
      | kind   | status | retry_after | message  | delay | provider | model             | header                  | nth |
      | status | 503    | 7           | Not now. | 250ms | openai   | {{ models.chat }} | { name: x-a, value: b } | 2   |
    And drip has the providers fail
      | kind      | bytes | after_events | contains    | after | times | probability | seed |
      | slow-drip | 3     | 1            | {{ nonce }} | 1     | 2     | 0.5         | 7    |
    And chat calls POST /chat as user
    And the request has the JSON body { text: "{{ nonce }}" }
    Then the status is 200
    And the calls to providers are, which verifies up.calls
      | provider  | model             | status     | checks                           | verifies |
      | openai    | {{ models.chat }} | [429, 503] |                                  | up.call  |
      | anthropic |                   | 200        | [{ at: $.streamed, equals: no }] |          |
    And every call to a provider satisfies these checks
      | at          | equals      | verifies |
      | $.body.text | {{ nonce }} | up.every |
    And no call to a provider holds these texts
      | text                   | verifies |
      | {{ credentials.user }} | up.lacks |
      | gateway.internal       |          |
    And the last call to a provider is whole, which verifies up.outcome
    When refused calls POST /chat
    Then no provider is called, which verifies up.calls
    When other calls POST /chat
    Then no provider is called
    When several calls POST /chat as user 3 times at once
    Then the calls to providers number from 3 to 6, which verifies up.calls
    And the last call to a provider is whole
    When few calls POST /chat as user
    Then the calls to providers number from 1 to 2
    When twice calls POST /chat as user
    Then the calls to providers number 2, which verifies up.calls
    When once calls POST /chat as user
    Then the calls to providers number 1
    When gated calls POST /chat as user
    And the provider withholds each piece of the text until the one before it has come, which verifies stream.unbuffered
    Then the stream is a "chat"
    When left calls POST /chat as user
    And the provider withholds each piece of the text until the one before it has come
    And the client leaves after the first event
    Then the stream is a "chat"
    And the calls to providers are
      | provider |
      | openai   |
    And the last call to a provider is left
    When mend takes the faults away
"#;

const YAML: &str = r#"
contract: demo
scenarios:
  - id: P1
    title: Calls to providers
    requires: [upstream]
    steps:
      - name: fail
        fault:
          upstream:
            kind: status
            status: 503
            retry_after: 7
            message: Not now.
            delay: 250ms
            provider: openai
            model: "{{ models.chat }}"
            header: { name: x-a, value: b }
            nth: 2
      - name: drip
        fault:
          upstream:
            kind: slow-drip
            bytes: 3
            after_events: 1
            contains: "{{ nonce }}"
            after: 1
            times: 2
            probability: 0.5
            seed: 7
      - name: chat
        call: POST /chat
        as: user
        json: { text: "{{ nonce }}" }
        expect: { status: 200 }
        upstream:
          verifies: up.calls
          calls_are:
            - { provider: openai, model: "{{ models.chat }}", status: [429, 503], verifies: up.call }
            - { provider: anthropic, status: 200, checks: [{ at: $.streamed, equals: no }] }
          every: [{ at: $.body.text, equals: "{{ nonce }}", verifies: up.every }]
          lacks: [{ text: "{{ credentials.user }}", verifies: up.lacks }, gateway.internal]
          outcome: { is: whole, verifies: up.outcome }
      - { name: refused, call: POST /chat, upstream: { calls: none, verifies: up.calls } }
      - { name: other, call: POST /chat, upstream: { calls: 0 } }
      - name: several
        call: POST /chat
        as: user
        burst: 3
        upstream: { calls: { between: [3, 6] }, verifies: up.calls, outcome: whole }
      - { name: few, call: POST /chat, as: user, upstream: { calls: { between: [1, 2] } } }
      - { name: twice, call: POST /chat, as: user, upstream: { calls: 2, verifies: up.calls } }
      - { name: once, call: POST /chat, as: user, upstream: { calls: 1 } }
      - name: gated
        call: POST /chat
        as: user
        gate: text
        gated: { verifies: stream.unbuffered }
        expect: { stream: { of: chat } }
      - name: left
        call: POST /chat
        as: user
        gate: text
        leave: first-event
        expect: { stream: { of: chat } }
        upstream: { calls_are: [{ provider: openai }], outcome: left }
      - { name: mend, fault: none }
"#;

#[test]
fn all_that_yaml_can_say_of_providers_can_be_said() {
    let (feature, yaml) = (read("p.feature", FEATURE), read("p.yaml", YAML));
    assert_eq!(without_places(&feature), without_places(&yaml));
    for (name, text) in [("demo/p.feature", FEATURE), ("demo/p.yaml", YAML)] {
        let (suite, mistakes) = read_files(&[(name, text)]);
        let told: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        assert!(told.is_empty(), "{told:#?}");
        let scenario = &suite.scenarios[0];
        assert!(scenario.involves_upstream());
        assert_eq!(scenario.roles().iter().map(|role| &***role).collect::<Vec<_>>(), ["user"]);
    }
}

/// One step of a scenario, which begins on the sixth line.
fn told_of(step: &str) -> Vec<plumbline_harness::source::Mistake> {
    let text =
        format!("contract: demo\nscenarios:\n  - id: A\n    title: T\n    steps:\n      - name: one\n{step}");
    read_files(&[("demo/a.yaml", text.as_str())]).1
}

#[test]
fn what_is_wrong_with_what_is_said_of_providers_is_told() {
    let cases: [(&str, &[Told<'_>]); 13] = [
        (
            "        call: GET /\n        upstream: { cals: 1 }\n",
            &[("demo/a.yaml", 8, "no field `cals` here", "did you mean `calls`?")],
        ),
        (
            "        call: GET /\n        upstream: { calls: -1, outcome: gone }\n",
            &[
                ("demo/a.yaml", 8, "found the number -1, expected a number", ""),
                ("demo/a.yaml", 8, "there is no `gone` here", "known here: cut, left, whole"),
            ],
        ),
        (
            "        call: GET /\n        upstream: { calls: { between: [3, 1] }, verifies: up.cals }\n",
            &[
                ("demo/a.yaml", 8, "these are no bounds", "between: [1, 3]"),
                ("demo/a.yaml", 8, "no requirement `up.cals`", "did you mean `up.call"),
            ],
        ),
        (
            "        call: GET /\n        upstream: { calls: 1, calls_are: [{ provider: a }, {}] }\n",
            &[
                ("demo/a.yaml", 8, "`calls_are` describes 2", "take `calls` out"),
                ("demo/a.yaml", 8, "nothing is said of the call", "add `provider"),
            ],
        ),
        (
            "        call: GET /\n        upstream: { calls: none, lacks: [\"\"] }\n",
            &[
                ("demo/a.yaml", 8, "there is nothing to look at", "keep one"),
                ("demo/a.yaml", 8, "the empty text stands everywhere", ""),
            ],
        ),
        (
            "        call: GET /\n        upstream: { every: [{ at: $.boddy.a, is: string }, { at: \"$.body[?$.heders]\", is: string }] }\n",
            &[
                ("demo/a.yaml", 8, "a call has no `boddy`", "did you mean `body`?"),
                ("demo/a.yaml", 8, "a call has no `heders`", "did you mean `headers`?"),
            ],
        ),
        (
            "        call: GET /\n        upstream: { lacks: [\"{{ credentials.usr }}\", \"{{ credentials }}\"] }\n",
            &[
                ("demo/a.yaml", 8, "no role `usr`", "did you mean `user`?"),
                ("demo/a.yaml", 8, "a role's name is missing", "credentials."),
            ],
        ),
        (
            "        call: GET /\n        gate: text\n        leave: first-event\n        gated: {}\n",
            &[
                ("demo/a.yaml", 8, "only a stream has a gate", "stream: { of: … }"),
                ("demo/a.yaml", 9, "only a stream is left", "stream: { of: … }"),
                ("demo/a.yaml", 10, "does not wait for what is withheld", ""),
            ],
        ),
        (
            "        call: GET /\n        gate: txt\n        expect: { stream: { of: chat } }\n",
            &[("demo/a.yaml", 8, "the stream `chat` joins no text `txt`", "did you mean `text`?")],
        ),
        (
            "        call: GET /\n        gated: { verifies: up.call }\n        burst: 2\n        leave: first-event\n        expect: { stream: { of: chat } }\n",
            &[
                ("demo/a.yaml", 8, "`gated` goes with `gate`", "add `gate: text`"),
                ("demo/a.yaml", 8, "does not wait for what is withheld", ""),
                ("demo/a.yaml", 10, "`leave` does not go with `burst`", "one stream"),
            ],
        ),
        (
            "        fault: { upstream: { kind: stauts, provder: a } }\n",
            &[
                ("demo/a.yaml", 7, "there is no `stauts` here", "did you mean `status`?"),
                ("demo/a.yaml", 7, "no field `provder` here", "did you mean `provider`?"),
            ],
        ),
        (
            "        fault: { upstream: { kind: hang, nth: 0, times: 1, probability: 2, delay: soon } }\n        upstream: none\n",
            &[
                ("demo/a.yaml", 7, "this strikes no call", "from 1 on"),
                ("demo/a.yaml", 7, "`nth` says already", "take it out"),
                ("demo/a.yaml", 7, "2 is no probability", "from 0 to 1"),
                ("demo/a.yaml", 7, "`soon` is not a duration", "5s"),
                ("demo/a.yaml", 8, "`upstream` does not go with `fault`", "it goes with `call`"),
            ],
        ),
        (
            "        fault: { upstream: { kind: hang }, times: 1 }\n",
            &[("demo/a.yaml", 7, "`upstream` stands alone", "")],
        ),
    ];
    for (step, expected) in cases {
        assert_told(&told_of(step), expected);
    }
}

#[test]
fn what_all_scenarios_of_a_contract_require_each_of_them_requires() {
    let contract = crate::support::CONTRACT.replace("models:\n", "requires: [upstream]\nmodels:\n");
    let scenarios = "contract: demo
scenarios:
  - { id: A, title: T, steps: [{ name: one, call: GET / }] }
  - { id: B, title: T, requires: [tools, upstream], steps: [{ name: one, call: GET / }] }
";
    let load = |contract: &str| {
        let files = [("demo/contract.yaml", contract), ("demo/a.yaml", scenarios)];
        let files = plumbline_harness::source::Files::in_memory(files);
        plumbline_harness::source::load(files, &["demo/chat"], crate::support::templates())
    };
    let (suite, mistakes) = load(&contract);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    let requires = |index: usize| -> Vec<&str> {
        let scenario = &suite.scenarios[index];
        assert!(scenario.involves_upstream());
        scenario.requires.iter().map(|word| &**word).collect()
    };
    assert_eq!((requires(0), requires(1)), (vec!["upstream"], vec!["tools", "upstream"]));
    let (_, mistakes) = load(&contract.replace("requires: [upstream]", "requires: [upstraem]"));
    assert!(mistakes[0].to_string().contains("no capability `upstraem` (did you mean `upstream`?)"));
}

fn target(upstream: &str, more: &str) -> Result<plumbline_harness::target::Target, Vec<String>> {
    let text = format!("name: demo\nurl: http://127.0.0.1:1\nupstream: {upstream}\n{more}");
    let environment = Environment::default().with("TOKEN", "token-0123456789").with("PORT", "9090");
    read_target(&text, "http://127.0.0.1:1", &environment).map_err(|error| match error {
        TargetError::Mistakes(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
        other => panic!("{other}"),
    })
}

const WORLDS: &str = "worlds: { create: { call: POST /w }, base_path: $.p, keys: \"$.k[*]\" }\n";

#[test]
fn a_simulator_is_there_or_started_where_it_is_needed() {
    let running =
        target("{ control: { url: \"http://127.0.0.1:{{ env.PORT }}\", token: { env: TOKEN } } }", "")
            .unwrap();
    let upstream = running.upstream.as_ref().unwrap();
    assert!(
        matches!(&upstream.simulator, SimulatorPlace::At { url, .. } if url.as_str() == "http://127.0.0.1:9090/")
    );
    assert_eq!(running.simulator_to_start(true), None);
    assert!(running.offers.of("demo").unwrap().capabilities.contains("upstream"));
    assert_eq!(running.secrets.redact("token-0123456789"), "[redacted:TOKEN]");

    let address = "127.0.0.1:9090".parse().ok();
    let mut common = target("{ start: 127.0.0.1:9090 }", "").unwrap();
    assert_eq!((common.simulator_to_start(true), common.simulator_to_start(false)), (address, address));
    let paired = target("{ start: 127.0.0.1:9090, world: { call: POST /w } }", WORLDS).unwrap();
    assert_eq!((paired.simulator_to_start(true), paired.simulator_to_start(false)), (address, None));
    common.simulator_started("http://127.0.0.1:9090", "token-of-its-own").unwrap();
    assert_eq!(common.simulator_to_start(true), None);
    assert!(!common.secrets.redact("token-of-its-own").contains("token-of-its-own"));
}

#[test]
fn what_is_wrong_with_a_simulators_place_is_told() {
    for (upstream, found) in [
        ("{}", "a simulator is either there or started"),
        (
            "{ start: 127.0.0.1:1, control: { url: http://a, token: { env: TOKEN } } }",
            "either there or started",
        ),
        ("{ start: nowhere }", "`nowhere` is not an address to listen on"),
        ("{ start: 127.0.0.1:1, world: { call: POST /w } }", "`world` goes with `worlds`"),
        ("{ start: 127.0.0.1:1, deadline: soon }", "`soon` is not a duration"),
        ("{ control: { url: ftp://a, token: { env: TOKEN } } }", "not an http or https address"),
        ("{ control: { url: http://a, token: { env: NO_TOKEN } } }", "`NO_TOKEN` is not set"),
        ("{ strat: 127.0.0.1:1 }", "did you mean `start`?"),
    ] {
        let told = target(upstream, "").unwrap_err();
        assert!(told.iter().any(|mistake| mistake.contains(found)), "{upstream}: {told:?}");
    }
}
