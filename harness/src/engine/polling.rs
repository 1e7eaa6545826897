//! The same request again and again, until the answer that is waited for has come.

use std::sync::Arc;
use std::time::{Duration, Instant};

use plumbline_record::{Level, Miss};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Stage;
use super::attempt::{Answer, Attempt, Seen};
use super::judging::decide_all;
use super::observing::Watched;
use super::step_value::step_value;
use crate::check::{Reply, shorten};
use crate::scenario::{Check, Poll, Step};

/// What an answer says of the polling.
enum Stand {
    /// It is the one that was waited for.
    Ended,
    /// It is not, and this is what it lacks.
    Waiting(String),
    /// It shows that the one that is waited for will not come.
    Stopped(String),
}

impl Attempt<'_> {
    /// Sends a request until its answer is the one that is waited for, and judges that one.
    pub(super) async fn poll(
        &self,
        step: &Step,
        poll: &Poll,
        stage: &mut Stage,
        watched: &Watched<'_>,
        seen: &mut Seen,
    ) {
        self.look_at_late_calls(stage, seen).await;
        let last = self.last_reply(step, poll, stage, seen).await;
        if let Some(reply) = &last {
            self.check(step, (reply, None), stage, seen);
            if !seen.failed() {
                self.capture(step, reply, stage, seen);
            }
        }
        if last.is_none() || seen.failed() {
            return;
        }
        self.look_at_logs(step, stage, watched, seen).await;
        self.look_at_calls(step, stage, seen).await;
    }

    /// The answer that was waited for. Where it did not come, that is judged.
    async fn last_reply(
        &self,
        step: &Step,
        poll: &Poll,
        stage: &mut Stage,
        seen: &mut Seen,
    ) -> Option<Reply> {
        let begun = Instant::now();
        let most_bytes = self.plan.target.limits.response_bytes;
        for polls in 1_u64.. {
            let outgoing = self.prepare(step, stage, seen)?;
            let delivery = self.deliver(step, &outgoing, most_bytes).await;
            let mut reply = match self.take_in(step, &outgoing, delivery, stage, seen) {
                Answer::Reply(reply) => reply,
                // The conditions speak of an answer, whatever is expected of the last one.
                Answer::Closed => {
                    let words = ("an answer".to_owned(), "the connection ended without one".to_owned());
                    self.miss_end(step, words, seen);
                    return None;
                }
                Answer::Missing => return None,
            };
            let value = step_value(&mut reply, None, &step.answer, &self.context(stage));
            stage.variables.set(Arc::clone(&step.name), counted(value, polls));
            let lacking = match self.stand(step, poll, &reply, stage) {
                Stand::Ended => {
                    // That the end came in time is a check, though it verifies nothing by itself.
                    seen.checks += 1;
                    return Some(reply);
                }
                Stand::Stopped(lacking) => {
                    let actual = format!("stopped: {}", told(&reply, stage));
                    self.miss_end(step, (lacking, actual), seen);
                    return None;
                }
                Stand::Waiting(lacking) => lacking,
            };
            seen.add(decide_all(
                (poll.meanwhile.as_slice(), None),
                (&reply, None),
                &self.context(stage),
                step,
            ));
            if seen.failed() {
                return None;
            }
            let left = poll.at_most.saturating_sub(begun.elapsed());
            if left.is_zero() {
                let expected = format!("{lacking} within {}", humantime::format_duration(poll.at_most));
                let actual = format!("after {polls} requests {}", told(&reply, stage));
                self.miss_end(step, (expected, actual), seen);
                return None;
            }
            if !self.pause(poll.every.min(left)).await {
                return None;
            }
        }
        None
    }

    /// Waits in real time; false where somebody asked to stop.
    pub(super) async fn pause(&self, time: Duration) -> bool {
        tokio::select! {
            () = sleep(time) => true,
            () = self.cancel.cancelled() => false,
        }
    }

    fn stand(&self, step: &Step, poll: &Poll, reply: &Reply, stage: &Stage) -> Stand {
        let misses = |conditions: &[Check]| {
            decide_all((conditions, None), (reply, None), &self.context(stage), step).misses
        };
        let lacking = misses(&poll.until);
        if lacking.is_empty() {
            return Stand::Ended;
        }
        let words: Vec<_> =
            lacking.iter().map(|miss| format!("{} {}", miss.subject, miss.expected)).collect();
        let words = words.join(" and ");
        if !poll.stop_when.is_empty() && misses(&poll.stop_when).is_empty() {
            Stand::Stopped(words)
        } else {
            Stand::Waiting(words)
        }
    }

    /// Notes that the answer that was waited for did not come: what the step would have verified is what the gateway did
    /// not do.
    fn miss_end(&self, step: &Step, words: (String, String), seen: &mut Seen) {
        let requirement = step.verifies().next();
        seen.checks += 1;
        let miss = self.requirements().miss(requirement, &step.name, "poll", words, &step.location);
        seen.misses.push(Miss { level: Level::Must, ..miss });
    }
}

/// An answer in words.
fn told(reply: &Reply, stage: &Stage) -> String {
    format!("status {} and {}", reply.status, shorten(&reply.text, &stage.secrets))
}

/// A step's answer with the number of requests that it took.
fn counted(value: Arc<Value>, polls: u64) -> Arc<Value> {
    let mut value = Arc::unwrap_or_clone(value);
    if let Value::Object(members) = &mut value {
        members.insert("polls".to_owned(), json!(polls));
    }
    Arc::new(value)
}
