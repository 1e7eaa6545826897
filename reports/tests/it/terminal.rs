use plumbline_record::{Case, Event, Level, Miss, RunFinished, ScenarioFinished, Verdict};
use plumbline_reports::{Summary, TerminalOptions, render};

use crate::events::{
    billing, case, ended, failed, finished, flaky, fold, miss, record, started, summary, undecided,
};

fn coloured(summary: &Summary, options: TerminalOptions) -> String {
    let mut out = Vec::new();
    assert!(render(summary, &options, &mut out).is_ok());
    String::from_utf8_lossy(&out).into_owned()
}

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
         ✓ conformant: 2 passed in 1.50 s\n"
    );
}

#[test]
fn verbose_lists_what_passed() {
    let text = plain(&all_passed(), TerminalOptions { verbose: true, ..TerminalOptions::default() });
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
        "    ✗ A  failed: chat: $.model: expected \"gpt-mini\", actual \"gpt-maxi\"",
        "    ? A[billing]  not testable: no observer",
        "    ! B  warning: SHOULD chat.model-echoed: chat: $.model: expected \"gpt-mini\", actual \"gpt-maxi\"",
        "    – C  unsupported: no images",
        "    ○ D  disabled: left out",
        "    ⊗ E  error: out of sockets",
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
    step      chat
    subject   $.model
    expected  "gpt-mini"
    actual    "gpt-maxi"
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
    assert!(has_line(&cut, "✗ not conformant: 1 passed in 0 µs"), "{cut}");

    events.push(Event::RunFinished(RunFinished { interrupted: true, ..ended() }));
    let stopped = plain(&fold(events), TerminalOptions::default());
    assert!(stopped.contains("! interrupted: 1 of 3 selected scenarios finished"), "{stopped}");
    assert!(has_line(&stopped, "✗ not conformant: 1 passed in 1.50 s"), "{stopped}");
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
    assert!(text.contains("no case could be decided"), "{text}");
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
