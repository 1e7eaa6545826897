mod contracts;
mod expectations;
mod failures;
mod tables;
mod undecided;
mod warnings;

use std::io;

use plumbline_record::{Case, ExitCode, Tally, Verdict};

use self::contracts::Contract;
use crate::detail::why;
use crate::duration::human;
use crate::listing::plural;
use crate::palette::{Palette, symbol};
use crate::printable::one_line;
use crate::scenario::{Revealing, Scenario};
use crate::summary::{Group, Summary};

/// What a reader of the terminal wants to see.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminalOptions {
    /// Whether a case that could not be tested makes the run not conformant.
    pub strict: bool,
    /// How much is told.
    pub verbosity: Verbosity,
}

/// How much is told of a run, from little to much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// The verdict alone.
    Quiet,
    /// Each failure in one line.
    Brief,
    /// Each failure in full, with what was sent and received.
    #[default]
    Normal,
    /// The names of cases that passed or were not decided as well.
    Verbose,
}

/// Writes the summary that a person reads at the end of a run.
///
/// It is styled for a terminal; where `out` is none, wrap it in a stream that strips the styles. Nothing is told by
/// colour alone.
///
/// # Errors
///
/// `out` cannot be written to.
pub fn render(summary: &Summary, options: &TerminalOptions, out: &mut impl io::Write) -> io::Result<()> {
    if options.verbosity > Verbosity::Quiet {
        account(summary, *options, out)?;
        writeln!(out)?;
    }
    closing(summary, options.strict, out)
}

/// Everything but the verdict.
fn account(summary: &Summary, options: TerminalOptions, out: &mut impl io::Write) -> io::Result<()> {
    let verbose = options.verbosity == Verbosity::Verbose;
    let contracts = Contract::all(summary);
    header(summary, out)?;
    for contract in &contracts {
        if undecided::whole(contract, verbose, out)? {
            continue;
        }
        for group in &contract.groups {
            let name = if contracts.len() > 1 { group.qualified_name() } else { group.name().to_owned() };
            group_lines(group, &name, options, out)?;
        }
    }
    undecided::render(&contracts, verbose, out)?;
    warnings::render(summary, out)?;
    if options.verbosity >= Verbosity::Normal {
        failures::render(summary, out)?;
    }
    expectations::render(summary, out)?;
    tables::render(summary, &contracts, out)
}

fn header(summary: &Summary, out: &mut impl io::Write) -> io::Result<()> {
    let Some(started) = summary.started() else { return Ok(()) };
    let Palette { strong, faint, .. } = Palette::COLOURED;
    let target = one_line(&started.target.name, usize::MAX);
    let url = one_line(&started.target.url, usize::MAX);
    let contracts: Vec<_> =
        started.contracts.iter().map(|contract| format!("{} {}", contract.name, contract.version)).collect();
    let contracts = if contracts.is_empty() { "no contract".to_owned() } else { contracts.join(", ") };
    write!(out, "{strong}{target}{strong:#} at {url} · {contracts}")?;
    write!(out, "{faint} · Plumbline {}", started.plumbline)?;
    if let Some(seed) = started.seed {
        write!(out, " · seed {seed}")?;
    }
    if let Some(shard) = &started.shard {
        write!(out, " · shard {shard}")?;
    }
    writeln!(out, "{faint:#}\n")
}

fn group_lines(
    group: &Group,
    name: &str,
    options: TerminalOptions,
    out: &mut impl io::Write,
) -> io::Result<()> {
    let tally = group.tally();
    let worst = group_verdict(group, &tally, options.strict);
    let (sign, style) = (symbol(worst), Palette::COLOURED.of(worst));
    let strong = Palette::COLOURED.strong;
    let mut counts = vec![plural(group.scenarios().count(), "scenario")];
    for (index, (count, verdict)) in by_verdict(&tally).enumerate() {
        let count = if index == 0 { plural(count, "case") } else { count.to_string() };
        counts.push(format!("{count} {}", counted(verdict)));
    }
    counts.extend(remarks(&tally));
    let counts = counts.join(", ");
    writeln!(out, "{style}{sign}{style:#} {strong}{name}{strong:#}  {counts}")?;
    for scenario in group.scenarios() {
        for case in scenario.cases().iter().filter(|case| !is_told_elsewhere(scenario, case)) {
            case_line(scenario, case, options.verbosity == Verbosity::Verbose, out)?;
        }
    }
    Ok(())
}

/// Whether a case has a place in the sections on what the user lists.
fn is_told_elsewhere(scenario: &Scenario, case: &Case) -> bool {
    case.expectation.is_some() && !case.counts_against() && !scenario.recovered(case)
}

