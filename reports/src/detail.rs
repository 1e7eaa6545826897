use std::fmt;

use anstyle::Style;
use plumbline_record::{Case, Difference, Expectation, Level, Location, Miss, RequirementRef, Verdict};

use crate::palette::Palette;
use crate::printable::{cut, one_line, printable};
use crate::summary::Summary;

/// Characters of a value in a detailed account.
const VALUE_LIMIT: usize = 1_000;
/// Characters of a part in a sentence.
const PART_LIMIT: usize = 120;
/// Characters of a reason.
const REASON_LIMIT: usize = 300;

/// A missed check in a list: one line.
pub(crate) fn sentence(miss: &Miss) -> String {
    format!("{}: {}", one_line(&miss.step, PART_LIMIT), about(miss))
}

/// A missed check in one line, whatever its step.
pub(crate) fn about(miss: &Miss) -> String {
    format!(
        "{}: expected {}, found {}",
        one_line(&miss.subject, PART_LIMIT),
        one_line(&miss.expected, PART_LIMIT),
        one_line(&miss.actual, PART_LIMIT),
    )
}

/// What a missed check is about: its requirement, or just a check.
pub(crate) fn requirement(miss: &Miss) -> &str {
    miss.requirement.as_deref().unwrap_or("check")
}

/// What a missed check is about, and how binding that is. Where a check is more or less binding than its requirement, whose
/// level is `required`, both are told.
pub(crate) fn heading(miss: &Miss, required: Option<Level>) -> String {
    let id = requirement(miss);
    match required {
        Some(level) if level != miss.level => format!("{level} {id}, checked as {}", miss.level),
        _ => format!("{} {id}", miss.level),
    }
}

/// The first check at MUST that missed.
pub(crate) fn first_must(case: &Case) -> Option<&Miss> {
    case.misses.iter().find(|miss| miss.level == Level::Must)
}

/// Why a case has its verdict, in one line: for a failure the first missed MUST, otherwise the stated reason.
pub(crate) fn why(case: &Case) -> Option<String> {
    let miss = || first_must(case).map(sentence);
    let reason = || case.reason.as_deref().map(|reason| one_line(reason, REASON_LIMIT));
    if case.verdict == Verdict::Failed { miss().or_else(reason) } else { reason().or_else(miss) }
}

/// Why a case has its verdict, where its missed checks do not tell it already.
pub(crate) fn untold_reason(case: &Case) -> Option<&str> {
    let is_told = case.verdict == Verdict::Failed && first_must(case).is_some();
    if is_told { None } else { case.reason.as_deref() }
}

/// What the user lists a case as, and why, in one line.
pub(crate) fn expected(expectation: &Expectation) -> String {
    format!("{}: {}", expectation.kind, one_line(&expectation.reason, REASON_LIMIT))
}

/// A place as editors and terminals understand it.
pub(crate) fn place(location: &Location) -> String {
    format!("{}:{}:{}", location.file, location.line, location.column)
}

/// What is said of the requirement behind a missed check, besides its id.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Demand<'a> {
    /// Nothing: there is no requirement, or it was told before.
    Untold,
    /// What it demands, and where that comes from.
    Known(&'a RequirementRef),
    /// Where to look it up, since the record does not say.
    Elsewhere(&'a str),
}

impl<'a> Demand<'a> {
    /// What the records say of the requirement behind a check of a contract.
    pub(crate) fn of(miss: &'a Miss, contract: &str, summary: &'a Summary) -> Self {
        let Some(id) = miss.requirement.as_deref() else { return Self::Untold };
        summary.requirement(contract, id).map_or(Self::Elsewhere(id), Self::Known)
    }
}

/// A missed check in full, for a person who has to mend it: several lines, each ended.
pub(crate) struct Detail<'a> {
    pub(crate) miss: &'a Miss,
    /// How binding the requirement is, where that is known.
    pub(crate) required: Option<Level>,
    pub(crate) demand: Demand<'a>,
    pub(crate) palette: Palette,
    pub(crate) indent: &'static str,
}

impl Detail<'_> {
    fn row(&self, f: &mut fmt::Formatter<'_>, label: &str, text: &str, style: Style) -> fmt::Result {
        let Self { indent, palette: Palette { faint, .. }, .. } = self;
        let (shown, rest) = cut(text, VALUE_LIMIT);
        let value = printable(shown).replace('\n', &format!("\n{}", self.margin()));
        let more = if rest.is_empty() { "" } else { "…" };
        writeln!(f, "{indent}  {faint}{label:<8}{faint:#}  {style}{value}{more}{style:#}")
    }

    /// The room in front of a value.
    fn margin(&self) -> String {
        format!("{}            ", self.indent)
    }

    fn difference(&self, f: &mut fmt::Formatter<'_>, difference: &Difference) -> fmt::Result {
        let Palette { good, bad, strong, .. } = self.palette;
        let margin = self.margin();
        let Difference { at, expected, actual } = difference;
        let shared: String =
            expected.chars().zip(actual.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
        let width = one_line(&shared, VALUE_LIMIT).chars().count() + 1;
        let (expected, actual) = (one_line(expected, VALUE_LIMIT), one_line(actual, VALUE_LIMIT));
        let caret = "^";
        self.row(f, "differs", &format!("from character {} on", at.saturating_add(1)), Style::new())?;
        writeln!(f, "{margin}{good}{expected}{good:#}")?;
        writeln!(f, "{margin}{bad}{actual}{bad:#}")?;
        writeln!(f, "{margin}{strong}{caret:>width$}{strong:#}")
    }
}

impl fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { miss, required, demand, palette, indent } = self;
        let Palette { strong, good, bad, .. } = *palette;
        writeln!(f, "{indent}{strong}{}{strong:#}", heading(miss, *required))?;
        match demand {
            Demand::Untold => {}
            Demand::Known(requirement) => {
                self.row(f, "demands", &requirement.text, Style::new())?;
                self.row(f, "source", &requirement.source, Style::new())?;
            }
            Demand::Elsewhere(id) => {
                self.row(f, "demands", &format!("what `plumbline explain {id}` says"), Style::new())?;
            }
        }
        self.row(f, "step", &miss.step, Style::new())?;
        self.row(f, "subject", &miss.subject, Style::new())?;
        self.row(f, "expected", &miss.expected, good)?;
        self.row(f, "found", &miss.actual, bad)?;
        if let Some(difference) = &miss.difference {
            self.difference(f, difference)?;
        }
        self.row(f, "at", &place(&miss.location), Style::new())
    }
}
