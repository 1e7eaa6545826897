//! The same request again and again, until the answer that is waited for has come.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plumbline_record::{Level, Location, Miss};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Stage;
use super::attempt::{Attempt, Seen};
use super::client::NoReply;
use super::judging::decide_all;
use super::observing::Watched;
use super::sample::Sample;
use super::sending::Answer;
use super::step_value::step_value;
use crate::check::{Decided, Reply, shorten};
use crate::scenario::{Check, Poll, Step};

/// What was waited for where an answer is both the end and none.
const OTHER_END: &str = "an end that `stop_when` does not rule out";

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
        let (mut sample, mut meanwhile) = (Sample::new(self.sink), Meanwhile::default());
        // What is missed if no other answer comes in time.
        let mut missing = None;
        for polls in 1_u64.. {
            let left = poll.at_most.saturating_sub(begun.elapsed());
            if left.is_zero()
                && let Some(words) = missing.take()
            {
                self.miss_end(step, words, seen);
                return None;
            }
            let outgoing = self.prepare(step, None, stage, seen)?;
            let time = left.min(self.time(step));
            let delivery = self.deliver_within(time, &outgoing, most_bytes).await;
            let is_late = begun.elapsed() >= poll.at_most;
            let (exchange, result) = self.note(step, &outgoing, delivery, stage, seen);
            sample.add(exchange);
            if is_late
                && matches!(result, Err(NoReply::Gateway(_)))
                && let Some(words) = missing.take()
            {
                self.miss_end(step, words, seen);
                return None;
            }
            let mut reply = match self.answer(step, result, seen) {
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
            let told = told(&reply, stage);
            let lacking = match self.stand(step, poll, &reply, stage) {
                Stand::Ended if is_late => {
                    self.miss_end(step, in_time("the end", poll, polls, &told), seen);
                    return None;
                }
                Stand::Ended => {
                    // That the end came in time is a check, though it verifies nothing by itself.
                    seen.checks += 1;
                    return Some(reply);
                }
                Stand::Stopped(lacking) => {
                    self.miss_end(step, (lacking, format!("stopped: {told}")), seen);
                    return None;
                }
                Stand::Waiting(lacking) => lacking,
            };
            let expected = (poll.meanwhile.as_slice(), None);
            seen.add(meanwhile.more(decide_all(expected, (&reply, None), &self.context(stage), step)));
            if seen.failed() {
                return None;
            }
            missing = Some(in_time(&lacking, poll, polls, &told));
            let left = poll.at_most.saturating_sub(begun.elapsed());
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
        let words: Vec<_> =
            lacking.iter().map(|miss| format!("{} {}", miss.subject, miss.expected)).collect();
        // Whatever ends it well, this is how it does not.
        if !poll.stop_when.is_empty() && misses(&poll.stop_when).is_empty() {
            let words = if words.is_empty() { OTHER_END.to_owned() } else { words.join(" and ") };
            Stand::Stopped(words)
        } else if words.is_empty() {
            Stand::Ended
        } else {
            Stand::Waiting(words.join(" and "))
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

/// What was decided about the answers before the last. Each check counts once and is missed once, however many answers
/// there were: that depends on how fast the gateway is.
#[derive(Default)]
struct Meanwhile {
    missed: HashSet<Location>,
    checks: u32,
}

impl Meanwhile {
    /// What one more answer adds.
    fn more(&mut self, mut decided: Decided) -> Decided {
        decided.misses.retain(|miss| self.missed.insert(miss.location.clone()));
        decided.checks = decided.checks.saturating_sub(self.checks);
        self.checks += decided.checks;
        decided
    }
}

/// What is missed where it does not come in time, and what was there instead.
fn in_time(lacking: &str, poll: &Poll, polls: u64, told: &str) -> (String, String) {
    let requests = if polls == 1 { "request" } else { "requests" };
    let expected = format!("{lacking} within {}", humantime::format_duration(poll.at_most));
    (expected, format!("after {polls} {requests} {told}"))
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
