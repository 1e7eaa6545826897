//! What each answer comes to: nothing missing passes, and every miss says what was wanted, found, and where.

use plumbline_record::{Case, Level, Location, Taken, Verdict, Verified};
use serde_json::json;

use crate::gateway::{Answer, Gateway};
use crate::support::{FILE, Setup, TARGET, USER_KEY, missed, one_step};

/// The case of one step that expects this and gets 200 with this body.
async fn judge(expect: &str, body: &'static str) -> Case {
    judge_on(TARGET, expect, body).await
}

async fn judge_on(target: &str, expect: &str, body: &'static str) -> Case {
    let gateway = Gateway::start(move |_| Answer::whole(200, body)).await;
    let scenarios = one_step(expect);
    let events = Setup { target, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    events.case("ONE").clone()
}

#[tokio::test]
async fn what_is_right_passes() {
    let gateway = Gateway::start(|request| match request.path.as_str() {
        "/v1/models" => Answer::json(200, &json!({ "data": [{ "id": "model-a" }, { "id": "model-b" }] })),
        _ => Answer::whole(201, request.body.clone()).with("X-Answer", "yes"),
    })
    .await;
    let scenarios = r#"
  - id: RIGHT
    title: Two steps
    covers: [CATALOGUE_1]
    tags: [p0]
    steps:
      - name: list
        call: GET /v1/models
        expect:
          status: [200, 201]
          body:
            - { any: "$.data[*].id", equals: "{{ models.chat }}", verifies: chat.answers }
        capture:
          last: { only: "$.data[1].id" }
      - name: chat
        call: POST /v1/chat?model={{ last }}
        as: user
        json: { model: "{{ last }}" }
        expect:
          status: 201
          schema: demo/chat
          headers: { x-answer: { equals: "yes" }, x-other: { absent: true } }
          body: [{ at: $.model, equals: "{{ last }}" }]
          text: { contains: model-b }
"#;
    let events = Setup::new(&gateway.url, scenarios).run().await;
    let case = events.case("RIGHT");
    assert_eq!((case.verdict, &case.reason, case.checks), (Verdict::Passed, &None, 8), "{case:#?}");
    assert!(case.misses.is_empty());
    assert_eq!(case.verifies, [Verified { requirement: "chat.answers".to_owned(), level: Level::Must }]);
    assert_eq!(gateway.calls(), ["GET /v1/models", "POST /v1/chat?model=model-b"]);
    let attempts = events.attempts();
    assert_eq!((&*attempts[0].group, &*attempts[0].contract), ("scenarios", "demo"));
    assert_eq!((&attempts[0].covers, &attempts[0].tags), (&vec!["CATALOGUE_1".into()], &vec!["p0".into()]));
    assert_eq!(events.finished().tally.passed, 1);
    assert!(!events.finished().interrupted);
}

#[tokio::test]
async fn a_wrong_value_is_told_with_its_difference_and_its_place() {
    let expect = "{ status: 200, body: [{ at: $.model, equals: größer wie je, verifies: chat.answers }] }";
    let case = judge(expect, r#"{ "model": "größer als je" }"#).await;
    assert_eq!(case.verdict, Verdict::Failed);
    let reason = r#"step `one`, $.model: expected "größer wie je", found "größer als je""#;
    assert_eq!(case.reason.as_deref(), Some(reason));
    let [miss] = case.misses.as_slice() else { panic!("{case:#?}") };
    assert_eq!((miss.level, miss.requirement.as_deref()), (Level::Must, Some("chat.answers")));
    assert_eq!((miss.step.as_str(), miss.subject.as_str()), ("one", "$.model"));
    assert_eq!(miss.expected, r#""größer wie je""#);
    assert_eq!(miss.actual, r#""größer als je""#);
    let difference = miss.difference.as_ref().unwrap();
    assert_eq!(difference.at, 7);
    assert_eq!(
        (difference.expected.as_str(), difference.actual.as_str()),
        ("größer wie je", "größer als je")
    );
    assert_eq!(miss.location, Location { file: FILE.to_owned(), line: 9, column: 39 });
}

#[tokio::test]
async fn a_wrong_status_is_told_alone() {
    let gateway = Gateway::start(|_| Answer::whole(503, "{}")).await;
    let scenarios = one_step("{ status: [200, 201], body: [{ at: $.id, is: string }] }");
    let events = Setup::new(&gateway.url, &scenarios).run().await;
    let case = events.case("ONE");
    let told: Vec<_> =
        case.misses.iter().map(|miss| (&*miss.subject, &*miss.expected, &*miss.actual)).collect();
    assert_eq!(told, [("status", "one of 200, 201", "503")]);
}

#[tokio::test]
async fn what_must_stand_nowhere_is_looked_for_in_a_wrong_answer_too() {
    let gateway = Gateway::start(|_| Answer::whole(503, r#"{ "at": "\/srv" }"#)).await;
    for expect in [
        "{ status: 200, verifies: chat.answers, body: [{ at: $.id, is: string }],
            nowhere: [{ text: /srv, verifies: stream.text }, { text: /usr, verifies: stream.shape }] }",
        "{ status: 200, verifies: chat.answers, stream: { of: chat },
            nowhere: [{ text: /srv, verifies: stream.text }] }",
    ] {
        let events = Setup::new(&gateway.url, &one_step(expect)).run().await;
        assert_eq!(missed(events.case("ONE")), ["chat.answers", "stream.text"], "{expect}");
    }
}

#[tokio::test]
async fn a_missed_should_is_a_warning_and_no_failure() {
    for (expect, level) in [
        ("{ status: 200, body: [{ at: $.please, is: string, level: SHOULD }] }", Level::Should),
        ("{ status: 200, body: [{ at: $.please, is: string, verifies: chat.polite }] }", Level::Should),
        ("{ status: 200, body: [{ at: $.please, is: string, verifies: chat.short }] }", Level::May),
    ] {
        let case = judge(expect, "{}").await;
        assert_eq!(case.verdict, Verdict::Passed, "{expect}");
        let levels: Vec<_> = case.warnings().map(|miss| miss.level).collect();
        assert_eq!(levels, [level], "{expect}");
    }
    // A check's own level goes before that of its requirement.
    let expect = "{ body: [{ at: $.please, is: string, verifies: chat.polite, level: MUST }] }";
    assert_eq!(judge(expect, "{}").await.verdict, Verdict::Failed);
}

#[tokio::test]
async fn wording_binds_where_models_are_scripted() {
    let expect =
        "{ status: 200, body: [{ at: $.says, equals: Hello, wording: true, verifies: chat.answers }] }";
    let says = r#"{ "says": "Good morning" }"#;
    let scripted = judge_on(&format!("{TARGET}answers: scripted"), expect, says).await;
    assert_eq!((scripted.verdict, missed(&scripted)), (Verdict::Failed, vec!["chat.answers"]));
    for live in [TARGET.to_owned(), format!("{TARGET}answers: live")] {
        let case = judge_on(&live, expect, says).await;
        assert_eq!((case.verdict, case.warnings().count()), (Verdict::Passed, 1));
    }
}

/// The verdict and reason of a scenario on a target, and the requests that were sent for it.
async fn on(target: &str, scenarios: &str) -> (Verdict, String, Vec<String>) {
    let gateway = Gateway::start(|_| Answer::whole(200, "{}")).await;
    let events = Setup { target, ..Setup::new(&gateway.url, scenarios) }.run().await;
    let (verdict, reason) = events.verdict("ONE");
    (verdict, reason.to_owned(), gateway.calls())
}

#[tokio::test]
async fn what_a_target_lacks_is_said_and_nothing_is_sent() {
    let plain = one_step("{ status: 200 }");
    let tools = plain.replace("    steps:", "    requires: [tools]\n    steps:");
    let model = plain.replace("GET /", "GET /{{ models.chat }}");
    let revoking = plain.replace("    steps:", "    steps:\n      - { name: revoke, revoke_key: user }");
    let no_user = "name: t\nroles: { guest: { env: GUEST_KEY } }";
    let unset = "name: t\nroles: { user: { env: UNSET_KEY, optional: true } }";
    let shared = format!("{TARGET}keys: {{ revoke: {{ call: DELETE /keys/1 }} }}");
    for (target, scenarios, verdict, reason) in [
        (TARGET, &tools, Verdict::Unsupported, "the target does not declare `tools`"),
        ("name: t", &model, Verdict::NotTestable, "the target binds no model `chat`"),
        (no_user, &plain, Verdict::NotTestable, "the target has no role `user`"),
        (unset, &plain, Verdict::NotTestable, "role `user` has no credential: set UNSET_KEY"),
        (TARGET, &revoking, Verdict::NotTestable, "the target can't revoke keys"),
        (shared.as_str(), &revoking, Verdict::NotTestable, "the key of `user` is shared"),
    ] {
        let (actual, why, calls) = on(target, scenarios).await;
        assert_eq!(actual, verdict, "{reason}");
        assert!(why.starts_with(reason), "{why}");
        assert_eq!(calls, Vec::<String>::new(), "{reason}");
    }
    let capable = format!("{TARGET}capabilities: [tools]");
    assert_eq!(on(&capable, &tools).await.0, Verdict::Passed);
}

#[tokio::test]
async fn a_scenario_that_checks_nothing_is_not_testable() {
    let nothing = "\n  - { id: ONE, title: No check, steps: [{ name: one, call: GET / }] }\n";
    let (verdict, reason, calls) = on(TARGET, nothing).await;
    assert_eq!((verdict, reason.as_str()), (Verdict::NotTestable, "nothing was checked"));
    assert_eq!(calls, ["GET /"]);
}

const CHOICE: &str = "{ status: [200, 400], any_of: [
            { name: accepted, body: [{ at: $.id, is: string }, { at: $.model, is: string }] },
            { name: refused, body: [{ at: $.error, is: string }, { at: $.code, equals: 7 }] } ] }";

#[tokio::test]
async fn the_alternative_that_was_taken_is_named() {
    for (body, taken) in [
        (r#"{ "id": "1", "model": "a" }"#, "accepted"),
        (r#"{ "error": "no", "code": 7.0 }"#, "refused"),
        (r#"{ "id": "1", "model": "a", "error": "no", "code": 7 }"#, "accepted"),
    ] {
        let gateway = Gateway::start(move |_| Answer::whole(200, body)).await;
        let scenarios = one_step(CHOICE);
        let events = Setup::new(&gateway.url, &scenarios).run().await;
        assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""), "{body}");
        let expected = [Taken { step: "one".to_owned(), alternative: taken.to_owned() }];
        assert_eq!(events.attempts()[0].taken, expected, "{body}");
    }
}

#[tokio::test]
async fn where_no_alternative_holds_the_nearest_is_named() {
    let case = judge(CHOICE, r#"{ "error": "no", "code": 8 }"#).await;
    assert_eq!(case.verdict, Verdict::Failed);
    let [miss] = case.misses.as_slice() else { panic!("{case:#?}") };
    assert_eq!((&*miss.subject, &*miss.actual), ("$.code", "8"));
    assert_eq!(miss.expected, "7 (as `refused`, the nearest of accepted, refused)");
    let neither = judge(CHOICE, "{}").await;
    assert_eq!((neither.verdict, neither.misses.len()), (Verdict::Failed, 2));
}

#[tokio::test]
async fn an_alternative_of_another_status_is_not_the_nearest() {
    let expect = "{ any_of: [
            { name: refused, status: 400, body: [{ at: $.error, is: string }] },
            { name: accepted, status: 200, body: [{ at: $.id, is: string }, { at: $.model, is: string }] } ] }";
    let case = judge(expect, r#"{ "id": 1, "model": 2 }"#).await;
    let subjects: Vec<_> = case.misses.iter().map(|miss| &*miss.subject).collect();
    assert_eq!(subjects, ["$.id", "$.model"], "the answer is 200 as that of `accepted`: {case:#?}");
}

#[tokio::test]
async fn a_step_after_a_failed_one_is_not_sent_and_what_must_always_run_is() {
    let gateway = Gateway::start(|request| match request.path.as_str() {
        "/first" => Answer::json(500, &json!({ "id": "t-1" })),
        _ => Answer::whole(500, "{}"),
    })
    .await;
    let scenarios = "
  - id: STOPPED
    title: The first step fails
    steps:
      - { name: first, call: POST /first, expect: { status: 200 } }
      - { name: second, call: GET /second, expect: { status: 200, verifies: chat.answers } }
    always:
      - { name: tidy, call: \"DELETE /{{ first.json.id }}\", expect: { status: 200 } }
      - { name: again, call: DELETE /again }
";
    let events = Setup::new(&gateway.url, scenarios).run().await;
    assert_eq!(gateway.calls(), ["POST /first", "DELETE /t-1", "DELETE /again"]);
    let case = events.case("STOPPED");
    assert_eq!((case.verdict, case.checks, case.misses.len()), (Verdict::Failed, 1, 1), "{case:#?}");
    // What was not reached is listed: nobody may take it for verified elsewhere.
    assert_eq!(case.verifies.len(), 1);
    let steps: Vec<_> = events.exchanges().iter().map(|exchange| exchange.step.as_str()).collect();
    assert_eq!(steps, ["first", "tidy", "again"]);
}

#[tokio::test]
async fn what_must_always_run_is_not_judged() {
    let gateway =
        Gateway::start(|request| Answer::whole(if request.method == "GET" { 200 } else { 500 }, "{}")).await;
    let scenarios = one_step("{ status: 200 }")
        + "    always: [{ name: tidy, call: DELETE /, expect: { status: 204 } }]\n";
    let events = Setup::new(&gateway.url, &scenarios).run().await;
    assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""));
    assert_eq!(gateway.calls(), ["GET /", "DELETE /"]);
}

#[tokio::test]
async fn a_capture_that_does_not_find_what_it_declares_fails() {
    let body = r#"{ "ids": ["a", "b"], "one": ["c"], "none": [] }"#;
    for (capture, verdict, found) in [
        ("{ only: \"$.ids[*]\" }", Verdict::Failed, "$.ids[*] finds 2 values"),
        ("{ only: \"$.none[*]\" }", Verdict::Failed, "$.none[*] finds nothing"),
        ("{ first: \"$.none[*]\" }", Verdict::Failed, "$.none[*] finds nothing"),
        ("{ header: x-missing }", Verdict::Failed, "there is no header x-missing"),
        ("{ only: \"$.one[*]\" }", Verdict::Passed, "\"c\""),
        ("{ first: \"$.ids[*]\" }", Verdict::Passed, "\"a\""),
        ("{ all: \"$.ids[*]\" }", Verdict::Passed, r#"["a","b"]"#),
        ("{ all: \"$.none[*]\" }", Verdict::Passed, "[]"),
        ("{ header: x-id }", Verdict::Passed, "\"h\""),
    ] {
        let gateway = Gateway::start(move |_| Answer::whole(200, body).with("x-id", "h")).await;
        let captured = format!(
            "        capture: {{ kept: {capture} }}
      - {{ name: two, call: POST /two, json: \"{{{{ kept }}}}\", expect: {{ status: 200 }} }}
"
        );
        let scenarios = one_step("{ status: 200 }") + &captured;
        let events = Setup::new(&gateway.url, &scenarios).run().await;
        let case = events.case("ONE");
        assert_eq!(case.verdict, verdict, "{capture}");
        if verdict == Verdict::Failed {
            assert_eq!((&*case.misses[0].subject, &*case.misses[0].actual), ("capture", found));
            assert_eq!(gateway.calls(), ["GET /"], "{capture}");
        } else {
            assert_eq!(gateway.received()[1].body, found, "{capture}");
        }
    }
}

const MATCHERS: [&str; 12] = [
    "is: string",
    "is: \"null\"",
    "is: boolean",
    "is: not-empty",
    "equals: null",
    "equals: \"\"",
    "differs_from: anything",
    "contains: \"\"",
    "matches: \"\"",
    "one_of: [null, \"\", false]",
    "length: { min: 0 }",
    "length: 0",
];

#[tokio::test]
async fn a_missing_value_satisfies_nothing_but_absent() {
    for matcher in MATCHERS {
        for place in ["at: $.missing", "each: \"$.none[*]\"", "any: \"$.none[*]\"", "at: $.none.id"] {
            let case = judge(&format!("{{ body: [{{ {place}, {matcher} }}] }}"), r#"{ "none": [] }"#).await;
            assert_eq!(case.verdict, Verdict::Failed, "{place}, {matcher}");
            assert_eq!(case.misses[0].actual, "nothing is there", "{place}, {matcher}");
        }
        let case = judge(&format!("{{ headers: {{ x-missing: {{ {matcher} }} }} }}"), "{}").await;
        assert_eq!(case.verdict, Verdict::Failed, "header, {matcher}");
        assert_eq!(case.misses[0].actual, "nothing is there", "header, {matcher}");
    }
    let between = "{ body: [{ at: $.missing, between: [-1, 1] }] }";
    assert_eq!(judge(between, "{}").await.verdict, Verdict::Failed);
    for place in ["at: $.missing", "each: \"$.none[*]\"", "any: $.none.id"] {
        let case = judge(&format!("{{ body: [{{ {place}, absent: true }}] }}"), r#"{ "none": [] }"#).await;
        assert_eq!(case.verdict, Verdict::Passed, "{place}");
    }
    let null = judge("{ body: [{ at: $.missing, absent: true }] }", r#"{ "missing": null }"#).await;
    assert_eq!(null.verdict, Verdict::Failed, "null is there");
}

#[tokio::test]
async fn a_body_that_is_not_json_satisfies_not_even_absent() {
    for body in ["", " ", "plain", "<html></html>", r#"{ "missing""#, "{} {}", "NaN"] {
        for matcher in ["absent: true", "differs_from: 1", "is: string", "equals: null"] {
            let case = judge(&format!("{{ body: [{{ at: $.missing, {matcher} }}] }}"), body).await;
            assert_eq!(case.verdict, Verdict::Failed, "{body:?} {matcher}");
        }
        let case = judge("{ schema: demo/chat }", body).await;
        assert_eq!(case.verdict, Verdict::Failed, "{body:?}");
        let capture = one_step("{ status: 200 }") + "        capture: { all: { all: \"$[*]\" } }\n";
        let gateway = Gateway::start(move |_| Answer::whole(200, body)).await;
        let events = Setup::new(&gateway.url, &capture).run().await;
        assert_eq!(events.case("ONE").verdict, Verdict::Failed, "{body:?}");
    }
    let empty = judge("{ body: [{ at: $.missing, absent: true }] }", "").await;
    assert_eq!(empty.misses[0].actual, "an empty body");
}

#[tokio::test]
async fn several_values_are_one_only_where_it_says_each_or_any() {
    let body = r#"{ "ids": ["a", "a", "b"] }"#;
    for (check, verdict) in [
        ("at: \"$.ids[*]\", is: string", Verdict::Failed),
        ("each: \"$.ids[*]\", is: string", Verdict::Passed),
        ("each: \"$.ids[*]\", equals: a", Verdict::Failed),
        ("any: \"$.ids[*]\", equals: b", Verdict::Passed),
        ("any: \"$.ids[*]\", equals: c", Verdict::Failed),
        ("each: \"$.ids[?@ == 'a']\", equals: a", Verdict::Passed),
    ] {
        assert_eq!(judge(&format!("{{ body: [{{ {check} }}] }}"), body).await.verdict, verdict, "{check}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let gateway = Gateway::start(|request| match request.path.as_str() {
        "/" => Answer::whole(302, "").with("location", "/elsewhere"),
        _ => Answer::whole(200, "{}"),
    })
    .await;
    let scenarios = one_step("{ status: 302, headers: { location: { equals: /elsewhere } } }");
    let events = Setup::new(&gateway.url, &scenarios).run().await;
    assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""));
    assert_eq!(gateway.calls(), ["GET /"]);
}

#[tokio::test]
async fn values_keep_their_types_and_every_digit_on_their_way() {
    let numbers = r#"{ "exact": 0.10000000000000000001, "big": 123456789012345678901234567890,
        "list": [1, { "a": null }], "text": "7", "quote": "a\"b\\c\n" }"#;
    let gateway = Gateway::start(move |_| Answer::whole(200, numbers)).await;
    let scenarios = r#"
  - id: TYPES
    title: Values go back as they came
    steps:
      - name: numbers
        call: GET /numbers
        expect: { status: 200 }
        capture:
          exact: { only: $.exact }
          big: { only: $.big }
          list: { only: $.list }
          text: { only: $.text }
          quote: { only: $.quote }
      - name: echo
        call: POST /echo
        headers: { x-exact: "{{ exact }}" }
        json:
          exact: "{{ exact }}"
          big: ["{{ big }}"]
          list: "{{ list }}"
          text: "{{ text }}"
          quote: "{{ quote }}"
          said: "{{ exact }} and {{ text }}"
          status: "{{ numbers.status }}"
          written: 0.50
          one: 1
        expect: { body: [{ at: $.exact, equals: "{{ exact }}" }, { at: $.exact, differs_from: 0.1 }] }
      - name: put
        call: PUT /text
        body: "{{ list }}"
        expect: { status: 200 }
"#;
    let events = Setup::new(&gateway.url, scenarios).run().await;
    assert_eq!(events.verdict("TYPES"), (Verdict::Passed, ""));
    let received = gateway.received();
    assert_eq!(
        received[1].body,
        r#"{"exact":0.10000000000000000001,"big":[123456789012345678901234567890],"list":[1,{"a":null}],"text":"7","quote":"a\"b\\c\n","said":"0.10000000000000000001 and 7","status":200,"written":0.50,"one":1}"#
    );
    assert_eq!(received[1].header("x-exact"), Some("0.10000000000000000001"));
    assert_eq!(received[1].header("content-type"), Some("application/json"));
    assert_eq!((received[2].body.as_str(), received[2].header("content-type")), (r#"[1,{"a":null}]"#, None));
}

#[tokio::test]
async fn a_step_sends_the_credential_of_its_role_and_no_other() {
    let gateway = Gateway::start(|_| Answer::whole(200, "{}")).await;
    let scenarios = "
  - id: ROLES
    title: Three ways to come
    steps:
      - { name: nobody, call: GET /, expect: { status: 200 } }
      - { name: user, call: GET /, as: user, expect: { status: 200 } }
      - { name: own, call: GET /, as: user, headers: { Authorization: Basic YTpi }, expect: { status: 200 } }
";
    let events = Setup::new(&gateway.url, scenarios).run().await;
    assert_eq!(events.verdict("ROLES"), (Verdict::Passed, ""));
    let sent: Vec<_> =
        gateway.received().iter().map(|request| request.header("authorization").map(str::to_owned)).collect();
    assert_eq!(sent, [None, Some(format!("Bearer {USER_KEY}")), Some("Basic YTpi".to_owned())]);
}

#[tokio::test]
async fn a_request_that_cannot_be_made_is_an_error_of_ours() {
    let gateway = Gateway::start(|_| Answer::whole(200, "{}")).await;
    let scenarios = one_step("{ status: 200 }")
        + "      - { name: two, call: \"GET /{{ one.json.missing }}\", expect: { status: 200 } }\n";
    let events = Setup::new(&gateway.url, &scenarios).run().await;
    let (verdict, reason) = events.verdict("ONE");
    assert_eq!(verdict, Verdict::Error);
    assert_eq!(reason, "step `two` could not be sent: the body of step `one` has no `missing`");
    assert_eq!(gateway.calls(), ["GET /"]);
}

#[tokio::test]
async fn what_a_check_is_compared_with_must_be_there_as_well() {
    // Were it nothing, it would differ from everything.
    for matcher in ["equals", "differs_from", "contains"] {
        let expect = format!("{{ body: [{{ at: $.id, {matcher}: \"{{{{ one.json.missing }}}}\" }}] }}");
        let case = judge(&expect, r#"{ "id": "1" }"#).await;
        assert_eq!(case.verdict, Verdict::Failed, "{matcher}");
        assert!(case.misses[0].actual.contains("has no `missing`"), "{:?}", case.misses[0]);
    }
}
