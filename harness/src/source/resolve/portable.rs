//! Reads what a scenario of a portable contract says in the contract's own words: each dialect has its spelling of them.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use regex::{Captures, Regex};

use super::convert::Reading;
use super::names::GIVEN;
use super::steps::Steps;
use crate::scenario::{
    Action, Body, Call, Check, CheckLevel, Contract, Dialect, Expect, Place, Shape, ShapeNode,
    StreamExpectation, Template, TemplateError, Templates,
};
use crate::source::Span;
use crate::source::mistake::hint_among;
use crate::source::written::file::{CheckEntry, ScenarioEntry, StepEntry};
use crate::source::written::wrappers::{Located, Recovered};

/// The words of its contract that a scenario uses.
#[derive(Default)]
pub(super) struct Words<'e> {
    requests: Vec<&'e Located<String>>,
    situations: Vec<&'e Located<String>>,
    answers: Vec<&'e Located<String>>,
}

impl<'e> Words<'e> {
    /// Those of a scenario, in order.
    pub(super) fn of(entry: &'e ScenarioEntry) -> Self {
        let mut words = Self::default();
        for step in entry.steps.iter().chain(&entry.always).filter_map(|step| step.0.as_ref()) {
            words.requests.extend(&step.ask);
            words.add_expected(step);
        }
        words
    }

    fn add_expected(&mut self, step: &'e StepEntry) {
        let Some(expect) = step.expect.as_ref().and_then(|expect| expect.0.as_ref()) else { return };
        self.situations.extend(&expect.situation);
        self.add_answers(&expect.answer);
        for other in expect.any_of.iter().filter_map(|other| other.0.as_ref()) {
            self.situations.extend(&other.situation);
            self.add_answers(&other.answer);
        }
    }

    fn add_answers(&mut self, checks: &'e [Recovered<Located<CheckEntry>>]) {
        for check in checks.iter().filter_map(|check| check.0.as_ref()) {
            self.answers.extend([&check.at, &check.each, &check.any].into_iter().flatten());
        }
    }

    /// Whether there are none, so that the scenario is written for one wire.
    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.situations.is_empty() && self.answers.is_empty()
    }

    /// The dialects of a contract that have a spelling for all of them. A word that the contract does not have either is
    /// a mistake, and no dialect's.
    pub(super) fn dialects(&self, contract: &Contract) -> Vec<Arc<Dialect>> {
        let lacking = |dialect: &Dialect| {
            lacks(&self.requests, &contract.requests, &dialect.requests)
                || lacks(&self.situations, &contract.situations, &dialect.situations)
                || lacks(&self.answers, &contract.answers, &dialect.answers)
        };
        contract.dialects.values().filter(|dialect| !lacking(dialect)).cloned().collect()
    }
}

fn lacks<T>(
    used: &[&Located<String>],
    known: &BTreeMap<Arc<str>, String>,
    spelt: &BTreeMap<Arc<str>, T>,
) -> bool {
    used.iter().any(|word| known.contains_key(word.as_str()) && !spelt.contains_key(word.as_str()))
}

impl Steps<'_, '_, '_, '_> {
    /// The request that a step asks for, with what it is given.
    pub(super) fn ask(&mut self, word: &Located<String>, entry: &StepEntry) -> Option<Action> {
        self.reading.known_word(word, "request", |contract| &contract.requests);
        let dialect = self.reading.dialect?;
        let request = dialect.requests.get(word.as_str())?;
        let mut given = BTreeMap::new();
        for (name, value) in &entry.with {
            if !request.given.contains(name) {
                let message = format!("`{}` is given no `{name}` in the dialect `{}`", **word, dialect.name);
                let hint = hint_among(name, request.given.iter().map(String::as_str));
                self.reading.notes.add(value.span, message, hint);
            }
            given.insert(name.as_str(), self.shape(value)?);
        }
        let missing: Vec<_> =
            request.given.iter().filter(|name| !given.contains_key(name.as_str())).collect();
        for name in &missing {
            let message = format!("`{}` is to be given `{name}` in the dialect `{}`", **word, dialect.name);
            let hint = format!("add it under `with`; the templates name it as `{GIVEN}.{name}`");
            self.note(word.span, message, Some(&hint));
        }
        let call = match entry.streamed.as_ref().filter(|streamed| streamed.value) {
            None => &request.whole,
            Some(streamed) => request.streamed.as_ref().unwrap_or_else(|| {
                let message =
                    format!("in the dialect `{}`, `{}` can't ask for a stream", dialect.name, **word);
                let hint = "add `streaming`, or the request's `streamed`, to its profile";
                self.note(streamed.span, message, Some(hint));
                &request.whole
            }),
        };
        let (role, burst, own_keys) = (self.role(entry), self.times(entry), self.own_keys(entry));
        let own_headers = self.headers(entry, str::to_ascii_lowercase);
        if !missing.is_empty() {
            return None;
        }
        let mut giving = Giving { given: &given, templates: self.reading.templates };
        let call = match giving.call(call) {
            Ok(call) => call,
            Err(error) => {
                let hint = format!(
                    "it stands in a text of the dialect `{}`: give a text, a number or a template",
                    dialect.name
                );
                self.note(word.span, error.to_string(), Some(&hint));
                return None;
            }
        };
        // What a step says stands in place of what the dialect says.
        let is_replaced = |name: &String| own_headers.iter().any(|(own, _)| own == name);
        let mut headers = call.headers;
        headers.retain(|(name, _)| !is_replaced(name));
        headers.extend(own_headers);
        Some(Action::Call(Call {
            role,
            headers,
            chunked: entry.chunked.as_ref().is_some_and(|chunked| chunked.value),
            burst,
            own_keys,
            leaves: entry.leave.is_some(),
            ..call
        }))
    }

