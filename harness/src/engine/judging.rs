//! What an attempt decides about one reply: its checks, its alternatives, and what is captured from it.

use std::mem;
use std::sync::Arc;

use plumbline_record::{Level, Miss};
use serde_json::Value;

use super::Stage;
use super::attempt::{Attempt, Seen};
use crate::check::{Context, Cut, Decided, Reply, Stream, decide, decide_stream};
use crate::scenario::{
    Alternative, CaptureShape, Check, Expect, PathError, Step, StreamExpectation, Subject,
};
use crate::target::Secret;

impl Attempt<'_> {
    pub(super) fn context<'c>(&'c self, stage: &'c Stage) -> Context<'c> {
        Context {
            templates: &self.plan.suite.templates,
            variables: &stage.variables,
            schemas: &self.plan.schemas,
            scripted: self.plan.target.scripted,
            secrets: &stage.secrets,
        }
    }

    /// Reads a reply as the stream that a step expects; nothing where it expects none, or the reply is none.
    pub(super) fn stream(&self, step: &Step, reply: &Reply, stage: &Stage) -> Option<Stream> {
        Stream::read(step.expect.stream_kind()?, reply, &self.context(stage))
    }

    /// Decides what a reply must be, which may have been read as a stream.
    pub(super) fn check(&self, step: &Step, answer: Answered<'_>, stage: &Stage, seen: &mut Seen) {
        let context = self.context(stage);
        let Expect { checks, stream, alternatives } = &step.expect;
        let decided = decide_all((checks.as_slice(), stream.as_ref()), answer, &context, step);
        let failed = decided.misses.iter().any(|miss| miss.level == Level::Must);
        seen.add(decided);
        if !failed && !alternatives.is_empty() {
            choose(&step.expect, answer, &context, step, seen);
        }
    }

    /// Decides what the list of a burst's replies must be.
    pub(super) fn check_replies(&self, step: &Step, replies: &Reply, stage: &Stage, seen: &mut Seen) {
        let expected = (step.replies.as_slice(), None);
        seen.add(decide_all(expected, (replies, None), &self.context(stage), step));
    }

    /// Learns the credentials in a reply before anything of it is written, also where a check then misses.
    pub(super) fn note_secrets(&self, step: &Step, reply: &Reply, stage: &mut Stage) {
        for capture in step.captures.iter().filter(|capture| capture.secret) {
            if let Ok(Value::String(secret)) = self.captured(&capture.shape, reply, stage) {
                stage.secrets.add(Secret::new(Arc::clone(&capture.name), secret));
            }
        }
    }

    pub(super) fn capture(&self, step: &Step, reply: &Reply, stage: &mut Stage, seen: &mut Seen) {
        for capture in &step.captures {
            let taken = self.captured(&capture.shape, reply, stage);
            match taken {
                Ok(value) => stage.variables.set(Arc::clone(&capture.name), value),
                Err(why) => {
                    let words = (format!("a value for `{}`", capture.name), why);
                    seen.checks += 1;
                    let miss =
                        self.requirements().miss(None, &step.name, "capture", words, &capture.location);
                    seen.misses.push(miss);
                }
            }
        }
    }

    fn captured(&self, shape: &CaptureShape, reply: &Reply, stage: &Stage) -> Result<Value, String> {
        let path = match shape {
            CaptureShape::Header(name) => {
                return reply
                    .header(name)
                    .map(Value::from)
                    .ok_or_else(|| format!("there is no header {name}"));
            }
            CaptureShape::Only(path) | CaptureShape::First(path) | CaptureShape::All(path) => path,
        };
        let json = reply.json.as_deref().ok_or("the body is not JSON")?;
        let compiled = path
            .fill(&self.plan.suite.templates, &stage.variables)
            .map_err(|error: PathError| error.to_string())?;
        let found = compiled.find(json);
        match (shape, found.as_slice()) {
            (CaptureShape::All(_), found) => Ok(found.iter().map(|value| (*value).clone()).collect()),
            (_, []) => Err(format!("{} finds nothing", compiled.text)),
            (CaptureShape::First(_), [first, ..]) | (_, [first]) => Ok((*first).clone()),
            (_, many) => Err(format!("{} finds {} values", compiled.text, many.len())),
        }
    }
}

