//! Reads what a step says of the gateway's providers: what they were asked, and how they are held back.

use std::sync::Arc;

use super::convert::flatten;
use super::members::of_path;
use super::steps::Steps;
use crate::scenario::{
    CallCount, CallOutcome, Check, Clause, Dialect, Expect, Gate, JoinMode, Lacking, Matcher, Path,
    Quantifier, Shape, ShapeNode, StreamExpectation, StreamKind, Subject, UpstreamExpectation,
};
use crate::source::Span;
use crate::source::mistake::hint_among;
use crate::source::written::file::{AlternativeEntry, CheckEntry, ExpectEntry};
use crate::source::written::upstream::{
    CallOutcome as OutcomeEntry, Calls, GatedEntry, Lacks, Leave, Upstream, UpstreamCallEntry,
};
use crate::source::written::wrappers::{Located, Recovered};

/// The members of a call in the simulator's journal.
const MEMBERS: [&str; 18] = [
    "number",
    "provider",
    "model",
    "method",
    "path",
    "query",
    "headers",
    "body",
    "streamed",
    "arrived",
    "arrived_us",
    "ended_us",
    "status",
    "outcome",
    "fault",
    "refused",
    "asked",
    "answered",
];

impl Steps<'_, '_, '_, '_> {
    pub(super) fn upstream(&mut self, upstream: Located<Upstream>) -> UpstreamExpectation {
        let span = upstream.span;
        let entry = match upstream.value {
            Upstream::Calls(entry) => *entry,
            Upstream::None => {
                return UpstreamExpectation {
                    calls: CallCount::exactly(0),
                    count: self.clause(None, span),
                    each: Vec::new(),
                    every: Vec::new(),
                    lacks: Vec::new(),
                    outcome: None,
                };
            }
        };
        let verifies = self.reading.requirement(entry.verifies.as_ref());
        let written = entry.calls_are.len();
        let said = entry.calls.and_then(|calls| calls.0);
        let calls = self.call_count(said.as_ref(), written, span);
        let count = self.clause(verifies.as_ref(), said.map_or(span, |calls| calls.span));
        let each: Vec<_> =
            flatten(entry.calls_are).filter_map(|call| self.upstream_call(call, verifies.as_ref())).collect();
        let every: Vec<_> =
            flatten(entry.every).filter_map(|check| self.call_check(check, verifies.as_ref())).collect();
        let lacks: Vec<_> =
            flatten(entry.lacks).filter_map(|text| self.lacking(text, verifies.as_ref())).collect();
        let outcome = entry.outcome.and_then(|outcome| outcome.0).map(|outcome| {
            let own = self.reading.requirement(outcome.verifies.as_ref()).or_else(|| verifies.clone());
            (outcome_of(outcome.is), self.clause(own.as_ref(), outcome.span))
        });
        let looks = !every.is_empty() || !lacks.is_empty() || outcome.is_some();
        if calls == CallCount::exactly(0) && looks {
            self.note(
                span,
                "where there is no call there is nothing to look at",
                Some("keep one of the two"),
            );
        }
        // One that could not be read was noted; the others would be taken for other calls.
        let each = if each.len() == written { each } else { Vec::new() };
        UpstreamExpectation { calls, count, each, every, lacks, outcome }
    }

    /// How many calls there must be: as many as are described, or as is said, or any.
    fn call_count(&mut self, calls: Option<&Located<Calls>>, described: usize, span: Span) -> CallCount {
        let described = (described > 0).then_some(described as u64);
        let Some(calls) = calls else {
            return described.map_or(CallCount { least: 1, most: None }, CallCount::exactly);
        };
        let said = match &calls.value {
            Calls::Exactly(calls) => CallCount::exactly(*calls),
            Calls::Between(bounds) => match bounds.as_slice() {
                &[least, most] if least <= most => CallCount { least, most: Some(most) },
                _ => {
                    self.note(calls.span, "these are no bounds of a number", Some("write `between: [1, 3]`"));
                    CallCount { least: 0, most: None }
                }
            },
        };
        match described {
            Some(described) if said != CallCount::exactly(described) => {
                let message = format!("`calls_are` describes {described}, and `calls` says something else");
                self.note(span, message, Some("take `calls` out"));
                said
            }
            _ => said,
        }
    }

    /// What is said of one call, as checks.
    fn upstream_call(
        &mut self,
        call: Located<UpstreamCallEntry>,
        default: Option<&Arc<str>>,
    ) -> Option<Vec<Check>> {
        let span = call.span;
        let entry = call.value;
        let verifies = self.reading.requirement(entry.verifies.as_ref()).or_else(|| default.cloned());
        let verifies = verifies.as_ref();
        let written = entry.checks.len();
        let mut checks = Vec::new();
        for (path, text) in [("$.provider", entry.provider), ("$.model", entry.model)] {
            if let Some(text) = text {
                let matcher = Matcher::Equals(self.text_shape(&text)?);
                checks.push(self.call_member(path, matcher, verifies, text.span)?);
            }
        }
        if let Some(status) = entry.status {
            let matcher = self.statuses(&status);
            checks.push(self.call_member("$.status", matcher, verifies, status.span)?);
        }
        let said = checks.len();
        checks.extend(flatten(entry.checks).filter_map(|check| self.call_check(check, verifies)));
        if checks.is_empty() {
            self.note(span, "nothing is said of the call", Some("add `provider: …` or a check"));
        }
        (checks.len() == said + written).then_some(checks)
    }

    /// A check on a member that every call has.
    fn call_member(
        &mut self,
        path: &str,
        matcher: Matcher,
        verifies: Option<&Arc<str>>,
        span: Span,
    ) -> Option<Check> {
        let path = Path::parse(path, self.reading.templates).ok()?;
        Some(self.implied(Subject::Body(path, Quantifier::One), matcher, verifies, span))
    }

