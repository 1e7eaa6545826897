use std::collections::{BTreeMap, BTreeSet};
use std::io;

use plumbline_record::Verdict;

use crate::listing::{list, plural};
use crate::palette::{Palette, symbol};
use crate::printable::one_line;
use crate::proof::Proof;

/// An id that a contract's catalogue defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueId {
    /// The id.
    pub id: String,
    /// What it stands for, in one line.
    pub title: String,
}

/// A scenario and the ids that it says it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covering {
    /// The scenario's id.
    pub scenario: String,
    /// The ids, those of its steps included.
    pub covers: Vec<String>,
    /// The ids that single steps cover, by the steps' names.
    pub steps: BTreeMap<String, Vec<String>>,
}

/// How far the scenarios of a contract go through its catalogue.
///
/// An id counts where a scenario that covers it passes on the reference gateway and is known to be able to fail: where
/// single steps cover it, in one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    contract: String,
    ids: usize,
    gaps: Vec<(CatalogueId, Gap)>,
    beyond: BTreeSet<String>,
}

/// Why an id does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Gap {
    /// No scenario covers it.
    Uncovered,
    /// These cover it, and none of them passed.
    NotPassed(Vec<String>),
    /// These cover it and passed, and no defect makes any of them miss what it breaks, or not in the steps that cover it.
    NeverKilled(Vec<String>),
}

impl Coverage {
    /// Compares a contract's catalogue with its scenarios and what is proved of them.
    pub fn new(contract: &str, catalogue: Vec<CatalogueId>, scenarios: &[Covering], proof: &Proof) -> Self {
        let known: BTreeSet<&str> = catalogue.iter().map(|entry| entry.id.as_str()).collect();
        let beyond = scenarios
            .iter()
            .filter(|scenario| !scenario.covers.iter().any(|id| known.contains(id.as_str())))
            .map(|scenario| scenario.scenario.clone())
            .collect();
        let ids = catalogue.len();
        let gaps = catalogue
            .into_iter()
            .filter_map(|entry| {
                let gap = gap(&entry.id, scenarios, proof)?;
                Some((entry, gap))
            })
            .collect();
        Self { contract: contract.to_owned(), ids, gaps, beyond }
    }

    /// Whether every id of the catalogue counts.
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty()
    }

    /// Writes it for a person: what is missing, what goes beyond the catalogue, and how many ids count.
    ///
    /// It is styled for a terminal; where `out` is none, wrap it in a stream that strips the styles.
    ///
    /// # Errors
    ///
    /// `out` cannot be written to.
    pub fn render(&self, out: &mut impl io::Write) -> io::Result<()> {
        let Palette { bad, strong, .. } = Palette::COLOURED;
        for (CatalogueId { id, title }, gap) in &self.gaps {
            let sign = symbol(Verdict::Failed);
            let (id, title) = (one_line(id, usize::MAX), one_line(title, usize::MAX));
            writeln!(out, "{bad}{sign}{bad:#} {strong}{id}{strong:#}  {title}\n    {}", gap.words())?;
        }
        if !self.beyond.is_empty() {
            writeln!(
                out,
                "{strong}{}{strong:#}",
                plural(self.beyond.len(), "scenario") + " beyond the catalogue"
            )?;
            list(self.beyond.iter().map(String::as_str), "    ", out)?;
        }
        let verdict = if self.is_complete() { Verdict::Passed } else { Verdict::Failed };
        let (sign, style) = (symbol(verdict), Palette::COLOURED.of(verdict));
        let (contract, count, ids) = (&self.contract, self.ids - self.gaps.len(), self.ids);
        writeln!(
            out,
            "{style}{sign}{style:#} {strong}{contract}{strong:#}: {count} of {ids} catalogue ids \
             have a scenario that passes and is known to fail"
        )
    }
}

impl Gap {
    fn words(&self) -> String {
        match self {
            Self::Uncovered => "no scenario covers it".to_owned(),
            Self::NotPassed(scenarios) => {
                format!("did not pass on the reference gateway: {}", scenarios.join(", "))
            }
            Self::NeverKilled(scenarios) => {
                format!("no defect makes it miss what the defect breaks: {}", scenarios.join(", "))
            }
        }
    }
}

fn gap(id: &str, scenarios: &[Covering], proof: &Proof) -> Option<Gap> {
    let covering: Vec<&Covering> =
        scenarios.iter().filter(|scenario| scenario.covers.iter().any(|covered| covered == id)).collect();
    let passed: Vec<&Covering> =
        covering.iter().copied().filter(|scenario| proof.passed(&scenario.scenario)).collect();
    if covering.is_empty() {
        Some(Gap::Uncovered)
    } else if passed.is_empty() {
        Some(Gap::NotPassed(covering.iter().map(|scenario| scenario.scenario.clone()).collect()))
    } else if passed.iter().any(|scenario| scenario.can_fail(id, proof)) {
        None
    } else {
        Some(Gap::NeverKilled(passed.iter().map(|scenario| scenario.told(id)).collect()))
    }
}

impl Covering {
    /// The steps that cover an id by themselves.
    fn steps_of(&self, id: &str) -> Vec<&str> {
        let covers = |ids: &[String]| ids.iter().any(|covered| covered == id);
        self.steps.iter().filter(|(_, ids)| covers(ids)).map(|(step, _)| step.as_str()).collect()
    }

    /// Whether it is known to be able to fail for what this id stands for.
    fn can_fail(&self, id: &str, proof: &Proof) -> bool {
        match self.steps_of(id).as_slice() {
            [] => proof.can_fail(&self.scenario),
            steps => proof.can_fail_at(&self.scenario, steps),
        }
    }

    /// It, and the steps that cover an id.
    fn told(&self, id: &str) -> String {
        match self.steps_of(id).as_slice() {
            [] => self.scenario.clone(),
            [step] => format!("{} in its step {step}", self.scenario),
            steps => format!("{} in its steps {}", self.scenario, steps.join(", ")),
        }
    }
}
