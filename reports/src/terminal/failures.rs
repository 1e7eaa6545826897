use std::collections::BTreeSet;
use std::io;
use std::slice;

use plumbline_record::{Case, Exchange, Miss, Outcome};

use crate::curl::short_curl;
use crate::detail::{Demand, Detail, place, untold_reason, why};
use crate::palette::{Palette, symbol};
use crate::printable::{one_line, printable};
use crate::scenario::{Revealing, Scenario};
use crate::summary::Summary;
use crate::transcript::Transcript;

/// Characters of a body in a terminal.
const BODY_LIMIT: usize = 2_000;
/// Characters of what a command sends.
const COMMAND_LIMIT: usize = 1_000;
/// Shorter texts stand nearly everywhere, and so tell no place.
const TELLING: usize = 4;

/// The requirements of which was told what they demand, by contract and id.
type Told<'s> = BTreeSet<(&'s str, &'s str)>;

/// Tells each failed or broken case that nothing excuses in full, with what it takes to repeat it.
pub(super) fn render(summary: &Summary, out: &mut impl io::Write) -> io::Result<()> {
    let strong = Palette::COLOURED.strong;
    let mut told = Told::new();
    let mut first = true;
    for scenario in summary.scenarios() {
        for case in scenario.cases().iter().filter(|case| case.counts_against()) {
            if first {
                writeln!(out, "\n{strong}Failures{strong:#}")?;
                first = false;
            }
            failure(summary, scenario, case, &mut told, out)?;
        }
    }
    Ok(())
}

fn failure<'s>(
    summary: &'s Summary,
    scenario: &'s Scenario,
    case: &'s Case,
    told: &mut Told<'s>,
    out: &mut impl io::Write,
) -> io::Result<()> {
    let palette = Palette::COLOURED;
    let Palette { strong, .. } = palette;
    let (sign, style, verdict) = (symbol(case.verdict), palette.of(case.verdict), case.verdict);
    let finished = &scenario.last().finished;
    let (name, title) = (&case.name, one_line(&finished.title, usize::MAX));
    writeln!(out, "\n{style}{sign} {verdict}{style:#} {strong}{name}{strong:#}  {title}")?;
    writeln!(out, "  {}", place(&finished.location))?;
    let (attempt, case) = match scenario.revealing(case) {
        None => (scenario.last(), case),
        Some(Revealing { number, attempt, case: revealing }) => {
            let (attempts, last) = (scenario.attempts(), why(case).unwrap_or_default());
            writeln!(out, "  attempt {attempts}, the last, says no more than: {last}")?;
            writeln!(out, "  attempt {number} says more:")?;
            (attempt, revealing)
        }
    };
    if let Some(reason) = untold_reason(case) {
        writeln!(out, "  {}", printable(reason).replace('\n', "\n  "))?;
    }
    let contract = finished.contract.as_str();
    for miss in &case.misses {
        let is_new = miss.requirement.as_deref().is_some_and(|id| told.insert((contract, id)));
        let demand = if is_new { Demand::of(miss, contract, summary) } else { Demand::Untold };
        let required = summary.level(contract, miss);
        write!(out, "\n{}", Detail { miss, required, demand, palette, indent: "  " })?;
    }
    for exchange in attempt.at_fault(case) {
        evidence(exchange, case, out)?;
    }
    Ok(())
}

fn evidence(exchange: &Exchange, case: &Case, out: &mut impl io::Write) -> io::Result<()> {
    let faint = Palette::COLOURED.faint;
    let mut misses = case.misses.iter().filter(|miss| miss.step == exchange.step);
    let place = match &exchange.outcome {
        Outcome::Response(response) => misses.find_map(|miss| at_fault(miss, &response.body.text)),
        Outcome::Failure(_) => None,
    };
    let transcript =
        Transcript::new(slice::from_ref(exchange)).body_limit(BODY_LIMIT).around(place.unwrap_or(0));
    writeln!(out)?;
    for line in transcript.to_string().lines() {
        if line.is_empty() {
            writeln!(out)?;
        } else {
            writeln!(out, "  {faint}{line}{faint:#}")?;
        }
    }
    // Further lines belong to a quoted body, which an indent would change.
    writeln!(out, "\n  {}", short_curl(&exchange.request, COMMAND_LIMIT))
}

/// Where in a body stands what a check missed: the value that was found, or the member that was looked for.
fn at_fault(miss: &Miss, body: &str) -> Option<usize> {
    let difference = miss.difference.as_ref().map(|difference| difference.actual.as_str());
    // A long value is shown shortened.
    let value = miss.actual.trim_end_matches('…');
    let found = difference.into_iter().chain([value]).filter(|text| text.len() >= TELLING);
    let path = miss.subject.split_once('$').map_or("", |(_, path)| path);
    let words = path.rsplit(|c: char| !(c.is_alphanumeric() || c == '_'));
    let named = words.filter(|word| !word.is_empty()).map(|word| format!("\"{word}\""));
    found.map(str::to_owned).chain(named).find_map(|text| body.find(&text))
}
