use plumbline_record::{
    Case, ContractRef, Event, ExitCode, Level, ReadError, RunFinished, RunStarted, ScenarioFinished, Verdict,
};
use plumbline_reports::{Group, Scenario, Summary};

use crate::events::{
    billing, case, ended, exchange, failed, finished, flaky, fold, miss, record, started, summary, undecided,
};

fn passed(id: &str) -> ScenarioFinished {
    finished(id, 1, vec![case(id, Verdict::Passed)])
}

#[test]
fn keeps_exchanges_only_where_something_went_wrong() {
    let warned = Case { misses: vec![miss(Level::Should)], ..case("C", Verdict::Passed) };
    let summary = summary([
        passed("A"),
        finished("B", 1, vec![case("B", Verdict::Passed), failed("B[billing]")]),
        finished("C", 1, vec![warned]),
        finished("D", 1, vec![undecided("D", Verdict::Unsupported, "no chat")]),
        finished("E", 1, vec![undecided("E", Verdict::Error, "out of sockets")]),
    ]);
    let kept: Vec<_> =
        summary.scenarios().map(|scenario| (scenario.id(), scenario.last().exchanges.len())).collect();
    assert_eq!(kept, [("A", 0), ("B", 1), ("C", 1), ("D", 0), ("E", 1)]);
}

#[test]
fn gives_each_attempt_its_own_exchanges_however_they_interleave() {
    let event = |scenario: &str, step: &str| Event::Exchange(Box::new(exchange(scenario, 1, step)));
    let end = |id: &str| Event::ScenarioFinished(Box::new(finished(id, 1, vec![failed(id)])));
    let summary = fold([
        Event::RunStarted(started()),
        event("A", "first"),
        event("B", "second"),
        event("A", "third"),
        end("B"),
        end("A"),
    ]);
    let steps: Vec<Vec<_>> = summary
        .scenarios()
        .map(|scenario| scenario.last().exchanges.iter().map(|exchange| exchange.step.as_str()).collect())
        .collect();
    assert_eq!(steps, [vec!["first", "third"], vec!["second"]]);
}

#[test]
fn orders_groups_by_contract_and_scenarios_by_id() {
    let elsewhere = |id: &str, contract: &str, group: &str| ScenarioFinished {
        contract: contract.into(),
        group: group.into(),
        ..passed(id)
    };
    let summary = summary([
        elsewhere("Z", "openai", "A"),
        elsewhere("Y", "gsai", "B"),
        elsewhere("X", "gsai", "B"),
        elsewhere("W", "gsai", "A"),
    ]);
    let groups: Vec<_> = summary.groups().map(Group::qualified_name).collect();
    assert_eq!(groups, ["gsai.A", "gsai.B", "openai.A"]);
    let scenarios: Vec<_> = summary.scenarios().map(Scenario::id).collect();
    assert_eq!(scenarios, ["W", "X", "Y", "Z"]);
}

#[test]
fn judges_by_the_last_attempt() {
    let summary = flaky();
    let tally = summary.tally();
    assert_eq!((tally.passed, tally.failed, tally.flaky), (1, 0, 1));
    assert_eq!(summary.exit_code(true), ExitCode::Conformant);
    let scenario = summary.scenarios().next().unwrap();
    assert_eq!(scenario.attempts(), 2);
    assert_eq!(scenario.earlier().len(), 1);
    assert_eq!(scenario.earlier()[0].exchanges.len(), 1);
    assert!(scenario.recovered(&scenario.cases()[0]));
}

#[test]
fn tells_which_case_recovered() {
    let summary = summary([
        finished("A", 1, vec![case("A", Verdict::Passed), billing(failed("A"))]),
        finished("A", 2, vec![case("A", Verdict::Passed), billing(case("A", Verdict::Passed))]),
    ]);
    let scenario = summary.scenarios().next().unwrap();
    let recovered: Vec<_> = scenario.cases().iter().map(|case| scenario.recovered(case)).collect();
    assert_eq!(recovered, [false, true]);
}

