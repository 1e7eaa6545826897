//! Scenarios of a portable contract: spelt once, run in every dialect that has the words.

use plumbline_harness::scenario::Selector;
use plumbline_harness::target::TargetError;
use plumbline_record::Verdict;
use serde_json::{Value, json};

use crate::gateway::{Answer, Gateway, Received, Then};
use crate::lint::{Told, assert_told};
use crate::support::{Events, Setup, environment, missed, read_files, read_target};

const QUESTION: &str = r#"
  - id: ASK
    title: A question is answered, and is refused without a key
    steps:
      - name: asked
        ask: question
        with: { model: "{{ models.chat }}", text: "Hello {{ nonce }}" }
        as: user
        expect:
          situation: answered
          verifies: chat.answers
          answer: [{ at: text, contains: "{{ nonce }}", verifies: chat.polite }]
          nowhere: ["sk-provider", { text: /srv/, verifies: chat.short }]
      - name: again
        ask: question
        with: { model: other, text: "{{ asked.answer.text }}" }
        expect: { situation: unauthenticated, verifies: chat.answers }
"#;

const TARGET: &str = "
name: demo gateway
models: { chat: { id: model-a } }
roles: { user: { env: USER_KEY } }
contracts:
  demo:
    headers: { x-route: '{{ env.USER_KEY }}-route' }
    dialects:
      flat: {}
      nested: { path: /deep, headers: { x-more: 'yes' }, models: { chat: { id: model-b } } }
";

fn ids(scenarios: &str) -> Vec<String> {
    let text = format!("contract: demo\nscenarios:{scenarios}");
    let (suite, mistakes) = read_files(&[("demo/a.yaml", &text)]);
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    suite.scenarios.iter().map(|scenario| scenario.id.to_string()).collect()
}

#[test]
fn an_id_without_a_dialect_selects_all() {
    let text = format!("contract: demo\nscenarios:{QUESTION}");
    let (suite, _) = read_files(&[("demo/a.yaml", &text)]);
    for (pattern, expected) in
        [("ASK", 2), ("ASK@flat", 1), ("ASK@*", 2), ("ASK@nested[upstream]", 1), ("AS", 0), ("ASK@", 0)]
    {
        let selector = Selector::new(&[pattern.to_owned()], None, Vec::new()).unwrap();
        let selected = suite.scenarios.iter().filter(|scenario| selector.selects(scenario));
        assert_eq!(selected.count(), expected, "{pattern}");
    }
}

#[test]
fn a_scenario_is_one_in_each_dialect_that_has_its_words() {
    assert_eq!(ids(QUESTION), ["ASK@flat", "ASK@nested"]);
    let malformed = "
  - { id: BROKEN, title: No JSON, steps: [{ name: one, ask: malformed, expect: { situation: unauthenticated } }] }
  - { id: PLAIN, title: Of one wire, steps: [{ name: one, call: GET /, expect: { status: 200 } }] }";
    assert_eq!(ids(malformed), ["BROKEN@flat", "PLAIN"]);
    // Also where only a template has the word.
    let named = "
  - id: NAMED
    title: A reason is named
    steps:
      - { name: one, ask: question, with: { model: m, text: x }, expect: { situation: answered } }
      - { name: two, call: 'GET /{{ one.answer.reason }}', expect: { status: 200 } }";
    assert_eq!(ids(named), ["NAMED@flat"]);
}

#[test]
fn only_what_a_step_finds_in_its_answer_is_looked_up() {
    let kept = "
  - id: KEPT
    title: A value has an answer of its own
    steps:
      - { name: one, call: GET /, expect: { status: 200 }, capture: { kept: { only: $ } } }
      - { name: two, call: 'GET /{{ kept.answer.anything }}', expect: { status: 200 } }";
    assert_eq!(ids(kept), ["KEPT"]);
}

#[test]
fn an_id_is_taken_whatever_the_dialects() {
    let one = "
  - { id: ONE, title: T, steps: [{ name: a, ask: malformed, expect: { situation: unauthenticated } }] }
  - { id: TWO, title: T, steps: [{ name: a, call: GET /, expect: { status: 200 } }] }";
    let other = "
  - id: TWO
    title: T
    steps: [{ name: a, ask: question, with: { model: m, text: x }, expect: { situation: answered } }]
  - { id: ONE, title: T, steps: [{ name: a, call: GET /, expect: { status: 200 } }] }";
    let text = format!("contract: demo\nscenarios:{one}{other}");
    let taken = "it is also in demo/a.yaml";
    let expected: &[Told<'_>] = &[
        ("demo/a.yaml", 5, "the id `TWO` is taken", taken),
        ("demo/a.yaml", 8, "the id `ONE` is taken", taken),
    ];
    assert_told(&read_files(&[("demo/a.yaml", &text)]).1, expected);
}

