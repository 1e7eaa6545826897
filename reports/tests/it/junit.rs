use plumbline_record::{
    Body, Case, Event, Level, Miss, Outcome, Response, RunFinished, ScenarioFinished, Taken, Verdict,
};
use plumbline_reports::{Summary, junit, write_junit};
use quick_junit::{FlakyOrRerun, NonSuccessKind, Report, TestCase, TestCaseStatus};

use crate::events::{
    billing, case, ended, exchange, failed, finished, flaky, fold, miss, record, started, summary, undecided,
};

fn xml(summary: &Summary, strict: bool) -> String {
    let mut out = Vec::new();
    assert!(write_junit(summary, strict, &mut out).is_ok());
    String::from_utf8_lossy(&out).into_owned()
}

fn test_case<'a>(report: &'a Report, name: &str) -> Option<&'a TestCase> {
    report.test_suites.iter().flat_map(|suite| &suite.test_cases).find(|case| case.name.as_str() == name)
}

fn properties<'a>(case: &'a TestCase, name: &str) -> Vec<&'a str> {
    case.properties
        .iter()
        .filter(|property| property.name.as_str() == name)
        .map(|property| property.value.as_str())
        .collect()
}

fn skipped_message<'a>(report: &'a Report, name: &str) -> Option<&'a str> {
    match &test_case(report, name)?.status {
        TestCaseStatus::Skipped { message, .. } => message.as_deref(),
        _ => None,
    }
}

fn mixed() -> Summary {
    summary([
        finished(
            "A",
            1,
            vec![failed("A"), billing(undecided("A", Verdict::NotTestable, "no billing observer"))],
        ),
        finished("B", 1, vec![case("B", Verdict::Passed)]),
        finished("C", 1, vec![undecided("C", Verdict::Unsupported, "no images")]),
        finished("D", 1, vec![undecided("D", Verdict::Disabled, "left out")]),
        finished("E", 1, vec![undecided("E", Verdict::Error, "out of sockets")]),
    ])
}

#[test]
fn counts_and_names_survive_the_file() {
    let report = Report::deserialize_from_str(&xml(&mixed(), false)).unwrap();
    assert_eq!((report.tests, report.failures, report.errors), (6, 1, 1));
    assert_eq!(report.test_suites.len(), 1);
    let suite = &report.test_suites[0];
    assert_eq!(suite.name.as_str(), "gsai.SEQ_CHAT");
    assert_eq!((suite.tests, suite.failures, suite.errors, suite.skipped), (6, 1, 1, 3));
    let names: Vec<_> = suite.test_cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["A", "A[billing]", "B", "C", "D", "E"]);
    assert!(suite.test_cases.iter().all(|case| case.classname.as_deref() == Some("gsai.SEQ_CHAT")));
    let about: Vec<_> =
        suite.properties.iter().map(|property| (property.name.as_str(), property.value.as_str())).collect();
    assert_eq!(
        about,
        [("target", "reference"), ("url", "http://127.0.0.1:4000"), ("plumbline", "0.1.0"), ("seed", "7"),]
    );
}

#[test]
fn a_failure_says_all_that_is_needed_to_mend_it() {
    let report = Report::deserialize_from_str(&xml(&mixed(), false)).unwrap();
    let case = test_case(&report, "A").unwrap();
    let TestCaseStatus::NonSuccess { kind, message, ty, description, .. } = &case.status else {
        panic!("A is no failure");
    };
    assert_eq!(*kind, NonSuccessKind::Failure);
    assert_eq!(ty.as_deref(), Some("chat.model-echoed"));
    assert_eq!(message.as_deref(), Some("chat: $.model: expected \"gpt-mini\", found \"gpt-maxi\""));
    let expected = r#"MUST chat.model-echoed
  demands   An answer names the model
  source    API reference, Chat
  step      chat
  subject   $.model
  expected  "gpt-mini"
  found     "gpt-maxi"
  differs   from character 6 on
            gpt-mini
            gpt-maxi
                 ^
  at        gsai/sequence.yaml:31:17

curl -sS -X POST 'http://127.0.0.1:4000/api/v1/chat' -H 'content-type: application/json' -H "authorization: Bearer $ALL_SCOPES" --data-binary '{"model":"m"}'"#;
    assert_eq!(description.as_deref(), Some(expected));
    let transcript = case.system_out.as_deref().unwrap();
    assert!(transcript.contains("> POST http://127.0.0.1:4000/api/v1/chat\n"), "{transcript}");
    assert!(transcript.ends_with("\n{\"model\":\"other\"}"), "{transcript}");
}