    /// What the scenario's dialect answers in a situation, to verify a requirement.
    pub(super) fn situation(
        &mut self,
        word: &Located<String>,
        verifies: Option<&Arc<str>>,
    ) -> Option<Expect> {
        self.reading.known_word(word, "situation", |contract| &contract.situations);
        let mut expect = self.reading.dialect?.situations.get(word.as_str())?.clone();
        let level = self.level(None, false, verifies);
        verify(&mut expect.checks, expect.stream.as_mut(), level, verifies);
        for other in &mut expect.alternatives {
            verify(&mut other.checks, other.stream.as_mut(), level, verifies);
        }
        Some(expect)
    }

    /// A check on what the scenario's dialect finds in an answer.
    pub(super) fn answer_check(
        &mut self,
        mut entry: Located<CheckEntry>,
        is_stream: bool,
        default: Option<&Arc<str>>,
    ) -> Option<Check> {
        let CheckEntry { at, each, any, .. } = &mut entry.value;
        for name in [at, each, any].into_iter().flatten() {
            self.reading.known_word(name, "answer", |contract| &contract.answers);
            let place = self.reading.dialect?.answers.get(name.as_str())?;
            let Some(path) = place.of(is_stream) else {
                self.nowhere_in(name, is_stream);
                return None;
            };
            name.value = path.source().to_string();
        }
        self.check(entry, default)
    }

    fn nowhere_in(&mut self, name: &Located<String>, is_stream: bool) {
        let dialect = self.reading.dialect.map(|dialect| &*dialect.name).unwrap_or_default();
        let (whole, field) = if is_stream { ("a stream", "streamed") } else { ("a whole answer", "at") };
        let message = format!("the dialect `{dialect}` does not say where `{}` stands in {whole}", **name);
        let hint = format!("add `{field}: $.…` to its profile");
        self.note(name.span, message, Some(&hint));
    }

    /// Where the scenario's dialect finds things in the answer to a step.
    pub(super) fn places(&self, entry: &StepEntry) -> Vec<(Arc<str>, Place)> {
        let dialect = self.reading.dialect.filter(|_| entry.ask.is_some());
        let places = dialect.into_iter().flat_map(|dialect| &dialect.answers);
        places.map(|(name, place)| (Arc::clone(name), place.clone())).collect()
    }

    /// Notes a text of a profile in which what a step gives is part of a longer expression.
    pub(super) fn text_given_plainly(&mut self, text: &str, span: Span) {
        let Some(place) = PLACE.as_ref() else { return };
        // What is no template is told where the text is read.
        let Ok(rest) = self.reading.templates.parse(&place.replace_all(text, "")) else { return };
        if let Some(name) = rest.names().iter().find(|name| name.split('.').next() == Some(GIVEN)) {
            let hint = format!("write `{{{{ {name} }}}}` alone: a step may give a template");
            self.note(span, format!("`{name}` is part of a longer expression"), Some(&hint));
        }
    }

    /// Notes the fields that only a request of a dialect has a use for.
    pub(super) fn fields_of_asking(&mut self, action: &str, entry: &StepEntry) {
        let given = entry.with.values().next().map(|value| ("with", value.span));
        let streamed = entry.streamed.as_ref().map(|streamed| ("streamed", streamed.span));
        for (field, span) in given.into_iter().chain(streamed) {
            let message = format!("`{field}` does not go with `{action}`");
            self.note(span, message, Some("it goes with `ask`"));
        }
    }
}

/// Puts what a step gives into a request of its dialect.
struct Giving<'g> {
    given: &'g BTreeMap<&'g str, Shape>,
    templates: &'g mut Templates,
}