/// A member of what was asked.
fn of_body(request: &Received, member: &str) -> Value {
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    body.get(member).cloned().unwrap_or_default()
}

/// Answers questions in both dialects, as a gateway would that knows this key.
fn answered(request: &Received) -> Answer {
    let is_flat = request.path == "/flat";
    let key = if is_flat { request.header("authorization") } else { request.header("x-key") };
    let (said, refused) = if is_flat {
        (json!({ "text": of_body(request, "text") }), json!({ "error": "who are you?" }))
    } else {
        (json!({ "data": of_body(request, "input") }), json!({ "detail": { "message": "who are you?" } }))
    };
    match key {
        Some(_) => Answer::json(200, &said),
        None => Answer::json(if is_flat { 401 } else { 403 }, &refused),
    }
}

#[tokio::test]
async fn each_dialect_spells_requests_and_situations() {
    let gateway = Gateway::start(answered).await;
    let events = Setup { target: TARGET, ..Setup::new(&gateway.url, QUESTION) }.run().await;
    assert_eq!(events.verdict("ASK@flat"), (Verdict::Passed, ""));
    assert_eq!(events.verdict("ASK@nested"), (Verdict::Passed, ""));
    let received = gateway.received();
    let of = |path: &str| received.iter().find(|request| request.path == path).unwrap();
    let flat: Value = serde_json::from_str(&of("/flat").body).unwrap();
    assert_eq!(flat["model"], "model-a");
    // The dialect's own path, credential, models and headers.
    let nested = of("/deep/nested/model-b");
    assert_eq!(nested.header("x-key"), Some("sk-user-0123456789"));
    assert_eq!((nested.header("authorization"), nested.header("x-more")), (None, Some("yes")));
    assert_eq!(nested.header("x-route"), Some("sk-user-0123456789-route"));
    // What was found in the first answer is asked again.
    let again = of("/deep/nested/other");
    let again: Value = serde_json::from_str(&again.body).unwrap();
    assert!(again["input"]["text"].as_str().unwrap().starts_with("Hello "), "{again}");
}

