//! Mistakes, and where they are.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::super::excerpt;
use super::deviations::Deviations;

/// So many mistakes are collected at most. Only a body made for it has more.
const MOST: usize = 200;
/// So many characters are shown of a name that the caller chose.
pub(super) const NAME: usize = 256;

/// Where a value is: a chain of steps on the stack, so that looking costs nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    before: Option<&'a Place<'a>>,
    step: Step<'a>,
}

/// One step down.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

impl<'a> Place<'a> {
    /// The top.
    pub(super) const fn top(name: &'static str) -> Self {
        Self { before: None, step: Step::Name(name) }
    }

    /// A place below this one.
    pub(super) const fn then(&'a self, step: Step<'a>) -> Self {
        Self { before: Some(self), step }
    }

    fn steps(&self) -> Vec<OwnedStep> {
        let mut steps = self.before.map(Place::steps).unwrap_or_default();
        steps.push(match self.step {
            Step::Name(name) => OwnedStep::Name(excerpt::cut(name, NAME).into_owned()),
            Step::Index(index) => OwnedStep::Index(index),
        });
        steps
    }
}

#[derive(Debug)]
enum OwnedStep {
    Name(String),
    Index(usize),
}

impl Serialize for OwnedStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(name) => serializer.serialize_str(name),
            Self::Index(index) => index.serialize(serializer),
        }
    }
}

/// What is wrong with a value.
#[derive(Debug, Serialize)]
struct Mistake<'v> {
    #[serde(rename = "type")]
    kind: &'static str,
    loc: Vec<OwnedStep>,
    msg: Cow<'static, str>,
    /// The value, or its beginning.
    input: Cow<'v, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<Value>,
}

/// What a mistake says, apart from where it is.
pub(super) struct Saying {
    pub(super) kind: &'static str,
    pub(super) msg: Cow<'static, str>,
    pub(super) ctx: Option<Value>,
}

impl Saying {
    /// Words without a context.
    pub(super) const fn plain(kind: &'static str, msg: &'static str) -> Self {
        Self { kind, msg: Cow::Borrowed(msg), ctx: None }
    }
}

/// The mistakes found so far.
#[derive(Debug)]
pub(super) struct Mistakes<'v> {
    list: Vec<Mistake<'v>>,
    /// Whether one is enough, and its words do not matter.
    only_whether: bool,
    any: bool,
    /// What they are measured by.
    pub(super) deviations: Deviations,
}

impl<'v> Mistakes<'v> {
    /// Collects what is said.
    pub(super) const fn told(deviations: Deviations) -> Self {
        Self { list: Vec::new(), only_whether: false, any: false, deviations }
    }

    /// Notes only whether there is any.
    pub(super) const fn counted(deviations: Deviations) -> Self {
        Self { list: Vec::new(), only_whether: true, any: false, deviations }
    }

    /// Whether there is none.
    pub(super) const fn none(&self) -> bool {
        !self.any
    }

    /// Whether looking further adds nothing.
    pub(super) fn enough(&self) -> bool {
        if self.only_whether { self.any } else { self.list.len() >= MOST }
    }

    /// Adds one; its words are made only when somebody reads them.
    pub(super) fn add(&mut self, place: &Place<'_>, input: &'v Value, say: impl FnOnce() -> Saying) {
        self.any = true;
        if !self.only_whether && self.list.len() < MOST {
            let Saying { kind, msg, ctx } = say();
            let input =
                if self.deviations.input_in_full { Cow::Borrowed(input) } else { excerpt::shown(input) };
            self.list.push(Mistake { kind, loc: place.steps(), msg, input, ctx });
        }
    }

    /// The members of a JSON list that tells them: as many as so many bytes hold.
    pub(super) fn json(&self, room: usize) -> Vec<u8> {
        let mut json = Vec::new();
        for mistake in &self.list {
            // Strings, numbers and values always serialize.
            let entry = serde_json::to_vec(mistake).unwrap_or_default();
            if json.len() + entry.len() >= room {
                break;
            }
            if !json.is_empty() {
                json.push(b',');
            }
            json.extend_from_slice(&entry);
        }
        json
    }
}
