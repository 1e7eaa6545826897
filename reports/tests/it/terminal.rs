use plumbline_record::{
    Body, Case, Event, Level, Miss, Outcome, Response, RunFinished, RunStarted, ScenarioFinished,
    ScenarioStarted, Taken, Verdict,
};
use plumbline_reports::{Summary, TerminalOptions, Verbosity, render};

use crate::events::{
    billing, body, case, ended, exchange, failed, finished, flaky, fold, miss, record, started, summary,
    undecided,
};

fn coloured(summary: &Summary, options: TerminalOptions) -> String {
    let mut out = Vec::new();
    assert!(render(summary, &options, &mut out).is_ok());
    String::from_utf8_lossy(&out).into_owned()
}

const VERBOSE: TerminalOptions = TerminalOptions { strict: false, verbosity: Verbosity::Verbose };
const BRIEF: TerminalOptions = TerminalOptions { strict: false, verbosity: Verbosity::Brief };
const QUIET: TerminalOptions = TerminalOptions { strict: false, verbosity: Verbosity::Quiet };

/// The output without its styles.
fn plain(summary: &Summary, options: TerminalOptions) -> String {
    unstyled(&coloured(summary, options))
}

pub(crate) fn unstyled(coloured: &str) -> String {
    let mut text = String::new();
    let mut rest = coloured;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        text.push_str(before);
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    text + rest
}

fn has_line(text: &str, line: &str) -> bool {
    text.lines().any(|other| other == line)
}

fn all_passed() -> Summary {
    summary([finished("A", 1, vec![case("A", Verdict::Passed), billing(case("A", Verdict::Passed))])])
}

#[test]
fn a_run_that_passed_takes_a_line_for_each_group() {
    assert_eq!(
        plain(&all_passed(), TerminalOptions::default()),
        "reference at http://127.0.0.1:4000 · gsai 1.2 · Plumbline 0.1.0 · seed 7\n\
         \n\
         ✓ SEQ_CHAT  1 scenario, 2 cases passed\n\
         \n\
         requirements  kept  missed  not decided\n\
         gsai MUST        1       0            0\n\
         gsai SHOULD      1       0            0\n\
         \n\
         ✓ conformant: 2 passed in 1.50 s\n"
    );
}

#[test]
fn verbose_lists_what_passed() {
    let text = plain(&all_passed(), VERBOSE);
    assert!(has_line(&text, "    ✓ A  passed"), "{text}");
    assert!(has_line(&text, "    ✓ A[billing]  passed"), "{text}");
}

#[test]
fn groups_of_several_contracts_say_which() {
    let other =
        ScenarioFinished { contract: "openai".into(), ..finished("B", 1, vec![case("B", Verdict::Passed)]) };
    let summary = summary([finished("A", 1, vec![case("A", Verdict::Passed)]), other]);
    let text = plain(&summary, TerminalOptions::default());
    assert!(has_line(&text, "✓ gsai.SEQ_CHAT  1 scenario, 1 case passed"), "{text}");
    assert!(has_line(&text, "✓ openai.SEQ_CHAT  1 scenario, 1 case passed"), "{text}");
}

fn mixed() -> Summary {
    let warned = Case { misses: vec![miss(Level::Should)], ..case("B", Verdict::Passed) };
    summary([
        finished("A", 1, vec![failed("A"), billing(undecided("A", Verdict::NotTestable, "no observer"))]),
        finished("B", 1, vec![warned]),
        finished("C", 1, vec![undecided("C", Verdict::Unsupported, "no images")]),
        finished("D", 1, vec![undecided("D", Verdict::Disabled, "left out")]),
        finished("E", 1, vec![undecided("E", Verdict::Error, "out of sockets")]),
    ])
}

