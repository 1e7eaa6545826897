use std::sync::Arc;
use std::time::Duration;

use plumbline_record::{ContractRef, FORMAT, RunStarted, ShardRef};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use super::{Shard, pinned};
use crate::check::Schemas;
use crate::expectation::Expectations;
use crate::scenario::{Scenario, Selector};
use crate::source::Suite;
use crate::target::Target;

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
    /// Those that the selected scenarios belong to, whatever shard they are in.
    contracts: Vec<ContractRef>,
    shard: Option<ShardRef>,
    arguments: Vec<String>,
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
        let contracts = suite.contracts.values();
        let contracts = contracts.filter(|known| order.iter().any(|own| own.contract == known.name));
        let contracts = contracts.map(|contract| pinned(contract, &suite, &schemas)).collect();
        if let Some(seed) = settings.seed {
            order.shuffle(&mut StdRng::seed_from_u64(seed));
        }
        Self {
            suite,
            schemas,
            target,
            settings,
            order,
            expectations: Expectations::default(),
            contracts,
            shard: None,
            arguments: Vec::new(),
        }
    }

    /// Lays the user's expectations over the verdicts.
    #[must_use]
    pub fn expecting(self, expectations: Expectations) -> Self {
        Self { expectations, ..self }
    }

    /// Leaves only this part of the selected scenarios.
    #[must_use]
    pub fn sharded(mut self, shard: Shard) -> Self {
        let selected: Vec<_> = self.order.iter().map(|scenario| Arc::clone(&scenario.id)).collect();
        let (own, shard) = shard.deal(selected.iter().map(|id| &**id));
        self.order.retain(|scenario| own.contains(&*scenario.id));
        Self { shard: Some(shard), ..self }
    }

    /// Notes with which arguments the run can be repeated, for the record.
    #[must_use]
    pub fn repeated_with(self, arguments: Vec<String>) -> Self {
        Self { arguments, ..self }
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
        let redacted = |argument: &String| self.target.secrets.redact(argument).into_owned();
        RunStarted {
            format: FORMAT,
            plumbline: self.settings.version.clone(),
            started_at: jiff::Timestamp::now().to_string(),
            contracts: self.contracts.clone(),
            target: self.target.recorded(self.contracts.iter().map(|contract| contract.name.as_str())),
            selected: self.order.len(),
            seed: self.settings.seed,
            jobs: self.jobs(),
            retries: self.settings.retries,
            expectations: self.expectations.digest().map(str::to_owned),
            shard: self.shard.clone(),
            arguments: self.arguments.iter().map(redacted).collect(),
        }
    }
}
