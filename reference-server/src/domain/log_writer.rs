//! Carries log lines to a file or to the terminal, on a thread of its own.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use serde::Serialize;

use super::log_line::LogLine;

/// How many lines may wait. Past that a request waits too: lines are neither lost nor piled up.
const WAITING: usize = 16_384;

/// Writes lines in the order in which they come, and has them out as soon as no more are waiting.
#[derive(Debug)]
pub(crate) struct LogWriter<L = LogLine> {
    lines: Option<SyncSender<L>>,
    thread: Option<JoinHandle<()>>,
}

impl<L: Serialize + Send + 'static> LogWriter<L> {
    /// Appends JSON lines to a file, which is made where there is none.
    pub(crate) fn to_file(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Self::start(file)
    }

    /// Writes JSON lines to the standard error stream.
    pub(crate) fn to_stderr() -> io::Result<Self> {
        Self::start(io::stderr())
    }

    fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING);
        let thread = thread::Builder::new()
            .name("plumbline-log".to_owned())
            .spawn(move || carry(&receiver, BufWriter::new(output)))?;
        Ok(Self { lines: Some(sender), thread: Some(thread) })
    }

    /// Hands a line over.
    pub(crate) fn write(&self, line: L) {
        if let Some(lines) = &self.lines {
            // It fails only when the thread is gone, which has said so.
            let _ = lines.send(line);
        }
    }
}

impl<L> Drop for LogWriter<L> {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn carry(lines: &Receiver<impl Serialize>, mut output: impl Write) {
    while let Ok(line) = lines.recv() {
        let written = write_line(&mut output, &line)
            .and_then(|()| lines.try_iter().try_for_each(|line| write_line(&mut output, &line)))
            .and_then(|()| output.flush());
        if let Err(error) = written {
            tracing::error!(%error, "the log cannot be written any more");
            return;
        }
    }
}

fn write_line(output: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *output, line)?;
    output.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use uuid::Uuid;

    use super::super::clock::Moment;
    use super::super::log_line::{LogEvent, RequestContext};
    use super::super::routing::Service;
    use super::*;

    #[test]
    fn every_line_reaches_the_file_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.log");
        let writer = LogWriter::to_file(&path).unwrap();
        for id in 0..100_u128 {
            let context = Arc::new(RequestContext {
                id: Uuid::from_u128(id),
                logged_id: Some(Uuid::from_u128(id)),
                method: "GET".into(),
                path: "/".into(),
                query: "".into(),
                client_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
                user_agent: None,
                world: None,
                service: Service::default(),
                is_billed: AtomicBool::default(),
            });
            writer.write(LogLine { at: Moment::from_micros(0), context, event: LogEvent::Started });
        }
        drop(writer);
        let text = std::fs::read_to_string(&path).unwrap();
        let ids: Vec<_> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["request_id"].clone())
            .collect();
        let wanted: Vec<_> =
            (0..100_u128).map(|id| serde_json::Value::from(Uuid::from_u128(id).to_string())).collect();
        assert_eq!(ids, wanted);
    }
}
