//! What a scenario has to itself.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use plumbline_record::{Case, Event};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

/// The folder of a run, where nothing else is said.
const OUT: &str = "target/plumbline";

/// A folder, an environment and a gateway.
///
/// Commands run in the folder: they find the files that the scenario wrote there, and leave theirs there.
#[derive(Debug, cucumber::World)]
#[world(init = Self::empty)]
pub(crate) struct World {
    /// The options of `plumbline run` that say which gateway is meant; without any it is a sound one.
    pub(crate) gateway: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    process: Option<Gateway>,
    folder: TempDir,
    outcome: Option<Outcome>,
}

impl World {
    fn empty() -> Self {
        Self {
            gateway: Vec::new(),
            environment: BTreeMap::new(),
            process: None,
            folder: tempfile::tempdir().unwrap(),
            outcome: None,
        }
    }

    /// A file in the scenario's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the scenario's folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What a file in the scenario's folder says.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name))
            .unwrap_or_else(|error| panic!("{name}: {error}\n{}", self.outcome()))
    }

    /// Runs a command line to its end; what is run meets the scenario's gateway.
    pub(crate) async fn run(&mut self, line: &str) {
        let words = line.strip_prefix("plumbline ").unwrap();
        let mut command = self.command();
        command.args(arguments(words));
        if words.starts_with("run") {
            command.args(["--out", OUT]).args(&self.gateway);
        }
        let output = spawn_blocking(move || command.output()).await.unwrap().unwrap();
        self.outcome = Some(Outcome::from(output));
    }

    /// Starts `plumbline serve` with these options in another process; commands learn where it is and how to steer it.
    pub(crate) fn serve(&mut self, options: &[&str]) {
        let log = self.path("gateway.log").to_str().unwrap().to_owned();
        self.environment.insert("PLUMBLINE_CONTROL_TOKEN".to_owned(), "acceptance-control".to_owned());
        self.environment.insert("PLUMBLINE_GATEWAY_LOG".to_owned(), log.clone());
        let mut command = self.command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--dialect", "gsai", "--log", &log]).args(options);
        let gateway = Gateway::start(command);
        self.gateway = vec!["--url".to_owned(), gateway.url.clone()];
        self.process = Some(gateway);
    }

    /// What the last command came to.
    pub(crate) fn outcome(&self) -> &Outcome {
        self.outcome.as_ref().unwrap()
    }

    /// The cases of the last run, by name.
    pub(crate) fn cases(&self) -> BTreeMap<String, Case> {
        let record = File::open(self.path(OUT).join("run.jsonl"));
        let record = record.unwrap_or_else(|error| panic!("there is no record: {error}\n{}", self.outcome()));
        plumbline_record::read(BufReader::new(record))
            .filter_map(|event| match event.unwrap() {
                Event::ScenarioFinished(finished) if finished.last => Some(finished.cases),
                _ => None,
            })
            .flatten()
            .map(|case| (case.name.clone(), case))
            .collect()
    }

    /// The binary in the scenario's folder, with the scenario's environment in place of this process's.
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline"));
        command
            .env_remove("PLUMBLINE_CONTROL_TOKEN")
            .env_remove("PLUMBLINE_GATEWAY_LOG")
            .envs(&self.environment)
            .current_dir(self.folder.path());
        command
    }
}

/// The workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The words of a command line; what stands between single quotation marks is one.
fn arguments(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for (part, text) in line.split('\'').enumerate() {
        if part % 2 == 1 {
            words.push(text);
        } else {
            words.extend(text.split_whitespace());
        }
    }
    words
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, stdout, stderr } = self;
        write!(f, "exit code {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// A `plumbline serve` in a process of its own, which ends with it.
#[derive(Debug)]
struct Gateway {
    process: Child,
    url: String,
}

impl Gateway {
    fn start(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { process, url }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It fails only where the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
