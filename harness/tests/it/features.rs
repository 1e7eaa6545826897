//! Features: everything that YAML can say can be said, every mistake is told, and no text is too odd.

use plumbline_harness::source::Mistake;
use plumbline_harness::source::gherkin::{decode, reference};
use proptest::prelude::*;

use crate::support::read_files;
use crate::twins::{read, without_places};

const EVERYTHING: &str = r#"
@contract:demo @group:ALL @requires:tools @timeout:90s
Feature: Everything that can be said
  Two notations, one model.

  Background:
    Given hello calls GET /v1/models
    Then the status is 200

  @p0 @covers:X1 @covers:X2 @timeout:2m
  Scenario: E1 Everything about one request
    When chat calls POST /v1/{{ models.chat }}/chat?a={{ nonce }} as user
    And the request has the headers
      | name | value           |
      | x-a  | {{ nonce }}     |
      | x-b  | 1               |
      | x-c  | " two \\n\|lines" |
    And the request has the header x-d: a: b
    And the request has the JSON body
      """yaml
      model: "{{ models.chat }}"
      temperature: 0.10
      messages:
        - { role: user, content: "A \"quoted\" text, \u00e4" }
      """
    And the request is sent in chunks
    And the answer is complete within 5s
    Then the status is one of 200, 201 or 202
    And the body satisfies the schema demo/chat
    And this verifies chat.answers
    And the headers satisfy these checks
      | name         | matches             | lacks | is        | level  | absent | one_of  |
      | content-type | ^application/(a\|b) |       |           |        |        |         |
      | x-e          |                     | ^\s   |           | SHOULD |        |         |
      | x-f          |                     |       |           |        | true   |         |
      | x-g          |                     |       |           |        |        | [a, b]  |
      | x-h          |                     |       | not-empty |        |        |         |
    And the text of the body satisfies this check
      | contains | wording |
      | Hello    | true    |
    And the body satisfies these checks
      | at                         | each  | any  | is   | equals          | differs_from | verifies    |
      | $.a['x \| y'][?@.b == "c"] |       |      | null |                 |              | chat.polite |
      |                            | $.b.* |      |      | null            |              |             |
      |                            |       | $[*] |      |                 | ""           |             |
      | $.c                        |       |      |      | {{ chat.json }} |              |             |
    # Several tables are one list.
    And the body satisfies these checks
      | at  | contains | matches | lacks | between    | one_of     | length     | absent | level | wording |
      | $.d | [1]      |         |       |            |            |            |        |       |         |
      | $.e |          | ^\d+$   |       |            |            |            |        | MAY   |         |
      | $.f |          |         | "'"   |            |            |            |        |       | true    |
      | $.g |          |         |       | [0.5, 1e3] |            |            |        |       |         |
      | $.h |          |         |       |            | [a, 1, ""] |            |        |       |         |
      | $.i |          |         |       |            |            | 3          |        |       |         |
      | $.j |          |         |       |            |            | { min: 1 } |        |       |         |
      | $.k |          |         |       |            |            |            | true   |       |         |
    And one answer is refused-by-validation
    And the status is 422
    And this verifies chat.short
    And the headers satisfy these checks
      | name | equals |
      | x-i  | "1"    |
    And another answer is dropped
    And the connection is closed
    And these values are kept
      | name | only  | first | all | header | secret |
      | k1   | $.key |       |     |        | true   |
      | k2   |       | $.a   |     |        |        |
      | k3   |       |       | $   |        |        |
      | k4   |       |       |     | x-i    |        |
    And one event is billed with
      | model | usage                | key   |
      | m     | { prompt_tokens: 1 } | guest |
    And the key's time of last use moves, which verifies key.used
    And the log tells of the request "{{ chat.json.id }}", which verifies log.line
    And the lines of the log satisfy these checks
      | at        | is    |
      | $[0].text | array |

  Scenario: E2 Every other step
    When fault injects the fault
      | kind         | retry_after | after |
      | rate-limited | 7           | 2     |
    And rush calls POST /v1/chat as user 10 times at once
    And each request has a key of its own
    And the request has the JSON body { seen: "{{ index }}" }
    Then the status is 200
    And the replies satisfy these checks
      | any         | equals |
      | $[*].status | 200    |
    And no event is billed
    When more calls GET /v1/models 2 times at once
    Then the same is expected as in rush
    When calm takes the faults away
    And raw sends the request line "POST  /v1/chat HTTP/1.1" as user
    And the request has the body
      ```
        { "model": "é",

      "n": 1e400 }
      ```
    And the body is encoded as latin-1
    Then the connection is closed
    When bare sends the request line 'GET / HTTP/1.0'
    And the request has the same body as in raw
    Then one answer is answered
    And the same is expected as in rush
    When text calls POST /v1/chat
    And the request has the body "\u0000a\tb"
    And the status is 400
    And one event is billed
    And the key's time of last use moves
    And the log tells of the request "r1"
    When flow calls POST /v1/chat
    Then the stream is a "chat", which verifies chat.answers
    And the events come in the order "text+ finish", which verifies chat.polite
    And each event satisfies the schema demo/chat, which verifies chat.short
    And the stream ends properly, which verifies chat.polite
    And the stream satisfies these checks
      | at            | json_schema | is          |
      | $.joined.text | demo/chat   |             |
      | $.joined.text |             | json-object |
    When broken calls POST /v1/chat
    Then one answer is cut
    And the stream is a "chat" in the order "(text | finish)*"
    And each event satisfies the schema demo/chat
    And the stream is cut off
    And the stream satisfies these checks
      | at              | equals |
      | $.joined.finish | stop   |
    And another answer is broken-off
    And the stream is a "chat"
    And the connection breaks off before the stream ends, which verifies stream.ended
    Whatever
