//! A response while it arrives: how much of it there may be, and when its first event is complete.

use std::mem;
use std::time::{Duration, Instant};

use super::client::NoReply;
use crate::check::{Cut, FirstEvent, Reply, is_event_stream};

/// A response whose head has come.
#[derive(Debug)]
pub(super) struct Arriving {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    most_bytes: u64,
    is_stream: bool,
    sent: Instant,
    first_event: Option<Duration>,
    awaited: FirstEvent,
}

impl Arriving {
    /// A response to a request that was sent at this time.
    pub(super) fn new(status: u16, headers: Vec<(String, String)>, sent: Instant, most_bytes: u64) -> Self {
        let is_stream = is_event_stream(&headers);
        let (body, awaited) = (Vec::new(), FirstEvent::default());
        Self { status, headers, body, most_bytes, is_stream, sent, first_event: None, awaited }
    }

    /// Takes what has come of its body, as far as the limit allows.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<(), Cut> {
        let limit = usize::try_from(self.most_bytes).unwrap_or(usize::MAX);
        let kept = bytes.get(..limit.saturating_sub(self.body.len())).unwrap_or(bytes);
        if self.is_stream && self.first_event.is_none() && self.awaited.ends_in(kept) {
            self.first_event = Some(self.sent.elapsed());
        }
        self.body.extend_from_slice(kept);
        if kept.len() == bytes.len() {
            return Ok(());
        }
        Err(Cut::Unread(format!("the response is longer than {} bytes", self.most_bytes)))
    }

    /// Whether its first event is complete.
    pub(super) fn has_event(&self) -> bool {
        self.first_event.is_some()
    }

    /// What has come so far.
    pub(super) fn so_far(&self) -> Reply {
        Reply::new(self.status, self.headers.clone(), &self.body)
    }

    /// The reply, once all has come.
    pub(super) fn whole(&mut self) -> Reply {
        let reply = Reply::new(self.status, mem::take(&mut self.headers), &mem::take(&mut self.body));
        Reply { first_event: self.first_event, ..reply }
    }

    /// The reply where the rest did not come: only the beginning of a stream says something without the rest.
    pub(super) fn cut(&mut self, cut: Cut) -> Result<Reply, NoReply> {
        if self.is_stream { Ok(Reply { cut: Some(cut), ..self.whole() }) } else { Err(cut.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arriving(content_type: &str) -> Arriving {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Arriving::new(200, headers, Instant::now(), 12)
    }

    #[test]
    fn of_a_stream_there_is_what_has_come() {
        let mut arriving = arriving("text/event-stream; charset=utf-8");
        arriving.add(b"data: a\n\n").unwrap();
        arriving.add(b"abc").unwrap();
        assert!(matches!(arriving.add(b"d"), Err(Cut::Unread(_))), "more than the limit");
        let cut = Cut::Closed("reset".to_owned());
        let reply = arriving.cut(cut.clone()).unwrap();
        assert_eq!((reply.cut, &*reply.text), (Some(cut), "data: a\n\nabc"));
        assert!(reply.first_event.is_some());
    }

    #[test]
    fn of_anything_else_there_is_all_or_nothing() {
        let mut arriving = arriving("text/plain");
        arriving.add(b"data: a\n\n").unwrap();
        let cut = arriving.cut(Cut::Late("too late".to_owned()));
        assert!(matches!(cut, Err(NoReply::Gateway(why)) if why == "too late"));
        let cut = arriving.cut(Cut::Closed("reset".to_owned()));
        assert!(matches!(cut, Err(NoReply::BrokenOff(why)) if why == "reset"));
        assert!(arriving.whole().first_event.is_none());
    }
}
