use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use plumbline_record::Level;
use regex::Regex;
use serde_json::{Map, Value};

use super::convert::{Reading, flatten};
use super::decode::{Located, OneOrMany, Recovered, Tree, TreeValue};
use super::file::{
    BillCount, Bills, CaptureEntry, CheckEntry, ExpectEntry, Kind as KindEntry, Length, LevelEntry,
    LogsEntry, MatchEntry, StepEntry,
};
use super::names::Names;
use crate::scenario::{
    Action, Alternative, BillExpectation, Body, Call, Capture, CaptureShape, Check, CheckLevel, Expect,
    KeyUsed, Kind, LogExpectation, Matcher, Path, Quantifier, Shape, ShapeNode, Step, Subject, Template,
};
use crate::source::Span;
use crate::source::mistake::location;

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// Reads the steps of one scenario, in order, with the names that each may use.
pub(super) struct Steps<'s, 'r, 'm, 'c> {
    reading: &'s mut Reading<'r, 'm>,
    names: &'s mut Names<'c>,
    seen: &'s mut HashSet<String>,
}

impl<'s, 'r, 'm, 'c> Steps<'s, 'r, 'm, 'c> {
    pub(super) fn new(
        reading: &'s mut Reading<'r, 'm>,
        names: &'s mut Names<'c>,
        seen: &'s mut HashSet<String>,
    ) -> Self {
        Self { reading, names, seen }
    }

    pub(super) fn read(mut self, entries: Vec<Recovered<Located<StepEntry>>>) -> Vec<Step> {
        flatten(entries).filter_map(|entry| self.step(entry)).collect()
    }

    fn note(&mut self, span: Span, message: impl Into<String>, hint: Option<&str>) {
        self.reading.notes.add(span, message, hint.map(str::to_owned));
    }

    fn step(&mut self, entry: Located<StepEntry>) -> Option<Step> {
        let span = entry.span;
        let entry = entry.value;
        let name = entry.name.value.clone();
        let identifier = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
        if !identifier {
            let hint = "use letters, digits and `_`, so that templates can name it";
            self.note(entry.name.span, format!("`{name}` is not a step name"), Some(hint));
        }
        if !self.seen.insert(name.clone()) {
            self.note(
                entry.name.span,
                format!("the step name `{name}` is taken"),
                Some("steps are told apart by name"),
            );
        }
        let action = self.action(span, &entry)?;
        // What follows looks at the answer, which templates may name from here on.
        self.names.define(&name);
        let timeout = self.reading.notes.duration(entry.timeout.as_ref());
        let role = match &action {
            Action::Call(call) => call.role.clone(),
            Action::RevokeKey { .. } => None,
        };
        let expect =
            entry.expect.and_then(|expect| expect.0).map(|expect| self.expect(expect)).unwrap_or_default();
        let captures = self.captures(entry.capture);
        let bills = entry.bills.and_then(|bills| bills.0).map(|bills| self.bills(bills, role.as_ref()));
        let key_used = entry.key.and_then(|key| key.0).map(|key| KeyUsed {
            verifies: self.reading.requirement(key.verifies.as_ref()),
            location: self.location(key.span),
        });
        let logs = entry.logs.and_then(|logs| logs.0).map(|logs| self.logs(logs));
        if key_used.is_some() && role.is_none() {
            self.note(span, "`key` needs a credential to look at", Some("add `as: role`"));
        }
        Some(Step {
            name: name.into(),
            location: self.location(entry.name.span),
            action,
            timeout,
            expect,
            captures,
            bills,
            key_used,
            logs,
        })
    }

    fn location(&self, span: Span) -> plumbline_record::Location {
        location(self.reading.notes.file, span)
    }

    fn action(&mut self, span: Span, entry: &StepEntry) -> Option<Action> {
        match (&entry.call, &entry.revoke_key) {
            (Some(call), None) => self.call(call, entry).map(Action::Call),
            (None, Some(role)) => {
                self.reading.known_word(role, "role", |contract| &contract.roles);
                Some(Action::RevokeKey { role: role.as_str().into() })
            }
            (None, None) => {
                self.note(span, "the step does nothing", Some("add `call: GET /path` or `revoke_key: role`"));
                None
            }
            (Some(_), Some(role)) => {
                self.note(role.span, "a step does one thing", Some("make `revoke_key` a step of its own"));
                None
            }
        }
    }

