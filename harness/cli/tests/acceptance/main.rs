//! The acceptance features: what users of the binary may rely on, in their words.
//!
//! `cargo test --test acceptance` runs them all; behind `--`, `--help` tells how to choose. To nextest each scenario is
//! a test.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]
#![expect(clippy::needless_pass_by_value, reason = "cucumber hands over by value what a sentence holds")]

mod options;
mod report;
mod steps;
mod world;

use std::io::{self, Write as _};
use std::num::NonZero;
use std::thread;

use cucumber::gherkin::{Feature, Scenario};
use cucumber::{Parser as _, World as _, WriterExt as _, parser};
use futures::StreamExt as _;

use crate::options::{Options, TestOptions};
use crate::report::Report;
use crate::world::World;

const FEATURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/acceptance/features");

#[tokio::main]
async fn main() {
    let options = Options::parsed();
    let asked = options.custom.clone();
    if asked.list {
        return list(&asked, options.parser).await;
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    World::cucumber()
        .with_writer(Report::new(asked.nocapture).normalized::<World>().summarized())
        .with_cli(options)
        .fail_on_skipped()
        .max_concurrent_scenarios(asked.test_threads.map_or(cores, NonZero::get))
        .filter_run_and_exit(FEATURES, move |feature, _, scenario| asked.selects(&name(feature, scenario)))
        .await;
}

/// Names the scenarios that would run, as nextest asks for it.
async fn list(asked: &TestOptions, input: parser::basic::Cli) {
    let mut out = io::stdout();
    let mut features = parser::Basic::new().parse(FEATURES, input);
    while let Some(feature) = features.next().await {
        let feature = feature.unwrap();
        let under_rules = feature.rules.iter().flat_map(|rule| &rule.scenarios);
        for scenario in feature.scenarios.iter().chain(under_rules) {
            let name = name(&feature, scenario);
            if asked.selects(&name) {
                writeln!(out, "{name}: test").unwrap();
            }
        }
    }
}

/// What a scenario is called as a test. The name of an outline holds a placeholder, so that its examples differ.
fn name(feature: &Feature, scenario: &Scenario) -> String {
    format!("{}: {}", feature.name, scenario.name)
}
