use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use plumbline_record::{Case, Event, RunFinished, ScenarioFinished, ScenarioStarted, Tally};
use tokio::task::JoinSet;

use super::attempt::Attempt;
use super::exchange::micros;
use super::{Cancel, Client, Plan};
use crate::scenario::Scenario;

/// Takes what happens, as it happens. Called from several threads.
pub trait Sink: Send + Sync {
    /// Takes one event.
    fn event(&self, event: Event);
}

/// Runs a plan to its end, or until it is cancelled. Always begins with `run-started` and ends with `run-finished`.
pub async fn run(plan: Arc<Plan>, client: Client, sink: Arc<dyn Sink>, cancel: Cancel) -> RunFinished {
    let begun = Instant::now();
    sink.event(Event::RunStarted(plan.started()));
    let shared = Arc::new(Shared {
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        tally: Mutex::default(),
        plan,
        client,
        sink,
        cancel,
    });
    let mut workers = JoinSet::new();
    for _ in 0..shared.plan.jobs() {
        workers.spawn(work(Arc::clone(&shared)));
    }
    while let Some(ended) = workers.join_next().await {
        if ended.is_err() {
            // A worker that panicked leaves its scenario unfinished; the run must not look complete.
            shared.stop.store(true, Ordering::Relaxed);
        }
    }
    let (tally, ran) = *shared.tally.lock();
    let finished = RunFinished {
        tally,
        interrupted: ran < shared.plan.order().len(),
        duration_us: micros(begun.elapsed()),
    };
    shared.sink.event(Event::RunFinished(finished.clone()));
    finished
}

struct Shared {
    next: AtomicUsize,
    stop: AtomicBool,
    tally: Mutex<(Tally, usize)>,
    plan: Arc<Plan>,
    client: Client,
    sink: Arc<dyn Sink>,
    cancel: Cancel,
}

async fn work(shared: Arc<Shared>) {
    while !shared.stop.load(Ordering::Relaxed) && !shared.cancel.is_cancelled() {
        let index = shared.next.fetch_add(1, Ordering::Relaxed);
        let Some(scenario) = shared.plan.order().get(index) else { break };
        scenario_to_end(&shared, scenario).await;
    }
}

/// Runs one scenario, again where it failed and may be retried.
async fn scenario_to_end(shared: &Shared, scenario: &Scenario) {
    let retries = shared.plan.settings.retries;
    for attempt in 1..=retries.saturating_add(1) {
        if attempt > 1 && shared.cancel.is_cancelled() {
            return;
        }
        let started = ScenarioStarted { scenario: scenario.id.to_string(), attempt };
        shared.sink.event(Event::ScenarioStarted(started));
        let runner = Attempt {
            plan: &shared.plan,
            client: &shared.client,
            sink: &*shared.sink,
            cancel: &shared.cancel,
            scenario,
            number: attempt,
        };
        let mut finished = runner.run().await;
        if shared.cancel.is_cancelled() && any(&finished, |case| case.verdict.is_adverse()) {
            // What goes wrong while everything is stopped shows nothing of the gateway. The record has no end of it.
            return;
        }
        for case in &mut finished.cases {
            case.expectation = shared.plan.expectations.of(&case.name).cloned();
        }
        finished.last = attempt > retries || !any(&finished, is_surprise);
        let last = finished.last;
        if last {
            conclude(shared, &finished);
        }
        shared.sink.event(Event::ScenarioFinished(Box::new(finished)));
        if last {
            break;
        }
    }
}

fn conclude(shared: &Shared, finished: &ScenarioFinished) {
    let mut tally = shared.tally.lock();
    finished.cases.iter().for_each(|case| tally.0.add(case, finished.attempt));
    tally.1 += 1;
    if shared.plan.settings.fail_fast && any(finished, Case::counts_against) {
        shared.stop.store(true, Ordering::Relaxed);
    }
}

/// Whether another attempt could show something else: a known failure is believed, a flaky one is not.
fn is_surprise(case: &Case) -> bool {
    case.verdict.is_adverse() && !case.is_expected_failure()
}

fn any(finished: &ScenarioFinished, holds: impl Fn(&Case) -> bool) -> bool {
    finished.cases.iter().any(holds)
}
