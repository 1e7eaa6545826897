use std::collections::{BTreeMap, BTreeSet};
use std::io;

use plumbline_record::Miss;

use crate::detail::{about, heading, requirement};
use crate::listing::list;
use crate::palette::Palette;
use crate::summary::Summary;

/// Warnings that say the same.
struct Alike<'s> {
    first: &'s Miss,
    heading: String,
    times: usize,
    /// The cases, with the steps in which they missed it.
    cases: BTreeMap<&'s str, BTreeSet<&'s str>>,
}

/// Tells the checks that missed and fail no case. Those that speak of one thing and found the same are told once.
pub(super) fn render(summary: &Summary, out: &mut impl io::Write) -> io::Result<()> {
    let mut warnings: BTreeMap<_, Alike<'_>> = BTreeMap::new();
    for scenario in summary.scenarios() {
        let contract = scenario.last().finished.contract.as_str();
        for case in scenario.cases() {
            for miss in case.warnings() {
                let key = (contract, requirement(miss), &miss.subject, &miss.actual, miss.level);
                let heading = || heading(miss, summary.level(contract, miss));
                let new = || Alike { first: miss, heading: heading(), times: 0, cases: BTreeMap::new() };
                let alike = warnings.entry(key).or_insert_with(new);
                alike.times += 1;
                alike.cases.entry(&case.name).or_default().insert(&miss.step);
            }
        }
    }
    let Palette { strong, caution, .. } = Palette::COLOURED;
    if !warnings.is_empty() {
        writeln!(out, "\n{strong}Warnings{strong:#}\n")?;
    }
    for Alike { first, heading, times, cases } in warnings.values() {
        let about = about(first);
        let times = if *times > 1 { format!(", {times} times") } else { String::new() };
        writeln!(out, "  {caution}!{caution:#} {heading}: {about}{times}")?;
        let named = cases.iter().map(|(case, steps)| {
            let steps: Vec<_> = steps.iter().copied().collect();
            format!("{case} ({})", steps.join(", "))
        });
        list(named.collect::<Vec<_>>().iter().map(String::as_str), "      ", out)?;
    }
    Ok(())
}
