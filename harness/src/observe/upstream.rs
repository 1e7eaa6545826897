//! Looks at what the gateway asked of its providers, in the journal of the simulator that plays them.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::engine::{Journal, ServiceError, Simulator, Until, Wanted};
use crate::scenario::CallCount;

/// What a call's outcome is while it has none.
const OPEN: &str = "open";

/// The calls after a number, once nothing is to come any more of which it is known: there are as many as there must be,
/// and all of them have ended. Where there are too many already, or the time is over, those that there are.
///
/// A call that nobody has made yet is not waited for beyond that: its absence cannot be seen by waiting.
pub(crate) async fn await_calls(
    simulator: Simulator<'_>,
    world: &str,
    wanted: Wanted<'_>,
    count: CallCount,
    time: Duration,
) -> Result<Journal, ServiceError> {
    let deadline = Instant::now() + time;
    loop {
        let journal = simulator.journal(world, Wanted { until: Until::Now, ..wanted }).await?;
        let calls = journal.calls.len() as u64;
        let open = journal.calls.iter().find(|call| is_open(call)).map(number);
        let is_settled = open.is_none() && calls >= count.least || count.is_exceeded_by(calls);
        let left = deadline.saturating_duration_since(Instant::now());
        if is_settled || left.is_zero() {
            return Ok(journal);
        }
        let awaited = match open {
            Some(number) => Wanted { after: number.saturating_sub(1), until: Until::Ended(left), ..wanted },
            None => Wanted { after: journal.last, until: Until::Arrived(left), ..wanted },
        };
        simulator.journal(world, awaited).await?;
    }
}

pub(super) fn is_open(call: &Value) -> bool {
    call.get("outcome").and_then(Value::as_str) == Some(OPEN)
}

fn number(call: &Value) -> u64 {
    call.get("number").and_then(Value::as_u64).unwrap_or_default()
}
