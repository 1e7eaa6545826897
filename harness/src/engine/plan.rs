use std::sync::Arc;
use std::time::Duration;

use plumbline_record::{ContractRef, FORMAT, RunStarted, TargetRef};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use sha2::{Digest as _, Sha256};

use crate::check::Schemas;
use crate::expectation::Expectations;
use crate::scenario::{Scenario, Selector};
use crate::source::Suite;
use crate::target::{Target, hex};

/// How a run is done.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Most scenarios at once.
    pub jobs: usize,
    /// Most further attempts at a scenario that failed.
    pub retries: u32,
    /// Shuffles the order with this seed.
    pub seed: Option<u64>,
    /// Begins nothing new after a failure.
    pub fail_fast: bool,
    /// Most time for a step, in place of the target's.
    pub step_timeout: Option<Duration>,
    /// The version of Plumbline, for the record.
    pub version: String,
}

/// Everything that a run needs to know, fixed before it begins.
#[derive(Debug)]
pub struct Plan {
    pub(super) suite: Arc<Suite>,
    pub(super) schemas: Arc<Schemas>,
    pub(super) target: Target,
    pub(super) settings: Settings,
    pub(super) order: Vec<Arc<Scenario>>,
    pub(super) expectations: Expectations,
}

impl Plan {
    /// Selects and orders the scenarios of a suite, which several plans may share.
    pub fn new(
        suite: impl Into<Arc<Suite>>,
        schemas: impl Into<Arc<Schemas>>,
        target: Target,
        selector: &Selector,
        settings: Settings,
    ) -> Self {
        let (suite, schemas): (Arc<Suite>, Arc<Schemas>) = (suite.into(), schemas.into());
        let mut order: Vec<_> =
            suite.scenarios.iter().filter(|scenario| selector.selects(scenario)).cloned().collect();
        if let Some(seed) = settings.seed {
            order.shuffle(&mut StdRng::seed_from_u64(seed));
        }
        Self { suite, schemas, target, settings, order, expectations: Expectations::default() }
    }

    /// Lays the user's expectations over the verdicts.
    #[must_use]
    pub fn expecting(self, expectations: Expectations) -> Self {
        Self { expectations, ..self }
    }

    /// The selected scenarios in the order in which they begin.
    pub fn order(&self) -> &[Arc<Scenario>] {
        &self.order
    }

    /// The target.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Scenarios that run at once: one where their bills could not be told apart.
    pub(super) fn jobs(&self) -> usize {
        if self.target.isolates() { self.settings.jobs.clamp(1, self.order.len().max(1)) } else { 1 }
    }

    pub(super) fn started(&self) -> RunStarted {
        RunStarted {
            format: FORMAT,
            plumbline: self.settings.version.clone(),
            started_at: jiff::Timestamp::now().to_string(),
            contracts: self.contracts(),
            target: TargetRef {
                name: self.target.name.to_string(),
                url: self.target.shown_url(),
                digest: self.target.digest.clone(),
            },
            selected: self.order.len(),
            seed: self.settings.seed,
            jobs: self.jobs(),
            retries: self.settings.retries,
        }
    }

    fn contracts(&self) -> Vec<ContractRef> {
        self.suite
            .contracts
            .values()
            .filter(|contract| self.order.iter().any(|scenario| scenario.contract == contract.name))
            .map(|contract| ContractRef {
                name: contract.name.to_string(),
                version: contract.version.to_string(),
                digest: self.digest(&contract.name),
            })
            .collect()
    }

    /// Over every file of the contract's folder, so that no change of a requirement or a check goes unnoticed.
    fn digest(&self, contract: &str) -> String {
        let mut digest = Sha256::new();
        let mut sources: Vec<&str> =
            self.order.iter().map(|scenario| scenario.location.file.as_str()).collect();
        sources.sort_unstable();
        sources.dedup();
        for file in self.suite.files.iter() {
            let own = file.name.split('/').next() == Some(contract);
            if own || sources.binary_search(&&*file.name).is_ok() {
                digest.update(file.name.as_bytes());
                digest.update([0]);
                digest.update(file.text.as_bytes());
                digest.update([0]);
            }
        }
        hex(&digest.finalize())
    }
}
