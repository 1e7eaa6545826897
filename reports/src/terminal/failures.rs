use std::io;
use std::slice;

use plumbline_record::{Case, Exchange};

use crate::curl::curl;
use crate::detail::{Detail, place};
use crate::palette::{Palette, symbol};
use crate::printable::{one_line, printable};
use crate::scenario::Attempt;
use crate::summary::Summary;
use crate::transcript::Transcript;

/// Characters of a body in a terminal.
const BODY_LIMIT: usize = 1_000;

/// Tells each failed or broken case that nothing excuses in full, with what it takes to repeat it.
pub(super) fn render(summary: &Summary, out: &mut impl io::Write) -> io::Result<()> {
    let strong = Palette::COLOURED.strong;
    let mut first = true;
    for scenario in summary.scenarios() {
        for case in scenario.cases().iter().filter(|case| case.counts_against()) {
            if first {
                writeln!(out, "\n{strong}Failures{strong:#}")?;
                first = false;
            }
            failure(scenario.last(), case, out)?;
        }
    }
    Ok(())
}

fn failure(attempt: &Attempt, case: &Case, out: &mut impl io::Write) -> io::Result<()> {
    let palette = Palette::COLOURED;
    let Palette { strong, .. } = palette;
    let (sign, style, verdict) = (symbol(case.verdict), palette.of(case.verdict), case.verdict);
    let (name, title) = (&case.name, one_line(&attempt.finished.title, usize::MAX));
    writeln!(out, "\n{style}{sign} {verdict}{style:#} {strong}{name}{strong:#}  {title}")?;
    writeln!(out, "  {}", place(&attempt.finished.location))?;
    if let Some(reason) = &case.reason {
        writeln!(out, "  {}", printable(reason).replace('\n', "\n  "))?;
    }
    for miss in &case.misses {
        write!(out, "\n{}", Detail { miss, palette, indent: "  " })?;
    }
    for exchange in attempt.at_fault(case) {
        evidence(exchange, out)?;
    }
    Ok(())
}

fn evidence(exchange: &Exchange, out: &mut impl io::Write) -> io::Result<()> {
    let faint = Palette::COLOURED.faint;
    let transcript = Transcript::new(slice::from_ref(exchange)).body_limit(BODY_LIMIT).to_string();
    writeln!(out)?;
    for line in transcript.lines() {
        if line.is_empty() {
            writeln!(out)?;
        } else {
            writeln!(out, "  {faint}{line}{faint:#}")?;
        }
    }
    // Further lines belong to a quoted body, which an indent would change.
    writeln!(out, "\n  {}", curl(&exchange.request))
}
