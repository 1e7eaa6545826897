//! Which exchanges of a poll the record keeps: hundreds of them may say the same.

use std::mem;
use std::num::NonZeroU64;

use plumbline_record::{Body, Event, Exchange, Outcome};

use super::Sink;

/// So many of the first ones are kept in any case.
const FIRST: u32 = 3;
/// Most that are kept besides the last one.
const MOST: u32 = 50;

/// Passes exchanges on: the first few, those whose answer is another than the one before, and the last. The others are
/// counted.
pub(super) struct Sample<'s> {
    sink: &'s dyn Sink,
    /// The newest exchange, and whether it is kept though another follows.
    newest: Option<(Exchange, bool)>,
    kept: u32,
    left_out: u64,
}

impl<'s> Sample<'s> {
    pub(super) fn new(sink: &'s dyn Sink) -> Self {
        Self { sink, newest: None, kept: 0, left_out: 0 }
    }

    pub(super) fn add(&mut self, exchange: Exchange) {
        let differs = self.newest.as_ref().is_none_or(|(before, _)| said(before) != said(&exchange));
        let is_kept = self.kept < FIRST || (differs && self.kept < MOST);
        self.kept += u32::from(is_kept);
        match self.newest.replace((exchange, is_kept)) {
            Some((before, true)) => self.pass_on(before),
            Some((_, false)) => self.left_out += 1,
            None => {}
        }
    }

    fn pass_on(&mut self, exchange: Exchange) {
        let left_out = NonZeroU64::new(mem::take(&mut self.left_out));
        self.sink.event(Event::Exchange(Box::new(Exchange { left_out, ..exchange })));
    }
}

impl Drop for Sample<'_> {
    /// Also where the scenario's time is up in the middle of a poll, the last exchange is kept.
    fn drop(&mut self) {
        if let Some((last, _)) = self.newest.take() {
            self.pass_on(last);
        }
    }
}

/// What came of a request: the status and the body, or why there is no answer.
fn said(exchange: &Exchange) -> Result<(u16, &Body), &str> {
    match &exchange.outcome {
        Outcome::Response(response) => Ok((response.status, &response.body)),
        Outcome::Failure(why) => Err(why),
    }
}
