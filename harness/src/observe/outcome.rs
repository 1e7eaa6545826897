use std::collections::BTreeSet;
use std::sync::Arc;

use plumbline_record::{Level, Location, Miss};

use crate::scenario::{BillingRequirements, Contract};

/// What one observer decided about one scenario.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Checks that missed.
    pub(crate) misses: Vec<Miss>,
    /// Number of checks decided.
    pub(crate) checks: u32,
    /// Why something could not be decided.
    pub(crate) undecided: Option<String>,
    /// Why the observation itself broke.
    pub(crate) broken: Option<String>,
    /// The requirements of all checks that were decided.
    pub(crate) reached: BTreeSet<Arc<str>>,
}

impl Outcome {
    /// Takes what another observation of the same observer decided.
    pub(crate) fn merge(&mut self, other: Self) {
        self.misses.extend(other.misses);
        self.checks += other.checks;
        self.undecided = self.undecided.take().or(other.undecided);
        self.broken = self.broken.take().or(other.broken);
        self.reached.extend(other.reached);
    }
}

/// The requirements of a contract, to name them in verdicts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Requirements<'c> {
    pub(crate) contract: Option<&'c Contract>,
}

impl<'c> Requirements<'c> {
    /// How binding a requirement is; one that the contract does not list is a MUST.
    pub(crate) fn level(self, id: Option<&str>) -> Level {
        let found = id.and_then(|id| self.contract?.requirements.get(id));
        found.map_or(Level::Must, |requirement| requirement.level)
    }

    /// The requirements behind billing expectations.
    pub(crate) fn billing(self) -> Option<&'c BillingRequirements> {
        self.contract?.billing.as_ref()
    }

    /// A miss of an observer.
    pub(crate) fn miss(
        self,
        requirement: Option<&str>,
        step: &str,
        subject: &str,
        (expected, actual): (String, String),
        location: &Location,
    ) -> Miss {
        Miss {
            level: self.level(requirement),
            requirement: requirement.map(str::to_owned),
            step: step.to_owned(),
            subject: subject.to_owned(),
            expected,
            actual,
            difference: None,
            location: location.clone(),
        }
    }
}
