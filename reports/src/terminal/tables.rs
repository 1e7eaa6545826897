use std::collections::BTreeMap;
use std::io;

use plumbline_record::{Level, Tally};

use super::contracts::Contract;
use crate::palette::Palette;
use crate::standing::{Standing, standings};
use crate::summary::Summary;

/// A column of the cases: its heading, whether it is there though nothing is in it, and what it counts.
type Column = (&'static str, bool, fn(&Tally) -> usize);

const COLUMNS: [Column; 7] = [
    ("passed", true, |tally| tally.passed),
    ("failed", true, |tally| tally.failed),
    ("error", false, |tally| tally.error),
    ("warnings", true, |tally| tally.warnings),
    ("unsupported", true, |tally| tally.unsupported),
    ("not testable", true, |tally| tally.not_testable),
    ("disabled", false, |tally| tally.disabled),
];

/// Writes what came of each contract: its cases, where there are several contracts, and its requirements.
pub(super) fn render(
    summary: &Summary,
    contracts: &[Contract<'_>],
    out: &mut impl io::Write,
) -> io::Result<()> {
    if contracts.len() > 1 {
        cases(contracts, out)?;
    }
    requirements(summary, out)
}

fn cases(contracts: &[Contract<'_>], out: &mut impl io::Write) -> io::Result<()> {
    let tallies: Vec<_> =
        contracts.iter().map(|contract| (contract.name.to_owned(), contract.tally())).collect();
    let is_shown = |(_, always, count): &Column| *always || tallies.iter().any(|(_, tally)| count(tally) > 0);
    let columns: Vec<_> = COLUMNS.into_iter().filter(is_shown).collect();
    let headings: Vec<_> = columns.iter().map(|(heading, ..)| *heading).collect();
    let counts = |tally: &Tally| columns.iter().map(|(.., count)| count(tally)).collect::<Vec<_>>();
    let rows: Vec<_> = tallies.iter().map(|(name, tally)| (name.clone(), counts(tally))).collect();
    table("cases", &headings, &rows, out)
}

fn requirements(summary: &Summary, out: &mut impl io::Write) -> io::Result<()> {
    let mut counts: BTreeMap<&str, BTreeMap<Level, [usize; 3]>> = BTreeMap::new();
    for ((contract, _), (level, standing)) in standings(summary) {
        let [kept, missed, undecided] = counts.entry(contract).or_default().entry(level).or_default();
        match standing {
            Standing::Kept => *kept += 1,
            Standing::Missed => *missed += 1,
            Standing::Undecided => *undecided += 1,
        }
    }
    // Of a contract that nothing was decided of, the cases say enough.
    let decided =
        |levels: &BTreeMap<Level, [usize; 3]>| levels.values().any(|[kept, missed, _]| kept + missed > 0);
    let rows: Vec<_> = counts
        .into_iter()
        .filter(|(_, levels)| decided(levels))
        .flat_map(|(contract, levels)| {
            // The most binding first.
            levels
                .into_iter()
                .rev()
                .map(move |(level, counts)| (format!("{contract} {level}"), counts.to_vec()))
        })
        .collect();
    table("requirements", &["kept", "missed", "not decided"], &rows, out)
}

/// Writes rows of counts below their headings; nothing where there are no rows.
fn table(
    title: &str,
    headings: &[&str],
    rows: &[(String, Vec<usize>)],
    out: &mut impl io::Write,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let Palette { strong, .. } = Palette::COLOURED;
    let first = rows.iter().map(|(name, _)| name.len()).chain([title.len()]).max().unwrap_or_default();
    write!(out, "\n{strong}{title:<first$}{strong:#}")?;
    for heading in headings {
        write!(out, "  {heading}")?;
    }
    writeln!(out)?;
    for (name, counts) in rows {
        write!(out, "{name:<first$}")?;
        for (heading, count) in headings.iter().zip(counts) {
            let width = heading.len();
            write!(out, "  {count:>width$}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