    fn call(&mut self, call: &Located<String>, entry: &StepEntry) -> Option<Call> {
        let hint = Some("write a method and a path, as in `GET /api/v1/models`");
        let Some((method, path)) = call.split_once(' ').map(|(method, path)| (method, path.trim())) else {
            self.note(call.span, format!("`{}` is not a call", **call), hint);
            return None;
        };
        if !METHODS.contains(&method) {
            self.note(call.span, format!("`{method}` is not a method"), Some(&METHODS.join(", ")));
        }
        if !path.starts_with('/') {
            self.note(call.span, format!("the path `{path}` does not begin with `/`"), hint);
        }
        let path = self.template(path, call.span)?;
        if let Some(role) = &entry.role {
            self.reading.known_word(role, "role", |contract| &contract.roles);
        }
        let mut headers = Vec::new();
        for (name, value) in &entry.headers {
            if let Some(template) = self.template(value, value.span) {
                headers.push((name.to_ascii_lowercase(), template));
            }
        }
        let body = match (&entry.json, &entry.body) {
            (Some(json), None) => Body::Json(self.shape(json)?),
            (None, Some(body)) => Body::Text(self.template(body, body.span)?),
            (None, None) => Body::Empty,
            (Some(_), Some(body)) => {
                self.note(body.span, "a request has one body", Some("keep `json` or `body`"));
                return None;
            }
        };
        let role = entry.role.as_ref().map(|role| role.as_str().into());
        Some(Call { method: method.into(), path, role, headers, body })
    }

    fn expect(&mut self, expect: Located<ExpectEntry>) -> Expect {
        let span = expect.span;
        let expect = expect.value;
        let default = self.reading.requirement(expect.verifies.as_ref());
        let parts = Parts {
            status: expect.status,
            headers: expect.headers,
            schema: expect.schema,
            body: expect.body,
            text: expect.text,
        };
        let checks = self.parts(parts, default.as_ref());
        let mut alternatives: Vec<Alternative> = Vec::new();
        for alternative in flatten(expect.any_of) {
            let entry = alternative.value;
            let verifies = self.reading.requirement(entry.verifies.as_ref()).or_else(|| default.clone());
            let parts = Parts {
                status: entry.status,
                headers: entry.headers,
                schema: entry.schema,
                body: entry.body,
                text: entry.text,
            };
            let checks = self.parts(parts, verifies.as_ref());
            if checks.is_empty() {
                self.note(
                    alternative.span,
                    "an alternative without checks allows everything",
                    Some("spell it out"),
                );
            }
            if alternatives.iter().any(|other| *other.name == **entry.name) {
                self.note(entry.name.span, format!("the alternative `{}` is given twice", *entry.name), None);
            }
            alternatives.push(Alternative { name: entry.name.as_str().into(), checks });
        }
        if checks.is_empty() && alternatives.is_empty() {
            self.note(span, "nothing is expected", Some("add `status: 200` or a check"));
        }
        Expect { checks, alternatives }
    }

    fn parts(&mut self, parts: Parts, default: Option<&Arc<str>>) -> Vec<Check> {
        let mut checks = Vec::new();
        if let Some(status) = parts.status {
            let allowed = status.value.0.iter().map(|code| Shape::fixed((*code).into())).collect();
            if let Some(odd) = status.value.0.iter().find(|code| !(100..600).contains(*code)) {
                self.note(status.span, format!("{odd} is not a status code"), Some("from 100 to 599"));
            }
            checks.push(self.implied(Subject::Status, Matcher::OneOf(allowed), default, status.span));
        }
        for (name, entry) in parts.headers {
            if let Some(entry) = entry.0 {
                let name = name.to_ascii_lowercase();
                checks.extend(self.text_check(Subject::Header(name), entry, default));
            }
        }
        if let Some(schema) = parts.schema {
            if !self.reading.schemas.contains(&schema.as_str()) {
                let hint = crate::source::mistake::hint_among(&schema, self.reading.schemas.iter().copied());
                self.reading.notes.add(schema.span, format!("there is no JSON Schema `{}`", *schema), hint);
            }
            let matcher = Matcher::Schema(schema.as_str().into());
            checks.push(self.implied(Subject::Json, matcher, default, schema.span));
        }
        for entry in flatten(parts.body) {
            checks.extend(self.check(entry, default));
        }
        if let Some(entry) = parts.text.and_then(|text| text.0) {
            checks.extend(self.text_check(Subject::Text, entry, default));
        }
        checks
    }

