use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::convert::{Reading, flatten};
use super::names::Names;
use crate::scenario::{
    Action, BillExpectation, Body, Call, Capture, CaptureShape, Encoding, KeyUsed, LogExpectation, Path, Raw,
    Shape, ShapeNode, Step, Template,
};
use crate::source::Span;
use crate::source::mistake::location;
use crate::source::written::file::{
    BillCount, Bills, CaptureEntry, Encoding as EncodingEntry, LogsEntry, StepEntry,
};
use crate::source::written::wrappers::{Located, Recovered, Tree, TreeValue};

/// Most requests of a burst.
const MOST_AT_ONCE: u32 = 1_000;
/// The number of a request within its burst.
const INDEX: &str = "index";
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

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
        let numbered = entry.burst.is_some();
        if numbered {
            self.names.lend(INDEX);
        }
        let action = self.action(span, &entry)?;
        // What follows looks at the answer, which templates may name from here on.
        self.define(&name, entry.name.span);
        let timeout = self.reading.notes.duration(entry.timeout.as_ref());
        let role = match &action {
            Action::RevokeKey { .. } => None,
            action => action.role().cloned(),
        };
        let expect =
            entry.expect.and_then(|expect| expect.0).map(|expect| self.expect(expect)).unwrap_or_default();
        let replies = flatten(entry.replies).filter_map(|check| self.check(check, None)).collect();
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
        if numbered {
            self.names.take_back(INDEX);
        }
        Some(Step {
            name: name.into(),
            location: self.location(entry.name.span),
            action,
            timeout,
            expect,
            replies,
            captures,
            bills,
            key_used,
            logs,
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

    fn action(&mut self, span: Span, entry: &StepEntry) -> Option<Action> {
        let given = [
            ("call", entry.call.as_ref().map(|call| call.span)),
            ("raw", entry.raw.as_ref().map(|line| line.span)),
            ("revoke_key", entry.revoke_key.as_ref().map(|role| role.span)),
            ("fault", entry.fault.as_ref().map(|fault| fault.span)),
        ];
        let mut given = given.into_iter().filter_map(|(field, span)| Some((field, span?)));
        let Some((field, _)) = given.next() else {
            let hint = "add one of `call: GET /path`, `raw`, `revoke_key` and `fault`";
            self.note(span, "the step does nothing", Some(hint));
            return None;
        };
        if let Some((other, span)) = given.next() {
            let hint = format!("make `{other}` a step of its own");
            self.note(span, "a step does one thing", Some(&hint));
            return None;
        }
        self.fields_out_of_place(field, entry);
        match (&entry.call, &entry.raw, &entry.revoke_key, &entry.fault) {
            (Some(call), ..) => self.call(call, entry).map(Action::Call),
            (_, Some(line), ..) => self.raw(line, entry).map(Action::Raw),
            (_, _, Some(role), _) => {
                self.reading.known_word(role, "role", |contract| &contract.roles);
                Some(Action::RevokeKey { role: role.as_str().into() })
            }
            (_, _, _, Some(fault)) => self.fault(fault),
            (None, None, None, None) => None,
        }
    }

    /// Notes the fields that an action has no use for.
    fn fields_out_of_place(&mut self, action: &str, entry: &StepEntry) {
        if let Some(close) = entry.half_close.as_ref().filter(|_| action != "raw") {
            let message = format!("`half_close` does not go with `{action}`");
            self.note(close.span, message, Some("it goes with `raw`"));
        }
        let (fields, hint) = match action {
            "call" if entry.burst.is_some() => return,
            "call" => (fields_of_a_burst(entry), "it goes with `burst`"),
            "raw" => (fields_of_a_counted_call(entry), "it goes with `call`"),
            _ => (fields_of_a_call(entry), "it goes with `call`"),
        };
        for (field, span) in fields {
            self.note(span, format!("`{field}` does not go with `{action}`"), Some(hint));
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
        if let Some(times) = entry.burst.as_ref().filter(|times| !(2..=MOST_AT_ONCE).contains(&times.value)) {
            let hint = format!("write a number from 2 to {MOST_AT_ONCE}");
            self.note(times.span, format!("{} is no burst", times.value), Some(&hint));
        }
        let path = self.template(path, call.span)?;
        let headers = self.headers(entry, str::to_ascii_lowercase);
        Some(Call {
            method: method.into(),
            path,
            role: self.role(entry),
            headers,
            body: self.body(entry)?,
            chunked: entry.chunked.as_ref().is_some_and(|chunked| chunked.value),
            burst: entry.burst.as_ref().map(|times| times.value),
        })
    }

    fn raw(&mut self, line: &Located<String>, entry: &StepEntry) -> Option<Raw> {
        let request_line = self.template(line, line.span)?;
        let headers = self.headers(entry, str::to_owned);
        Some(Raw {
            request_line,
            role: self.role(entry),
            headers,
            body: self.body(entry)?,
            half_close: entry.half_close.as_ref().is_some_and(|close| close.value),
        })
    }

    fn fault(&mut self, fault: &Tree) -> Option<Action> {
        match &fault.value {
            TreeValue::Text(text) if text == "none" => Some(Action::ClearFaults),
            TreeValue::Object(_) => self.shape(fault).map(Action::ArmFault),
            _ => {
                let hint = "write `fault: { kind: …, times: 1 }`, or `fault: none`";
                self.note(fault.span, "this is not a fault", Some(hint));
                None
            }
        }
    }

    fn role(&mut self, entry: &StepEntry) -> Option<Arc<str>> {
        let role = entry.role.as_ref()?;
        self.reading.known_word(role, "role", |contract| &contract.roles);
        Some(role.as_str().into())
    }

    fn headers(&mut self, entry: &StepEntry, spelt: impl Fn(&str) -> String) -> Vec<(String, Template)> {
        let mut headers = Vec::new();
        for (name, value) in &entry.headers {
            if let Some(template) = self.template(value, value.span) {
                headers.push((spelt(name), template));
            }
        }
        headers
    }

    fn body(&mut self, entry: &StepEntry) -> Option<Body> {
        if let (Some(encoding), None) = (&entry.encoding, &entry.body) {
            self.note(encoding.span, "`encoding` is that of `body`", Some("write the body as text"));
        }
        match (&entry.json, &entry.body) {
            (Some(json), None) => self.shape(json).map(Body::Json),
            (None, Some(body)) => {
                let encoding = entry.encoding.as_ref().map(|encoding| encoding.value);
                let encoding = encoding.map_or(Encoding::Utf8, encoding_of);
                self.template(body, body.span).map(|text| Body::Text(text, encoding))
            }
            (None, None) => Some(Body::Empty),
            (Some(_), Some(body)) => {
                self.note(body.span, "a request has one body", Some("keep `json` or `body`"));
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
            let Some(entry) = entry.0 else {
                // What could not be read is defined all the same: its mistake is told once.
                self.names.define(&name);
                continue;
            };
            self.define(&name, entry.span);
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

    pub(super) fn path(&mut self, path: &Located<String>) -> Option<Path> {
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

    pub(super) fn template(&mut self, text: &str, span: Span) -> Option<Template> {
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

/// The fields of a step that only a request has a use for, and where they stand.
fn fields_of_a_call(entry: &StepEntry) -> Vec<(&'static str, Span)> {
    let fields = [
        ("as", entry.role.as_ref().map(|role| role.span)),
        ("headers", entry.headers.values().next().map(|header| header.span)),
        ("json", entry.json.as_ref().map(|json| json.span)),
        ("body", entry.body.as_ref().map(|body| body.span)),
        ("encoding", entry.encoding.as_ref().map(|encoding| encoding.span)),
        ("timeout", entry.timeout.as_ref().map(|timeout| timeout.span)),
        ("expect", first(entry.expect.as_ref())),
        ("capture", first(entry.capture.values().next())),
        ("bills", first(entry.bills.as_ref())),
        ("key", first(entry.key.as_ref())),
        ("logs", first(entry.logs.as_ref())),
    ];
    let mut found = fields_of_a_counted_call(entry);
    found.extend(fields.into_iter().filter_map(|(field, span)| Some((field, span?))));
    found
}

/// Those that only a request has a use for that the runner itself puts together.
fn fields_of_a_counted_call(entry: &StepEntry) -> Vec<(&'static str, Span)> {
    let fields = [
        ("chunked", entry.chunked.as_ref().map(|chunked| chunked.span)),
        ("burst", entry.burst.as_ref().map(|times| times.span)),
    ];
    let mut found = fields_of_a_burst(entry);
    found.extend(fields.into_iter().filter_map(|(field, span)| Some((field, span?))));
    found
}

/// Those that only a burst has a use for.
fn fields_of_a_burst(entry: &StepEntry) -> Vec<(&'static str, Span)> {
    first(entry.replies.first()).map(|span| ("replies", span)).into_iter().collect()
}

fn first<T>(field: Option<&Recovered<Located<T>>>) -> Option<Span> {
    field.and_then(|field| field.0.as_ref()).map(|field| field.span)
}

fn encoding_of(encoding: EncodingEntry) -> Encoding {
    match encoding {
        EncodingEntry::Utf8 => Encoding::Utf8,
        EncodingEntry::Latin1 => Encoding::Latin1,
        EncodingEntry::Utf16 => Encoding::Utf16,
    }
}