/// A line for a case that was decided; why others were not is told by reason.
fn case_line(scenario: &Scenario, case: &Case, verbose: bool, out: &mut impl io::Write) -> io::Result<()> {
    let palette = Palette::COLOURED;
    let (name, verdict, attempts) = (&case.name, case.verdict, scenario.attempts());
    let (sign, style) = (symbol(verdict), palette.of(verdict));
    if verdict.is_adverse() {
        let attempt = if attempts > 1 { format!(" (attempt {attempts})") } else { String::new() };
        let reason = why(case).map_or_else(String::new, |why| format!(": {why}"));
        write!(out, "    {style}{sign}{style:#} {name}  {style}{verdict}{style:#}{attempt}{reason}")?;
        if let Some(Revealing { number, case, .. }) = scenario.revealing(case) {
            write!(out, "; attempt {number}: {}", why(case).unwrap_or_default())?;
        }
        writeln!(out)?;
    } else if scenario.recovered(case) {
        let caution = palette.caution;
        writeln!(
            out,
            "    {caution}~{caution:#} {name}  {caution}flaky{caution:#} (attempt {attempts} passed)"
        )?;
    } else if verbose && verdict == Verdict::Passed {
        writeln!(out, "    {style}{sign}{style:#} {name}  {style}{verdict}{style:#}")?;
    }
    Ok(())
}

fn closing(summary: &Summary, strict: bool, out: &mut impl io::Write) -> io::Result<()> {
    let tally = summary.tally();
    let code = summary.exit_code(strict);
    let caution = Palette::COLOURED.caution;
    if let Some(gap) = gap(summary) {
        writeln!(out, "{caution}!{caution:#} {gap}")?;
    }
    if code == ExitCode::NothingChecked {
        writeln!(out, "{caution}!{caution:#} {}", nothing_checked(&tally))?;
    }
    if strict && tally.not_testable > 0 {
        let cases = plural(tally.not_testable, "case");
        writeln!(out, "{caution}!{caution:#} strict: {cases} not testable, which is not conformant")?;
    }
    let (verdict, conclusion) = match code {
        ExitCode::NotConformant if tally.exit_code(strict) != code => (Verdict::Failed, stopped(summary)),
        // Who excuses failures may go on, but is not told that nothing failed.
        ExitCode::Conformant if tally.excused() > 0 => (Verdict::Passed, "as expected"),
        ExitCode::Conformant => (Verdict::Passed, "conformant"),
        ExitCode::NotConformant => (Verdict::Failed, "not conformant"),
        ExitCode::StaleExpectation => (Verdict::Failed, "stale expectations"),
        _ => (Verdict::Disabled, "nothing checked"),
    };
    let (sign, style) = (symbol(verdict), Palette::COLOURED.of(verdict));
    let mut totals: Vec<_> =
        by_verdict(&tally).map(|(count, verdict)| format!("{count} {}", counted(verdict))).collect();
    if totals.is_empty() {
        totals.push("no cases".to_owned());
    }
    totals.extend(remarks(&tally));
    let totals = totals.join(", ");
    let duration = human(summary.duration_us());
    writeln!(out, "{style}{sign} {conclusion}{style:#}: {totals} in {duration}")
}

/// How a run is called that did not come to its end.
fn stopped(summary: &Summary) -> &'static str {
    if summary.interrupted() { "interrupted" } else { "cut short" }
}

/// What is missing from a run that did not come to its end.
fn gap(summary: &Summary) -> Option<String> {
    let what = if summary.interrupted() {
        "interrupted"
    } else if summary.cut_short() {
        "the record is cut short"
    } else {
        return None;
    };
    let ran = summary.scenarios().count();
    let of = summary.started().map_or_else(String::new, |started| format!(" of {}", started.selected));
    Some(format!("{what}: {ran}{of} selected scenarios finished, which proves nothing about the rest"))
}

fn nothing_checked(tally: &Tally) -> &'static str {
    if tally.total() == 0 {
        "nothing was checked: no scenario ran. Loosen the filters; `plumbline run --help` lists them"
    } else {
        "nothing was checked: no case could be decided. \
         `plumbline run --help` tells of filters and targets"
    }
}

/// The verdict whose sign stands before a group; one case that could not be tested does not hide those that passed,
/// and neither does one that is excused.
fn group_verdict(group: &Group, tally: &Tally, strict: bool) -> Verdict {
    let cases = group.scenarios().flat_map(Scenario::cases);
    let adverse = cases.filter(|case| case.counts_against()).map(|case| case.verdict).max();
    if let Some(adverse) = adverse {
        adverse
    } else if tally.passed > 0 && !(strict && tally.not_testable > 0) {
        Verdict::Passed
    } else {
        by_verdict(tally).map(|(_, verdict)| verdict).max().unwrap_or(Verdict::Disabled)
    }
}

fn by_verdict(tally: &Tally) -> impl Iterator<Item = (usize, Verdict)> {
    [
        (tally.passed, Verdict::Passed),
        (tally.failed, Verdict::Failed),
        (tally.error, Verdict::Error),
        (tally.unsupported, Verdict::Unsupported),
        (tally.not_testable, Verdict::NotTestable),
        (tally.disabled, Verdict::Disabled),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
}

fn remarks(tally: &Tally) -> Vec<String> {
    let mut remarks = Vec::new();
    if tally.warnings > 0 {
        remarks.push(plural(tally.warnings, "warning"));
    }
    if tally.flaky > 0 {
        remarks.push(format!("{} flaky", tally.flaky));
    }
    for (count, noun) in [
        (tally.expected_failures, "expected failure"),
        (tally.flaky_failures, "flaky failure"),
        (tally.stale, "stale expectation"),
    ] {
        if count > 0 {
            remarks.push(plural(count, noun));
        }
    }
    remarks
}

/// The word for a verdict behind a number.
fn counted(verdict: Verdict) -> &'static str {
    if verdict == Verdict::Error { "in error" } else { verdict.word() }
}
