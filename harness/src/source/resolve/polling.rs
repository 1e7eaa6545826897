//! Reads the polling of a step: what is asked again and again, how often, and what ends it.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::actions::{fields_of_a_body, fields_of_a_counted_call, first};
use super::convert::{Reading, flatten};
use super::steps::Steps;
use crate::scenario::{Body, Call, Check, Poll, Scenario, Subject};
use crate::source::Span;
use crate::source::written::file::{CheckEntry, ExpectEntry, StepEntry};
use crate::source::written::polling::{Until, UntilEntry};
use crate::source::written::wrappers::{Located, Recovered};

/// How long is waited after an answer: by default, and within which bounds.
const EVERY: (Duration, RangeInclusive<Duration>) =
    (Duration::from_millis(250), Duration::from_millis(10)..=Duration::from_mins(1));
/// How long is polled: by default, and within which bounds.
const AT_MOST: (Duration, RangeInclusive<Duration>) =
    (Duration::from_secs(30), Duration::from_millis(10)..=Duration::from_mins(10));
/// Most requests that there is time for.
const MOST_REQUESTS: u32 = 1_000;

impl Steps<'_, '_, '_, '_> {
    /// What is polled and how often. What ends it is read later, as that may name the step.
    pub(super) fn poll(&mut self, line: &Located<String>, entry: &StepEntry) -> Option<Poll> {
        if entry.until.is_none() {
            let hint = "add `until: [{ at: $.status, equals: completed }]`";
            self.note(line.span, "nothing ends the polling", Some(hint));
        }
        let named = self.method_and_path(line);
        let every = self.length(entry.every.as_ref(), EVERY);
        let at_most = self.length(entry.at_most.as_ref(), AT_MOST);
        let least = at_most / MOST_REQUESTS;
        if every < least && EVERY.1.contains(&every) && AT_MOST.1.contains(&at_most) {
            let span =
                entry.every.as_ref().or(entry.at_most.as_ref()).map_or(line.span, |length| length.span);
            let hint = format!("write `every: {}` or more", humantime::format_duration(least));
            self.note(span, format!("these are more than {MOST_REQUESTS} requests"), Some(&hint));
        }
        let headers = self.headers(entry, str::to_ascii_lowercase);
        let role = self.role(entry);
        let (method, path) = named?;
        let call = Call {
            method,
            path,
            role,
            headers,
            body: Body::Empty,
            chunked: false,
            burst: None,
            own_keys: false,
            leaves: false,
        };
        let (until, stop_when, meanwhile) = (Vec::new(), Vec::new(), Vec::new());
        Some(Poll { call, every, at_most, until, stop_when, meanwhile })
    }

    /// What ends the polling, and what must hold until then.
    pub(super) fn ends(&mut self, poll: &mut Poll, entry: &mut StepEntry) {
        let expect = entry.expect.as_ref().and_then(|expect| expect.0.as_deref());
        if let Some(span) = expect.and_then(stream_of) {
            self.note(span, "what is polled is no stream", Some("make a `call` of its own of it"));
        }
        if let Some(span) = expect.and_then(closed_of) {
            let hint = "take `closed` out: an answer that does not come is missed as it is";
            self.note(span, "what is polled is an answer", Some(hint));
        }
        poll.until = self.conditions(entry.until.take());
        let stop_when = first(entry.stop_when.as_ref());
        poll.stop_when = self.conditions(entry.stop_when.take());
        let is_asked = |stop: &Check| poll.until.iter().any(|until| are_alike(until, stop));
        if let Some(span) = stop_when.filter(|_| !poll.stop_when.is_empty())
            && poll.stop_when.iter().all(is_asked)
        {
            let hint = "it is decided first: name what shows that the other answer will not come";
            self.note(
                span,
                "this holds whenever `until` does, so that nothing ends the polling well",
                Some(hint),
            );
        }
        if let Some(meanwhile) = entry.meanwhile.take().and_then(|meanwhile| meanwhile.0) {
            poll.meanwhile = self.meanwhile(meanwhile);
        }
    }

    /// Notes the fields that only polling has a use for, or that it has none for.
    pub(super) fn fields_of_polling(&mut self, action: &str, entry: &StepEntry) {
        let (fields, hint): (Vec<_>, _) = if action == "poll" {
            let effects = [("bills", first(entry.bills.as_ref())), ("key", first(entry.key.as_ref()))];
            let effects = effects.into_iter().filter_map(|(field, span)| Some((field, span?)));
            let fields = fields_of_a_counted_call(entry).into_iter().chain(fields_of_a_body(entry));
            (fields.chain(effects).collect(), "it goes with `call`; what is polled only asks")
        } else {
            let fields = [
                ("every", entry.every.as_ref().map(|every| every.span)),
                ("at_most", entry.at_most.as_ref().map(|at_most| at_most.span)),
                ("until", first(entry.until.as_ref())),
                ("stop_when", first(entry.stop_when.as_ref())),
                ("meanwhile", first(entry.meanwhile.as_ref())),
            ];
            let fields = fields.into_iter().filter_map(|(field, span)| Some((field, span?)));
            (fields.collect(), "it goes with `poll`")
        };
        for (field, span) in fields {
            self.note(span, format!("`{field}` does not go with `{action}`"), Some(hint));
        }
    }

