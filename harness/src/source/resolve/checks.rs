//! Reads what a step expects: checks, matchers, streams and alternatives.

use std::collections::BTreeMap;
use std::sync::Arc;

use plumbline_record::Level;

use super::convert::flatten;
use super::steps::Steps;
use crate::scenario::{
    Alternative, Check, CheckLevel, Expect, Kind, Matcher, Pattern, Quantifier, Shape, StreamExpectation,
    Subject,
};
use crate::source::Span;
use crate::source::mistake::hint_among;
use crate::source::written::file::{
    CheckEntry, ExpectEntry, Kind as KindEntry, Length, LevelEntry, MatchEntry,
};
use crate::source::written::stream::StreamExpectEntry;
use crate::source::written::wrappers::{Located, OneOrMany, Recovered, Tree, TreeValue};

impl Steps<'_, '_, '_, '_> {
    pub(super) fn expect(&mut self, expect: Located<ExpectEntry>) -> Expect {
        let span = expect.span;
        let expect = expect.value;
        let default = self.reading.requirement(expect.verifies.as_ref());
        let parts = Parts {
            status: expect.status,
            closed: expect.closed,
            headers: expect.headers,
            schema: expect.schema,
            body: expect.body,
            text: expect.text,
            stream: expect.stream,
        };
        let expects_stream = parts.stream.is_some();
        let (checks, stream) = self.parts(parts, default.as_ref());
        let mut alternatives: Vec<Alternative> = Vec::new();
        for alternative in flatten(expect.any_of) {
            let entry = alternative.value;
            let verifies = self.reading.requirement(entry.verifies.as_ref()).or_else(|| default.clone());
            let parts = Parts {
                status: entry.status,
                closed: entry.closed,
                headers: entry.headers,
                schema: entry.schema,
                body: entry.body,
                text: entry.text,
                stream: entry.stream,
            };
            let expects_stream = parts.stream.is_some();
            let (checks, stream) = self.parts(parts, verifies.as_ref());
            if checks.is_empty() && !expects_stream {
                self.note(
                    alternative.span,
                    "an alternative without checks allows everything",
                    Some("spell it out"),
                );
            }
            if alternatives.iter().any(|other| *other.name == **entry.name) {
                self.note(entry.name.span, format!("the alternative `{}` is given twice", *entry.name), None);
            }
            alternatives.push(Alternative { name: entry.name.as_str().into(), checks, stream });
        }
        if checks.is_empty() && !expects_stream && alternatives.is_empty() {
            self.note(span, "nothing is expected", Some("add `status: 200` or a check"));
        }
        let expect = Expect { checks, stream, alternatives };
        if let Some(kind) = expect.stream_kind()
            && expect.streams().any(|stream| stream.of.name != kind.name)
        {
            self.note(span, "the streams of a step are of one kind", Some("make a step for each kind"));
        }
        expect
    }

