use std::collections::BTreeMap;
use std::io;

use plumbline_record::{Case, Verdict};

use super::contracts::Contract;
use super::is_told_elsewhere;
use crate::detail::why;
use crate::listing::{list, plural};
use crate::palette::{Palette, symbol};
use crate::scenario::Scenario;

/// Why cases were not decided, and which: by contract, verdict and reason.
type Undecided<'s> = BTreeMap<(&'s str, Verdict, String), Vec<&'s str>>;

/// Tells why cases were not decided: each reason once, with the number of its cases, and with their names where asked.
pub(super) fn render(contracts: &[Contract<'_>], verbose: bool, out: &mut impl io::Write) -> io::Result<()> {
    let mut undecided = Undecided::new();
    for contract in contracts.iter().filter(|contract| shared(contract).is_none()) {
        for (case, reason) in contract.scenarios().flat_map(cases) {
            undecided.entry((contract.name, case.verdict, reason)).or_default().push(&case.name);
        }
    }
    let Palette { strong, .. } = Palette::COLOURED;
    if !undecided.is_empty() {
        writeln!(out, "\n{strong}Not decided{strong:#}\n")?;
    }
    for ((contract, verdict, reason), names) in &undecided {
        let (sign, style) = (symbol(*verdict), Palette::COLOURED.of(*verdict));
        if let [name] = names.as_slice() {
            writeln!(out, "  {style}{sign}{style:#} {name}  {style}{verdict}{style:#}{reason}")?;
            continue;
        }
        let count = plural(names.len(), "case");
        let count = if contracts.len() > 1 { format!("{contract}: {count}") } else { count };
        writeln!(out, "  {style}{sign}{style:#} {count} {style}{verdict}{style:#}{reason}")?;
        if verbose {
            list(names.iter().copied(), "      ", out)?;
        }
    }
    Ok(())
}

/// Tells in one line of a contract whose cases were all not decided for the same reason, such as one that the target
/// does not claim. Says whether it is such a one.
pub(super) fn whole(contract: &Contract<'_>, verbose: bool, out: &mut impl io::Write) -> io::Result<bool> {
    let Some((verdict, reason)) = shared(contract) else { return Ok(false) };
    let Palette { strong, .. } = Palette::COLOURED;
    let (sign, style) = (symbol(verdict), Palette::COLOURED.of(verdict));
    let (name, scenarios) = (contract.name, plural(contract.scenarios().count(), "scenario"));
    let cases = plural(contract.tally().total(), "case");
    writeln!(out, "{style}{sign}{style:#} {strong}{name}{strong:#}  {scenarios}, {cases} {verdict}{reason}")?;
    if verbose {
        let names = contract.scenarios().flat_map(Scenario::cases).map(|case| case.name.as_str());
        list(names, "    ", out)?;
    }
    Ok(true)
}

/// The verdict and the reason that several cases share, where a contract has no others.
fn shared(contract: &Contract<'_>) -> Option<(Verdict, String)> {
    let total = contract.tally().total();
    let mut undecided = contract.scenarios().flat_map(cases).map(|(case, reason)| (case.verdict, reason));
    let first = undecided.next()?;
    let alike = 1 + undecided.take_while(|other| *other == first).count();
    (total > 1 && alike == total).then_some(first)
}

/// The cases of a scenario that were not decided and are told nowhere else, with the reason as it follows the verdict.
fn cases(scenario: &Scenario) -> impl Iterator<Item = (&Case, String)> {
    let undecided =
        scenario.cases().iter().filter(move |case| is_undecided(case) && !is_told_elsewhere(scenario, case));
    undecided.map(|case| (case, why(case).map_or_else(String::new, |why| format!(": {why}"))))
}

/// Whether it is not known of a case whether it holds.
fn is_undecided(case: &Case) -> bool {
    matches!(case.verdict, Verdict::Unsupported | Verdict::NotTestable | Verdict::Disabled)
}
