use std::collections::BTreeSet;

use serde_json::Value;

use super::lists::{FAILED, UNTESTED};
use super::standing::Standing;
use super::{Contract, ContractFacts, Levels, Outcome, Statement, StatementError};
use crate::printable::one_line;

/// Characters of a value that is told.
const VALUE_LIMIT: usize = 200;

/// Something in a statement that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: names of members, and numbers of entries from 0.
    pub at: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it, where that can be said.
    pub hint: Option<String>,
}

impl Finding {
    pub(super) fn new<const N: usize>(at: [&str; N], message: String) -> Self {
        Self { at: at.map(str::to_owned).into(), message, hint: None }
    }
}

impl Statement {
    /// What in it contradicts itself, or the contracts as they are known here.
    pub fn check(&self, known: &[ContractFacts]) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.check_command(&mut findings);
        self.check_contracts(&mut findings);
        let mut names = BTreeSet::new();
        for (index, contract) in self.contracts.iter().enumerate() {
            let mut own = Vec::new();
            if !names.insert(&contract.name) {
                own.push(Finding::new(["name"], format!("the contract `{}` is there twice", contract.name)));
            }
            let facts = match contract.known(known) {
                Ok(facts) => Some(facts),
                Err(finding) => {
                    own.push(finding);
                    None
                }
            };
            contract.check(facts, self.run.whole, &mut own);
            let place = ["contracts".to_owned(), index.to_string()];
            findings.extend(
                own.into_iter().map(|finding| Finding {
                    at: place.iter().cloned().chain(finding.at).collect(),
                    ..finding
                }),
            );
        }
        findings
    }

    /// Where it differs from what was written from the records that it is said to be made from. A command that was given is
    /// left out, for it is in no record.
    ///
    /// # Errors
    /// Where serde has something against a statement; nothing in one gives it reason to.
    pub fn compare(&self, recorded: &Self) -> Result<Vec<Finding>, StatementError> {
        let value = |statement: &Self| {
            serde_json::to_value(statement).map_err(|error| StatementError::Yaml(error.to_string()))
        };
        let believed = self.reproduce_given.then(|| {
            let reproduce = self.reproduce.clone();
            Self { reproduce, reproduce_given: true, ..recorded.clone() }
        });
        let recorded = believed.as_ref().unwrap_or(recorded);
        let mut findings = Vec::new();
        differences(&value(self)?, &value(recorded)?, &mut Vec::new(), &mut findings);
        Ok(findings)
    }
}

impl Contract {
    /// What is known here of the contract that is meant.
    fn known<'f>(&self, known: &'f [ContractFacts]) -> Result<&'f ContractFacts, Finding> {
        let Some(facts) = ContractFacts::named(known, &self.name) else {
            return Err(Finding::new(["name"], format!("there is no contract `{}` here", self.name)));
        };
        if facts.is(&self.version, &self.digest) {
            return Ok(facts);
        }
        let own = &facts.contract;
        let (member, message) = if self.version == own.version {
            ("digest", format!("this version of `{}` has the digest {} here", self.name, own.digest))
        } else {
            ("version", format!("`{}` has the version {} here", self.name, own.version))
        };
        let hint = "check it with the Plumbline that it names, or give the same --scenarios and --fixtures";
        Err(Finding { hint: Some(hint.to_owned()), ..Finding::new([member], message) })
    }

    fn check(&self, facts: Option<&ContractFacts>, whole: bool, findings: &mut Vec<Finding>) {
        let before = findings.len();
        self.check_lists(facts, findings);
        // Where cases or requirements stand in the wrong list, every number is wrong as well.
        if findings.len() == before {
            match facts {
                Some(facts) => {
                    self.check_standings(facts, findings);
                    self.check_counts(facts, findings);
                }
                None => self.check_sums(findings),
            }
        }
        if findings.len() > before {
            return;
        }
        let (claim, because) = self.conclusion(whole);
        if claim != self.claim {
            findings.push(differs(["claim"], &self.claim, &claim));
        } else if because != self.because {
            findings.push(differs(["because"], &self.because, &because));
        }
    }

    /// Whether what is known of the requirements follows from the lists of cases: it is weighed again, as it was to be written.
    fn check_standings(&self, facts: &ContractFacts, findings: &mut Vec<Finding>) {
        let written = &self.requirements;
        let is_reached =
            |id: &str| !matches!(written.standing(id), Standing::Unreached | Standing::Undecided);
        let weighed = self.weighed_requirements(facts, is_reached);
        for known in &facts.contract.requirements {
            let (own, found) = (written.standing(&known.id), weighed.standing(&known.id));
            if own != found {
                let list = if own == Standing::Kept { found } else { own };
                let (own, found) = (own.word(), found.word());
                let message = format!("`{}` is {own} here, and the lists of cases make it {found}", known.id);
                findings.push(Finding::new(["requirements", list.word()], message));
            }
        }
    }

    /// Whether the numbers follow from the lists, and the capabilities too.
    fn check_counts(&self, facts: &ContractFacts, findings: &mut Vec<Finding>) {
        let (cases, counted) = (&self.cases, self.counted_cases(facts));
        for (level, written, counted) in by_level(cases, &counted) {
            if written != counted {
                findings.push(differs(["cases", level], written, counted));
            }
        }
        let (requirements, counted) = (&self.requirements.counts, self.counted_requirements(facts));
        for (level, written, counted) in by_level(requirements, &counted) {
            if written != counted {
                findings.push(differs(["requirements", "counts", level], written, counted));
            }
        }
        for (name, claim) in &self.capabilities.declared {
            let shown = self.shown(name, facts);
            if *claim != shown {
                findings.push(differs(["capabilities", "declared", name], claim, &shown));
            }
        }
    }

    /// Whether the numbers agree with the lists, as far as that shows without the contract.
    fn check_sums(&self, findings: &mut Vec<Finding>) {
        for outcome in [FAILED, &[Outcome::Unsupported], UNTESTED].concat() {
            let counted: usize = self.cases.all().iter().map(|counts| counts.of(outcome)).sum();
            let listed = self.listed().filter(|(_, listed)| listed.outcome == outcome).count();
            if counted != listed {
                let message = format!("{counted} are counted as {}, and {listed} are listed", told(&outcome));
                findings.push(Finding::new(["cases"], message));
            }
        }
        for standing in Standing::LISTED {
            let counts = self.requirements.counts.all().into_iter();
            let counted: usize = counts.map(|counts| counts.of(standing)).sum();
            let (list, listed) = (standing.word(), self.requirements.list(standing).len());
            if counted != listed {
                let message = format!("{counted} are counted as {list}, and {listed} are listed");
                findings.push(Finding::new(["requirements", list], message));
            }
        }
    }
}