    fn parts(&mut self, parts: Parts, default: Option<&Arc<str>>) -> (Vec<Check>, Option<StreamExpectation>) {
        let mut checks = Vec::new();
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
        if let Some(stream) = &stream
            && (parts.schema.is_some() || !parts.body.is_empty())
        {
            let hint = "write under `stream` what is expected of its events";
            self.note(stream.span, "a stream of events has no JSON body", Some(hint));
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
        (checks, stream.and_then(|entry| self.stream(entry, default)))
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

    fn matcher(&mut self, span: Span, matchers: Matchers) -> Option<Matcher> {
        let mut found = Vec::new();
        if let Some(kind) = matchers.is {
            found.push(Some(Matcher::Is(kind_of(kind.value))));
        }
        if let Some(tree) = matchers.equals {
            found.push(self.shape(&tree).map(Matcher::Equals));
        }
        if let Some(tree) = matchers.differs_from {
            found.push(self.shape(&tree).map(Matcher::DiffersFrom));
        }
        if let Some(tree) = matchers.contains {
            found.push(self.shape(&tree).map(Matcher::Contains));
        }
        if let Some(pattern) = matchers.matches {
            found.push(self.pattern(&pattern).map(Matcher::Matches));
        }
        if let Some(pattern) = matchers.lacks {
            found.push(self.pattern(&pattern).map(Matcher::Lacks));
        }
        if let Some(tree) = matchers.between {
            found.push(self.between(&tree));
        }
        if let Some(tree) = matchers.one_of {
            found.push(self.one_of(&tree));
        }
        if let Some(length) = matchers.length {
            let (min, max) = match length.value {
                Length::Exactly(length) => (Some(length), Some(length)),
                Length::Between { min, max } => (min, max),
            };
            if min.zip(max).is_some_and(|(min, max)| min > max) || (min, max) == (None, None) {
                self.note(length.span, "no length fits these bounds, or every one does", Some("min ≤ max"));
            }
            found.push(Some(Matcher::Length { min, max }));
        }
        if let Some(absent) = matchers.absent {
            if !*absent {
                self.note(
                    absent.span,
                    "`absent: false` says nothing",
                    Some("write `is: …` for what must be there"),
                );
            }
            found.push(Some(Matcher::Absent));
        }
        if let Some(name) = matchers.json_schema {
            found.push(Some(Matcher::JsonSchema(self.schema(&name))));
        }
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (Some(matcher), None) => matcher,
            (None, _) => {
                let hint = "add one of is, equals, differs_from, contains, matches, lacks, between, one_of, length, absent, json_schema";
                self.note(span, "the check says nothing about the value", Some(hint));
                None
            }
            (Some(_), Some(_)) => {
                self.note(span, "a check has one matcher", Some("make two checks of it"));
                None
            }
        }
    }

    fn pattern(&mut self, pattern: &Located<String>) -> Option<Pattern> {
        Pattern::parse(pattern)
            .inspect_err(|error| {
                let hint = "look-around and back-references are not available";
                self.note(pattern.span, error.to_string(), Some(hint));
            })
            .ok()
    }

    fn between(&mut self, tree: &Tree) -> Option<Matcher> {
        if let TreeValue::List(bounds) = &tree.value
            && let [low, high] = bounds.as_slice()
        {
            return Some(Matcher::Between(self.shape(low)?, self.shape(high)?));
        }
        self.note(tree.span, "`between` takes two bounds", Some("write `between: [0, 1]`"));
        None
    }

    fn one_of(&mut self, tree: &Tree) -> Option<Matcher> {
        match &tree.value {
            TreeValue::List(items) if !items.is_empty() => {
                items.iter().map(|item| self.shape(item)).collect::<Option<_>>().map(Matcher::OneOf)
            }
            _ => {
                self.note(tree.span, "`one_of` takes a list", Some("write `one_of: [a, b]`"));
                None
            }
        }
    }
}

/// The parts that an expectation and an alternative have in common.
struct Parts {
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
        let Self { status, closed: _, headers, schema, body, text, stream } = self;
        let given = [status.is_some(), schema.is_some(), text.is_some(), stream.is_some()];
        given.contains(&true) || !headers.is_empty() || !body.is_empty()
    }
}

/// The matchers that a check may have, of which it has one.
struct Matchers {
    is: Option<Located<KindEntry>>,
    equals: Option<Tree>,
    differs_from: Option<Tree>,
    contains: Option<Tree>,
    matches: Option<Located<String>>,
    lacks: Option<Located<String>>,
    between: Option<Tree>,
    one_of: Option<Tree>,
    length: Option<Located<Length>>,
    absent: Option<Located<bool>>,
    json_schema: Option<Located<String>>,
}

fn kind_of(kind: KindEntry) -> Kind {
    match kind {
        KindEntry::String => Kind::String,
        KindEntry::Number => Kind::Number,
        KindEntry::Integer => Kind::Integer,
        KindEntry::Boolean => Kind::Boolean,
        KindEntry::Array => Kind::Array,
        KindEntry::Object => Kind::Object,
        KindEntry::Null => Kind::Null,
        KindEntry::NotEmpty => Kind::NotEmpty,
        KindEntry::Uuid => Kind::Uuid,
        KindEntry::Timestamp => Kind::Timestamp,
        KindEntry::UnitVector => Kind::UnitVector,
        KindEntry::Json => Kind::Json,
        KindEntry::JsonObject => Kind::JsonObject,
    }
}
