//! Runs the scenarios against the reference gateway: once without a defect, then once with each.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use plumbline_harness::check::Schemas;
use plumbline_harness::engine::{self, Cancel, Client, Plan, Settings, Sink};
use plumbline_harness::scenario::{self, Selector};
use plumbline_harness::source::Suite;
use plumbline_record::{Event, ScenarioFinished};
use plumbline_reference_server::{Defect, DefectInfo, catalogue};
use plumbline_reports::proof::{self, Proof, Requirement};
use tokio::task::JoinSet;

use super::run::{jobs, stop_on_ctrl_c};
use super::target::{self, Chosen};
use crate::arguments::Selection;
use crate::diagnostics::Failure;
use crate::printer::Printer;
use crate::progress::ProofProgress;
use crate::suite;

/// Scenarios at once against one gateway. Where a defect has something never happen they wait for it until their time is over.
const JOBS_PER_LANE: usize = 2;

/// What is to be proved.
#[derive(Debug)]
pub(super) struct Task<'t> {
    pub(super) suite: Arc<Suite>,
    pub(super) schemas: Arc<Schemas>,
    pub(super) selection: &'t Selection,
    /// The defects to try; none stands for all that break a requirement of the contracts.
    pub(super) defects: Vec<Defect>,
    pub(super) jobs: Option<u16>,
}

/// Tries what there is to try, until it is done or somebody presses Ctrl-C.
pub(super) fn prove(task: Task<'_>, printer: Printer) -> Result<Proof, Failure> {
    let selector = suite::selector(task.selection)?;
    let requirements = requirements(&task.suite, &selector, &task.selection.contract);
    let chosen = chosen(&task.defects, &requirements);
    let known = catalogue().iter().map(facts).collect();
    let narrowed = !task.selection.ids.is_empty() || task.selection.tags.is_some();
    let prover = Arc::new(Prover {
        proof: Mutex::new(Proof::new(requirements, known)),
        suite: task.suite,
        schemas: task.schemas,
        selector,
        next: AtomicUsize::new(0),
        progress: ProofProgress::new(printer, chosen.len()),
        chosen,
        cancel: Cancel::default(),
    });
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::configuration)?;
    let result = runtime.block_on(async {
        let watch = tokio::spawn(stop_on_ctrl_c(prover.cancel.clone(), printer));
        let result = prover.prove(narrowed, jobs(task.jobs)).await;
        watch.abort();
        result
    });
    prover.progress.finish();
    result.map(|()| prover.proof().clone())
}

/// The requirements of the contracts that were asked for, or that selected scenarios belong to.
fn requirements(suite: &Suite, selector: &Selector, asked: &[String]) -> Vec<Requirement> {
    let selected: BTreeSet<&str> = suite
        .scenarios
        .iter()
        .filter(|scenario| selector.selects(scenario))
        .map(|scenario| &*scenario.contract)
        .chain(asked.iter().map(String::as_str))
        .collect();
    let contracts = suite.contracts.values().filter(|contract| selected.contains(&*contract.name));
    contracts
        .flat_map(|contract| {
            contract.requirements.iter().map(|(id, requirement)| Requirement {
                id: id.to_string(),
                contract: contract.name.to_string(),
                level: requirement.level,
                text: requirement.text.clone(),
            })
        })
        .collect()
}

/// The defects to try, in the catalogue's order.
fn chosen(asked: &[Defect], requirements: &[Requirement]) -> Vec<&'static DefectInfo> {
    let wanted = |info: &DefectInfo| match asked {
        [] => requirements.iter().any(|requirement| info.breaks.iter().any(|id| requirement.id == *id)),
        asked => asked.contains(&info.defect),
    };
    catalogue().iter().filter(|info| wanted(info)).collect()
}

/// A defect as reports know it.
fn facts(info: &DefectInfo) -> proof::Defect {
    proof::Defect {
        id: info.id.to_owned(),
        breaks: info.breaks.iter().map(ToString::to_string).collect(),
        text: info.text.to_owned(),
        wild: info.seen_in_the_wild,
    }
}

/// What the lanes of a proof share.
#[derive(Debug)]
struct Prover {
    suite: Arc<Suite>,
    schemas: Arc<Schemas>,
    selector: Selector,
    chosen: Vec<&'static DefectInfo>,
    next: AtomicUsize,
    cancel: Cancel,
    progress: ProofProgress,
    proof: Mutex<Proof>,
}