#[test]
fn lists_what_did_not_pass_with_verdict_and_reason() {
    let text = plain(&mixed(), TerminalOptions::default());
    for line in [
        "⊗ SEQ_CHAT  5 scenarios, 1 case passed, 1 failed, 1 in error, 1 unsupported, 1 not testable, \
         1 disabled, 1 warning",
        "    ✗ A  failed: chat: $.model: expected \"gpt-mini\", found \"gpt-maxi\"",
        "    ⊗ E  error: out of sockets",
        "  ? A[billing]  not testable: no observer",
        "  – C  unsupported: no images",
        "  ○ D  disabled: left out",
        "  ! MUST chat.model-echoed, checked as SHOULD: $.model: expected \"gpt-mini\", found \"gpt-maxi\"",
        "      B (chat)",
        "✗ not conformant: 1 passed, 1 failed, 1 in error, 1 unsupported, 1 not testable, 1 disabled, \
         1 warning in 1.50 s",
    ] {
        assert!(has_line(&text, line), "no line {line:?} in\n{text}");
    }
    assert!(!text.contains("    ✓ B"), "{text}");
}

#[test]
fn tells_a_failure_in_full() {
    let text = plain(&mixed(), TerminalOptions::default());
    let expected = r#"
Failures

✗ failed A  The chosen model answers
  gsai/sequence.yaml:12:5

  MUST chat.model-echoed
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

  * chat (12.3 ms)
  > POST http://127.0.0.1:4000/api/v1/chat
  > content-type: application/json
  > authorization: Bearer [redacted:all-scopes]

  {"model":"m"}

  < 200
  < content-type: application/json

  {"model":"other"}

  curl -sS -X POST 'http://127.0.0.1:4000/api/v1/chat' -H 'content-type: application/json' -H "authorization: Bearer $ALL_SCOPES" --data-binary '{"model":"m"}'

⊗ error E  The chosen model answers
  gsai/sequence.yaml:12:5
  out of sockets
"#;
    assert!(text.contains(expected), "{text}");
}

