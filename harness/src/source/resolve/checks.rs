//! Reads what a step expects: checks, matchers, streams and alternatives.

use std::collections::BTreeMap;
use std::sync::Arc;

use plumbline_record::Level;

use super::convert::flatten;
use super::matchers::Matchers;
use super::steps::Steps;
use crate::scenario::{Alternative, Check, CheckLevel, Expect, Lacking, Matcher, Quantifier, Shape, Subject};
use crate::source::Span;
use crate::source::mistake::hint_among;
use crate::source::written::file::{CheckEntry, ExpectEntry, LevelEntry, MatchEntry};
use crate::source::written::stream::StreamExpectEntry;
use crate::source::written::upstream::Lacks;
use crate::source::written::wrappers::{Located, OneOrMany, Recovered};

impl Steps<'_, '_, '_, '_> {
    pub(super) fn expect(&mut self, expect: Located<ExpectEntry>) -> Expect {
        let span = expect.span;
        let expect = expect.value;
        let default = self.reading.requirement(expect.verifies.as_ref());
        let parts = Parts {
            situation: expect.situation,
            answer: expect.answer,
            nowhere: expect.nowhere,
            status: expect.status,
            closed: expect.closed,
            headers: expect.headers,
            schema: expect.schema,
            body: expect.body,
            text: expect.text,
            stream: expect.stream,
        };
        let expects_something = parts.stream.is_some() || parts.situation.is_some();
        let situation = parts.situation.as_ref().map(|word| word.span);
        let looked_for = first(&parts.answer);
        let mut expected = self.parts(parts, default.as_ref());
        if let Some(span) =
            situation.filter(|_| !expected.alternatives.is_empty() && !expect.any_of.is_empty())
        {
            let hint = "make a situation of each of them, and name those in `any_of`";
            self.note(span, "the situation has alternatives itself, beside `any_of`", Some(hint));
        }
        for alternative in flatten(expect.any_of) {
            let entry = alternative.value;
            let verifies = self.reading.requirement(entry.verifies.as_ref()).or_else(|| default.clone());
            let parts = Parts {
                situation: entry.situation,
                answer: entry.answer,
                nowhere: entry.nowhere,
                status: entry.status,
                closed: entry.closed,
                headers: entry.headers,
                schema: entry.schema,
                body: entry.body,
                text: entry.text,
                stream: entry.stream,
            };
            let expects_something = parts.stream.is_some() || parts.situation.is_some();
            let looked_for = first(&parts.answer);
            let Expect { checks, stream, alternatives: inner } = self.parts(parts, verifies.as_ref());
            if !inner.is_empty() {
                let hint = "make a situation of each of them, and an alternative of each";
                self.note(alternative.span, "this situation has alternatives itself", Some(hint));
            }
            if let Some(span) = looked_for.filter(|_| expected.stream.is_some() && stream.is_none()) {
                let hint = "name the situation in the alternative too";
                self.note(span, "the alternative does not say that the answer is a stream", Some(hint));
            }
            if checks.is_empty() && !expects_something {
                self.note(
                    alternative.span,
                    "an alternative without checks allows everything",
                    Some("spell it out"),
                );
            }
            if expected.alternatives.iter().any(|other| *other.name == **entry.name) {
                self.note(entry.name.span, format!("the alternative `{}` is given twice", *entry.name), None);
            }
            expected.alternatives.push(Alternative { name: entry.name.as_str().into(), checks, stream });
        }
        let Expect { checks, stream, alternatives } = &expected;
        if checks.is_empty() && !expects_something && alternatives.is_empty() {
            self.note(span, "nothing is expected", Some("add `status: 200` or a check"));
        }
        let may_be_stream = stream.is_none() && alternatives.iter().any(|other| other.stream.is_some());
        if let Some(span) = looked_for.filter(|_| may_be_stream) {
            let hint = "write `answer` in each alternative, with the situation";
            self.note(span, "whether the answer is a stream depends on the alternative", Some(hint));
        }
        if let Some(kind) = expected.stream_kind()
            && expected.streams().any(|stream| stream.of.name != kind.name)
        {
            self.note(span, "the streams of a step are of one kind", Some("make a step for each kind"));
        }
        expected
    }

