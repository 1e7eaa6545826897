use std::io;
use std::time::Duration;

use plumbline_record::{Case, Expectation, Verdict};
use quick_junit::{
    NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestRerun, TestSuite,
};
use thiserror::Error;

use crate::curl::curl;
use crate::detail::{
    Demand, Detail, expected, first_must, heading, place, requirement, sentence, untold_reason, why,
};
use crate::palette::Palette;
use crate::printable::{one_line, printable};
use crate::scenario::{Attempt, Scenario};
use crate::summary::{Group, Summary};
use crate::transcript::Transcript;

/// Why a JUnit report could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JunitError {
    /// The document could not be built.
    #[error("build the JUnit report: {0}")]
    Build(#[from] SerializeError),
    /// The document could not be written.
    #[error("write the JUnit report: {0}")]
    Write(#[from] io::Error),
}

/// Writes the JUnit report, for CI systems to show.
///
/// It keeps to the Jenkins schema `junit-10.xsd`, but for the attributes `file` and `line` of a test case, which
/// viewers use to link to the scenario.
///
/// # Errors
///
/// The document cannot be built, or `out` cannot be written to.
pub fn write_junit(summary: &Summary, strict: bool, mut out: impl io::Write) -> Result<(), JunitError> {
    let report = junit(summary, strict);
    // The schema knows no count of skipped cases on the root, whose attributes come first.
    let skipped = format!(" skipped=\"{}\"", report.skipped);
    let document = report.to_string()?.replacen(&skipped, "", 1);
    out.write_all(document.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// The JUnit report as data: a suite for each group, a test case for each case of its last attempts.
///
/// `strict` turns a case that could not be tested from skipped into an error.
pub fn junit(summary: &Summary, strict: bool) -> Report {
    let mut report = Report::new("plumbline");
    report.set_time(Duration::from_micros(summary.duration_us()));
    report.add_test_suites(summary.groups().map(|group| suite(group, summary, strict)));
    report
}

fn suite(group: &Group, summary: &Summary, strict: bool) -> TestSuite {
    let name = group.qualified_name();
    let mut suite = TestSuite::new(&name);
    if let Some(started) = summary.started() {
        suite.add_property(Property::new("target", one_line(&started.target.name, usize::MAX)));
        suite.add_property(Property::new("url", one_line(&started.target.url, usize::MAX)));
        suite.add_property(Property::new("plumbline", &started.plumbline));
        if let Some(seed) = started.seed {
            suite.add_property(Property::new("seed", seed.to_string()));
        }
        if let Some(shard) = &started.shard {
            suite.add_property(Property::new("shard", shard.to_string()));
        }
    }
    if summary.interrupted() {
        // What did not run is in no suite, and its absence looks like success.
        suite.add_property(Property::new("interrupted", "true"));
    }
    let mut duration_us = 0_u64;
    for scenario in group.scenarios() {
        for attempt in scenario.earlier().iter().chain([scenario.last()]) {
            duration_us = duration_us.saturating_add(attempt.finished.duration_us);
        }
        let cases = scenario.cases().iter();
        suite.add_test_cases(cases.map(|case| test_case(&name, scenario, case, summary, strict)));
    }
    suite.set_time(Duration::from_micros(duration_us));
    suite
}

fn test_case(suite: &str, scenario: &Scenario, case: &Case, summary: &Summary, strict: bool) -> TestCase {
    let attempt = scenario.last();
    let location = &attempt.finished.location;
    let mut test_case = TestCase::new(&case.name, status(scenario, case, summary, strict));
    test_case.set_classname(suite);
    test_case.set_time(time(attempt, case));
    test_case.extra.insert("file".into(), location.file.as_str().into());
    test_case.extra.insert("line".into(), location.line.to_string().into());
    test_case.add_properties(properties(scenario, case, summary));
    if case.counts_against() && !attempt.exchanges.is_empty() {
        test_case.set_system_out(Transcript::new(&attempt.exchanges).to_string());
    }
    test_case
}

/// An observer's case takes no time of its own, so that the cases of a suite add up.
fn time(attempt: &Attempt, case: &Case) -> Duration {
    if case.observer.is_none() { Duration::from_micros(attempt.finished.duration_us) } else { Duration::ZERO }
}

fn properties(scenario: &Scenario, case: &Case, summary: &Summary) -> Vec<Property> {
    let finished = &scenario.last().finished;
    let mut properties = vec![Property::new("contract", &finished.contract)];
    if let Some(level) = case.verifies.iter().map(|verified| verified.level).max() {
        properties.push(Property::new("level", level.to_string()));
    }
    properties
        .extend(case.verifies.iter().map(|verified| Property::new("requirement", &verified.requirement)));
    properties.extend(finished.tags.iter().map(|tag| Property::new("tag", tag)));
    properties.extend(finished.covers.iter().map(|id| Property::new("covers", id)));
    properties.push(Property::new("attempt", scenario.attempts().to_string()));
    if case.observer.is_none() {
        properties.extend(
            finished
                .taken
                .iter()
                .map(|taken| Property::new("alternative", format!("{}: {}", taken.step, taken.alternative))),
        );
    }
    properties.extend(case.warnings().map(|miss| {
        let heading = heading(miss, summary.level(&finished.contract, miss));
        Property::new("warning", format!("{heading}: {}", sentence(miss)))
    }));
    if let Some(expectation) = &case.expectation {
        properties.push(Property::new("expectation", expected(expectation)));
        properties
            .extend(expectation.link.as_ref().map(|link| Property::new("link", one_line(link, usize::MAX))));
    }
    properties
}

fn status(scenario: &Scenario, case: &Case, summary: &Summary, strict: bool) -> TestCaseStatus {
    match &case.expectation {
        Some(expectation) if case.is_stale() => return stale(expectation),
        Some(expectation) if case.is_excused() => return excused(case, expectation),
        _ => {}
    }
    match case.verdict {
        Verdict::Passed => {
            let mut status = TestCaseStatus::success();
            status.add_reruns(reruns(scenario, case, summary));
            status
        }
        Verdict::Failed | Verdict::Error => {
            let mut status = TestCaseStatus::non_success(kind(case));
            status
                .set_message(message(case))
                .set_type(failure_type(case))
                .set_description(description(scenario.last(), case, summary))
                .add_reruns(reruns(scenario, case, summary));
            status
        }
        Verdict::Unsupported | Verdict::NotTestable | Verdict::Disabled => {
            let mut status = if strict && case.verdict == Verdict::NotTestable {
                TestCaseStatus::non_success(NonSuccessKind::Error)
            } else {
                TestCaseStatus::skipped()
            };
            let word = case.verdict.word();
            let message = why(case).map_or_else(|| word.to_owned(), |why| format!("{word}: {why}"));
            status.set_message(message).set_type(word);
            status
        }
    }
}

/// A failure that the user excuses is skipped, with their reason for it.
fn excused(case: &Case, expectation: &Expectation) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status
        .set_message(expected(expectation))
        .set_type(expectation.kind.words())
        .set_description(message(case));
    status
}

/// A success that contradicts the user's file is a failure, for a CI system that reads nothing but this.
fn stale(expectation: &Expectation) -> TestCaseStatus {
    let Expectation { pattern, location, .. } = expectation;
    let remedy = format!(
        "`{pattern}` at {} says that it fails. Take out what passes, or run `plumbline expect update {}`.",
        place(location),
        location.file
    );
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status
        .set_message(format!("passed, and is listed as an {}", expected(expectation)))
        .set_type("stale-expectation")
        .set_description(one_line(&remedy, usize::MAX));
    status
}

fn reruns(scenario: &Scenario, case: &Case, summary: &Summary) -> Vec<TestRerun> {
    scenario
        .setbacks(&case.name)
        .map(|(attempt, case)| {
            let mut rerun = TestRerun::new(kind(case));
            rerun
                .set_message(message(case))
                .set_type(failure_type(case))
                .set_description(description(attempt, case, summary));
            rerun
        })
        .collect()
}

fn kind(case: &Case) -> NonSuccessKind {
    if case.verdict == Verdict::Error { NonSuccessKind::Error } else { NonSuccessKind::Failure }
}

fn message(case: &Case) -> String {
    why(case).unwrap_or_else(|| case.verdict.word().to_owned())
}

fn failure_type(case: &Case) -> &str {
    if case.verdict == Verdict::Error {
        case.verdict.word()
    } else {
        first_must(case).map_or("check", requirement)
    }
}

/// Everything needed to mend a failure: the reason, each missed check in full, and the commands that repeat it.
fn description(attempt: &Attempt, case: &Case, summary: &Summary) -> String {
    let mut parts = Vec::new();
    if let Some(reason) = untold_reason(case) {
        parts.push(format!("{}\n", printable(reason)));
    }
    if case.misses.is_empty() {
        parts.push(format!("{}\n", place(&attempt.finished.location)));
    }
    let palette = Palette::PLAIN;
    let contract = &attempt.finished.contract;
    parts.extend(case.misses.iter().map(|miss| {
        let (required, demand) = (summary.level(contract, miss), Demand::of(miss, contract, summary));
        Detail { miss, required, demand, palette, indent: "" }.to_string()
    }));
    parts.extend(attempt.at_fault(case).into_iter().map(|exchange| curl(&exchange.request)));
    parts.join("\n")
}