/// The list that cases of an outcome are in, as a rule.
pub(super) fn list_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "flaky",
        Outcome::Failed | Outcome::Error => "failed",
        Outcome::Unsupported => "unsupported",
        Outcome::NotTestable | Outcome::Disabled | Outcome::NotRun => "untested",
    }
}

fn by_level<'c, T>(
    written: &'c Levels<T>,
    counted: &'c Levels<T>,
) -> impl Iterator<Item = (&'static str, &'c T, &'c T)> {
    let pairs = written.all().into_iter().zip(counted.all());
    ["MUST", "SHOULD", "MAY"]
        .into_iter()
        .zip(pairs)
        .map(|(level, (written, counted))| (level, written, counted))
}

/// A value that does not follow from the rest of the statement.
fn differs<const N: usize>(
    at: [&str; N],
    written: &impl serde::Serialize,
    found: &impl serde::Serialize,
) -> Finding {
    let message = format!("this says {}, and the lists make it {}", told(written), told(found));
    Finding::new(at, message)
}

/// A value in the words of the file.
pub(super) fn told(value: &impl serde::Serialize) -> String {
    // A value that cannot be written is not in a file.
    let text = serde_json::to_value(value).map(|value| match value {
        Value::String(text) => format!("`{text}`"),
        other => other.to_string(),
    });
    one_line(&text.unwrap_or_default(), VALUE_LIMIT)
}

/// Notes where two values part: in the smallest parts that differ.
fn differences(written: &Value, recorded: &Value, at: &mut Vec<String>, findings: &mut Vec<Finding>) {
    let note = |at: &[String], message| Finding { at: at.to_vec(), message, hint: None };
    match (written, recorded) {
        (Value::Object(written), Value::Object(recorded)) => {
            for (name, value) in written {
                at.push(name.clone());
                match recorded.get(name) {
                    Some(recorded) => differences(value, recorded, at, findings),
                    None => findings.push(note(at, format!("the records have no `{name}` here"))),
                }
                at.pop();
            }
            for (name, value) in recorded.iter().filter(|(name, _)| !written.contains_key(*name)) {
                findings.push(note(at, format!("`{name}` is missing; the records say {}", told(value))));
            }
        }
        (Value::Array(written), Value::Array(recorded)) if written.len() == recorded.len() => {
            for (index, (value, recorded)) in written.iter().zip(recorded).enumerate() {
                at.push(index.to_string());
                differences(value, recorded, at, findings);
                at.pop();
            }
        }
        _ if written != recorded => {
            let (written, recorded) = (told(written), told(recorded));
            findings.push(note(at, format!("this says {written}, and the records say {recorded}")));
        }
        _ => {}
    }
}
