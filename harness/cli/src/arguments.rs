//! What may be typed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use plumbline_harness::engine::Shard;

/// Proves what an LLM gateway really does, and plays one.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 conformant, 1 not conformant, 2 usage, \
    3 scenario or configuration error, 4 target unreachable, 5 nothing was checked, \
    6 stale expected failure."
)]
pub(crate) struct Arguments {
    /// When to colour what is printed.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Print nothing but what was asked for: no notes, no progress, of a run the verdict, of a sound statement nothing.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run scenarios against a gateway; by default against the reference gateway, inside this process.
    Run(Box<Run>),
    /// Run the reference gateway until Ctrl-C.
    Serve(Serve),
    /// Play the model providers until Ctrl-C: a simulator with a journal and faults.
    Upstream(Upstream),
    /// Show that the scenarios notice every deliberate defect of the reference gateway.
    Prove(Prove),
    /// Compare the catalogue of a contract with the scenarios that pass and are known to fail.
    Coverage(Coverage),
    /// List scenarios.
    List(List),
    /// Say in words what a scenario, a requirement or a defect is about.
    Explain(Explain),
    /// Look for mistakes in scenarios, contracts and target descriptors.
    Lint(Lint),
    /// Render reports from the record of a run.
    Report(Report),
    /// Write what a gateway's maker publishes about it from the record of a run, or check what is published.
    Statement(Statement),
    /// Keep a file of expected failures up to date.
    #[command(subcommand)]
    Expect(Expect),
    /// Print the JSON Schema of a file that people write, or what can be said in a feature.
    Schema(Schema),
    /// List the deliberate defects of the reference gateway.
    Defects,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) sources: Sources,
    #[command(flatten)]
    pub(crate) target: TargetChoice,
    /// Most scenarios at once.
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Most further attempts at a scenario that failed, also at one tagged heavy; one that then passes is shown as flaky.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(crate) retries: u32,
    /// Run in an order that is different each time.
    #[arg(long)]
    pub(crate) shuffle: bool,
    /// The seed of a shuffled order, to repeat it.
    #[arg(long, value_name = "N", requires = "shuffle")]
    pub(crate) seed: Option<u64>,
    /// Run only one of several parts of what is selected, such as 2/4; `plumbline report merge` joins their records.
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    /// Begin nothing new after the first failure.
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Most time for a step that states none, such as 5s.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// A file of known failures and flaky cases, which do not make the run fail.
    #[arg(long, value_name = "FILE")]
    pub(crate) expect: Option<PathBuf>,
    /// Count a case that could not be tested as not conformant.
    #[arg(long)]
    pub(crate) strict: bool,
    /// The folder for junit.xml and run.jsonl.
    #[arg(long, value_name = "DIR", default_value = "target/plumbline")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) telling: Telling,
}

/// How much is told of a run.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Telling {
    /// Tell each failure in one line, without requests and responses.
    #[arg(long)]
    pub(crate) brief: bool,
    /// Name the cases that passed or were not decided as well.
    #[arg(long, short, conflicts_with = "brief")]
    pub(crate) verbose: bool,
}