impl Seen {
    /// Decides on a connection that ended without an answer, where that is allowed; otherwise says whether it is not.
    pub(super) fn allow_closed(&mut self, step: &Step) -> bool {
        // Where nothing came, nothing stands in it.
        let allows = |check: &Check| matches!(check.subject, Subject::Answer | Subject::Anywhere);
        let demands = |check: &Check| matches!(check.subject, Subject::Answer);
        let Expect { checks, stream, alternatives } = &step.expect;
        if stream.is_some() || !checks.iter().all(allows) {
            return false;
        }
        let demanded = checks.iter().any(demands);
        if alternatives.is_empty() {
            if demanded {
                self.held(checks);
            }
            return demanded;
        }
        let closed = |alternative: &&Alternative| {
            let Alternative { checks, stream, .. } = alternative;
            stream.is_none() && checks.iter().all(allows) && (demanded || checks.iter().any(demands))
        };
        let Some(alternative) = alternatives.iter().find(closed) else { return false };
        self.held(checks);
        self.held(&alternative.checks);
        self.take(step, &alternative.name);
        true
    }

    /// Adds checks that hold.
    fn held(&mut self, checks: &[Check]) {
        let mut decided = Decided::default();
        for check in checks {
            decided.add(check.verifies.as_ref(), None);
        }
        self.add(decided);
    }
}

/// A reply, and the stream that it is where it was read as one.
type Answered<'a> = (&'a Reply, Option<&'a Stream>);

/// Decides checks in order, and then what is expected of a stream. After a wrong status nothing else is looked at, for the
/// body is that of another answer, but what must stand nowhere must not stand in that one either.
pub(super) fn decide_all(
    (checks, expected): (&[Check], Option<&StreamExpectation>),
    (reply, stream): Answered<'_>,
    context: &Context<'_>,
    step: &Step,
) -> Decided {
    let (mut decided, mut is_other) = (Decided::default(), false);
    for check in checks {
        if is_other && !matches!(check.subject, Subject::Anywhere) {
            continue;
        }
        let miss = decide(check, reply, context, &step.name);
        is_other |= miss.is_some() && matches!(check.subject, Subject::Status);
        decided.add(check.verifies.as_ref(), miss);
    }
    if let Some(expected) = expected.filter(|_| !is_other) {
        decided.extend(decide_stream(expected, stream, reply, context, &step.name));
    }
    decided
}

/// Takes the first alternative that holds; where none does, says how the nearest missed.
fn choose(expect: &Expect, answer: Answered<'_>, context: &Context<'_>, step: &Step, seen: &mut Seen) {
    // Nothing more was looked at after a wrong status, or where there is an answer and none is expected, so such an
    // alternative has few misses and is far all the same. If that is only a warning, it is farther still: what is no
    // answer by any alternative must not become one by the laxest.
    let distance = |misses: &[Miss]| {
        let must = misses.iter().filter(|miss| miss.level == Level::Must).count();
        let is_other = misses.iter().any(|miss| matches!(&*miss.subject, "status" | "answer" | "response"));
        (is_other, is_other && must == 0, must)
    };
    let mut nearest: Option<(Decided, &str)> = None;
    for alternative in &expect.alternatives {
        let expected = (alternative.checks.as_slice(), alternative.stream.as_ref());
        let mut decided = decide_all(expected, answer, context, step);
        // They count whether or not it is taken.
        seen.checks += mem::take(&mut decided.checks);
        if let (Some(cut), None, None) = (&answer.0.cut, &expect.stream, &alternative.stream) {
            decided.misses.push(incomplete(cut, alternative, step));
        }
        if distance(&decided.misses) == (false, false, 0) {
            seen.add(decided);
            seen.take(step, &alternative.name);
            return;
        }
        if nearest.as_ref().is_none_or(|(other, _)| distance(&decided.misses) < distance(&other.misses)) {
            nearest = Some((decided, &alternative.name));
        }
    }
    let names: Vec<_> = expect.alternatives.iter().map(|alternative| &*alternative.name).collect();
    if let Some((mut decided, name)) = nearest {
        for miss in &mut decided.misses {
            miss.expected = format!("{} (as `{name}`, the nearest of {})", miss.expected, names.join(", "));
        }
        seen.add(decided);
    }
}

/// What is missed by a stream that is cut off where something else is expected.
fn incomplete(cut: &Cut, alternative: &Alternative, step: &Step) -> Miss {
    Miss {
        level: Level::Must,
        requirement: alternative.checks.iter().find_map(|check| check.verifies.as_deref()).map(str::to_owned),
        step: step.name.to_string(),
        subject: "response".to_owned(),
        expected: "a complete response".to_owned(),
        actual: cut.to_string(),
        difference: None,
        location: step.location.clone(),
    }
}