impl Prover {
    fn proof(&self) -> MutexGuard<'_, Proof> {
        self.proof.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn prove(self: &Arc<Self>, narrowed: bool, jobs: usize) -> Result<(), Failure> {
        match self.play(Vec::new(), &self.selector, jobs).await? {
            Some(finished) => {
                let mut proof = self.proof();
                proof.baseline(&finished);
                if narrowed {
                    proof.narrow();
                }
            }
            None => self.proof().interrupt(),
        }
        if self.proof().is_whole() { self.lanes(jobs).await } else { Ok(()) }
    }

    /// Several defects at a time: while the last scenarios of one end, most of them waiting for something, those of others
    /// go on.
    async fn lanes(self: &Arc<Self>, jobs: usize) -> Result<(), Failure> {
        let count = jobs.div_ceil(JOBS_PER_LANE);
        let mut lanes = JoinSet::new();
        for _ in 0..count {
            let prover = Arc::clone(self);
            lanes.spawn(async move { prover.lane(jobs.div_ceil(count)).await });
        }
        let mut result = Ok(());
        while let Some(ended) = lanes.join_next().await {
            let ended = match ended.context("try a defect") {
                Ok(ended) => ended,
                Err(panicked) => Err(Failure::Configuration(panicked)),
            };
            if ended.is_err() {
                self.cancel.cancel();
            }
            result = result.and(ended);
        }
        if self.cancel.is_cancelled() {
            self.proof().interrupt();
        }
        result
    }

    async fn lane(&self, jobs: usize) -> Result<(), Failure> {
        while !self.cancel.is_cancelled()
            && let Some(info) = self.chosen.get(self.next.fetch_add(1, Ordering::Relaxed))
        {
            match self.play(vec![info.defect], &self.concerned(info), jobs).await? {
                Some(finished) => {
                    self.proof().add(info.id, &finished);
                    self.progress.tried(info.id, self.proof().is_caught(info.id));
                }
                None => self.proof().interrupt(),
            }
        }
        Ok(())
    }

    /// The scenarios of the contracts that a defect breaks something of. What belongs to another contract says nothing
    /// of these requirements.
    fn concerned(&self, info: &DefectInfo) -> Selector {
        let breaks = |requirements: &BTreeMap<Arc<str>, scenario::Requirement>| {
            info.breaks.iter().any(|id| requirements.contains_key(*id))
        };
        let contracts = self.suite.contracts.values().filter(|contract| breaks(&contract.requirements));
        self.selector.within(contracts.map(|contract| contract.name.to_string()))
    }

    /// What finished on a gateway with these defects; nothing where the run did not come to its end.
    async fn play(
        &self,
        defects: Vec<Defect>,
        selector: &Selector,
        jobs: usize,
    ) -> Result<Option<Vec<ScenarioFinished>>, Failure> {
        // A gateway of its own, not only a world: it is what `plumbline run --defect` runs against.
        let involved = suite::involves_upstream(&self.suite, selector);
        let Chosen { target, servers } = target::in_process(defects, involved, false)?;
        let client = Client::new(&target.url).map_err(Failure::configuration)?;
        let settings = Settings {
            jobs,
            retries: 0,
            seed: None,
            fail_fast: false,
            step_timeout: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let (suite, schemas) = (Arc::clone(&self.suite), Arc::clone(&self.schemas));
        let plan = Plan::new(suite, schemas, target, selector, settings);
        let finished = Arc::new(Finished::default());
        let sink = Arc::clone(&finished) as Arc<dyn Sink>;
        let ended = engine::run(Arc::new(plan), client, sink, self.cancel.clone()).await;
        target::stop(servers).await;
        Ok((!ended.interrupted).then(|| finished.take()))
    }
}

/// Keeps what scenarios came to, and nothing of what was sent.
#[derive(Debug, Default)]
struct Finished(Mutex<Vec<ScenarioFinished>>);

impl Finished {
    fn take(&self) -> Vec<ScenarioFinished> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for Finished {
    fn event(&self, event: Event) {
        if let Event::ScenarioFinished(finished) = event {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(*finished);
        }
    }
}
