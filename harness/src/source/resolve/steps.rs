use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::convert::{Reading, flatten};
use super::names::Names;
use super::upstream::{Expected, writes_stream};
use crate::scenario::{
    Action, BillExpectation, Capture, CaptureShape, KeyUsed, LogExpectation, Path, Shape, ShapeNode, Step,
    Template,
};
use crate::source::Span;
use crate::source::mistake::location;
use crate::source::written::file::{BillCount, Bills, CaptureEntry, LogsEntry, StepEntry};
use crate::source::written::stream::StreamExpectEntry;
use crate::source::written::wrappers::{Located, Recovered, Tree, TreeValue};

/// The number of a request within its burst.
const INDEX: &str = "index";

/// Reads the steps of one scenario, in order, with the names that each may use.
pub(super) struct Steps<'s, 'r, 'm, 'c> {
    pub(super) reading: &'s mut Reading<'r, 'm>,
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

    pub(super) fn note(&mut self, span: Span, message: impl Into<String>, hint: Option<&str>) {
        self.reading.notes.add(span, message, hint.map(str::to_owned));
    }

    fn step(&mut self, entry: Located<StepEntry>) -> Option<Step> {
        let span = entry.span;
        let mut entry = entry.value;
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
        let numbered = entry.burst.is_some();
        if numbered {
            self.names.lend(INDEX);
        }
        let mut action = self.action(span, &entry)?;
        // What follows looks at the answer, which templates may name from here on.
        self.define(&name, entry.name.span);
        self.define_stream(&name, &entry);
        self.names.define_answer(&name, entry.ask.is_some());
        if let Action::Poll(poll) = &mut action {
            self.ends(poll, &mut entry);
        }
        let timeout = self.reading.notes.duration(entry.timeout.as_ref());
        let role = match &action {
            Action::RevokeKey { .. } => None,
            action => action.role().cloned(),
        };
        let writes_stream = writes_stream(entry.expect.as_ref(), self.reading.dialect);
        let expect = entry.expect.take();
        let expect = expect.and_then(|expect| expect.0).map(|expect| self.expect(expect)).unwrap_or_default();
        let answer = self.places(&entry);
        let (gated, expected) =
            (entry.gated.and_then(|gated| gated.0), Expected { expect: &expect, writes_stream });
        let gate = self.gate(entry.gate.as_ref(), gated.as_ref(), expected);
        self.leave(entry.leave.as_ref(), gated.as_ref(), expected);
        let replies = flatten(entry.replies).filter_map(|check| self.check(check, None)).collect();
        let is_stream = expect.is_stream() && !numbered;
        let captures = self.captures(entry.capture, is_stream.then_some(name.as_str()));
        let bills = entry.bills.and_then(|bills| bills.0).map(|bills| self.bills(bills, role.as_ref()));
        let key_used = entry.key.and_then(|key| key.0).map(|key| KeyUsed {
            verifies: self.reading.requirement(key.verifies.as_ref()),
            location: self.location(key.span),
        });
        let logs = entry.logs.and_then(|logs| logs.0).map(|logs| self.logs(logs));
        if key_used.is_some() && role.is_none() {
            self.note(span, "`key` needs a credential to look at", Some("add `as: role`"));
        }
        if numbered {
            self.names.take_back(INDEX);
        }
        // It speaks of all requests of a burst.
        let upstream = entry.upstream.and_then(|calls| calls.0).map(|calls| self.upstream(calls));
        Some(Step {
            name: name.into(),
            location: self.location(entry.name.span),
            covers: entry.covers.into_iter().map(|id| id.value).collect(),
            action,
            timeout,
            expect,
            replies,
            answer,
            captures,
            bills,
            key_used,
            logs,
            upstream,
            gate,
        })
    }

    pub(super) fn location(&self, span: Span) -> plumbline_record::Location {
        location(self.reading.notes.file, span)
    }

    fn define(&mut self, name: &str, span: Span) {
        if !self.names.define(name) {
            self.note(
                span,
                format!("`{name}` stands for something else already"),
                Some("choose another name"),
            );
        }
    }

    /// Tells the names what kind of stream a step's answer is or may be. What cannot be read is told elsewhere.
    fn define_stream(&mut self, name: &str, entry: &StepEntry) {
        let mut streams: Vec<&Recovered<Located<StreamExpectEntry>>> = Vec::new();
        if let Some(expect) = &entry.expect {
            let Some(expect) = &expect.0 else { return };
            streams.extend(&expect.stream);
            let mut situations: Vec<&Located<String>> = expect.situation.iter().collect();
            for alternative in &expect.any_of {
                let Some(alternative) = &alternative.0 else { return };
                streams.extend(&alternative.stream);
                situations.extend(&alternative.situation);
            }
            let dialect = self.reading.dialect;
            let known = |word: &Located<String>| dialect?.situations.get(word.as_str())?.stream_kind();
            if let Some(kind) = situations.into_iter().find_map(known) {
                return self.names.define_stream(name, Some(Arc::clone(kind)));
            }
        }
        let kind = match streams.first() {
            None => None,
            Some(stream) => {
                let (Some(stream), Some(contract)) = (&stream.0, self.reading.contract) else { return };
                let Some(kind) = contract.streams.get(stream.of.as_str()) else { return };
                Some(Arc::clone(kind))
            }
        };
        self.names.define_stream(name, kind);
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

    /// The captures of a step, whose name is given where its answer is a stream.
    fn captures(
        &mut self,
        entries: BTreeMap<String, Recovered<Located<CaptureEntry>>>,
        stream: Option<&str>,
    ) -> Vec<Capture> {
        let mut captures = Vec::new();
        for (name, entry) in entries {
            let Some(entry) = entry.0 else {
                // What could not be read is defined all the same: its mistake is told once.
                self.names.define(&name);
                continue;
            };
            self.define(&name, entry.span);
            if let Some(shape) = self.capture_shape(&entry) {
                if let Some(step) = stream.filter(|_| !matches!(shape, CaptureShape::Header(_))) {
                    let hint = format!("write `{{{{ {step}.stream.joined.… }}}}` where it is needed");
                    self.note(entry.span, "a stream has no JSON body to capture from", Some(&hint));
                }
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

    pub(super) fn path(&mut self, path: &Located<String>) -> Option<Path> {
        match Path::parse(path, self.reading.templates) {
            Ok(parsed) => {
                for template in parsed.templates() {
                    self.use_names(template, path.span);
                }
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

    pub(super) fn template(&mut self, text: &str, span: Span) -> Option<Template> {
        match self.reading.templates.parse(text) {
            Ok(template) => {
                self.use_names(&template, span);
                Some(template)
            }
            Err(error) => {
                let hint = "templates are written `{{ name }}`; minijinja describes them";
                self.note(span, error.to_string(), Some(hint));
                None
            }
        }
    }

    fn use_names(&mut self, template: &Template, span: Span) {
        for name in template.names() {
            if let Some((message, hint)) = self.names.use_name(name) {
                self.reading.notes.add(span, message, hint);
            }
        }
        self.names.use_places(template.source());
    }

    pub(super) fn shape(&mut self, tree: &Tree) -> Option<Shape> {
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
