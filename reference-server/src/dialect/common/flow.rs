//! An answer that arrives in parts, and closes its request in the log however it ends.

use std::sync::Arc;
use std::time::Instant;

use super::Exchange;
use crate::domain::call::CallError;
use crate::domain::completion::BilledStream;
use crate::domain::idempotency::Claim;
use crate::domain::log_line::{LogEvent, RequestContext};
use crate::domain::world::World;
use crate::intake::Share;
use crate::provider::StreamPart;

/// The status of a response whose body is a stream.
const STATUS: u16 = 200;

/// The parts of an answer.
pub(crate) struct Flow {
    parts: BilledStream,
    /// What the log says of a failure.
    exception: fn(&World, &CallError) -> String,
    pub(crate) world: Arc<World>,
    context: Arc<RequestContext>,
    started: Instant,
    closed: bool,
    /// What keeps others from asking the same under its idempotency key.
    claim: Option<Claim>,
    /// The room that the request takes, and its answer after it.
    _share: Share,
}

impl Flow {
    /// The parts that answer a request.
    pub(crate) fn new(
        exchange: &Exchange<'_>,
        parts: BilledStream,
        share: Share,
        exception: fn(&World, &CallError) -> String,
    ) -> Self {
        Self {
            parts,
            exception,
            world: Arc::clone(exchange.world),
            context: Arc::clone(&exchange.context),
            started: exchange.started,
            closed: false,
            claim: exchange.claim.lock().take(),
            _share: share,
        }
    }

    /// The next part; nothing after the last one or after an error. The request is closed in the log, and its
    /// idempotency key free, before its end is given away, so that whoever has read it finds both so.
    pub(crate) async fn next(&mut self) -> Option<Result<StreamPart, CallError>> {
        let part = self.parts.next().await?;
        match &part {
            Ok(StreamPart::Finished { .. }) => self.completed(),
            Ok(_) => {}
            Err(error) => {
                let exception = (self.exception)(&self.world, error);
                self.close(LogEvent::failed(self.started.elapsed(), &exception));
            }
        }
        Some(part)
    }

    fn completed(&mut self) {
        self.close(LogEvent::Completed { status: STATUS, duration: self.started.elapsed() });
    }

    fn close(&mut self, event: LogEvent) {
        if !self.closed {
            self.closed = true;
            self.world.record(&self.context, event);
            if let Some(claim) = self.claim.take() {
                claim.give_up();
            }
        }
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        if self.world.closing.has_begun() {
            let exception = CallError::Closing.to_string();
            self.close(LogEvent::failed(self.started.elapsed(), &exception));
        } else {
            // Here only when the caller has left.
            self.completed();
        }
    }
}