impl Giving<'_> {
    fn call(&mut self, call: &Call) -> Result<Call, TemplateError> {
        let headers = call.headers.iter().map(|(name, value)| Ok((name.clone(), self.text(value)?)));
        let headers = headers.collect::<Result<_, TemplateError>>()?;
        let body = match &call.body {
            Body::Empty => Body::Empty,
            Body::Json(shape) => Body::Json(Shape::new(self.node(shape.node())?)),
            Body::Text(text, encoding) => Body::Text(self.text(text)?, *encoding),
        };
        Ok(Call { path: self.text(&call.path)?, headers, body, ..call.clone() })
    }

    /// A template with what is given in its place.
    fn text(&mut self, template: &Template) -> Result<Template, TemplateError> {
        if template.names().is_empty() {
            return Ok(template.clone());
        }
        let Some(place) = PLACE.as_ref() else { return Ok(template.clone()) };
        let mut unfit = None;
        let filled = place.replace_all(template.source(), |found: &Captures<'_>| {
            let name = found.get(1).map(|name| name.as_str()).unwrap_or_default();
            let text = self.given.get(name).and_then(|given| written(given.node()));
            text.unwrap_or_else(|| {
                unfit = Some(format!("what is given as `{name}` is a list or an object"));
                String::new()
            })
        });
        match unfit {
            None => self.templates.parse(&filled),
            Some(message) => Err(TemplateError { message }),
        }
    }

    fn node(&mut self, node: &ShapeNode) -> Result<ShapeNode, TemplateError> {
        Ok(match node {
            ShapeNode::Fixed(_) => node.clone(),
            ShapeNode::Filled(template) => {
                let whole =
                    template.expression().and_then(|name| name.strip_prefix(GIVEN)?.strip_prefix('.'));
                match whole.and_then(|name| self.given.get(name)) {
                    Some(given) => given.node().clone(),
                    None => ShapeNode::Filled(self.text(template)?),
                }
            }
            ShapeNode::List(items) => {
                ShapeNode::List(items.iter().map(|item| self.node(item)).collect::<Result<_, _>>()?)
            }
            ShapeNode::Object(members) => {
                let member = |(name, node): &(String, ShapeNode)| Ok((name.clone(), self.node(node)?));
                ShapeNode::Object(members.iter().map(member).collect::<Result<_, TemplateError>>()?)
            }
        })
    }
}

/// The place of something that is given, in a text.
static PLACE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&format!(r"\{{\{{\s*{GIVEN}\.(\w+)\s*\}}\}}")).ok());

/// What is given, as it is written in a text; nothing of a list or an object.
fn written(given: &ShapeNode) -> Option<String> {
    match given {
        ShapeNode::Fixed(value) if value.is_array() || value.is_object() => None,
        ShapeNode::Fixed(value) => Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
        ShapeNode::Filled(template) => Some(template.source().to_string()),
        ShapeNode::List(_) | ShapeNode::Object(_) => None,
    }
}

/// Says of all parts what they verify.
fn verify(
    checks: &mut [Check],
    stream: Option<&mut StreamExpectation>,
    level: CheckLevel,
    verifies: Option<&Arc<str>>,
) {
    let mut all: Vec<_> = checks.iter_mut().map(|check| (&mut check.level, &mut check.verifies)).collect();
    if let Some(stream) = stream {
        let order = stream.order.as_mut().map(|(_, clause)| clause);
        let each = stream.each.as_mut().map(|(_, clause)| clause);
        let clauses = [Some(&mut stream.shape), Some(&mut stream.end), order, each].into_iter().flatten();
        all.extend(clauses.map(|clause| (&mut clause.level, &mut clause.verifies)));
        all.extend(stream.checks.iter_mut().map(|check| (&mut check.level, &mut check.verifies)));
    }
    for (own_level, own) in all {
        *own_level = level;
        *own = verifies.cloned();
    }
}

/// Notes that a contract has no dialect for the words of a scenario.
pub(super) fn unspoken(contract: &Contract, span: Span, reading: &mut Reading<'_, '_>) {
    let (message, hint) = if contract.dialects.is_empty() {
        let hint = format!("add {}/dialects/NAME.yaml, or write `call` and `status`", contract.name);
        (format!("the contract `{}` has no dialects", contract.name), hint)
    } else {
        let names: Vec<_> = contract.dialects.keys().map(|name| &**name).collect();
        let hint = format!("the dialects are {}; add what is missing to one", names.join(", "));
        ("no dialect has a spelling for all words of the scenario".to_owned(), hint)
    };
    reading.notes.add(span, message, Some(hint));
}