    /// A length of time, within bounds.
    fn length(
        &mut self,
        text: Option<&Located<String>>,
        (default, bounds): (Duration, RangeInclusive<Duration>),
    ) -> Duration {
        let Some(length) = self.reading.notes.duration(text) else { return default };
        if let Some(text) = text.filter(|_| !bounds.contains(&length)) {
            let [least, most] = [*bounds.start(), *bounds.end()].map(humantime::format_duration);
            let what = if length < *bounds.start() { "short" } else { "long" };
            let hint = format!("from {least} to {most}");
            self.note(text.span, format!("`{}` is too {what}", **text), Some(&hint));
        }
        length
    }

    /// Checks that are conditions: they decide how it goes on, and verify nothing.
    fn conditions(&mut self, until: Option<Recovered<Located<Until>>>) -> Vec<Check> {
        let Some(until) = until.and_then(|until| until.0) else { return Vec::new() };
        let (span, UntilEntry { status, body }) = (until.span, until.value.0);
        if status.is_none() && body.is_empty() {
            self.note(span, "this holds of every answer", Some("add a check, or `status: 200`"));
        }
        let mut checks = Vec::new();
        if let Some(status) = status {
            let matcher = self.statuses(&status);
            checks.push(self.implied(Subject::Status, matcher, None, status.span));
        }
        for entry in flatten(body) {
            let CheckEntry { level, wording, verifies, .. } = &entry.value;
            let place = verifies.as_ref().map(|verifies| verifies.span);
            if let Some(span) = place.or((level.is_some() || *wording).then_some(entry.span)) {
                let hint = "say under `expect` and `meanwhile` what is required, and how binding it is";
                self.note(span, "a condition verifies nothing", Some(hint));
            }
            checks.extend(self.check(entry, None));
        }
        checks
    }

    /// What must hold of every answer before the last: an expectation without what is only one answer's.
    fn meanwhile(&mut self, mut expect: Located<ExpectEntry>) -> Vec<Check> {
        let ExpectEntry { situation, answer, closed, stream, any_of, .. } = &mut expect.value;
        let fields = [
            ("situation", situation.take().map(|situation| situation.span)),
            ("answer", flatten(std::mem::take(answer)).next().map(|check| check.span)),
            ("closed", closed.take().map(|closed| closed.span)),
            ("stream", first(stream.take().as_ref())),
            ("any_of", flatten(std::mem::take(any_of)).next().map(|other| other.span)),
        ];
        let mut out_of_place = false;
        for (field, span) in fields.into_iter().filter_map(|(field, span)| Some((field, span?))) {
            let hint = "write `status`, `headers`, `schema`, `body` or `text`";
            self.note(span, format!("`{field}` does not go with `meanwhile`"), Some(hint));
            out_of_place = true;
        }
        // What is left of it would be told to say nothing.
        if out_of_place { Vec::new() } else { self.expect(expect).checks }
    }
}

impl Reading<'_, '_> {
    /// Notes polling that goes on when the time of its scenario is up.
    pub(super) fn polled_in_time(
        &mut self,
        steps: &[Recovered<Located<StepEntry>>],
        timeout: Option<Duration>,
    ) {
        let time = timeout.unwrap_or(Scenario::TIME);
        for step in steps.iter().filter_map(|step| step.0.as_deref()) {
            let Some(line) = &step.poll else { continue };
            let at_most = match &step.at_most {
                Some(text) => humantime::parse_duration(text).ok(),
                None => Some(AT_MOST.0),
            };
            // Of a length that is none, or out of bounds, that is told.
            let Some(at_most) = at_most.filter(|at_most| AT_MOST.1.contains(at_most) && *at_most >= time)
            else {
                continue;
            };
            let [at_most, time] = [at_most, time].map(humantime::format_duration);
            let span = step.at_most.as_ref().map_or(line.span, |text| text.span);
            let message = format!("the scenario has {time} for all of it, and this may take {at_most}");
            let hint = format!("give the scenario `timeout: …`, more than {at_most}");
            self.notes.add(span, message, Some(hint));
        }
    }
}

/// Whether two conditions ask the same. Paths and patterns have no equality of their own, but they tell what they are.
fn are_alike(one: &Check, other: &Check) -> bool {
    let asked = |check: &Check| format!("{:?} {:?}", check.subject, check.matcher);
    asked(one) == asked(other)
}

/// The part of an expectation of a poll that would make its answer a stream.
fn stream_of(expect: &ExpectEntry) -> Option<Span> {
    let alternatives = expect.any_of.iter().filter_map(|other| other.0.as_ref()?.stream.as_ref());
    first(expect.stream.iter().chain(alternatives).next())
}

/// The part of an expectation of a poll by which there would be no answer.
fn closed_of(expect: &ExpectEntry) -> Option<Span> {
    let alternatives = expect.any_of.iter().filter_map(|other| other.0.as_ref()?.closed.as_ref());
    let mut closed = expect.closed.iter().chain(alternatives).filter(|closed| closed.value);
    closed.next().map(|closed| closed.span)
}
