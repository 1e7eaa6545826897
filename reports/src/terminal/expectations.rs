use std::collections::BTreeSet;
use std::io;

use plumbline_record::{Case, Expectation, ExpectationKind, Verdict};

use crate::detail::{place, why};
use crate::palette::{Palette, symbol};
use crate::printable::one_line;
use crate::scenario::Scenario;
use crate::summary::Summary;

/// A case that the user lists, and as what.
type Listed<'a> = (&'a Expectation, &'a Case);

/// Tells what became of the cases that the user lists: by reason, in the order of their file.
pub(super) fn render(summary: &Summary, out: &mut impl io::Write) -> io::Result<()> {
    let cases = summary.scenarios().flat_map(Scenario::cases);
    let mut listed: Vec<Listed<'_>> =
        cases.filter_map(|case| Some((case.expectation.as_ref()?, case))).collect();
    listed.sort_by(|a, b| (&a.0.location, &a.1.name).cmp(&(&b.0.location, &b.1.name)));
    let (stale, rest): (Vec<_>, Vec<_>) = listed.into_iter().partition(|(_, case)| case.is_stale());
    let (flaky, expected): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|(expectation, _)| expectation.kind == ExpectationKind::Flaky);
    section("Expected failures", &expected, out)?;
    section("Flaky", &flaky, out)?;
    call_to_action(&stale, out)
}

fn section(title: &str, listed: &[Listed<'_>], out: &mut impl io::Write) -> io::Result<()> {
    if listed.is_empty() {
        return Ok(());
    }
    let Palette { strong, faint, .. } = Palette::COLOURED;
    writeln!(out, "\n{strong}{title}{strong:#}")?;
    for group in listed.chunk_by(|a, b| (&a.0.reason, &a.0.link) == (&b.0.reason, &b.0.link)) {
        let Some((Expectation { reason, link, .. }, _)) = group.first() else { continue };
        write!(out, "\n  {}", one_line(reason, usize::MAX))?;
        if let Some(link) = link {
            write!(out, "{faint} · {}{faint:#}", one_line(link, usize::MAX))?;
        }
        writeln!(out)?;
        for (expectation, case) in group {
            let (sign, style) = (symbol(case.verdict), Palette::COLOURED.of(case.verdict));
            let what = what(expectation.kind, case);
            writeln!(out, "    {style}{sign}{style:#} {}  {what}", case.name)?;
        }
    }
    Ok(())
}

/// What a listed case did this time. That a known failure failed needs no further words.
fn what(kind: ExpectationKind, case: &Case) -> String {
    let verdict = case.verdict;
    let why = why(case).map_or_else(String::new, |why| format!(": {why}"));
    match verdict {
        Verdict::Failed if kind == ExpectationKind::ExpectedFailure => verdict.to_string(),
        Verdict::Error if kind == ExpectationKind::ExpectedFailure => {
            format!("{verdict}, which nothing excuses{why}")
        }
        Verdict::Passed | Verdict::Failed | Verdict::Error => format!("{verdict}{why}"),
        Verdict::Unsupported | Verdict::NotTestable | Verdict::Disabled => {
            format!("not decided, {verdict}{why}")
        }
    }
}

/// Lists what passes though the user's file says that it fails, and what to do about it.
fn call_to_action(stale: &[Listed<'_>], out: &mut impl io::Write) -> io::Result<()> {
    if stale.is_empty() {
        return Ok(());
    }
    let Palette { strong, faint, caution, .. } = Palette::COLOURED;
    writeln!(out, "\n{strong}Stale expectations{strong:#}\n")?;
    for (Expectation { pattern, location, .. }, case) in stale {
        let (name, place) = (&case.name, place(location));
        let listed = one_line(&format!("`{pattern}` at {place}"), usize::MAX);
        writeln!(out, "  {caution}!{caution:#} {name}  passes now, and is listed: {faint}{listed}{faint:#}")?;
    }
    let files: BTreeSet<&str> = stale.iter().map(|(listed, _)| listed.location.file.as_str()).collect();
    for file in files {
        let file = one_line(file, usize::MAX);
        writeln!(out, "\n  Take what passes out of {file}, or run `plumbline expect update {file}`")?;
    }
    Ok(())
}
