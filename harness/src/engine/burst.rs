//! The same request several times at once: each reply is judged, and then all of them together.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};

use super::Stage;
use super::attempt::{Answer, Attempt, Seen, step_value};
use super::observing::Watched;
use crate::check::Reply;
use crate::scenario::Step;

/// The number of a request within its burst.
const INDEX: &str = "index";

impl Attempt<'_> {
    pub(super) async fn burst(
        &self,
        step: &Step,
        times: u32,
        stage: &mut Stage,
        watched: &Watched<'_>,
        seen: &mut Seen,
    ) {
        let before = self.key_before(step, stage, seen).await;
        let mut ready = Vec::new();
        for index in 0..times {
            stage.variables.set(INDEX, Value::from(index));
            let Some(outgoing) = self.prepare(step, stage, seen) else { return };
            ready.push(outgoing);
        }
        let deliveries = join_all(ready.iter().map(|outgoing| self.deliver(step, outgoing))).await;
        let mut replies = Vec::new();
        for ((index, outgoing), delivery) in (0..times).zip(&ready).zip(deliveries) {
            stage.variables.set(INDEX, Value::from(index));
            let (value, refused) = match self.take_in(step, outgoing, delivery, stage, seen) {
                Answer::Reply(reply) => {
                    let stream = self.stream(step, &reply, stage);
                    let value = step_value(&reply, stream.as_ref());
                    stage.variables.set(Arc::clone(&step.name), value.clone());
                    self.check(step, (&reply, stream.as_ref()), stage, seen);
                    (value, reply.is_refusal())
                }
                Answer::Closed => (json!({ "closed": true }), true),
                Answer::Missing => continue,
            };
            if seen.failed() {
                seen.leave_bill(step, refused);
            } else {
                self.note_bill(step, refused, stage, seen);
            }
            replies.push(value);
        }
        if seen.failed() {
            return;
        }
        let list = Reply::of_replies(replies);
        stage.variables.set(Arc::clone(&step.name), json!({ "replies": list.json.as_deref() }));
        self.check_replies(step, &list, stage, seen);
        self.capture(step, &list, stage, seen);
        if seen.failed() {
            return;
        }
        if let Some(before) = before {
            self.key_after(step, stage, &before, seen).await;
        }
        self.look_at_logs(step, stage, watched, seen).await;
    }
}