"#;

const EVERYTHING_IN_YAML: &str = r#"
contract: demo
group: ALL
scenarios:
  - id: E1
    title: Everything about one request
    covers: [X1, X2]
    tags: [p0]
    requires: [tools]
    timeout: 2m
    steps:
      - &hello { name: hello, call: GET /v1/models, expect: { status: 200 } }
      - name: chat
        call: POST /v1/{{ models.chat }}/chat?a={{ nonce }}
        as: user
        headers: { x-a: "{{ nonce }}", x-b: "1", x-c: " two \n|lines", x-d: "a: b" }
        json:
          model: "{{ models.chat }}"
          temperature: 0.10
          messages:
            - { role: user, content: "A \"quoted\" text, ä" }
        chunked: true
        timeout: 5s
        expect:
          status: [200, 201, 202]
          schema: demo/chat
          verifies: chat.answers
          headers:
            content-type: { matches: "^application/(a|b)" }
            x-e: { lacks: '^\s', level: SHOULD }
            x-f: { absent: true }
            x-g: { one_of: [a, b] }
            x-h: { is: not-empty }
          text: { contains: Hello, wording: true }
          body:
            - { at: "$.a['x | y'][?@.b == \"c\"]", is: "null", verifies: chat.polite }
            - { each: $.b.*, equals: null }
            - { any: "$[*]", differs_from: "" }
            - { at: $.c, equals: "{{ chat.json }}" }
            - { at: $.d, contains: [1] }
            - { at: $.e, matches: '^\d+$', level: MAY }
            - { at: $.f, lacks: "'", wording: true }
            - { at: $.g, between: [0.5, 1e3] }
            - { at: $.h, one_of: [a, 1, ""] }
            - { at: $.i, length: 3 }
            - { at: $.j, length: { min: 1 } }
            - { at: $.k, absent: true }
          any_of:
            - name: refused-by-validation
              status: 422
              verifies: chat.short
              headers: { x-i: { equals: "1" } }
            - { name: dropped, closed: true }
        capture:
          k1: { only: $.key, secret: true }
          k2: { first: $.a }
          k3: { all: $ }
          k4: { header: x-i }
        bills: { model: m, usage: { prompt_tokens: 1 }, key: guest }
        key: { last_used: moved, verifies: key.used }
        logs:
          request_id: "{{ chat.json.id }}"
          verifies: log.line
          expect: [{ at: "$[0].text", is: array }]
  - id: E2
    title: Every other step
    requires: [tools]
    timeout: 90s
    steps:
      - *hello
      - { name: fault, fault: { kind: rate-limited, retry_after: 7, after: 2 } }
      - name: rush
        call: POST /v1/chat
        as: user
        burst: 10
        own_keys: true
        json: { seen: "{{ index }}" }
        expect: &answered { status: 200 }
        replies: [{ any: "$[*].status", equals: 200 }]
        bills: none
      - { name: more, call: GET /v1/models, burst: 2, expect: *answered }
      - { name: calm, fault: none }
      - name: raw
        raw: POST  /v1/chat HTTP/1.1
        as: user
        body: &bytes "  { \"model\": \"é\",\n\n\"n\": 1e400 }"
        encoding: latin-1
        expect: { closed: true }
      - name: bare
        raw: GET / HTTP/1.0
        body: *bytes
        encoding: latin-1
        expect: { any_of: [{ name: answered, status: 200 }] }
      - name: text
        call: POST /v1/chat
        body: "\0a\tb"
        expect: { status: 400 }
        bills: one
        key: { last_used: moved }
        logs: { request_id: r1 }
      - name: flow
        call: POST /v1/chat
        expect:
          stream:
            of: chat
            verifies: chat.answers
            order: { is: text+ finish, verifies: chat.polite }
            each: { schema: demo/chat, verifies: chat.short }
            ended: { verifies: chat.polite }
            checks:
              - { at: $.joined.text, json_schema: demo/chat }
              - { at: $.joined.text, is: json-object }
      - name: broken
        call: POST /v1/chat
        expect:
          any_of:
            - name: cut
              stream:
                of: chat
                order: { is: "(text | finish)*" }
                each: { schema: demo/chat }
                ended: false
                checks: [{ at: $.joined.finish, equals: stop }]
            - { name: broken-off, stream: { of: chat, ended: { is: broken-off, verifies: stream.ended } } }
    always:
      - { name: last, revoke_key: user }
      - { name: again, call: GET /v1/models, as: user }
  - { id: E3_a, title: says one, tags: [x], requires: [tools], timeout: 90s, steps: [*hello, { name: a, call: GET /1 }] }
  - { id: E3_b, title: says two, tags: [x], requires: [tools], timeout: 90s, steps: [*hello, { name: b, call: GET /2 }] }
  - id: E4
    title: Under a rule
    tags: [q]
    requires: [tools]
    timeout: 90s
    steps: [*hello, { name: before, call: GET / }, { name: after, call: GET / }]