    fn call_check(&mut self, entry: Located<CheckEntry>, default: Option<&Arc<str>>) -> Option<Check> {
        for path in [&entry.at, &entry.each, &entry.any].into_iter().flatten() {
            for member in of_path(path).iter().filter_map(|names| names.first()) {
                if !MEMBERS.contains(member) {
                    let hint = hint_among(member, MEMBERS);
                    self.reading.notes.add(path.span, format!("a call has no `{member}`"), hint);
                }
            }
        }
        self.check(entry, default)
    }

    pub(super) fn lacking(&mut self, lacks: Located<Lacks>, default: Option<&Arc<str>>) -> Option<Lacking> {
        let Lacks { text, verifies } = lacks.value;
        if text.is_empty() {
            self.note(lacks.span, "the empty text stands everywhere", Some("write the text"));
        }
        let verifies = self.reading.requirement(verifies.as_ref()).or_else(|| default.cloned());
        let text = self.template(&text, lacks.span)?;
        Some(Lacking { text, clause: self.clause(verifies.as_ref(), lacks.span) })
    }

    /// The gate of a step, whose answer must be a stream that joins the text that is named.
    pub(super) fn gate(
        &mut self,
        gate: Option<&Located<String>>,
        gated: Option<&Located<GatedEntry>>,
        expected: Expected<'_>,
    ) -> Option<Gate> {
        let Some(gate) = gate else {
            if let Some(gated) = gated {
                self.note(gated.span, "`gated` goes with `gate`", Some("add `gate: text`"));
            }
            return None;
        };
        let stream = expected.stream_at(gate.span, "only a stream has a gate", self)?;
        if !texts(&stream.of).any(|name| name == gate.as_str()) {
            let hint = hint_among(gate, texts(&stream.of));
            let message = format!("the stream `{}` joins no text `{}`", stream.of.name, **gate);
            self.reading.notes.add(gate.span, message, hint);
        }
        let own = gated.and_then(|gated| self.reading.requirement(gated.verifies.as_ref()));
        let verifies = own.or_else(|| stream.shape.verifies.clone());
        let span = gated.map_or(gate.span, |gated| gated.span);
        Some(Gate { joined: gate.as_str().into(), clause: self.clause(verifies.as_ref(), span) })
    }

    /// Notes what does not go with leaving in the middle of a stream.
    pub(super) fn leave(
        &mut self,
        leave: Option<&Located<Leave>>,
        gated: Option<&Located<GatedEntry>>,
        expected: Expected<'_>,
    ) {
        let Some(leave) = leave else { return };
        expected.stream_at(leave.span, "only a stream is left", self);
        if let Some(gated) = gated {
            self.note(gated.span, "whoever leaves does not wait for what is withheld", Some("take one out"));
        }
    }

    fn clause(&self, verifies: Option<&Arc<str>>, span: Span) -> Clause {
        let level = self.level(None, false, verifies);
        Clause { level, verifies: verifies.cloned(), location: self.location(span) }
    }

    /// A text that may hold templates, as a value.
    fn text_shape(&mut self, text: &Located<String>) -> Option<Shape> {
        let template = self.template(text, text.span)?;
        let fixed = || ShapeNode::Fixed(Arc::new(text.as_str().into()));
        Some(Shape::new(if template.is_literal() { fixed() } else { ShapeNode::Filled(template) }))
    }
}

/// What a step expects, and whether a stream is written there, though it may not have been read.
#[derive(Clone, Copy)]
pub(super) struct Expected<'e> {
    pub(super) expect: &'e Expect,
    pub(super) writes_stream: bool,
}

impl<'e> Expected<'e> {
    /// The stream that is expected. Where none is written, this is noted.
    fn stream_at(
        self,
        span: Span,
        message: &str,
        steps: &mut Steps<'_, '_, '_, '_>,
    ) -> Option<&'e StreamExpectation> {
        if !self.writes_stream {
            steps.note(span, message, Some("add `expect: { stream: { of: … } }`"));
        }
        self.expect.streams().next()
    }
}

/// Whether a step may expect a stream. What could not be read may have been one.
pub(super) fn writes_stream(
    expect: Option<&Recovered<Located<ExpectEntry>>>,
    dialect: Option<&Arc<Dialect>>,
) -> bool {
    let Some(expect) = expect else { return false };
    let streams = |situation: &Option<Located<String>>| {
        situation.as_ref().is_some_and(|word| {
            let situation = dialect.and_then(|dialect| dialect.situations.get(word.as_str()));
            situation.is_none_or(|expect| expect.stream_kind().is_some())
        })
    };
    expect.0.as_ref().is_none_or(|expect| {
        let mut others = expect.any_of.iter().map(|other| &other.0);
        let is_stream = |other: &Option<Located<AlternativeEntry>>| {
            other.as_ref().is_none_or(|other| other.stream.is_some() || streams(&other.situation))
        };
        expect.stream.is_some() || streams(&expect.situation) || others.any(is_stream)
    })
}

/// The names of the texts that a stream joins.
fn texts(kind: &StreamKind) -> impl Iterator<Item = &str> + Clone {
    let joined = kind.joined.iter().filter(|join| join.mode == JoinMode::Concat && join.by.is_none());
    joined.map(|join| &*join.name)
}

fn outcome_of(outcome: OutcomeEntry) -> CallOutcome {
    match outcome {
        OutcomeEntry::Whole => CallOutcome::Whole,
        OutcomeEntry::Cut => CallOutcome::Cut,
        OutcomeEntry::Left => CallOutcome::Left,
    }
}