    /// A check whose level is that of its requirement.
    fn implied(&self, subject: Subject, matcher: Matcher, verifies: Option<&Arc<str>>, span: Span) -> Check {
        Check {
            subject,
            matcher,
            level: self.level(None, false, verifies),
            verifies: verifies.cloned(),
            location: self.location(span),
        }
    }

    fn level(&self, level: Option<LevelEntry>, wording: bool, verifies: Option<&Arc<str>>) -> CheckLevel {
        if wording {
            return CheckLevel::Wording;
        }
        let required = || {
            let requirements = self.reading.contract.map(|contract| &contract.requirements)?;
            requirements.get(verifies?).map(|requirement| requirement.level)
        };
        CheckLevel::Fixed(level.map(Level::from).or_else(required).unwrap_or_default())
    }

    fn check(&mut self, entry: Located<CheckEntry>, default: Option<&Arc<str>>) -> Option<Check> {
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
                between: entry.between,
                one_of: entry.one_of,
                length: entry.length,
                absent: entry.absent,
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
                between: None,
                one_of: entry.one_of,
                length: entry.length,
                absent: entry.absent,
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
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (Some(matcher), None) => matcher,
            (None, _) => {
                let hint =
                    "add one of is, equals, differs_from, contains, matches, between, one_of, length, absent";
                self.note(span, "the check says nothing about the value", Some(hint));
                None
            }
            (Some(_), Some(_)) => {
                self.note(span, "a check has one matcher", Some("make two checks of it"));
                None
            }
        }
    }

    fn pattern(&mut self, pattern: &Located<String>) -> Option<Regex> {
        match Regex::new(pattern) {
            Ok(regex) => Some(regex),
            Err(error) => {
                let message = error.to_string();
                let last =
                    message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                let hint = "look-around and back-references are not available";
                self.note(
                    pattern.span,
                    format!("`{}` is not a regular expression: {last}", **pattern),
                    Some(hint),
                );
                None
            }
        }
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

    fn bills(&mut self, bills: Located<Bills>, role: Option<&Arc<str>>) -> BillExpectation {
        let location = self.location(bills.span);
        if self.reading.contract.is_some_and(|contract| contract.billing.is_none()) {
            self.note(
                bills.span,
                "the contract says nothing about billing",
                Some("add `billing:` to contract.yaml"),
            );
        }
        match bills.value {
            Bills::Count(BillCount::None) => BillExpectation::None { location },
            Bills::Count(BillCount::One) => {
                BillExpectation::One { model: None, usage: None, role: role.cloned(), location }
            }
            Bills::One(entry) => {
                if let Some(role) = &entry.key {
                    self.reading.known_word(role, "role", |contract| &contract.roles);
                }
                let model = entry.model.and_then(|tree| self.shape(&tree));
                let usage = entry.usage.and_then(|tree| self.shape(&tree));
                let role = entry.key.map(|role| Arc::from(role.value)).or_else(|| role.cloned());
                BillExpectation::One { model, usage, role, location }
            }
        }
    }

    fn logs(&mut self, logs: Located<LogsEntry>) -> LogExpectation {
        let location = self.location(logs.span);
        let entry = logs.value;
        let verifies = self.reading.requirement(entry.verifies.as_ref());
        let request_id = self.template(&entry.request_id, entry.request_id.span);
        let checks = flatten(entry.expect).filter_map(|check| self.check(check, verifies.as_ref())).collect();
        let request_id = request_id.unwrap_or_else(Template::empty);
        LogExpectation { request_id, verifies, checks, location }
    }

    fn captures(&mut self, entries: BTreeMap<String, Recovered<Located<CaptureEntry>>>) -> Vec<Capture> {
        let mut captures = Vec::new();
        for (name, entry) in entries {
            self.names.define(&name);
            let Some(entry) = entry.0 else { continue };
            if let Some(shape) = self.capture_shape(&entry) {
                let location = self.location(entry.span);
                captures.push(Capture { name: name.into(), shape, secret: entry.secret, location });
            }
        }
        captures
    }

    fn capture_shape(&mut self, entry: &Located<CaptureEntry>) -> Option<CaptureShape> {
        let mut shapes = Vec::new();
        if let Some(path) = &entry.only {
            shapes.push(self.path(path).map(CaptureShape::Only));
        }
        if let Some(path) = &entry.first {
            shapes.push(self.path(path).map(CaptureShape::First));
        }
        if let Some(path) = &entry.all {
            shapes.push(self.path(path).map(CaptureShape::All));
        }
        if let Some(name) = &entry.header {
            shapes.push(Some(CaptureShape::Header(name.to_ascii_lowercase())));
        }
        let mut shapes = shapes.into_iter();
        match (shapes.next(), shapes.next()) {
            (Some(shape), None) => shape,
            _ => {
                let hint = "write one of only, first, all and header";
                self.note(entry.span, "a capture has one declared shape", Some(hint));
                None
            }
        }
    }

    fn path(&mut self, path: &Located<String>) -> Option<Path> {
        match Path::parse(path, self.reading.templates) {
            Ok(parsed) => {
                let names: Vec<String> =
                    parsed.templates().flat_map(|template| template.names().iter().cloned()).collect();
                self.use_names(&names, path.span);
                Some(parsed)
            }
            Err(error) => {
                self.note(
                    path.span,
                    error.to_string(),
                    Some("RFC 9535 describes paths, as in `$.data[0].id`"),
                );
                None
            }
        }
    }

    fn template(&mut self, text: &str, span: Span) -> Option<Template> {
        match self.reading.templates.parse(text) {
            Ok(template) => {
                let names: Vec<String> = template.names().to_vec();
                self.use_names(&names, span);
                Some(template)
            }
            Err(error) => {
                let hint = "templates are written `{{ name }}`; minijinja describes them";
                self.note(span, error.to_string(), Some(hint));
                None
            }
        }
    }

    fn use_names(&mut self, names: &[String], span: Span) {
        for name in names {
            if let Some((message, hint)) = self.names.use_name(name) {
                self.reading.notes.add(span, message, hint);
            }
        }
    }

    fn shape(&mut self, tree: &Tree) -> Option<Shape> {
        self.node(tree).map(Shape::new)
    }

    fn node(&mut self, tree: &Tree) -> Option<ShapeNode> {
        let fixed = |value: Value| ShapeNode::Fixed(Arc::new(value));
        Some(match &tree.value {
            TreeValue::Null => fixed(Value::Null),
            TreeValue::Bool(value) => fixed((*value).into()),
            TreeValue::Number(number) => fixed(Value::Number(number.clone())),
            TreeValue::Text(text) => {
                let template = self.template(text, tree.span)?;
                if template.is_literal() { fixed(text.as_str().into()) } else { ShapeNode::Filled(template) }
            }
            TreeValue::List(items) => {
                let nodes = items.iter().map(|item| self.node(item)).collect::<Option<Vec<_>>>()?;
                match nodes.iter().map(ShapeNode::fixed_value).collect::<Option<Vec<_>>>() {
                    Some(values) => fixed(values.into()),
                    None => ShapeNode::List(nodes),
                }
            }
            TreeValue::Object(entries) => {
                let nodes = entries
                    .iter()
                    .map(|(name, value)| Some((name.clone(), self.node(value)?)))
                    .collect::<Option<Vec<_>>>()?;
                let values = nodes.iter().map(|(name, node)| Some((name.clone(), node.fixed_value()?)));
                match values.collect::<Option<Map<_, _>>>() {
                    Some(values) => fixed(values.into()),
                    None => ShapeNode::Object(nodes),
                }
            }
        })
    }
}

/// The parts that an expectation and an alternative have in common.
struct Parts {
    status: Option<Located<OneOrMany<u16>>>,
    headers: BTreeMap<String, Recovered<Located<MatchEntry>>>,
    schema: Option<Located<String>>,
    body: Vec<Recovered<Located<CheckEntry>>>,
    text: Option<Recovered<Located<MatchEntry>>>,
}

/// The matchers that a check may have, of which it has one.
struct Matchers {
    is: Option<Located<KindEntry>>,
    equals: Option<Tree>,
    differs_from: Option<Tree>,
    contains: Option<Tree>,
    matches: Option<Located<String>>,
    between: Option<Tree>,
    one_of: Option<Tree>,
    length: Option<Located<Length>>,
    absent: Option<Located<bool>>,
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
    }
}