#[tokio::test]
async fn what_is_said_closer_by_stands_in_place_of_the_rest() {
    let gateway = Gateway::start(answered).await;
    let target = TARGET.replace("headers: { x-more: 'yes' }", "headers: { X-Route: own }");
    let typed = "
  - id: TYPED
    title: A step has a content type of its own
    steps:
      - name: one
        ask: malformed
        headers: { Content-Type: text/plain }
        expect: { situation: unauthenticated }";
    let scenarios = format!("{QUESTION}{typed}");
    Setup { target: &target, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    let received = gateway.received();
    let of = |path: &str| received.iter().find(|request| request.path == path).unwrap();
    assert_eq!(of("/flat").header("x-route"), Some("sk-user-0123456789-route"));
    assert_eq!(of("/deep/nested/model-b").header("x-route"), Some("own"));
    assert_eq!(received.last().unwrap().header("content-type"), Some("text/plain"));
}

async fn flat_only(answer: fn(&Received) -> Answer, scenarios: &str) -> Events {
    let gateway = Gateway::start(answer).await;
    let target = TARGET.replace("      nested: ", "      other: ");
    Setup { target: &target, ..Setup::new(&gateway.url, scenarios) }.run().await
}

#[tokio::test]
async fn what_a_dialect_does_not_find_is_missed_and_what_must_be_nowhere_is_found_anywhere() {
    let events = flat_only(|_| Answer::json(200, &json!({ "words": "\u{2f}srv\u{2f}x" })), QUESTION).await;
    let case = events.case("ASK@flat");
    // It is also answered without a key.
    assert_eq!(missed(case), ["chat.polite", "chat.short", "chat.answers"], "{case:#?}");
    let place = case.misses.iter().find(|miss| miss.requirement.as_deref() == Some("chat.short")).unwrap();
    assert_eq!(place.subject, "body at $['words']");
    let (verdict, reason) = events.verdict("ASK@nested");
    assert_eq!(verdict, Verdict::Unsupported);
    assert!(reason.contains("does not offer `demo` in the dialect `nested`"), "{reason}");
    let events =
        flat_only(|_| Answer::json(200, &json!({ "text": 1 })).with("x-by", "sk-provider"), QUESTION).await;
    let miss = events.case("ASK@flat").misses.iter().find(|miss| miss.subject == "header x-by").unwrap();
    assert_eq!(miss.requirement.as_deref(), Some("chat.answers"));
}

#[tokio::test]
async fn a_situation_can_be_a_stream() {
    const STREAMED: &str = "
  - id: STREAM
    title: An answer in pieces
    steps:
      - name: asked
        ask: question
        with: { model: m, text: Hello }
        streamed: true
        as: user
        expect: { situation: streamed, verifies: stream.shape, answer: [{ at: text, equals: 'Hello!', verifies: stream.text }] }
      - name: next
        ask: question
        with: { model: m, text: '{{ asked.answer.text }}' }
        as: user
        expect: { situation: answered, answer: [{ at: text, equals: '{{ asked.stream.joined.text }}' }] }
";
    let answer = |request: &Received| match of_body(request, "stream").as_bool() {
        Some(true) => {
            Answer::whole(200, "data: {\"text\":\"Hel\"}\n\ndata: {\"text\":\"lo!\"}\n\ndata: [DONE]\n\n")
                .with("content-type", "text/event-stream")
        }
        _ => Answer::json(200, &json!({ "text": of_body(request, "text") })),
    };
    let events = flat_only(answer, STREAMED).await;
    assert_eq!(events.verdict("STREAM@flat"), (Verdict::Passed, ""));
    let broken = |_: &Received| {
        let text = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {\"text\":\"Hel\"}\n\n";
        Answer::raw(text, Then::Close)
    };
    let events = flat_only(broken, STREAMED).await;
    assert_eq!(missed(events.case("STREAM@flat")), ["stream.shape", "stream.text"]);
}

#[tokio::test]
async fn what_came_says_where_things_stand() {
    const EITHER: &str = "
  - id: EITHER
    title: A stream, or a whole answer
    steps:
      - name: asked
        ask: question
        with: { model: m, text: 'Hello!' }
        streamed: true
        as: user
        expect: { any_of: [{ name: pieces, situation: streamed }, { name: whole, situation: answered }] }
      - name: next
        ask: question
        with: { model: '{{ asked.answer.reason }}', text: '{{ asked.answer.text }}' }
        as: user
        expect: { situation: answered, answer: [{ at: text, equals: 'Hello!' }] }
";
    let whole = |request: &Received| Answer::json(200, &json!({ "text": of_body(request, "text") }));
    let in_pieces = |request: &Received| match of_body(request, "stream").as_bool() {
        Some(true) => {
            Answer::whole(200, "data: {\"text\":\"Hel\"}\n\ndata: {\"text\":\"lo!\"}\n\ndata: [DONE]\n\n")
                .with("content-type", "text/event-stream")
        }
        _ => Answer::json(200, &json!({ "text": of_body(request, "text") })),
    };
    for answer in [whole as fn(&Received) -> Answer, in_pieces] {
        let events = flat_only(answer, EITHER).await;
        assert_eq!(events.verdict("EITHER@flat"), (Verdict::Passed, ""));
    }
}

#[tokio::test]
async fn who_serves_a_model_must_be_said() {
    const SERVED: &str = "
  - id: SERVED
    title: Who serves
    steps:
      - name: one
        ask: question
        with: { model: '{{ providers.chat[1].model }}', text: '{{ providers.chat[0].provider }}' }
        as: user
        expect: { situation: answered, answer: [{ at: text, equals: openai }] }
";
    let echo = |request: &Received| Answer::json(200, &json!({ "text": of_body(request, "text") }));
    let (verdict, reason) = flat_only(echo, SERVED).await.verdict_of("SERVED@flat");
    assert_eq!(verdict, Verdict::NotTestable);
    assert!(reason.contains("does not say who serves the model `chat`"), "{reason}");
    let gateway = Gateway::start(echo).await;
    let one = "{ provider: openai, model: m-1 }";
    let target = |served: &str| {
        TARGET.replace("{ id: model-a }", &format!("{{ id: model-a, served_by: [{served}] }}"))
    };
    // One of them is named that there is not.
    let only = target(one);
    let events = Setup { target: &only, ..Setup::new(&gateway.url, SERVED) }.run().await;
    let (verdict, reason) = events.verdict_of("SERVED@flat");
    assert_eq!(verdict, Verdict::NotTestable);
    assert!(reason.contains("model `chat` has 1 in `served_by`, where 2 are named"), "{reason}");
    assert!(gateway.received().is_empty());
    let both = target(&format!("{one}, {{ provider: bedrock, model: m-2 }}"));
    let events = Setup { target: &both, ..Setup::new(&gateway.url, SERVED) }.run().await;
    assert_eq!(events.verdict("SERVED@flat"), (Verdict::Passed, ""));
    assert!(gateway.received()[0].body.contains("m-2"));
    let odd = target("{ provider: opnai, model: m-1 }");
    let Err(TargetError::Mistakes(mistakes)) = read_target(&odd, "http://127.0.0.1:1", &environment()) else {
        panic!("a provider that nobody plays is taken");
    };
    let file = "target.yaml";
    assert_told(&mistakes, &[(file, 3, "plays no provider `opnai`", "did you mean `openai`?")]);
}

const WRONG: &str = "contract: demo
scenarios:
  - id: WORDS
    title: Words that are wrong
    steps:
      - name: one
        ask: questoin
        with: { model: m }
        expect: { situation: answered }
      - name: two
        ask: question
        with: { model: m, txt: x }
        json: {}
        expect: { situation: answered }
      - name: three
        call: GET /
        streamed: true
        expect: { status: 200 }
      - name: five
        ask: question
        with: { model: m, text: x }
        expect: { situation: answred, answer: [{ at: txt, is: string }] }
      - name: four
        call: GET /{{ five.answer.words }}/{{ three.answer.text }}
        expect: { status: 200 }
  - id: BOTH
    title: A stream that the contract's dialects do not have together
    steps:
      - { name: one, ask: malformed, expect: { situation: answered } }
      - name: two
        ask: question
        with: { model: m, text: x }
        streamed: true
        expect: { situation: streamed, stream: { of: chat } }
      - { name: three, ask: malformed, streamed: true, expect: { situation: streamed } }
      - name: four
        ask: question
        with: { model: m, text: x }
        streamed: true
        expect: { situation: streamed, body: [{ at: $.text, is: string }] }
      - name: five
        ask: question
        with: { model: m, text: x }
        streamed: true
        expect:
          situation: streamed
          any_of: [{ name: polite, answer: [{ at: text, contains: please }] }]
      - name: six
        ask: question
        with: { model: m, text: x }
        expect:
          answer: [{ at: text, is: string }]
          any_of: [{ name: pieces, situation: streamed }, { name: whole, situation: answered }]
  - id: LISTS
    title: Lists in texts, and alternatives among alternatives
    steps:
      - { name: one, ask: question, with: { model: [m], text: x }, expect: { situation: answered } }
      - { name: two, ask: question, with: { model: ['{{ nonce }}'], text: x }, expect: { situation: answered } }
      - name: three
        ask: question
        with: { model: m, text: x }
        expect: { situation: unauthenticated, any_of: [{ name: a, status: 401 }] }
      - name: four
        ask: question
        with: { model: m, text: x }
        expect: { any_of: [{ name: a, situation: unauthenticated }] }
";

#[test]
fn what_no_dialect_says_is_a_mistake_and_told_once() {
    let expected: &[Told<'_>] = &[
        ("demo/a.yaml", 7, "no request `questoin`", "did you mean `question`?"),
        ("demo/a.yaml", 11, "`question` is to be given `text` in the dialect `flat`", "given.text"),
        ("demo/a.yaml", 11, "`question` is to be given `text` in the dialect `nested`", "given.text"),
        ("demo/a.yaml", 12, "`question` is given no `txt` in the dialect `flat`", "did you mean `text`?"),
        ("demo/a.yaml", 12, "`question` is given no `txt` in the dialect `nested`", "did you mean `text`?"),
        ("demo/a.yaml", 13, "`json` does not go with `ask`", "under `with`"),
        ("demo/a.yaml", 17, "`streamed` does not go with `call`", "it goes with `ask`"),
        ("demo/a.yaml", 22, "no situation `answred`", "did you mean `answered`?"),
        ("demo/a.yaml", 22, "no answer `txt`", "did you mean `text`?"),
        ("demo/a.yaml", 24, "the contract has no answer `words`", "text"),
        ("demo/a.yaml", 24, "the step `three` has no `answer`", "`ask`"),
        ("demo/a.yaml", 34, "the situation says already what stream it is", "under `answer`"),
        ("demo/a.yaml", 35, "in the dialect `flat`, `malformed` can't ask for a stream", "add `streaming`"),
        ("demo/a.yaml", 40, "the situation is a stream, which has no JSON body", "under `answer`"),
        ("demo/a.yaml", 47, "does not say that the answer is a stream", "name the situation"),
        ("demo/a.yaml", 52, "whether the answer is a stream depends on the alternative", "in each"),
        ("demo/a.yaml", 57, "what is given as `model` is a list or an object", "the dialect `nested`"),
        ("demo/a.yaml", 58, "what is given as `model` is a list or an object", "the dialect `nested`"),
        (
            "demo/a.yaml",
            62,
            "the situation has alternatives itself, beside `any_of`",
            "make a situation of each",
        ),
        ("demo/a.yaml", 66, "this situation has alternatives itself", "make a situation of each"),
    ];
    assert_told(&read_files(&[("demo/a.yaml", WRONG)]).1, expected);
}

const WRONG_DIALECT: &str = "contract: demo
dialect: flat
title: A profile with mistakes
requests:
  question: { call: GET, json: { text: '{{ nonce }}' } }
  questions: { call: GET / }
situations:
  answered: { status: 200, verifies: chat.answers }
  unauthenticated: { situation: answered }
answers:
  text: {}
  words: { at: '$[' }
";

#[test]
fn mistakes_of_a_profile_are_told_in_its_own_file() {
    let file = "demo/dialects/flat.yaml";
    let expected: &[Told<'_>] = &[
        (file, 5, "`GET` is not a call", "a method and a path"),
        (file, 5, "`nonce` is not defined", ""),
        (file, 6, "no request `questions`", "did you mean `question`?"),
        (file, 8, "a situation verifies nothing itself", "the steps that name the situation"),
        (file, 9, "a situation is spelt out", "`status`"),
        (file, 11, "it stands nowhere", "add `at"),
        (file, 12, "no answer `words`", "reason, text"),
        (file, 12, "is not a JSONPath", "RFC 9535"),
    ];
    assert_told(&read_files(&[(file, WRONG_DIALECT)]).1, expected);
}

#[test]
fn a_profile_says_what_can_be_said_in_one() {
    const FLAT: &str = include_str!("demo/dialects/flat.yaml");
    let answered = "answered: { status: 200 }";
    let verifies = "a situation verifies nothing itself";
    for (part, other, told) in [
        (answered, "answered: { headers: { x-a: { is: string, level: SHOULD } } }", verifies),
        (answered, "answered: { text: { contains: a, wording: true } }", verifies),
        (answered, "answered: { nowhere: [a, { text: b, verifies: chat.answers }] }", verifies),
        (answered, "answered: { body: [{ at: $.a, is: string, level: MAY }] }", verifies),
        ("{ is: text+ }", "{ is: text+, verifies: stream.order }", verifies),
        ("order: { is: text+ }", "each: { schema: demo/chat, verifies: stream.chunk }", verifies),
        ("order: { is: text+ }", "ended: { is: broken-off, verifies: stream.ended }", verifies),
        ("order: { is: text+ }", "checks: [{ at: $.ended, equals: true, wording: true }]", verifies),
        (answered, "answered: { any_of: [{ name: a, status: 200, verifies: chat.answers }] }", verifies),
        (answered, "answered: { any_of: [{ name: a, text: { is: string, level: MAY } }] }", verifies),
        (
            answered,
            "answered: { any_of: [{ name: a, stream: { of: chat, verifies: stream.shape } }] }",
            verifies,
        ),
        ("dialect: flat", "dialect: flat wire", "`flat wire` is no name of a dialect"),
        ("dialect: flat", "dialect: level", "the dialect `level` is not that of its file"),
        ("{{ given.text }}", "{{ given.text ~ '!' }}", "`given.text` is part of a longer expression"),
        ("POST /flat\n", "'POST /{{ given.model.id }}'\n", "`given.model.id` is part of a longer expression"),
        (
            "{ stream: true }",
            "{ stream: '{{ not given.text }}' }",
            "`given.text` is part of a longer expression",
        ),
        ("streamed: $.joined.text", "streamed: $.joined.txt", "the stream `chat` joins no `txt`"),
        ("streamed: $.joined.text", "streamed: $.text", "a stream has no `text`"),
    ] {
        let text = FLAT.replace(part, other);
        assert_ne!(text, FLAT, "{other}");
        let (_, mistakes) = read_files(&[("demo/dialects/flat.yaml", &text)]);
        let all: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        assert!(mistakes.len() == 1 && mistakes[0].message.contains(told), "`{told}` is not in {all:#?}");
    }
}