#[test]
fn a_failure_without_a_requirement_is_a_check() {
    let bare = Miss { requirement: None, difference: None, ..miss(Level::Must) };
    let case = Case { misses: vec![miss(Level::Should), bare], ..case("A", Verdict::Failed) };
    let report = junit(&summary([finished("A", 1, vec![case])]), false);
    let TestCaseStatus::NonSuccess { ty, description, .. } = &test_case(&report, "A").unwrap().status else {
        panic!("A is no failure");
    };
    assert_eq!(ty.as_deref(), Some("check"));
    let description = description.as_deref().unwrap();
    assert!(description.contains("MUST chat.model-echoed, checked as SHOULD\n"), "{description}");
    assert!(description.contains("MUST check\n"), "{description}");
    assert_eq!(description.matches("curl ").count(), 1, "{description}");
}

#[test]
fn an_error_gives_its_reason_and_place() {
    let report = junit(&mixed(), false);
    let TestCaseStatus::NonSuccess { kind, message, ty, description, .. } =
        &test_case(&report, "E").unwrap().status
    else {
        panic!("E is no error");
    };
    assert_eq!(*kind, NonSuccessKind::Error);
    assert_eq!(message.as_deref(), Some("out of sockets"));
    assert_eq!(ty.as_deref(), Some("error"));
    let description = description.as_deref().unwrap();
    assert!(description.starts_with("out of sockets\n\ngsai/sequence.yaml:12:5\n"), "{description}");
    assert!(description.contains("curl -sS -X POST"), "{description}");
}