#[test]
fn the_caret_stands_under_the_first_difference_whatever_comes_before() {
    let mut odd = miss(Level::Must);
    if let Some(difference) = &mut odd.difference {
        difference.expected = "ä\n\u{1b}b".into();
        difference.actual = "ä\n\u{1b}c".into();
    }
    let case = Case { misses: vec![odd], ..case("A", Verdict::Failed) };
    let text = plain(&summary([finished("A", 1, vec![case])]), TerminalOptions::default());
    let expected = "              ä\\n\\u{1b}b\n              ä\\n\\u{1b}c\n                       ^\n";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_flaky_case_is_shown_though_it_passed() {
    let text = plain(&flaky(), TerminalOptions::default());
    assert!(has_line(&text, "✓ SEQ_CHAT  1 scenario, 1 case passed, 1 flaky"), "{text}");
    assert!(has_line(&text, "    ~ A  flaky (attempt 2 passed)"), "{text}");
    assert!(has_line(&text, "✓ conformant: 1 passed, 1 flaky in 1.50 s"), "{text}");
    assert!(!text.contains("Failures"), "{text}");
}

#[test]
fn an_incomplete_run_says_so_and_is_not_conformant() {
    let mut events = record([finished("A", 1, vec![case("A", Verdict::Passed)])]);
    events.pop();
    let cut = plain(&fold(events.clone()), TerminalOptions::default());
    assert!(cut.contains("! the record is cut short: 1 of 3 selected scenarios finished"), "{cut}");
    assert!(has_line(&cut, "✗ cut short: 1 passed in 0 µs"), "{cut}");

    events.push(Event::RunFinished(RunFinished { interrupted: true, ..ended() }));
    let stopped = plain(&fold(events), TerminalOptions::default());
    assert!(stopped.contains("! interrupted: 1 of 3 selected scenarios finished"), "{stopped}");
    assert!(has_line(&stopped, "✗ interrupted: 1 passed in 1.50 s"), "{stopped}");
    let failing = record([finished("A", 1, vec![failed("A")])]);
    let stopped = Event::RunFinished(RunFinished { interrupted: true, ..ended() });
    let stopped = plain(&fold(failing.into_iter().take(3).chain([stopped])), TerminalOptions::default());
    assert!(has_line(&stopped, "✗ not conformant: 1 failed in 1.50 s"), "{stopped}");
}

#[test]
fn what_was_under_way_when_a_run_was_stopped_is_told_by_nobody() {
    let events = [
        Event::RunStarted(started()),
        Event::ScenarioStarted(ScenarioStarted { scenario: "A".into(), attempt: 1 }),
        Event::Exchange(Box::new(exchange("A", 1, "chat"))),
        Event::ScenarioFinished(Box::new(ScenarioFinished {
            last: false,
            ..finished("B", 1, vec![failed("B")])
        })),
        Event::RunFinished(RunFinished { interrupted: true, ..ended() }),
    ];
    let text = plain(&fold(events), TerminalOptions::default());
    let expected = "\
! interrupted: 0 of 3 selected scenarios finished, which proves nothing about the rest
✗ interrupted: no cases in 1.50 s
";
    assert!(text.ends_with(expected), "{text}");
    assert!(!text.contains("Failures") && !text.contains("nothing was checked"), "{text}");
}

#[test]
fn nothing_checked_is_no_success_and_says_what_to_do() {
    let empty = fold([Event::RunStarted(started()), Event::RunFinished(ended())]);
    let text = plain(&empty, TerminalOptions::default());
    assert!(text.contains("nothing was checked"), "{text}");
    assert!(text.contains("`plumbline run --help`"), "{text}");
    assert!(has_line(&text, "○ nothing checked: no cases in 1.50 s"), "{text}");

    let skipped = summary([finished("A", 1, vec![undecided("A", Verdict::Unsupported, "no chat")])]);
    let text = plain(&skipped, TerminalOptions::default());
    assert!(has_line(&text, "– SEQ_CHAT  1 scenario, 1 case unsupported"), "{text}");
    assert!(has_line(&text, "  – A  unsupported: no chat"), "{text}");
    assert!(text.contains("no case could be decided"), "{text}");
    assert!(!text.contains("requirements"), "nothing is known of any: {text}");
}

/// Three of a contract that nobody claims, and in another one, two of a kind and one alone.
fn much_undecided() -> Summary {
    let no_tools = |id: &str| finished(id, 1, vec![undecided(id, Verdict::Unsupported, "no tools")]);
    let unclaimed = |id: &str| {
        let case = undecided(id, Verdict::Unsupported, "not claimed");
        ScenarioFinished { contract: "openai".into(), ..finished(id, 1, vec![case]) }
    };
    summary([
        finished("A", 1, vec![case("A", Verdict::Passed)]),
        no_tools("B"),
        no_tools("C"),
        finished("D", 1, vec![undecided("D", Verdict::NotTestable, "no key")]),
        unclaimed("X"),
        unclaimed("Y"),
        ScenarioFinished { group: "OTHER".into(), ..unclaimed("Z") },
    ])
}

#[test]
fn what_was_not_decided_is_told_by_reason_and_an_unclaimed_contract_in_one_line() {
    let text = plain(&much_undecided(), TerminalOptions::default());
    let expected = "\
✓ gsai.SEQ_CHAT  4 scenarios, 1 case passed, 2 unsupported, 1 not testable
– openai  3 scenarios, 3 cases unsupported: not claimed

Not decided

  – gsai: 2 cases unsupported: no tools
  ? D  not testable: no key

cases   passed  failed  warnings  unsupported  not testable
gsai         1       0         0            2             1
openai       0       0         0            3             0

requirements  kept  missed  not decided
gsai MUST        1       0            0
gsai SHOULD      1       0            0

✓ conformant";
    assert!(text.contains(expected), "{text}");
    let verbose = plain(&much_undecided(), VERBOSE);
    let expected = "– openai  3 scenarios, 3 cases unsupported: not claimed\n    Z, X, Y\n";
    assert!(verbose.contains(expected), "{verbose}");
    assert!(verbose.contains("  – gsai: 2 cases unsupported: no tools\n      B, C\n"), "{verbose}");
}

#[test]
fn a_requirement_is_kept_missed_or_not_decided() {
    // The failure says nothing of the other requirement that the case verifies.
    let text = plain(&summary([finished("A", 1, vec![failed("A")])]), TerminalOptions::default());
    let expected = "\
requirements  kept  missed  not decided
gsai MUST        0       1            0
gsai SHOULD      0       0            1
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn warnings_that_say_the_same_are_told_once() {
    let miss = |step: &str, subject: &str| Miss {
        step: step.into(),
        subject: subject.into(),
        difference: None,
        ..miss(Level::Should)
    };
    let warned =
        |id: &str, misses: Vec<Miss>| finished(id, 1, vec![Case { misses, ..case(id, Verdict::Passed) }]);
    let summary = summary([
        warned("A", vec![miss("one", "header x"), miss("two", "header x"), miss("two", "header y")]),
        warned("B", vec![miss("one", "header x")]),
    ]);
    let text = plain(&summary, TerminalOptions::default());
    let expected = "
Warnings

  ! MUST chat.model-echoed, checked as SHOULD: header x: expected \"gpt-mini\", found \"gpt-maxi\", 3 times
      A (one, two), B (one)
  ! MUST chat.model-echoed, checked as SHOULD: header y: expected \"gpt-mini\", found \"gpt-maxi\"
      A (two)
";
    assert!(text.contains(expected), "{text}");
    assert!(has_line(&text, "✓ conformant: 2 passed, 4 warnings in 1.50 s"), "{text}");
}

/// Attempts at scenario `A`, each with an address of its own.
fn attempts(cases: impl IntoIterator<Item = Case>) -> Summary {
    let unfollowed = |(number, case)| ScenarioFinished { last: false, ..finished("A", number, vec![case]) };
    let mut attempts: Vec<_> = (1..).zip(cases).map(unfollowed).collect();
    if let Some(attempt) = attempts.last_mut() {
        attempt.last = true;
    }
    let events = attempts.into_iter().flat_map(|finished| {
        let mut exchange = exchange("A", finished.attempt, "chat");
        exchange.request.url = format!("http://127.0.0.1:4000/{}", finished.attempt);
        [Event::Exchange(Box::new(exchange)), Event::ScenarioFinished(Box::new(finished))]
    });
    fold([Event::RunStarted(started())].into_iter().chain(events).chain([Event::RunFinished(ended())]))
}

#[test]
fn a_failure_is_told_by_the_attempt_that_shows_most() {
    let silent = || {
        let late = Miss {
            subject: "response".into(),
            expected: "a complete response".into(),
            actual: "it was not complete within 5s".into(),
            difference: None,
            ..miss(Level::Must)
        };
        Case { misses: vec![late], ..case("A", Verdict::Failed) }
    };
    let refused = || undecided("A", Verdict::Error, "connection refused");
    for (last, sign) in [(silent(), "✗ failed"), (refused(), "⊗ error")] {
        let why = if last.misses.is_empty() {
            "connection refused"
        } else {
            "chat: response: expected a complete response, found it was not complete within 5s"
        };
        let text = plain(&attempts([silent(), failed("A"), last]), TerminalOptions::default());
        for part in [
            &*format!("{why}; attempt 2: chat: $.model: expected \"gpt-mini\", found \"gpt-maxi\"\n"),
            &format!("{sign} A  The chosen model answers\n"),
            &format!("  attempt 3, the last, says no more than: {why}\n  attempt 2 says more:\n"),
            "    subject   $.model\n",
            "  > POST http://127.0.0.1:4000/2\n",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(!text.contains("> POST http://127.0.0.1:4000/3\n"), "{text}");
    }
    // The last one says as much as any, or no other says more.
    for cases in
        [[failed("A"), failed("A")], [silent(), failed("A")], [silent(), silent()], [refused(), silent()]]
    {
        let text = plain(&attempts(cases), TerminalOptions::default());
        assert!(text.contains("> POST http://127.0.0.1:4000/2\n"), "{text}");
        assert!(!text.contains("says more") && !text.contains("; attempt"), "{text}");
    }
}

#[test]
fn a_check_that_binds_otherwise_than_its_requirement_says_so() {
    let mut contracts = started().contracts;
    contracts[0].requirements[0].level = Level::Should;
    let known = Event::RunStarted(RunStarted { contracts, ..started() });
    let rest = record([finished("A", 1, vec![failed("A")])]).into_iter().skip(1);
    let text = plain(&fold([known].into_iter().chain(rest)), TerminalOptions::default());
    assert!(text.contains("\n  SHOULD chat.model-echoed, checked as MUST\n    demands"), "{text}");
    let expected = "\
requirements  kept  missed  not decided
gsai SHOULD      0       1            1
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn dialects_of_a_scenario_stand_side_by_side() {
    let passed = |dialect: &str| {
        let id = format!("G_1@{dialect}");
        let seen = format!("{id}[upstream]");
        let upstream = Case { observer: Some("upstream".into()), ..case(&seen, Verdict::Passed) };
        finished(&id, 1, vec![case(&id, Verdict::Passed), upstream])
    };
    let unsupported =
        finished("G_1@gemini", 1, vec![undecided("G_1@gemini", Verdict::Unsupported, "not offered")]);
    let text = plain(&summary([passed("openai"), unsupported, passed("anthropic")]), VERBOSE);
    let expected = "\
✓ SEQ_CHAT  3 scenarios, 4 cases passed, 1 unsupported
    ✓ G_1@anthropic  passed
    ✓ G_1@anthropic[upstream]  passed
    ✓ G_1@openai  passed
    ✓ G_1@openai[upstream]  passed

Not decided

  – G_1@gemini  unsupported: not offered
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_requirement_is_told_once_and_one_that_the_record_does_not_tell_is_looked_up() {
    let twice = record([finished("A", 1, vec![failed("A")]), finished("B", 1, vec![failed("B")])]);
    let text = plain(&fold(twice.clone()), TerminalOptions::default());
    assert_eq!(text.matches("  demands   An answer names the model\n").count(), 1, "{text}");
    assert_eq!(text.matches("  MUST chat.model-echoed\n").count(), 2, "{text}");

    let mut contracts = started().contracts;
    contracts[0].requirements.clear();
    let bare = Event::RunStarted(RunStarted { contracts, ..started() });
    let text = plain(&fold([bare].into_iter().chain(twice.into_iter().skip(1))), TerminalOptions::default());
    let told = "  demands   what `plumbline explain chat.model-echoed` says\n";
    assert_eq!(text.matches(told).count(), 1, "{text}");
}

#[test]
fn brief_tells_each_failure_in_a_line_and_quiet_the_verdict_alone() {
    let brief = plain(&mixed(), BRIEF);
    assert!(brief.contains("    ✗ A  failed: chat: $.model: "), "{brief}");
    assert!(brief.contains("\nWarnings\n") && brief.contains("\n✗ not conformant: "), "{brief}");
    assert!(!brief.contains("Failures") && !brief.contains("curl"), "{brief}");

    assert_eq!(plain(&all_passed(), QUIET), "✓ conformant: 2 passed in 1.50 s\n");
    let mut cut = record([finished("A", 1, vec![failed("A")])]);
    cut.pop();
    let quiet = plain(&fold(cut), QUIET);
    assert!(quiet.starts_with("! the record is cut short"), "{quiet}");
    assert!(quiet.ends_with("✗ not conformant: 1 failed in 0 µs\n"), "{quiet}");
}

/// How a failure is told whose request has one body and whose answer has another.
fn told_with_bodies(sent: Body, received: Body) -> String {
    let mut exchange = exchange("A", 1, "chat");
    exchange.request.body = Some(sent);
    let response = Response { status: 200, headers: Vec::new(), body: received, first_event_us: None };
    exchange.outcome = Outcome::Response(response);
    let finished = finished("A", 1, vec![failed("A")]);
    let events = [
        Event::RunStarted(started()),
        Event::Exchange(Box::new(exchange)),
        Event::ScenarioFinished(Box::new(finished)),
        Event::RunFinished(ended()),
    ];
    plain(&fold(events), TerminalOptions::default())
}

#[test]
fn long_bodies_are_cut_to_what_matters_and_say_how_much_is_left_out() {
    let sent = body(&"s".repeat(65_000));
    let received = body(&format!("{}{{\"model\":\"gpt-maxi\"}}{}", "a".repeat(30_000), "z".repeat(30_000)));
    let text = told_with_bodies(sent, received);
    assert!(text.lines().all(|line| line.len() < 2_100), "a line is too long");
    assert!(text.len() < 8_000, "{} bytes", text.len());
    for part in [
        "  [… 63000 bytes left out; run.jsonl has all of it]\n\n  < 200",
        "aaa{\"model\":\"gpt-maxi\"}zzz",
        "--data-binary 'sss",
        "sss' # shortened: run.jsonl has more\n",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let short = told_with_bodies(body("{}"), Body { text: "begin".into(), bytes: 105, cut: true });
    assert!(short.contains("  begin\n  [… 100 bytes left out]\n"), "{short}");
    assert!(short.contains("--data-binary '{}'\n"), "{short}");
}

#[test]
fn strict_explains_why_it_is_not_conformant() {
    let summary = summary([finished(
        "A",
        1,
        vec![case("A", Verdict::Passed), billing(undecided("A", Verdict::NotTestable, "no observer"))],
    )]);
    let lax = plain(&summary, TerminalOptions::default());
    assert!(has_line(&lax, "✓ conformant: 1 passed, 1 not testable in 1.50 s"), "{lax}");
    let strict = plain(&summary, TerminalOptions { strict: true, ..TerminalOptions::default() });
    assert!(has_line(&strict, "! strict: 1 case not testable, which is not conformant"), "{strict}");
    assert!(has_line(&strict, "? SEQ_CHAT  1 scenario, 1 case passed, 1 not testable"), "{strict}");
    assert!(has_line(&strict, "✗ not conformant: 1 passed, 1 not testable in 1.50 s"), "{strict}");
}

#[test]
fn nothing_that_a_gateway_sends_reaches_the_terminal_as_a_command() {
    let odd = Miss { actual: "\u{1b}]0;owned\u{7}\u{9b}2J".into(), ..miss(Level::Must) };
    let case = Case { misses: vec![odd], ..case("A", Verdict::Failed) };
    let text = coloured(&summary([finished("A", 1, vec![case])]), TerminalOptions::default());
    assert!(!text.contains("\u{1b}]"), "{text}");
    assert!(!text.contains(['\u{7}', '\u{9b}']), "{text}");
    assert!(text.contains("\\u{1b}]0;owned\\u{7}\\u{9b}2J"), "{text}");
}

#[test]
fn nothing_that_a_record_names_reaches_the_terminal_as_a_command() {
    let odd = "x\u{1b}[2J\u{9b}\u{202e}\ny";
    let mut begun = started();
    begun.plumbline = odd.into();
    begun.contracts[0].version = odd.into();
    let odd_miss = |level| Miss { step: odd.into(), requirement: Some(odd.into()), ..miss(level) };
    let cases = [
        Case { misses: vec![odd_miss(Level::Must)], ..case(odd, Verdict::Failed) },
        Case { misses: vec![odd_miss(Level::Should)], ..case(odd, Verdict::Passed) },
        undecided(odd, Verdict::NotTestable, odd),
    ];
    let mut exchange = exchange(odd, 1, odd);
    exchange.request.body = Some(body(odd));
    let ended_scenario = ScenarioFinished {
        group: odd.into(),
        tags: vec![odd.into()],
        taken: vec![Taken { step: odd.into(), alternative: odd.into() }],
        ..finished(odd, 1, cases.to_vec())
    };
    let events = [
        Event::RunStarted(begun),
        Event::Exchange(Box::new(exchange)),
        Event::ScenarioFinished(Box::new(ended_scenario)),
        Event::RunFinished(ended()),
    ];
    let text = plain(&fold(events), VERBOSE);
    assert!(text.matches("x\\u{1b}[2J\\u{9b}\\u{202e}\\ny").count() > 8, "{text}");
    let steering = text.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
    assert_eq!(steering, None, "{text}");
    // The command sends what was sent, and shows it to nobody.
    assert!(text.contains(r"printf '%b' 'x\0033[2J\0302\0233\0342\0200\0256"), "{text}");
}
