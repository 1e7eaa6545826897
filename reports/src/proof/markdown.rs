use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Defect, Proof, Requirement};
use crate::printable::printable;

/// Cases that are named in a cell; the rest are counted.
const NAMED: usize = 5;

/// The proof as a page of documentation. The same proof always gives the same page: it holds no times.
pub fn markdown(proof: &Proof) -> String {
    let mut page = String::from(
        "# Which defects the scenarios notice\n\n\
         Written by `plumbline prove --markdown docs/proof.md`; do not edit. [Proving the tests](proving.md) says how\n\
         to read it.\n\n",
    );
    // Writing to a string cannot fail.
    let _ = writeln!(
        page,
        "{} scenarios were tried with {} defects, which break {} requirements.",
        proof.sound.len(),
        proof.trials.len(),
        proof.requirements.len()
    );
    page.push_str("\n## Defects\n\n| defect | what is wrong | breaks | killed by |\n|---|---|---|---|\n");
    for (defect, trial) in proof.tried() {
        for requirement in proof.broken(defect) {
            let killers = trial.kills.get(&requirement.id).map_or("**nothing**".to_owned(), few);
            let _ = writeln!(
                page,
                "| {} | {} | `{}` | {killers} |",
                named(defect),
                cell(&defect.text),
                requirement.id
            );
        }
    }
    bystanders(proof, &mut page);
    requirements(proof, &mut page);
    page
}

fn bystanders(proof: &Proof, page: &mut String) {
    let mut heading = "\n## Bystanders\n\n";
    for (defect, trial) in proof.tried() {
        for case in &trial.bystanders {
            let _ = writeln!(page, "{heading}- {}: `{}`", named(defect), case.case);
            heading = "";
        }
    }
}

fn requirements(proof: &Proof, page: &mut String) {
    let mut contracts: BTreeMap<&str, Vec<&Requirement>> = BTreeMap::new();
    for requirement in proof.requirements() {
        contracts.entry(&requirement.contract).or_default().push(requirement);
    }
    for (contract, requirements) in contracts {
        let _ = writeln!(page, "\n## Requirements of `{contract}`\n");
        page.push_str("| requirement | level | what it demands | broken by |\n|---|---|---|---|\n");
        for requirement in requirements {
            let breakers: Vec<_> = proof.breakers(requirement).map(named).collect();
            let breakers = if breakers.is_empty() { "**nothing**".to_owned() } else { breakers.join(", ") };
            let Requirement { id, level, text, .. } = requirement;
            let _ = writeln!(page, "| `{id}` | {level} | {} | {breakers} |", cell(text));
        }
    }
}

/// A defect, marked where a real product does the same.
fn named(defect: &Defect) -> String {
    format!("`{}`{}", defect.id, if defect.wild { " (wild)" } else { "" })
}

fn few(cases: &BTreeSet<String>) -> String {
    let named: Vec<_> = cases.iter().take(NAMED).map(|case| format!("`{case}`")).collect();
    let more = cases.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    named.join(", ") + &more
}

/// A text that ends no cell of a table.
fn cell(text: &str) -> String {
    printable(text).replace('|', "\\|").replace('\n', " ")
}