#[test]
fn what_is_not_whole_is_never_conformant() {
    let whole = record([passed("A")]);
    assert_eq!(fold(whole.clone()).exit_code(false), ExitCode::Conformant);

    let cut = fold(whole.iter().take(whole.len() - 1).cloned());
    assert!(cut.cut_short());
    assert!(cut.finished().is_none());
    assert_eq!(cut.exit_code(false), ExitCode::NotConformant);

    let mut stopped = whole;
    stopped.pop();
    stopped.push(Event::RunFinished(RunFinished { interrupted: true, ..ended() }));
    let stopped = fold(stopped);
    assert!(stopped.interrupted());
    assert!(!stopped.cut_short());
    assert_eq!(stopped.exit_code(false), ExitCode::NotConformant);

    let nothing = RunFinished { interrupted: true, ..ended() };
    let nothing = fold([Event::RunStarted(started()), Event::RunFinished(nothing)]);
    assert_eq!(nothing.exit_code(false), ExitCode::NotConformant);
}

#[test]
fn an_attempt_that_another_was_to_follow_decides_nothing() {
    let unfollowed = |id: &str| ScenarioFinished { last: false, ..finished(id, 1, vec![failed(id)]) };
    let mut events = record([unfollowed("A"), passed("B")]);
    let ids = |summary: &Summary| summary.scenarios().map(|one| one.id().to_owned()).collect::<Vec<_>>();
    let stopped = fold(events.clone());
    assert_eq!(ids(&stopped), ["B"]);
    assert_eq!((stopped.tally().failed, stopped.tally().passed), (0, 1));
    // What the next record makes of it is a further attempt.
    events.extend(record([passed("A")]));
    let repeated = fold(events);
    assert_eq!(ids(&repeated), ["A", "B"]);
    assert_eq!((repeated.tally().passed, repeated.tally().flaky), (2, 1));
}

#[test]
fn nothing_at_all_is_nothing_checked() {
    assert_eq!(Summary::default().exit_code(false), ExitCode::NothingChecked);
    let skipped = summary([finished("A", 1, vec![undecided("A", Verdict::NotTestable, "no key")])]);
    assert_eq!(skipped.exit_code(false), ExitCode::NothingChecked);
    assert_eq!(skipped.exit_code(true), ExitCode::NotConformant);
}

#[test]
fn adds_shards_up() {
    let other = RunStarted {
        contracts: vec![ContractRef {
            name: "openai".into(),
            version: "3".into(),
            digest: "e".into(),
            requirements: Vec::new(),
        }],
        seed: None,
        ..started()
    };
    let mut events = record([passed("A")]);
    events.push(Event::RunStarted(other));
    events.push(Event::ScenarioFinished(Box::new(passed("B"))));
    assert!(fold(events.clone()).cut_short(), "the second record has no end yet");
    events.push(Event::RunFinished(RunFinished { interrupted: true, ..ended() }));
    let summary = fold(events);

    let first = summary.started().unwrap();
    assert_eq!(first.seed, Some(7));
    assert_eq!(first.selected, 6);
    let contracts: Vec<_> = first.contracts.iter().map(|contract| contract.name.as_str()).collect();
    assert_eq!(contracts, ["gsai", "openai"]);
    let end = summary.finished().unwrap();
    assert_eq!((end.duration_us, end.interrupted, end.tally.passed), (3_000_000, true, 2));
}

#[test]
fn a_later_record_neither_hides_a_failure_nor_inherits_its_exchanges() {
    let mut events = record([finished("A", 1, vec![failed("A")])]);
    events.pop();
    events.push(Event::Exchange(Box::new(exchange("B", 1, "left over"))));
    events.extend(record([passed("A"), finished("B", 1, vec![failed("B")])]));
    let summary = fold(events);

    let scenarios: Vec<_> = summary.scenarios().collect();
    assert_eq!(scenarios[0].attempts(), 2);
    assert_eq!(summary.tally().flaky, 1);
    let steps: Vec<_> = scenarios[1].last().exchanges.iter().map(|exchange| exchange.step.as_str()).collect();
    assert_eq!(steps, ["chat"]);
}

#[test]
fn repeating_what_passed_is_not_flaky() {
    let mut events = record([passed("A")]);
    events.extend(record([passed("A")]));
    let tally = fold(events).tally();
    assert_eq!((tally.passed, tally.flaky), (1, 0));
}

#[test]
fn reads_what_was_written_and_stops_at_an_error() {
    let events = record([finished("A", 1, vec![failed("A")])]);
    let text: String = events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect();
    let summary = Summary::read(plumbline_record::read(text.as_bytes())).unwrap();
    assert_eq!(summary.tally(), fold(events).tally());
    assert_eq!(summary.exit_code(false), ExitCode::NotConformant);

    let broken = format!("{text}{{oops\n");
    let error = Summary::read(plumbline_record::read(broken.as_bytes())).unwrap_err();
    assert!(matches!(error, ReadError::Malformed { line: 5, .. }));
}