#[derive(Debug, Default, Args)]
#[expect(clippy::doc_markdown, reason = "shown by --help, where backticks would stand in the way")]
pub(crate) struct Selection {
    /// Only scenarios whose id matches one of these patterns, such as 'SEQ_AUTH_*'.
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// Only scenarios with these tags, such as 'p0 and not (slow or live)'.
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) tags: Option<String>,
    /// Only scenarios of these contracts.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) contract: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Sources {
    /// A folder of scenarios, in place of those in this binary.
    #[arg(long, value_name = "DIR")]
    pub(crate) scenarios: Option<PathBuf>,
    /// A folder of fixtures (images, schemas), in place of those in this binary.
    #[arg(long, value_name = "DIR")]
    pub(crate) fixtures: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct TargetChoice {
    /// The gateway: a descriptor file, or an http address.
    #[arg(long, short, value_name = "FILE|URL")]
    pub(crate) target: Option<String>,
    /// The gateway's address, in place of the descriptor's.
    #[arg(long, requires = "target", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// With an address: the environment variable that holds a role's credential.
    #[arg(long, requires = "target", value_name = "ROLE=VARIABLE", value_parser = pair)]
    pub(crate) key: Vec<(String, String)>,
    /// With an address: the id of a model that scenarios name.
    #[arg(long, requires = "target", value_name = "NAME=ID", value_parser = pair)]
    pub(crate) model: Vec<(String, String)>,
    /// With an address: a capability that the gateway has.
    #[arg(long, requires = "target", value_name = "NAME", value_delimiter = ',')]
    pub(crate) capability: Vec<String>,
    /// Switch on a deliberate defect of the reference gateway inside this process.
    #[arg(long, conflicts_with = "target", value_name = "ID", value_delimiter = ',')]
    pub(crate) defect: Vec<String>,
    /// Have the simulator play the providers of the reference gateway in every scenario, not only where one looks at them.
    #[arg(long, conflicts_with = "target")]
    pub(crate) upstream: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Who answers for which model; without it the mock answers for all of them.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The dialect at the root; each is also at /~NAME/.
    #[arg(long, value_name = "NAME", default_value = "openai")]
    pub(crate) dialect: String,
    /// Keep state in this file, so that it survives a restart.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Answer a billed call only once its billing event is on disk.
    #[arg(long, requires = "state")]
    pub(crate) durable: bool,
    /// The token of the control API; by default a new one, printed.
    #[arg(long, env = "PLUMBLINE_CONTROL_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) control_token: Option<String>,
    /// Write log lines, one JSON object each, to this file, or to the terminal with `-`.
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// Switch on a deliberate defect; `plumbline defects` lists them.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub(crate) defect: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Upstream {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    pub(crate) listen: SocketAddr,
    /// The token of the control API; by default a new one, printed.
    #[arg(long, env = "PLUMBLINE_UPSTREAM_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) control_token: Option<String>,
    /// Append every call that has ended, a JSON object each, to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Prove {
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) sources: Sources,
    /// Try only these defects; by default all that break a requirement of the contracts.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub(crate) defect: Vec<String>,
    /// Most scenarios at once.
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Write a page with the matrix to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Write the proof to this file, for `plumbline coverage --proof`.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Coverage {
    /// Only these contracts.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) contract: Vec<String>,
    #[command(flatten)]
    pub(crate) sources: Sources,
    /// What `plumbline prove --json` wrote; without it everything is proved first.
    #[arg(long, value_name = "FILE")]
    pub(crate) proof: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) sources: Sources,
    /// Print a JSON array.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The id of a scenario, a requirement or a defect.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// Folders and files of scenarios; by default those in this binary.
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// A folder of fixtures, in place of those in this binary.
    #[arg(long, value_name = "DIR")]
    pub(crate) fixtures: Option<PathBuf>,
    /// Target descriptors to look at as well.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) target: Vec<PathBuf>,
    /// Files of expected failures to look at as well, against the scenarios that are looked at.
    #[arg(long, value_name = "FILE")]
    pub(crate) expect: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Report {
    #[command(subcommand)]
    pub(crate) command: Option<ReportCommand>,
    /// Records of one run: run.jsonl, or those of several shards.
    #[arg(value_name = "RECORD", required = true)]
    pub(crate) records: Vec<PathBuf>,
    /// Write JUnit XML to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Count a case that could not be tested as not conformant.
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) telling: Telling,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Join the records of all shards of a run into the record of the whole run.
    Merge(Merge),
}

#[derive(Debug, Args)]
pub(crate) struct Merge {
    /// The record of each shard.
    #[arg(value_name = "RECORD", required = true)]
    pub(crate) records: Vec<PathBuf>,
    /// The file for the joined record.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Statement {
    #[command(subcommand)]
    pub(crate) command: Option<StatementCommand>,
    #[command(flatten)]
    pub(crate) write: Option<StatementWrite>,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

// Nothing is flattened into it: clap would not see whether it is there.
#[derive(Debug, Args)]
pub(crate) struct StatementWrite {
    /// Records of one run: run.jsonl, or those of several shards.
    #[arg(value_name = "RECORD", required = true)]
    pub(crate) records: Vec<PathBuf>,
    /// What the gateway is called.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) implementation: String,
    /// The version of the gateway that the run was against.
    #[arg(long, value_name = "VERSION", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) version: String,
    /// The command that does the run again, where that takes more than the command of the record.
    #[arg(long, value_name = "COMMAND", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reproduce: Option<String>,
    /// The file for the statement; by default it is printed.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StatementCommand {
    /// Check that a statement agrees with itself, with the contracts and with the records that it was made from.
    Verify(StatementVerify),
}

#[derive(Debug, Args)]
pub(crate) struct StatementVerify {
    /// The statement.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// A record that it was made from; may be given several times.
    #[arg(long, value_name = "RECORD")]
    pub(crate) record: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Expect {
    /// Take out what passes now and add what fails, as the record of a run tells.
    Update(ExpectUpdate),
}

#[derive(Debug, Args)]
pub(crate) struct ExpectUpdate {
    /// The file; it is made where there is none.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Records of one run: run.jsonl, or those of several shards.
    #[arg(long, value_name = "RECORD", default_value = "target/plumbline/run.jsonl")]
    pub(crate) record: Vec<PathBuf>,
    /// Why the cases that are added fail; needed where there are any.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: Option<String>,
    /// Where more is said about them, such as a ticket.
    #[arg(long, requires = "reason", value_name = "URL")]
    pub(crate) link: Option<String>,
    /// Change nothing; exit with 6 where something would change.
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Which file.
    #[arg(value_enum, default_value_t = SchemaOf::Scenario)]
    pub(crate) of: SchemaOf,
    /// In which form.
    #[arg(long, value_enum, default_value_t = SchemaFormat::Json, value_name = "FORMAT")]
    pub(crate) format: SchemaFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// A scenario file.
    Scenario,
    /// A contract.yaml.
    Contract,
    /// The profile of a dialect of a portable contract.
    Dialect,
    /// A target's descriptor.
    Target,
    /// A file of expected failures.
    Expectations,
    /// A conformance statement.
    Statement,
    /// The configuration of `plumbline serve`.
    Config,
    /// A feature: its sentences, in Markdown whatever the form.
    Gherkin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaFormat {
    /// JSON Schema.
    Json,
    /// Tables for people.
    Markdown,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("it must be longer than nothing".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}
