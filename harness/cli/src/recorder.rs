//! Writes the record while the run goes on, and folds the summary from the same events.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use plumbline_harness::engine::Sink;
use plumbline_record::Event;
use plumbline_reports::Summary;

use crate::progress::Progress;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 256 * 1024;

/// Takes events from the engine. It has no thread of its own: to wake one for every event costs more than the event.
#[derive(Debug)]
pub(crate) struct Recorder {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    out: BufWriter<File>,
    summary: Summary,
    progress: Progress,
    /// The first error; after it nothing more is written.
    error: Option<std::io::Error>,
}

impl Recorder {
    /// Begins a record in place of an earlier one.
    pub(crate) fn begin(path: &Path, progress: Progress) -> anyhow::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        }
        let file = File::create(path).with_context(|| format!("create {}", path.display()))?;
        let out = BufWriter::with_capacity(BUFFER, file);
        let state = State { out, summary: Summary::default(), progress, error: None };
        Ok(Self { path: path.to_owned(), state: Mutex::new(state) })
    }

    /// Writes what is left and gives the summary.
    pub(crate) fn finish(&self) -> anyhow::Result<Summary> {
        let mut state = self.state();
        let flushed = state.out.flush();
        let written = state.error.take().map_or(flushed, Err);
        written.with_context(|| format!("write {}", self.path.display()))?;
        Ok(std::mem::take(&mut state.summary))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Recorder {
    fn event(&self, event: Event) {
        let line = serde_json::to_vec(&event);
        let mut state = self.state();
        let written = line.map_err(std::io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            if state.error.is_none() { state.out.write_all(&line) } else { Ok(()) }
        });
        if let Err(error) = written {
            state.error.get_or_insert(error);
        }
        state.progress.event(&event);
        state.summary.add(event);
    }
}
