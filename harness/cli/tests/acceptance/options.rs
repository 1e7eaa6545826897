//! What may be typed.

use std::num::NonZero;

use clap::Args;
use cucumber::{cli, parser, runner, writer};

/// Cucumber's options, and those of a test binary.
pub(crate) type Options = cli::Opts<parser::basic::Cli, runner::basic::Cli, writer::basic::Cli, TestOptions>;

/// What `cargo test` and nextest tell a test binary.
#[derive(Clone, Debug, Args)]
#[group(skip)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub(crate) struct TestOptions {
    /// Only scenarios in whose names one of these is found.
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// Only scenarios that are named exactly so.
    #[arg(long)]
    exact: bool,
    /// Only ignored scenarios, of which there are none.
    #[arg(long)]
    ignored: bool,
    /// Name the scenarios, and run none.
    #[arg(long)]
    pub(crate) list: bool,
    /// How to name them.
    #[arg(long = "format", requires = "list", value_parser = ["terse"])]
    _format: Option<String>,
    /// Tell of scenarios that passed as well.
    #[arg(long, alias = "no-capture")]
    pub(crate) nocapture: bool,
    /// Most scenarios at once.
    #[arg(long, value_name = "N")]
    pub(crate) test_threads: Option<NonZero<usize>>,
}

impl TestOptions {
    /// Whether a scenario of this name is to run.
    pub(crate) fn selects(&self, name: &str) -> bool {
        let names =
            |filter: &String| if self.exact { name == filter } else { name.contains(filter.as_str()) };
        !self.ignored && (self.filters.is_empty() || self.filters.iter().any(names))
    }
}
