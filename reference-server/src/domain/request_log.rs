//! One world's log: its newest lines in memory, and all of them at the sink, where there is one.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use uuid::Uuid;

use super::log_line::LogLine;
use super::log_writer::LogWriter;

/// How many lines a world remembers.
const REMEMBERED: usize = 4_096;

/// Lines, newest last.
#[derive(Debug)]
pub(crate) struct RequestLog {
    lines: Mutex<VecDeque<LogLine>>,
    sink: Option<Arc<LogWriter>>,
}

impl RequestLog {
    /// An empty log that also writes to the sink.
    pub(crate) fn new(sink: Option<Arc<LogWriter>>) -> Self {
        Self { lines: Mutex::default(), sink }
    }

    /// Adds a line; the oldest is forgotten where there are too many.
    pub(crate) fn push(&self, line: LogLine) {
        if let Some(sink) = &self.sink {
            sink.write(line.clone());
        }
        let forgotten = {
            let mut lines = self.lines.lock();
            let forgotten = if lines.len() >= REMEMBERED { lines.pop_front() } else { None };
            lines.push_back(line);
            forgotten
        };
        // What it holds is given back outside the lock.
        drop(forgotten);
    }

    /// The lines, or those of one request, oldest first.
    pub(crate) fn lines(&self, request_id: Option<Uuid>) -> Vec<LogLine> {
        let lines = self.lines.lock();
        lines
            .iter()
            .filter(|line| request_id.is_none_or(|id| line.context.logged_id == Some(id)))
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::atomic::AtomicBool;

    use super::super::clock::Moment;
    use super::super::log_line::{LogEvent, RequestContext};
    use super::super::routing::Service;
    use super::*;

    fn line(id: u128) -> LogLine {
        let id = Uuid::from_u128(id);
        let context = Arc::new(RequestContext {
            id,
            logged_id: Some(id),
            method: "GET".into(),
            path: "/".into(),
            query: "".into(),
            client_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user_agent: None,
            world: None,
            service: Service::default(),
            is_billed: AtomicBool::default(),
        });
        LogLine { at: Moment::from_micros(0), context, event: LogEvent::Started }
    }

    #[test]
    fn only_the_newest_lines_are_remembered() {
        let log = RequestLog::new(None);
        for id in 0..REMEMBERED as u128 + 3 {
            log.push(line(id));
        }
        let lines = log.lines(None);
        assert_eq!(lines.len(), REMEMBERED);
        assert_eq!(lines[0].context.id, Uuid::from_u128(3));
    }

    #[test]
    fn a_request_finds_its_own_lines() {
        let log = RequestLog::new(None);
        for id in [1, 2, 1] {
            log.push(line(id));
        }
        assert_eq!(log.lines(Some(Uuid::from_u128(1))).len(), 2);
        assert_eq!(log.lines(Some(Uuid::from_u128(9))).len(), 0);
    }
}
