//! What an attempt decides about one reply: its checks, its alternatives, and what is captured from it.

use std::sync::Arc;

use plumbline_record::{Level, Miss};
use serde_json::Value;

use super::Stage;
use super::attempt::{Attempt, Seen};
use crate::check::{Context, Reply, decide};
use crate::scenario::{CaptureShape, Check, Expect, PathError, Step, Subject};
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

    pub(super) fn check(&self, step: &Step, reply: &Reply, stage: &Stage, seen: &mut Seen) {
        let context = self.context(stage);
        let (misses, checks) = decide_all(&step.expect.checks, reply, &context, step);
        seen.checks += checks;
        let failed = misses.iter().any(|miss| miss.level == Level::Must);
        seen.misses.extend(misses);
        if !failed && !step.expect.alternatives.is_empty() {
            alternatives(&step.expect, reply, &context, step, seen);
        }
    }

    /// Decides what the list of a burst's replies must be.
    pub(super) fn check_replies(&self, step: &Step, replies: &Reply, stage: &Stage, seen: &mut Seen) {
        let (misses, checks) = decide_all(&step.replies, replies, &self.context(stage), step);
        seen.checks += checks;
        seen.misses.extend(misses);
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
        let allows = |checks: &[Check]| checks.iter().all(|check| matches!(check.subject, Subject::Answer));
        let (checks, alternatives) = (&step.expect.checks, &step.expect.alternatives);
        if checks.is_empty() && alternatives.is_empty() || !allows(checks) {
            return false;
        }
        self.checks += u32::try_from(checks.len()).unwrap_or(u32::MAX);
        if alternatives.is_empty() {
            return true;
        }
        let taken = alternatives.iter().find(|alternative| allows(&alternative.checks));
        if let Some(alternative) = taken {
            self.checks += 1;
            self.take(step, &alternative.name);
        }
        taken.is_some()
    }
}

/// Decides checks in order. After a wrong status nothing else is looked at: the body is that of another answer.
fn decide_all(checks: &[Check], reply: &Reply, context: &Context<'_>, step: &Step) -> (Vec<Miss>, u32) {
    let mut misses = Vec::new();
    let mut decided = 0;
    for check in checks {
        decided += 1;
        if let Some(miss) = decide(check, reply, context, &step.name) {
            misses.push(miss);
            if matches!(check.subject, Subject::Status) {
                break;
            }
        }
    }
    (misses, decided)
}

/// Takes the first alternative that holds; where none does, says how the nearest missed.
fn alternatives(expect: &Expect, reply: &Reply, context: &Context<'_>, step: &Step, seen: &mut Seen) {
    // Nothing more was looked at after a wrong status, so such an alternative has few misses and is far all the same.
    let distance = |misses: &[Miss]| {
        let must = misses.iter().filter(|miss| miss.level == Level::Must);
        (misses.iter().any(|miss| miss.subject == "status"), must.count())
    };
    let mut nearest: Option<(Vec<Miss>, &str)> = None;
    for alternative in &expect.alternatives {
        let (misses, checks) = decide_all(&alternative.checks, reply, context, step);
        seen.checks += checks;
        if distance(&misses).1 == 0 {
            seen.misses.extend(misses);
            seen.take(step, &alternative.name);
            return;
        }
        if nearest.as_ref().is_none_or(|(other, _)| distance(&misses) < distance(other)) {
            nearest = Some((misses, &alternative.name));
        }
    }
    let names: Vec<_> = expect.alternatives.iter().map(|alternative| &*alternative.name).collect();
    if let Some((misses, name)) = nearest {
        seen.misses.extend(misses.into_iter().map(|miss| Miss {
            expected: format!("{} (as `{name}`, the nearest of {})", miss.expected, names.join(", ")),
            ..miss
        }));
    }
}
