//! Runs the binary and reads what it wrote.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use plumbline_record::{Case, Event, ScenarioFinished, Verdict};
use tempfile::TempDir;

/// The binary, with nothing of this process's environment that it looks at.
pub(crate) fn plumbline() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline"));
    command.env_remove("PLUMBLINE_CONTROL_TOKEN").env_remove("PLUMBLINE_GATEWAY_LOG").current_dir(root());
    command
}

/// The workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What a run came to.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) out: TempDir,
}

/// `plumbline run` with arguments, into a folder of its own.
pub(crate) fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Run {
    run_with(plumbline(), arguments)
}

/// As [`run`], with a command that has an environment.
pub(crate) fn run_with<S: AsRef<OsStr>>(mut command: Command, arguments: impl IntoIterator<Item = S>) -> Run {
    let out = tempfile::tempdir().unwrap();
    let output = command.arg("run").args(arguments).arg("--out").arg(out.path()).output().unwrap();
    let (code, stdout, stderr) = texts(output);
    Run { code, stdout, stderr, out }
}

/// Exit code, stdout and stderr.
pub(crate) fn texts(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

impl Run {
    /// What came of the last attempt at each scenario.
    pub(crate) fn finished(&self) -> Vec<ScenarioFinished> {
        let file = std::fs::File::open(self.out.path().join("run.jsonl")).unwrap();
        plumbline_record::read(BufReader::new(file))
            .filter_map(|event| match event.unwrap() {
                Event::ScenarioFinished(finished) if finished.last => Some(*finished),
                _ => None,
            })
            .collect()
    }

    /// The cases of last attempts, by name.
    pub(crate) fn cases(&self) -> BTreeMap<String, Case> {
        let cases = self.finished().into_iter().flat_map(|finished| finished.cases);
        cases.map(|case| (case.name.clone(), case)).collect()
    }

    /// The verdicts of last attempts, by case.
    pub(crate) fn verdicts(&self) -> BTreeMap<String, Verdict> {
        self.cases().into_iter().map(|(name, case)| (name, case.verdict)).collect()
    }
}

/// A `plumbline serve` in a process of its own; it ends with its handle.
pub(crate) struct Served {
    pub(crate) child: Child,
    pub(crate) address: String,
}

impl Served {
    pub(crate) fn start<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Self {
        Self::start_as("gsai", arguments)
    }

    /// One that speaks this dialect at its root.
    pub(crate) fn start_as<S: AsRef<OsStr>>(dialect: &str, arguments: impl IntoIterator<Item = S>) -> Self {
        let mut child = plumbline()
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--dialect",
                dialect,
                "--control-token",
                "test-control",
            ])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
        Self { child, address }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have been killed by the test itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