    fn parts(&mut self, parts: Parts, default: Option<&Arc<str>>) -> Expect {
        let situation = parts.situation.as_ref().and_then(|word| self.situation(word, default));
        let Expect { mut checks, stream: of_situation, alternatives } = situation.unwrap_or_default();
        if let Some(closed) = &parts.closed {
            if !closed.value {
                self.note(
                    closed.span,
                    "`closed: false` says nothing",
                    Some("write `status: …` for an answer"),
                );
            }
            if parts.says_of_an_answer() {
                let message = "where the connection ends without an answer there is nothing else to check";
                self.note(closed.span, message, Some("make `closed: true` an alternative of its own"));
            }
            checks.push(self.implied(Subject::Answer, Matcher::Absent, default, closed.span));
        }
        if let Some(status) = parts.status {
            let matcher = self.statuses(&status);
            checks.push(self.implied(Subject::Status, matcher, default, status.span));
        }
        for (name, entry) in parts.headers {
            if let Some(entry) = entry.0 {
                let name = name.to_ascii_lowercase();
                checks.extend(self.text_check(Subject::Header(name), entry, default));
            }
        }
        let stream = parts.stream.and_then(|stream| stream.0);
        let of_body = parts.schema.as_ref().map(|schema| schema.span);
        let of_body = of_body.or_else(|| first(&parts.body));
        match (&stream, &of_situation, of_body) {
            (Some(stream), _, Some(_)) => {
                let hint = "write under `stream` what is expected of its events";
                self.note(stream.span, "a stream of events has no JSON body", Some(hint));
            }
            (None, Some(_), Some(span)) => {
                let hint = "check what comes under `answer`";
                self.note(span, "the situation is a stream, which has no JSON body", Some(hint));
            }
            _ => {}
        }
        if let Some(schema) = parts.schema {
            let matcher = Matcher::Schema(self.schema(&schema));
            checks.push(self.implied(Subject::Json, matcher, default, schema.span));
        }
        for entry in flatten(parts.body) {
            checks.extend(self.check(entry, default));
        }
        if let Some(entry) = parts.text.and_then(|text| text.0) {
            checks.extend(self.text_check(Subject::Text, entry, default));
        }
        if let (Some(_), Some(stream)) = (&of_situation, &stream) {
            let hint = "take `stream` out, and check what comes under `answer`";
            self.note(stream.span, "the situation says already what stream it is", Some(hint));
        }
        let mut stream = of_situation.or_else(|| stream.and_then(|entry| self.stream(entry, default)));
        for entry in flatten(parts.answer) {
            let check = self.answer_check(entry, stream.is_some(), default);
            match &mut stream {
                Some(stream) => stream.checks.extend(check),
                None => checks.extend(check),
            }
        }
        for text in flatten(parts.nowhere) {
            checks.extend(self.nowhere(text, default));
        }
        Expect { checks, stream, alternatives }
    }

    /// That a text stands nowhere in the answer.
    fn nowhere(&mut self, text: Located<Lacks>, default: Option<&Arc<str>>) -> Option<Check> {
        let span = text.span;
        let Lacking { text, clause } = self.lacking(text, default)?;
        Some(self.implied(Subject::Anywhere, Matcher::Omits(text), clause.verifies.as_ref(), span))
    }

    /// One of these status codes.
    pub(super) fn statuses(&mut self, status: &Located<OneOrMany<u16>>) -> Matcher {
        let codes = &status.value.0;
        if codes.is_empty() {
            self.note(status.span, "no status is right", Some("write `status: 200`"));
        }
        if let Some(odd) = codes.iter().find(|code| !(100..600).contains(*code)) {
            self.note(status.span, format!("{odd} is not a status code"), Some("from 100 to 599"));
        }
        Matcher::OneOf(codes.iter().map(|code| Shape::fixed((*code).into())).collect())
    }

    /// The name of a JSON Schema, noted where there is none such.
    pub(super) fn schema(&mut self, name: &Located<String>) -> Arc<str> {
        if !self.reading.schemas.contains(&name.as_str()) {
            let hint = hint_among(name, self.reading.schemas.iter().copied());
            self.reading.notes.add(name.span, format!("there is no JSON Schema `{}`", **name), hint);
        }
        name.as_str().into()
    }

    /// A check whose level is that of its requirement.
    pub(super) fn implied(
        &self,
        subject: Subject,
        matcher: Matcher,
        verifies: Option<&Arc<str>>,
        span: Span,
    ) -> Check {
        Check {
            subject,
            matcher,
            level: self.level(None, false, verifies),
            verifies: verifies.cloned(),
            location: self.location(span),
        }
    }

