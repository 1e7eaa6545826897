//! A response while it arrives: how much of it there may be, and when its first event is complete.

use std::mem;
use std::time::{Duration, Instant};

use super::client::{NoReply, too_long};
use crate::check::{Reply, is_event_stream};

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

    /// Whether it is a stream of events, whose beginning says something without the rest.
    pub(super) fn is_stream(&self) -> bool {
        self.is_stream
    }

    /// Takes what has come of its body, within the limit.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<(), NoReply> {
        if (self.body.len() + bytes.len()) as u64 > self.most_bytes {
            return Err(too_long(self.most_bytes));
        }
        if self.is_stream && self.first_event.is_none() && self.awaited.ends_in(bytes) {
            self.first_event = Some(self.sent.elapsed());
        }
        self.body.extend_from_slice(bytes);
        Ok(())
    }

    /// The reply, once all has come.
    pub(super) fn whole(self) -> Reply {
        Reply { first_event: self.first_event, ..Reply::new(self.status, self.headers, &self.body) }
    }

    /// The reply where the rest did not come.
    pub(super) fn cut(self, why: String) -> Reply {
        Reply { cut: Some(why), ..self.whole() }
    }
}

/// Notices the end of the first event in bytes that come in any pieces. A comment is no event.
#[derive(Debug, Default)]
struct FirstEvent {
    within_line: bool,
    after_return: bool,
    has_data: bool,
}

impl FirstEvent {
    fn ends_in(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            let after_return = mem::replace(&mut self.after_return, *byte == b'\r');
            match byte {
                // A line feed belongs to the carriage return before it.
                b'\n' if after_return => {}
                b'\r' | b'\n' if !self.within_line && self.has_data => return true,
                b'\r' | b'\n' => self.within_line = false,
                _ => {
                    // No other field that counts begins like `data`.
                    self.has_data |= !self.within_line && *byte == b'd';
                    self.within_line = true;
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_event_ends_with_the_blank_line_after_its_data() {
        for (pieces, ends) in [
            (vec!["data: a\n\n"], Some(0)),
            (vec!["da", "ta: a\r", "\n", "\r", "\n"], Some(3)),
            (vec!["data: a\r", "\r"], Some(1)),
            (vec![": beat\n\n", "event: a\nda", "ta: b\n", "\n"], Some(3)),
            (vec![": data\n\n\n", "event: data\n\n"], None),
            (vec!["data: a\r\n", "data: b\n"], None),
        ] {
            let mut first = FirstEvent::default();
            let found = pieces.iter().position(|piece| first.ends_in(piece.as_bytes()));
            assert_eq!(found, ends, "{pieces:?}");
        }
    }

    #[test]
    fn the_time_is_that_of_a_stream_only() {
        for (content_type, timed) in [("text/event-stream; charset=utf-8", true), ("text/plain", false)] {
            let headers = vec![("content-type".to_owned(), content_type.to_owned())];
            let mut arriving = Arriving::new(200, headers, Instant::now(), 12);
            arriving.add(b"data: a\n\n").unwrap();
            arriving.add(b"abc").unwrap();
            assert!(arriving.add(b"d").is_err(), "more than the limit");
            let reply = arriving.cut("reset".to_owned());
            assert_eq!((reply.first_event.is_some(), reply.cut.as_deref()), (timed, Some("reset")));
            assert_eq!(&*reply.text, "data: a\n\nabc");
        }
    }
}
