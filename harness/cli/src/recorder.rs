//! Writes the record while the run goes on, and folds the summary from the same events.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use anyhow::Context as _;
use plumbline_harness::engine::Sink;
use plumbline_record::Event;
use plumbline_reports::Summary;

use crate::progress::Progress;

/// Events that may wait to be written.
const WAITING: usize = 1024;

/// Takes events from the engine and hands them to a thread that writes.
#[derive(Debug)]
pub(crate) struct Recorder {
    sender: SyncSender<Event>,
}

/// The thread that writes.
#[derive(Debug)]
pub(crate) struct Writing {
    thread: JoinHandle<anyhow::Result<Summary>>,
}

impl Recorder {
    /// Begins a record in place of an earlier one.
    pub(crate) fn begin(path: &Path, progress: Progress) -> anyhow::Result<(Self, Writing)> {
        let path: PathBuf = path.to_owned();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        }
        let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
        let (sender, receiver) = sync_channel(WAITING);
        let progress = Mutex::new(progress);
        let thread = thread::spawn(move || {
            let mut progress = progress.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            let mut out = BufWriter::with_capacity(256 * 1024, file);
            let mut summary = Summary::default();
            for event in receiver {
                serde_json::to_writer(&mut out, &event)
                    .with_context(|| format!("write {}", path.display()))?;
                out.write_all(b"\n").with_context(|| format!("write {}", path.display()))?;
                progress.event(&event);
                summary.add(event);
            }
            out.flush().with_context(|| format!("write {}", path.display()))?;
            Ok(summary)
        });
        Ok((Self { sender }, Writing { thread }))
    }
}

impl Sink for Recorder {
    fn event(&self, event: Event) {
        // The thread ends early only after an error, which its end reports.
        let _ = self.sender.send(event);
    }
}

impl Writing {
    /// Waits until everything is written.
    pub(crate) fn finish(self) -> anyhow::Result<Summary> {
        self.thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("write the record: its thread broke")))
    }
}