    pub(super) fn level(
        &self,
        level: Option<LevelEntry>,
        wording: bool,
        verifies: Option<&Arc<str>>,
    ) -> CheckLevel {
        if wording {
            return CheckLevel::Wording;
        }
        let required = || {
            let requirements = self.reading.contract.map(|contract| &contract.requirements)?;
            requirements.get(verifies?).map(|requirement| requirement.level)
        };
        CheckLevel::Fixed(level.map(Level::from).or_else(required).unwrap_or_default())
    }

    pub(super) fn check(&mut self, entry: Located<CheckEntry>, default: Option<&Arc<str>>) -> Option<Check> {
        let span = entry.span;
        let entry = entry.value;
        let places =
            [(&entry.at, Quantifier::One), (&entry.each, Quantifier::Each), (&entry.any, Quantifier::Any)];
        let mut given =
            places.into_iter().filter_map(|(path, quantifier)| path.as_ref().map(|path| (path, quantifier)));
        let (path, quantifier) = match (given.next(), given.next()) {
            (Some(one), None) => one,
            (None, _) => {
                self.note(span, "the check has no path", Some("add `at: $.…`"));
                return None;
            }
            (Some(_), Some((path, _))) => {
                let span = path.span;
                self.note(span, "a check has one path", Some("keep one of `at`, `each` and `any`"));
                return None;
            }
        };
        let path = self.path(path);
        let matcher = self.matcher(
            span,
            Matchers {
                is: entry.is,
                equals: entry.equals,
                differs_from: entry.differs_from,
                contains: entry.contains,
                matches: entry.matches,
                lacks: entry.lacks,
                between: entry.between,
                one_of: entry.one_of,
                length: entry.length,
                absent: entry.absent,
                json_schema: entry.json_schema,
            },
        );
        let verifies = self.reading.requirement(entry.verifies.as_ref()).or_else(|| default.cloned());
        let level = self.level(entry.level, entry.wording, verifies.as_ref());
        let subject = Subject::Body(path?, quantifier);
        Some(Check { subject, matcher: matcher?, level, verifies, location: self.location(span) })
    }

    fn text_check(
        &mut self,
        subject: Subject,
        entry: Located<MatchEntry>,
        default: Option<&Arc<str>>,
    ) -> Option<Check> {
        let span = entry.span;
        let entry = entry.value;
        let matcher = self.matcher(
            span,
            Matchers {
                is: entry.is,
                equals: entry.equals,
                differs_from: entry.differs_from,
                contains: entry.contains,
                matches: entry.matches,
                lacks: entry.lacks,
                between: None,
                one_of: entry.one_of,
                length: entry.length,
                absent: entry.absent,
                json_schema: None,
            },
        )?;
        let verifies = self.reading.requirement(entry.verifies.as_ref()).or_else(|| default.cloned());
        let level = self.level(entry.level, entry.wording, verifies.as_ref());
        Some(Check { subject, matcher, level, verifies, location: self.location(span) })
    }
}

/// The parts that an expectation and an alternative have in common.
struct Parts {
    situation: Option<Located<String>>,
    answer: Vec<Recovered<Located<CheckEntry>>>,
    nowhere: Vec<Recovered<Located<Lacks>>>,
    status: Option<Located<OneOrMany<u16>>>,
    closed: Option<Located<bool>>,
    headers: BTreeMap<String, Recovered<Located<MatchEntry>>>,
    schema: Option<Located<String>>,
    body: Vec<Recovered<Located<CheckEntry>>>,
    text: Option<Recovered<Located<MatchEntry>>>,
    stream: Option<Recovered<Located<StreamExpectEntry>>>,
}

impl Parts {
    fn says_of_an_answer(&self) -> bool {
        let Self { situation, answer, nowhere, status, closed: _, headers, schema, body, text, stream } =
            self;
        let given =
            [situation.is_some(), status.is_some(), schema.is_some(), text.is_some(), stream.is_some()];
        given.contains(&true)
            || !headers.is_empty()
            || !body.is_empty()
            || !answer.is_empty()
            || !nowhere.is_empty()
    }
}

/// Where the first of some checks stands.
fn first(checks: &[Recovered<Located<CheckEntry>>]) -> Option<Span> {
    checks.iter().find_map(|check| check.0.as_ref()).map(|check| check.span)
}
