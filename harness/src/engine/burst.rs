//! The same request several times at once: each reply is judged, and then all of them together.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Map, Value, json};
use tokio::task::yield_now;

use super::Stage;
use super::attempt::{Attempt, Seen};
use super::observing::Watched;
use super::sending::Answer;
use super::step_value::step_value;
use crate::check::{Json, Reply};
use crate::scenario::{Call, Step};

/// The number of a request within its burst.
const INDEX: &str = "index";
/// As many bytes as this number of single answers may have is what the answers of a burst may have together.
const SHARED: u64 = 4;

impl Attempt<'_> {
    pub(super) async fn burst(
        &self,
        step: &Step,
        (call, times): (&Call, u32),
        stage: &mut Stage,
        watched: &Watched<'_>,
        seen: &mut Seen,
    ) {
        self.look_at_late_calls(stage, seen).await;
        let before = self.key_before(step, stage, seen).await;
        let keys = call.needed_keys().and_then(|(role, _)| stage.minted.get(role)).cloned();
        let mut keys = keys.into_iter().flatten();
        let mut ready = Vec::new();
        for index in 0..times {
            stage.variables.set(INDEX, Value::from(index));
            let own = keys.next();
            let Some(outgoing) = self.prepare(step, own.as_ref(), stage, seen) else { return };
            ready.push((outgoing, own));
        }
        // All of them are kept until the last is judged.
        let limit = self.plan.target.limits.response_bytes;
        let most_bytes = limit.min(limit.saturating_mul(SHARED) / u64::from(times.max(1)));
        let deliveries = ready.iter().map(|(outgoing, _)| self.deliver(step, outgoing, most_bytes));
        let deliveries = join_all(deliveries).await;
        let mut replies = Vec::new();
        let billed = (seen.bills.len(), seen.billing.misses.len());
        for ((index, (outgoing, own)), delivery) in (0..times).zip(&ready).zip(deliveries) {
            stage.variables.set(INDEX, Value::from(index));
            let (value, refused) = match self.take_in(step, outgoing, delivery, stage, seen) {
                Answer::Reply(mut reply) => {
                    let mut stream = self.stream(step, &reply, stage);
                    let value = step_value(&mut reply, stream.as_mut(), &step.answer, &self.context(stage));
                    stage.variables.set(Arc::clone(&step.name), Arc::clone(&value));
                    self.check(step, (&reply, stream.as_ref()), stage, seen);
                    (value, reply.is_refusal())
                }
                Answer::Closed => (Arc::new(json!({ "closed": true })), true),
                Answer::Missing => continue,
            };
            if seen.failed() {
                seen.leave_bill(step, refused);
            } else {
                self.note_bill(step, own.as_ref(), refused, stage, seen);
            }
            replies.push(value);
            // Between two answers, which may be large, time may be up.
            yield_now().await;
        }
        if seen.failed() {
            return seen.leave_bills_since(billed);
        }
        // Where nothing else holds them, the answers become part of the whole without being copied.
        stage.variables.set(Arc::clone(&step.name), Value::Null);
        let replies = replies.into_iter().map(Arc::unwrap_or_clone).collect();
        let whole = Arc::new(Value::Object(Map::from_iter([("replies".to_owned(), replies)])));
        let list = Reply::of_json(Json::member(&whole, "replies"));
        stage.variables.set(Arc::clone(&step.name), whole);
        self.check_replies(step, &list, stage, seen);
        self.capture(step, &list, stage, seen);
        if seen.failed() {
            return;
        }
        if let Some(before) = before {
            self.key_after(step, stage, &before, seen).await;
        }
        self.look_at_logs(step, stage, watched, seen).await;
        self.look_at_calls(step, stage, seen).await;
    }
}