"#;

/// The end of [`EVERYTHING`]: steps that always run, an outline and a rule.
const REST: &str = r"
    And whatever happens, these steps follow
    When last revokes the key of user
    And again calls GET /v1/models as user

  Scenario Outline: E3_<n> says <word>
    When <n> calls GET /<number>

    @x
    Examples:
      | n | word | number |
      | a | one  | 1      |

    @x
    Examples:
      | n | number | word |
      | b | 2      | two  |

  @q
  Rule: Another
    Background:
      * before calls GET /
    Scenario: E4 Under a rule
      When after calls GET /
";

fn everything() -> String {
    EVERYTHING.replace("    Whatever\n", REST)
}

#[test]
fn all_that_yaml_can_say_can_be_said() {
    let (feature, yaml) = (read("all.feature", &everything()), read("all.yaml", EVERYTHING_IN_YAML));
    assert_eq!(without_places(&feature), without_places(&yaml));
}

/// Line, column (0 where it is the YAML parser's to say), a part of what is wrong, and a part of how to mend it.
type Told<'t> = (u32, u32, &'t str, &'t str);

fn assert_told(text: &str, expected: &[Told<'_>]) {
    let (_, mistakes) = read_files(&[("demo/a.feature", text)]);
    let all: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    for (mistake, (line, column, message, hint)) in mistakes.iter().zip(expected) {
        let place = (mistake.span.line, if *column == 0 { 0 } else { mistake.span.column });
        assert_eq!(place, (*line, *column), "`{message}` is expected here, told is {mistake}\n{all:#?}");
        assert!(mistake.message.contains(message), "`{message}` is not in {mistake}");
        assert!(
            mistake.hint.as_deref().unwrap_or_default().contains(hint),
            "`{hint}` does not mend {mistake}"
        );
        assert_snippet(mistake);
    }
    assert_eq!(mistakes.len(), expected.len(), "{all:#?}");
}

/// The bytes that are shown are those of the line and the column.
fn assert_snippet(mistake: &Mistake) {
    let (start, length) = (mistake.span.start as usize, mistake.span.length as usize);
    let before = &mistake.file.text[..start];
    assert!(mistake.file.text.get(start..start + length).is_some(), "{mistake}");
    assert_eq!(before.matches('\n').count() + 1, mistake.span.line as usize, "{mistake}");
    let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
    assert_eq!(column, mistake.span.column as usize, "{mistake}");
}

const WRONG_SENTENCES: &str = r#"@contract:demo @require:tools @group:a @group:b
Feature: What is said in no way that is known
  @contract:demo
  Scenario: W1 Sentences
    Then the status is 200
    When chat cals POST /v1/chat as user
    Then the status is 500
    When chat calls POST /v1/chat as user
    And the statuss is 200
    And the status is 200
    And the status is one of 400, 500
    And the request has the JSON body
    And the request has the body "a"
      """
      not wanted
      """
    And the body satisfies these checks
    And the status is fine
      | not | wanted |
    And the same is expected as in caht
    And whatever happens, these steps follow
    And whatever happens, these steps follow
  Scenario Outline: W2 Without examples
    When one calls GET /
  Scenario: W3
    When one calls GET /
    Then the status is 200
  Background:
    Given two calls GET /
"#;

#[test]
fn a_sentence_that_says_nothing_is_told_with_those_that_would() {
    assert_told(
        WRONG_SENTENCES,
        &[
            (1, 16, "`@require:tools` says nothing", "did you mean `@requires:tools`?"),
            (1, 40, "`@group:b` is the second of its kind", "keep one"),
            (3, 3, "`@contract:…` belongs to a feature", "write it above `Feature:`"),
            (5, 10, "nothing has been done that this could speak of", "begin with what is done"),
            (
                6,
                10,
                "no step is written `chat cals POST /v1/chat as user`",
                "`{name} calls {method} {path} as {role}`",
            ),
            (9, 9, "no step is written `the statuss is 200`", "written alike: `the status is {status}`, "),
            (11, 9, "`status` is given twice", "keep one"),
            (12, 9, "the doc string is missing", "two lines of `\"\"\"`"),
            (14, 7, "the sentence above takes no doc string", "take it out"),
            (17, 9, "the table is missing", "its first row names the columns"),
            (18, 9, "`status` is given twice", "keep one"),
            (19, 7, "the sentence above takes no table", "take it out"),
            (20, 36, "no earlier step is named `caht`", ""),
            (22, 9, "this was said before", "take one"),
            (23, 3, "the outline has no examples", "write `Examples:`"),
            (25, 3, "the scenario has no title", "write `Scenario: ID what it shows`"),
            (28, 3, "a background stands once, above the scenarios", "move its steps there"),
        ],
    );
}

const WRONG_TABLES: &str = r#"@contract:demo
Feature: What stands in tables, doc strings and examples
  Scenario: W1 Tables
    When chat calls POST /v1/chat as usr
    And the request has the headers
      | name | value |
      | x-ä  |       |
      |      | 1     |
      | x-b  | "1    |
    And the request has the JSON body
      """
      model: "{{ models.chat }}"
      seen: ["{{ models.chta }}",
             "{{ nobody }}"]
      """
    Then the status is 200
    And the body satisfies these checks
      | at        | equals            | matchs | is     |
      | $.ä       | a: b: c           |        |        |
      | $.data[   | {{ models.chat }} |        |        |
      | $.a \| $. | 1                 |        |        |
      # Places are those of the file, whatever stands between.

      | $.b       |                   |        | strin  |
      | $.c       | a #b              |        |        |
      | $.d       |                   |
      | $.e       | {{ models.chat    |        |        |
    And the text of the body satisfies this check
      | is     |
      | string |
      | number |
    And these values are kept
      | first |
      | $.a   |
    When other calls GET /
    Then the status is 2OO
  Scenario Outline: <id> Outlines
    When one calls GET /<pth>
    Then the status is <status>
    Examples:
      | id | path | status |
      | W2 | a    | 200    |
      | W3 | b    | 99     |
      | W2 | c    | 200    |
      | W4 | d    |
"#;

#[test]
fn what_is_wrong_in_a_cell_is_told_at_the_cell() {
    assert_told(
        WRONG_TABLES,
        &[
            (4, 38, "no role `usr`", "did you mean `user`?"),
            (7, 9, "the row has no value", "an empty text"),
            (8, 7, "the row has no name", "column `name`"),
            (9, 0, "", ""),
            (13, 14, "no model `chta`", "did you mean `chat`?"),
            (14, 14, "`nobody` is not defined", "known here"),
            (18, 41, "there is no column `matchs` here", "did you mean `matches`?"),
            (19, 0, "", ""),
            (20, 9, "`$.data[` is not a JSONPath", "RFC 9535"),
            (21, 9, "`$.a | $.` is not a JSONPath", "RFC 9535"),
            (24, 50, "no `strin` here", "did you mean `string`?"),
            (25, 21, "`#` begins a comment here", "quotation marks"),
            (26, 7, "the row has 2 cells, and its header 4", "leave a cell empty"),
            (27, 21, "syntax error", "templates are written"),
            (31, 7, "the table has one row", "take the others out"),
            (33, 7, "the column `name` is missing", "each row has a name"),
            (36, 24, "found the text `2OO`, expected a number or a list of numbers", ""),
            (38, 25, "the examples have no column `pth`", "did you mean `<path>`?"),
            (43, 21, "99 is not a status code", "from 100 to 599"),
            (44, 7, "the id `W2` is taken", "line 42"),
            (45, 7, "the row has 2 cells, and its header 3", ""),
        ],
    );
}

#[test]
fn a_feature_needs_a_contract() {
    assert_told(
        "Feature: F\n  Scenario: A t\n    When one calls GET /\n    Then the status is 20\n",
        &[(1, 1, "the feature names no contract", "write `@contract:NAME` above it")],
    );
    assert_told("", &[(1, 1, "there is no feature here", "begin with `Feature: …`")]);
}

#[test]
fn the_vocabulary_is_printed() {
    let text = reference();
    assert!(text.contains("| `the status is {status}` | The status code. |  | `expect.status` |"), "{text}");
}

fn shipped() -> [&'static str; 2] {
    [
        include_str!("../../../scenarios/gsai/auth-scope.feature"),
        include_str!("../../../scenarios/gsai/billing.feature"),
    ]
}

/// What lines of features consist of, in any order.
const LINES: &str =
    "([ @#|\"`<>\\\\a-z:{}\\[\\]*\r\n]|Feature:|Scenario Outline:|Examples:|When |\"\"\"){0,60}";

/// What is put into a feature at some place.
const DAMAGE: &str = "(\\PC|\n|\\||\"\"\"|<n>|\\{\\{|\\}\\}){0,12}";

proptest! {
    #[test]
    fn no_text_is_too_odd(text in "\\PC*", lines in LINES) {
        let _ = decode(&text);
        let _ = decode(&lines);
        let _ = decode(&format!("@contract:demo\nFeature: F\nScenario: A t\n{lines}"));
    }

    #[test]
    fn no_feature_is_too_damaged(
        which in 0..3_usize,
        from in any::<prop::sample::Index>(),
        length in 0..200_usize,
        with in DAMAGE,
    ) {
        let all = everything();
        let text = *shipped().get(which).unwrap_or(&all.as_str());
        let characters: Vec<char> = text.chars().collect();
        let from = from.index(characters.len());
        let after = characters.iter().skip(from + length);
        let before = characters.iter().take(from);
        let damaged: String = before.copied().chain(with.chars()).chain(after.copied()).collect();
        let (_, mistakes) = read_files(&[("demo/a.feature", &damaged)]);
        for mistake in &mistakes {
            assert_snippet(mistake);
        }
    }
}
