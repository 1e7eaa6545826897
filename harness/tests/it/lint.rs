//! A mistake in a file is told with its line and its mend, and none hides another.

use plumbline_harness::source::{Files, Mistake, load};
use plumbline_harness::target::{Environment, TargetError};

use crate::support::{CONTRACT, read_files, read_target, templates};

/// File, line, a part of what is wrong, and a part of how to mend it.
pub(crate) type Told<'t> = (&'t str, u32, &'t str, &'t str);

pub(crate) fn assert_told(mistakes: &[Mistake], expected: &[Told<'_>]) {
    let all: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    for (mistake, (file, line, message, hint)) in mistakes.iter().zip(expected) {
        let place = (&*mistake.file.name, mistake.span.line);
        assert_eq!(place, (*file, *line), "`{message}` is expected here, told is {mistake}\n{all:#?}");
        assert!(mistake.message.contains(message), "`{message}` is not in {mistake}");
        let told = mistake.hint.as_deref().unwrap_or_default();
        assert!(told.contains(hint), "`{hint}` does not mend {mistake}");
    }
    assert_eq!(mistakes.len(), expected.len(), "{all:#?}");
}

/// A whole file is given, so that its lines can be counted: `contract` is on the first.
fn mistakes_in(text: &str) -> Vec<Mistake> {
    read_files(&[("demo/a.yaml", text)]).1
}

const WRONG_WORDS: &str = r#"contract: demo
scenarios:
  - id: WORDS
    title: Words that are not those of the contract
    requires: [tool]
    steps:
      - name: one
        call: POST /v1/chat
        as: usr
        json: { model: "{{ models.chta }}", seen: "{{ answer }}" }
        expect:
          status: 600
          schema: demo/chatt
          verifies: chat.answer
          stauts: 200
        capture:
          answer: { only: $.answer }
        bills: { key: usr }
        key: { last_used: moved, verifies: key.use }
"#;

#[test]
fn words_that_nobody_knows_are_told_with_those_that_were_meant() {
    assert_told(
        &mistakes_in(WRONG_WORDS),
        &[
            ("demo/a.yaml", 5, "no capability `tool`", "did you mean `tools`?"),
            ("demo/a.yaml", 9, "no role `usr`", "did you mean `user`?"),
            ("demo/a.yaml", 10, "no model `chta`", "did you mean `chat`?"),
            (
                "demo/a.yaml",
                10,
                "`answer` is not defined before it is used",
                "known here: credentials, models, nonce",
            ),
            ("demo/a.yaml", 12, "600 is not a status code", "from 100 to 599"),
            ("demo/a.yaml", 13, "no JSON Schema `demo/chatt`", "did you mean `demo/chat`?"),
            ("demo/a.yaml", 14, "no requirement `chat.answer`", "did you mean `chat.answers`?"),
            ("demo/a.yaml", 15, "no field `stauts` here", "did you mean `status`?"),
            ("demo/a.yaml", 18, "no role `usr`", "did you mean `user`?"),
            ("demo/a.yaml", 19, "no requirement `key.use`", "did you mean `key.used`?"),
        ],
    );
}

const WRONG_CHECKS: &str = r#"contract: demo
scenarios:
  - id: CHECKS
    title: Checks that say nothing, or too much
    steps:
      - name: one
        call: GET /v1/models
        expect:
          status: [200, 99]
          headers:
            x-a: { matches: "[" }
          body:
            - { at: "$.data[", is: array }
            - { at: data, is: array }
            - { at: $.data, is: array, length: 1 }
            - { at: $.data, is: aray }
            - { at: $.id, matches: "(?=a)" }
            - { at: $.id }
            - { is: string }
            - { at: $.id, equals: "{{ models.chat" }
            - { at: $.id, each: $.ids, is: string }
            - { at: $.id, absent: false }
            - { at: $.n, between: 5 }
            - { at: $.n, one_of: [] }
            - { at: $.n, length: { min: 3, max: 2 } }
            - { at: "$[?@.id == '{{ nobody }}']", is: string }
          any_of:
            - { name: free }
            - { name: free, status: 200 }
        capture:
          id: {}
          name: { first: $.a, only: $.a }
"#;

#[test]
fn checks_that_check_nothing_are_told() {
    let path = "RFC 9535";
    assert_told(
        &mistakes_in(WRONG_CHECKS),
        &[
            ("demo/a.yaml", 9, "99 is not a status code", "from 100 to 599"),
            ("demo/a.yaml", 11, "`[` is not a regular expression", "look-around"),
            ("demo/a.yaml", 13, "`$.data[` is not a JSONPath", path),
            ("demo/a.yaml", 14, "`data` is not a JSONPath", path),
            ("demo/a.yaml", 15, "a check has one matcher", "make two checks of it"),
            ("demo/a.yaml", 16, "no `aray` here", "did you mean `array`?"),
            ("demo/a.yaml", 17, "look-around", "look-around and back-references are not available"),
            ("demo/a.yaml", 18, "says nothing about the value", "add one of is, equals"),
            ("demo/a.yaml", 19, "the check has no path", "add `at: $.…`"),
            ("demo/a.yaml", 20, "syntax error", "templates are written `{{ name }}`"),
            ("demo/a.yaml", 21, "a check has one path", "keep one of `at`, `each` and `any`"),
            ("demo/a.yaml", 22, "`absent: false` says nothing", "is: …"),
            ("demo/a.yaml", 23, "`between` takes two bounds", "write `between: [0, 1]`"),
            ("demo/a.yaml", 24, "`one_of` takes a list", "write `one_of: [a, b]`"),
            ("demo/a.yaml", 25, "no length fits these bounds", "min ≤ max"),
            ("demo/a.yaml", 26, "`nobody` is not defined", "known here: credentials, models, nonce, one"),
            ("demo/a.yaml", 28, "allows everything", "spell it out"),
            ("demo/a.yaml", 29, "the alternative `free` is given twice", ""),
            ("demo/a.yaml", 31, "one declared shape", "write one of only, first, all and header"),
            ("demo/a.yaml", 32, "one declared shape", "write one of only, first, all and header"),
        ],
    );
}

const WRONG_STEPS: &str = r"contract: demo
scenarios:
  - id: STEPS
    title: Steps that cannot be taken
    timeout: soon
    steps:
      - name: one
        call: FETCH /v1/models
        timeout: 5 parsecs
        expect: { status: 200 }
      - name: one
        call: GET v1/models
        expect: { status: 200 }
      - name: two words
        call: GET
        expect: { status: 200 }
      - name: idle
      - name: both
        call: GET /v1/models
        revoke_key: user
      - call: GET /v1/models
      - name: empty
        call: GET /v1/models
        expect: {}
        key: { last_used: moved }
      - name: doubled
        call: POST /v1/chat
        json: {}
        body: text
  - id: WITHOUT
    title: 7
    steps: []
  - id: not an id
    title: A text where a list belongs
    steps: GET /v1/models
";

#[test]
fn steps_that_cannot_be_taken_are_told() {
    let duration = "write, for example, `5s` or `1m 30s`";
    assert_told(
        &mistakes_in(WRONG_STEPS),
        &[
            ("demo/a.yaml", 5, "`soon` is not a duration", duration),
            ("demo/a.yaml", 8, "`FETCH` is not a method", "GET, POST"),
            ("demo/a.yaml", 9, "`5 parsecs` is not a duration", duration),
            ("demo/a.yaml", 11, "the step name `one` is taken", "told apart by name"),
            ("demo/a.yaml", 12, "the path `v1/models` does not begin with `/`", "write a method and a path"),
            ("demo/a.yaml", 14, "`two words` is not a step name", "use letters, digits and `_`"),
            ("demo/a.yaml", 15, "`GET` is not a call", "as in `GET /api/v1/models`"),
            (
                "demo/a.yaml",
                17,
                "the step does nothing",
                "add one of `call: GET /path`, `ask`, `poll`, `raw`, `revoke_key`, `fault` and `advance`",
            ),
            ("demo/a.yaml", 20, "a step does one thing", "make `revoke_key` a step of its own"),
            ("demo/a.yaml", 21, "the field `name` is missing", "add `name: …`"),
            ("demo/a.yaml", 22, "`key` needs a credential", "add `as: role`"),
            ("demo/a.yaml", 24, "nothing is expected", "add `status: 200` or a check"),
            ("demo/a.yaml", 29, "a request has one body", "keep `json` or `body`"),
            ("demo/a.yaml", 31, "found the number 7, expected a string", "put it in quotes"),
            ("demo/a.yaml", 35, "found the text `GET /v1/models`, expected a sequence", ""),
        ],
    );
}

#[test]
fn a_name_is_known_only_after_the_step_that_defines_it() {
    let text = r#"contract: demo
scenarios:
  - id: ORDER
    title: What comes too late
    steps:
      - name: one
        call: "GET /a?again={{ one.status }}"
        expect: { body: [{ at: $.id, equals: "{{ one.json.id }}" }, { at: $.id, equals: "{{ id }}" }] }
        capture:
          id: { only: $.id }
      - name: two
        call: "GET /a/{{ id }}{{ one.status }}{{ three.status }}"
        expect: { status: 200 }
      - name: three
        call: GET /a
        expect: { status: 200 }
    always:
      - name: last
        call: "DELETE /a/{{ id }}/{{ three.status }}"
"#;
    assert_told(
        &mistakes_in(text),
        &[
            ("demo/a.yaml", 7, "`one` is not defined before it is used", ""),
            ("demo/a.yaml", 8, "`id` is not defined before it is used", ""),
            ("demo/a.yaml", 12, "`three` is not defined before it is used", ""),
        ],
    );
}

#[test]
fn two_scenarios_of_one_id_and_a_contract_that_is_not_there_are_told() {
    let scenario = "
  - id: TWIN
    title: T
    steps: [{ name: one, call: GET /, expect: { status: 200 } }]
";
    let a = format!("contract: demo\nscenarios:{scenario}{scenario}");
    let b = format!("contract: demos\nscenarios:{scenario}");
    let (suite, mistakes) = read_files(&[("demo/a.yaml", a.as_str()), ("demo/b.yaml", b.as_str())]);
    assert_told(
        &mistakes,
        &[
            ("demo/a.yaml", 7, "the id `TWIN` is taken", "it is also in demo/a.yaml, line 3"),
            ("demo/b.yaml", 1, "there is no contract `demos`", "did you mean `demo`?"),
            ("demo/b.yaml", 3, "the id `TWIN` is taken", "it is also in demo/a.yaml, line 3"),
        ],
    );
    assert_eq!(suite.scenarios.len(), 3);
}

#[test]
fn a_file_that_is_not_yaml_hides_nothing_of_the_others() {
    let good = "contract: demo\nscenarios:\n  - id: GOOD\n    title: Read all the same\n    steps:\n      \
                - { name: one, call: GET /, expect: { status: 200 } }\n";
    let (suite, mistakes) = read_files(&[
        ("demo/a.yaml", "contract: demo\nscenarios:\n  - id: A\n    title: \"never closed\n    steps: []\n"),
        ("demo/b.yaml", "contract: demo\nscenarios: [\n"),
        ("demo/c.yaml", "contract: demo\ngroup: a\ngroup: b\nscenarios: []\n"),
        ("demo/d.yaml", ""),
        ("demo/e.yaml", good),
    ]);
    let places: Vec<_> =
        mistakes.iter().map(|mistake| (&*mistake.file.name, mistake.span.line > 0)).collect();
    assert_eq!(
        places.iter().map(|place| place.0).collect::<Vec<_>>(),
        ["demo/a.yaml", "demo/b.yaml", "demo/c.yaml", "demo/d.yaml"]
    );
    assert!(places.iter().all(|place| place.1), "{places:?}");
    let (unclosed, twice) = (&mistakes[0], &mistakes[2]);
    assert_eq!(unclosed.span.line, 5, "{unclosed}");
    assert!(unclosed.message.contains("quoted scalar"), "{unclosed}");
    assert_eq!(twice.span.line, 3, "{twice}");
    assert!(twice.message.contains("duplicate mapping key: group"), "{twice}");
    assert_eq!(suite.scenarios.len(), 1);
}

#[test]
fn mistakes_in_a_contract_are_told() {
    let contract = CONTRACT
        .replace("one: bill.one", "one: bill.ones")
        .replace("id: chat.polite", "id: chat.answers")
        .replace("level: MAY", "level: COULD");
    let lines: Vec<_> = contract.lines().collect();
    let line = |part: &str| {
        let index = lines.iter().rposition(|line| line.contains(part)).unwrap();
        u32::try_from(index + 1).unwrap()
    };
    let files = Files::in_memory([("demo/contract.yaml", contract.as_str())]);
    let (_, mistakes) = load(files, &[], templates());
    assert_told(
        &mistakes,
        &[
            (
                "demo/contract.yaml",
                line("bill.ones"),
                "no requirement `bill.ones`",
                "did you mean `bill.one`?",
            ),
            ("demo/contract.yaml", line("chat.answers"), "`chat.answers` is given twice", ""),
            ("demo/contract.yaml", line("COULD"), "no `COULD` here", "did you mean `SHOULD`?"),
        ],
    );
}

#[test]
fn mistakes_in_a_descriptor_are_told() {
    let text = r#"name: gateway
answers: scriptet
models: { chat: { id: a, price: { input: 3 dollars } } }
roles:
  user: { env: USER_KEY, mint: {} }
  guest: {}
observers:
  billing:
    from: { file: { path: "{{ env.GATEWAY_LOG }}" }, http: { request: { call: GET / }, lines: $ } }
    delivery: immediate
    model: model
    deadline: 5 parsecs
limits: { stap: 5s }
"#;
    let told = |text: &str| match read_target(text, "http://127.0.0.1:1", &Environment::default()) {
        Err(TargetError::Mistakes(mut mistakes)) => {
            mistakes.sort_by_key(|mistake| mistake.span.line);
            mistakes
        }
        other => panic!("{other:?}"),
    };
    // What cannot be read at all is told first.
    assert_told(
        &told(&text.replace("5s", "5 parsecs")),
        &[("target.yaml", 2, "no `scriptet` here", "did you mean `scripted`?")],
    );
    let text = text.replace("scriptet", "scripted");
    assert_told(
        &told(&text),
        &[
            ("target.yaml", 3, "`3 dollars` is not a price", "write a decimal in quotes"),
            ("target.yaml", 5, "comes from one place", "write `env: VARIABLE` or `mint"),
            ("target.yaml", 6, "comes from one place", "write `env: VARIABLE` or `mint"),
            ("target.yaml", 9, "lines come from one place", "write `http: …` or `file: …`"),
            ("target.yaml", 12, "`5 parsecs` is not a duration", "write, for example, `5s` or `1m 30s`"),
            ("target.yaml", 13, "no field `stap` here", "did you mean `step`?"),
        ],
    );
    let text = text.replace(", http: { request: { call: GET / }, lines: $ }", "");
    let mistakes = told(&text);
    let variable = mistakes.iter().find(|mistake| mistake.span.line == 9).unwrap();
    assert_eq!(variable.message, "the environment variable `GATEWAY_LOG` is not set");
    assert_eq!(variable.hint.as_deref(), Some("export GATEWAY_LOG=…"));
}

#[test]
fn a_credential_that_is_not_there_is_told_unless_its_role_is_optional() {
    let text = "name: gateway
roles:
  user: { env: USER_KEY }
  guest: { env: GUEST_KEY, optional: true }
  other: { mint: {}, optional: true }
keys: { mint: { request: { call: POST /keys }, id: $.id, secret: $.key } }
";
    let read = |text: &str, environment: &Environment| read_target(text, "http://127.0.0.1:1", environment);
    let Err(TargetError::Mistakes(mistakes)) = read(text, &Environment::default().with("USER_KEY", ""))
    else {
        panic!("an empty variable is taken for a credential");
    };
    assert_told(
        &mistakes,
        &[
            ("target.yaml", 5, "`optional` goes with `env`", "a key is minted for each scenario"),
            (
                "target.yaml",
                3,
                "role `user` has no credential: the environment variable `USER_KEY` is not set",
                "export USER_KEY=…, or write `optional: true`",
            ),
        ],
    );
    let text = text.replace("mint: {}, optional: true", "mint: {}");
    let target = read(&text, &Environment::default().with("USER_KEY", "sk-user-0123456789")).unwrap();
    assert_eq!(target.roles.len(), 3);
}

#[test]
fn what_a_revocation_would_ignore_is_a_mistake() {
    // A check that is never decided would look as if it held.
    for ignored in [
        "expect: { status: 204 }",
        "bills: none",
        "capture: { id: { only: $.id } }",
        "json: {}",
        "headers: { x-a: b }",
    ] {
        let text = format!(
            "contract: demo
scenarios:
  - id: REVOKED
    title: A key is revoked
    steps:
      - name: revoke
        revoke_key: user
        {ignored}
      - name: after
        call: GET /
        as: user
        expect: {{ status: 401 }}
"
        );
        assert!(!mistakes_in(&text).is_empty(), "`{ignored}` is accepted and does nothing");
    }
}

#[test]
fn half_a_file_is_read_or_refused() {
    let text = format!("{WRONG_WORDS}---\n{WRONG_CHECKS}");
    let ends = text.char_indices().map(|(end, _)| end).step_by(7);
    for end in ends {
        let half = &text[..end];
        let (suite, mistakes) = read_files(&[("demo/a.yaml", half)]);
        assert!(!mistakes.is_empty() || suite.scenarios.len() <= 1, "{half}");
    }
}