#[test]
fn what_was_not_decided_is_skipped_with_its_reason() {
    let report = junit(&mixed(), false);
    assert_eq!(skipped_message(&report, "A[billing]"), Some("not testable: no billing observer"));
    assert_eq!(skipped_message(&report, "C"), Some("unsupported: no images"));
    assert_eq!(skipped_message(&report, "D"), Some("disabled: left out"));
    let document = xml(&mixed(), false);
    assert!(document.contains(r#"<skipped message="unsupported: no images" type="unsupported"/>"#));
}

#[test]
fn strict_makes_an_error_of_what_could_not_be_tested_and_of_nothing_else() {
    let report = junit(&mixed(), true);
    let TestCaseStatus::NonSuccess { kind, message, ty, .. } =
        &test_case(&report, "A[billing]").unwrap().status
    else {
        panic!("A[billing] is no error");
    };
    assert_eq!(*kind, NonSuccessKind::Error);
    assert_eq!(message.as_deref(), Some("not testable: no billing observer"));
    assert_eq!(ty.as_deref(), Some("not testable"));
    assert_eq!((report.errors, report.skipped), (2, 2));
}

#[test]
fn a_case_carries_where_it_is_and_what_it_is_about() {
    let warned = Case { misses: vec![miss(Level::Should)], ..case("A", Verdict::Passed) };
    let scenario = ScenarioFinished {
        taken: vec![Taken { step: "chat".into(), alternative: "refused".into() }],
        ..finished("A", 1, vec![warned, billing(case("A", Verdict::Passed))])
    };
    let report = Report::deserialize_from_str(&xml(&summary([scenario]), false)).unwrap();
    let own = test_case(&report, "A").unwrap();
    let extra: Vec<_> = own.extra.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(extra, [("file", "gsai/sequence.yaml"), ("line", "12")]);
    assert_eq!(own.time.map(|time| time.as_millis()), Some(20));
    assert!(own.system_out.is_none());
    assert_eq!(properties(own, "contract"), ["gsai"]);
    assert_eq!(properties(own, "level"), ["MUST"]);
    assert_eq!(properties(own, "requirement"), ["chat.model-echoed", "chat.polite"]);
    assert_eq!(properties(own, "tag"), ["p0"]);
    assert_eq!(properties(own, "covers"), ["TC-1"]);
    assert_eq!(properties(own, "attempt"), ["1"]);
    assert_eq!(properties(own, "alternative"), ["chat: refused"]);
    assert_eq!(
        properties(own, "warning"),
        [
            "MUST chat.model-echoed, checked as SHOULD: chat: $.model: expected \"gpt-mini\", found \"gpt-maxi\""
        ]
    );
    let observed = test_case(&report, "A[billing]").unwrap();
    assert!(properties(observed, "alternative").is_empty());
    assert!(properties(observed, "warning").is_empty());
}

#[test]
fn a_failure_before_a_pass_is_flaky() {
    let report = Report::deserialize_from_str(&xml(&flaky(), false)).unwrap();
    assert_eq!((report.tests, report.failures), (1, 0));
    let case = test_case(&report, "A").unwrap();
    let TestCaseStatus::Success { flaky_runs } = &case.status else { panic!("A did not pass") };
    assert_eq!(flaky_runs.len(), 1);
    let run = &flaky_runs[0];
    assert_eq!(run.kind, NonSuccessKind::Failure);
    assert_eq!(run.ty.as_deref(), Some("chat.model-echoed"));
    assert!(run.message.as_deref().unwrap().contains("gpt-maxi"));
    let description = run.description.as_deref().unwrap();
    assert!(description.contains("gsai/sequence.yaml:31:17"), "{description}");
    assert!(description.contains("curl -sS"), "{description}");
    assert_eq!(properties(case, "attempt"), ["2"]);
    assert!(case.system_out.is_none());
}

#[test]
fn failing_again_and_again_is_a_rerun() {
    let broke = |name| undecided(name, Verdict::Error, "out of sockets");
    let summary = summary([
        finished("A", 1, vec![broke("A"), billing(case("A", Verdict::Passed))]),
        finished("A", 2, vec![failed("A"), billing(failed("A"))]),
        finished("A", 3, vec![failed("A"), billing(failed("A"))]),
    ]);
    let report = Report::deserialize_from_str(&xml(&summary, false)).unwrap();
    assert_eq!((report.tests, report.failures, report.errors), (2, 2, 0));
    let TestCaseStatus::NonSuccess { reruns, .. } = &test_case(&report, "A").unwrap().status else {
        panic!("A is no failure");
    };
    assert_eq!(reruns.kind, FlakyOrRerun::Rerun);
    let kinds: Vec<_> = reruns.runs.iter().map(|run| run.kind).collect();
    assert_eq!(kinds, [NonSuccessKind::Error, NonSuccessKind::Failure]);
    let TestCaseStatus::NonSuccess { reruns, .. } = &test_case(&report, "A[billing]").unwrap().status else {
        panic!("A[billing] is no failure");
    };
    assert_eq!(reruns.runs.len(), 1, "an observer that passed before did not fail before");
}

#[test]
fn control_characters_neither_break_the_document_nor_swallow_text() {
    let mut exchange = exchange("A", 1, "chat");
    // An operating system command without its end, which a terminal would read to the end of the text.
    exchange.outcome = Outcome::Response(Response {
        status: 200,
        headers: Vec::new(),
        body: Body { text: "a\u{0}b\u{1b}]0;c ]]> <d> & \u{ffff} end".into(), bytes: 24, cut: false },
        first_event_us: None,
    });
    let odd = Miss { actual: "x\u{1b}[31my\u{8}\nz".into(), ..miss(Level::Must) };
    let case = Case { misses: vec![odd], ..case("A", Verdict::Failed) };
    let summary = fold([
        Event::RunStarted(started()),
        Event::Exchange(Box::new(exchange)),
        Event::ScenarioFinished(Box::new(finished("A", 1, vec![case]))),
        Event::RunFinished(ended()),
    ]);
    let document = xml(&summary, false);
    assert!(
        document.chars().all(|c| c == '\n' || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'))),
        "{document}"
    );
    let report = Report::deserialize_from_str(&document).unwrap();
    let case = test_case(&report, "A").unwrap();
    let transcript = case.system_out.as_deref().unwrap();
    assert!(transcript.contains("a\\u{0}b\\u{1b}]0;c ]]> <d> & \\u{ffff} end"), "{transcript}");
    let TestCaseStatus::NonSuccess { message, .. } = &case.status else { panic!("A is no failure") };
    let message = message.as_deref().unwrap();
    assert!(message.ends_with("found x\\u{1b}[31my\\u{8}\\nz"), "{message}");
}

#[test]
fn names_that_xml_cannot_hold_are_spelled_out() {
    let odd = "A\u{0}\u{ffff}\u{1b}[31m\nB";
    let finished = ScenarioFinished {
        group: odd.into(),
        tags: vec![odd.into()],
        covers: vec![odd.into()],
        ..finished(odd, 1, vec![failed(odd)])
    };
    let document = xml(&summary([finished]), false);
    let report = Report::deserialize_from_str(&document).unwrap();
    assert!(document.chars().all(|c| c == '\n' || !(c.is_control() || c == '\u{ffff}')), "{document}");
    let spelled = "A\\u{0}\\u{ffff}\\u{1b}[31m\\nB";
    let case = test_case(&report, spelled).unwrap();
    assert_eq!(case.classname.as_deref(), Some(format!("gsai.{spelled}").as_str()));
    assert_eq!((properties(case, "tag"), properties(case, "covers")), (vec![spelled], vec![spelled]));
}

#[test]
fn dialects_of_a_scenario_are_cases_of_their_own() {
    let of = |dialect: &str| {
        let id = format!("G_1@{dialect}");
        let upstream =
            Case { observer: Some("upstream".into()), ..case(&format!("{id}[upstream]"), Verdict::Passed) };
        ScenarioFinished {
            covers: vec!["G_1".into()],
            ..finished(&id, 1, vec![case(&id, Verdict::Passed), upstream])
        }
    };
    let report =
        Report::deserialize_from_str(&xml(&summary([of("openai"), of("anthropic")]), false)).unwrap();
    let names: Vec<_> = report.test_suites[0].test_cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["G_1@anthropic", "G_1@anthropic[upstream]", "G_1@openai", "G_1@openai[upstream]"]);
    let own = test_case(&report, "G_1@openai[upstream]").unwrap();
    assert_eq!((own.classname.as_deref(), properties(own, "covers")), (Some("gsai.SEQ_CHAT"), vec!["G_1"]));
}

#[test]
fn a_run_that_was_interrupted_says_so_in_each_suite() {
    let mut events = record([finished("A", 1, vec![case("A", Verdict::Passed)])]);
    events.pop();
    events.push(Event::RunFinished(RunFinished { interrupted: true, ..ended() }));
    let report = junit(&fold(events), false);
    let about: Vec<_> = report.test_suites[0].properties.iter().map(|one| one.name.as_str()).collect();
    assert!(about.contains(&"interrupted"), "{about:?}");
}

#[test]
fn keeps_to_the_attributes_of_the_schema() {
    let document = xml(&mixed(), false);
    let root = document.lines().find(|line| line.starts_with("<testsuites ")).unwrap();
    assert_eq!(root, r#"<testsuites name="plumbline" tests="6" failures="1" errors="1" time="1.500">"#);
    let suite = document.lines().find(|line| line.trim_start().starts_with("<testsuite ")).unwrap();
    assert!(suite.contains(r#" skipped="3""#), "{suite}");
    for foreign in [" assertions=", " timestamp=", " uuid=", " disabled="] {
        assert!(!document.contains(foreign), "{foreign}");
    }
}
