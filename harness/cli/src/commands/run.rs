use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use plumbline_harness::engine::{self, Cancel, Client, Plan, Settings, Sink};
use plumbline_harness::expectation::Expectations;
use plumbline_record::ExitCode;

use super::target::Chosen;
use super::{report, target};
use crate::arguments::Run;
use crate::diagnostics::Failure;
use crate::expectations;
use crate::printer::Printer;
use crate::progress::Progress;
use crate::recorder::Recorder;
use crate::reference::refuse_other_defects;
use crate::repeat::repeat;
use crate::suite;

/// Scenarios at once for each core: they wait most of the time.
const JOBS_PER_CORE: usize = 4;

/// `plumbline run`
pub(crate) fn run(arguments: &Run, printer: Printer) -> Result<ExitCode, Failure> {
    if !arguments.target.defect.is_empty() {
        refuse_other_defects(arguments.sources.fixtures.as_deref())?;
    }
    let (suite, schemas) = suite::sound(&arguments.sources)?;
    let expectations = match &arguments.expect {
        Some(path) => expectations::read(path, &suite)?,
        None => Expectations::default(),
    };
    let selector = suite::selector(&arguments.selection)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::configuration)?;
    runtime.block_on(async {
        let involved = suite::involves_upstream(&suite, &selector);
        let Chosen { target, servers } = target::choose(&arguments.target, &suite.contracts, involved)?;
        let address = target.url.clone();
        let repeat = repeat(arguments, &target);
        let plan = Plan::new(suite, schemas, target, &selector, settings(arguments));
        let mut plan = plan.expecting(expectations).repeated_with(repeat);
        if let Some(shard) = arguments.shard {
            plan = plan.sharded(shard);
        }
        let result = play(arguments, plan, printer, &address).await;
        target::stop(servers).await;
        result
    })
}

fn settings(arguments: &Run) -> Settings {
    Settings {
        jobs: jobs(arguments.jobs),
        retries: arguments.retries,
        seed: arguments.shuffle.then(|| arguments.seed.unwrap_or_else(seed)),
        fail_fast: arguments.fail_fast,
        step_timeout: arguments.timeout,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Scenarios at once, as it was asked for or as many as the machine can do.
pub(super) fn jobs(asked: Option<u16>) -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    asked.map_or(cores * JOBS_PER_CORE, usize::from)
}

/// A seed that differs from run to run.
fn seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(std::process::id()) % 1_000_000
}

async fn play(
    arguments: &Run,
    plan: Plan,
    printer: Printer,
    address: &url::Url,
) -> Result<ExitCode, Failure> {
    let simulator = plan.target().simulator_url();
    for address in [address].into_iter().chain(simulator) {
        engine::reachable(address).await.map_err(|error| Failure::Unreachable(error.into()))?;
    }
    let client = Client::new(address).map_err(Failure::configuration)?;
    let record = arguments.out.join("run.jsonl");
    let recorder = Recorder::begin(&record, Progress::new(printer)).map_err(Failure::Configuration)?;
    let recorder = Arc::new(recorder);
    let cancel = Cancel::default();
    let watch = tokio::spawn(stop_on_ctrl_c(cancel.clone(), printer));
    engine::run(Arc::new(plan), client, Arc::clone(&recorder) as Arc<dyn Sink>, cancel).await;
    watch.abort();
    let summary = recorder.finish().map_err(Failure::Configuration)?;
    let junit = arguments.out.join("junit.xml");
    report::junit(&summary, arguments.strict, &junit).map_err(Failure::Configuration)?;
    report::show(&summary, arguments.strict, arguments.telling, printer)?;
    printer.note(&format!("wrote {} and {}", junit.display(), record.display()));
    Ok(summary.exit_code(arguments.strict))
}

/// The first Ctrl-C ends the run in order, the second at once.
pub(super) async fn stop_on_ctrl_c(cancel: Cancel, printer: Printer) {
    while tokio::signal::ctrl_c().await.is_ok() {
        if cancel.is_cancelled() {
            #[expect(clippy::exit, reason = "the second Ctrl-C asks for an end without order")]
            std::process::exit(130);
        }
        printer.note("stopping: what runs is cleaned up; Ctrl-C again ends at once");
        cancel.cancel();
    }
}
