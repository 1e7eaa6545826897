//! From what is written to the model: every path, template, pattern and name is looked at, and every mistake noted.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::covering::covered;
use super::names::Names;
use super::portable::{Words, unspoken};
use super::steps::Steps;
use crate::scenario::{Contract, Dialect, Scenario, StreamKind, Templates};
use crate::source::mistake::{hint_among, location};
use crate::source::written::file::ScenarioEntry;
use crate::source::written::wrappers::{Located, Recovered};
use crate::source::yaml::Decoded;
use crate::source::yaml::decode::DecodeError;
use crate::source::{Mistake, SourceFile, Span};

/// Collects the mistakes of one file.
pub(super) struct Notes<'m> {
    pub(super) file: &'m Arc<SourceFile>,
    mistakes: &'m mut Vec<Mistake>,
}

impl<'m> Notes<'m> {
    pub(super) fn new(file: &'m Arc<SourceFile>, mistakes: &'m mut Vec<Mistake>) -> Self {
        Self { file, mistakes }
    }

    pub(super) fn add(&mut self, span: Span, message: impl Into<String>, hint: Option<String>) {
        self.mistakes.push(Mistake { file: Arc::clone(self.file), span, message: message.into(), hint });
    }

    /// How many there are so far, in all files.
    fn count(&self) -> usize {
        self.mistakes.len()
    }

    /// Forgets those that came after so many.
    fn forget_after(&mut self, count: usize) {
        self.mistakes.truncate(count);
    }

    pub(super) fn decode_errors(&mut self, errors: Vec<DecodeError>) {
        for error in errors {
            self.add(error.span.unwrap_or_default(), error.message, error.hint);
        }
    }

    /// A duration as people write it, such as `90s` or `1m 30s`.
    pub(super) fn duration(&mut self, text: Option<&Located<String>>) -> Option<Duration> {
        let text = text?;
        match humantime::parse_duration(text) {
            Ok(duration) if !duration.is_zero() => Some(duration),
            _ => {
                let hint = Some("write, for example, `5s` or `1m 30s`".to_owned());
                self.add(text.span, format!("`{}` is not a duration", **text), hint);
                None
            }
        }
    }
}

/// What could be read of a list.
pub(super) fn flatten<T>(entries: Vec<Recovered<T>>) -> impl Iterator<Item = T> {
    entries.into_iter().filter_map(|entry| entry.0)
}

/// Turns one decoded file into scenarios.
pub(in crate::source) fn scenarios(
    file: &Arc<SourceFile>,
    (decoded, errors): Decoded,
    contracts: &BTreeMap<Arc<str>, Contract>,
    schemas: &[&str],
    templates: &mut Templates,
    scenarios: &mut Vec<(Scenario, Span)>,
    mistakes: &mut Vec<Mistake>,
) {
    let mut notes = Notes::new(file, mistakes);
    notes.decode_errors(errors);
    let Some(decoded) = decoded else { return };
    let contract = contracts.get(decoded.contract.as_str());
    if contract.is_none() {
        let hint = hint_among(&decoded.contract, contracts.keys().map(|name| &**name))
            .or_else(|| Some(format!("add {}/contract.yaml", *decoded.contract)));
        notes.add(decoded.contract.span, format!("there is no contract `{}`", *decoded.contract), hint);
    }
    let stem = file.name.rsplit('/').next().and_then(|name| name.split('.').next()).unwrap_or_default();
    let group: Arc<str> = decoded.group.as_ref().map_or(stem, |group| group.as_str()).into();
    let contract_name: Arc<str> = decoded.contract.as_str().into();
    for entry in flatten(decoded.scenarios) {
        let id_span = entry.id.span;
        let words = Words::of(&entry);
        let dialects: Vec<Arc<Dialect>> = match contract.filter(|_| !words.is_empty()) {
            Some(contract) => words.dialects(contract),
            None => Vec::new(),
        };
        let is_portable = !words.is_empty();
        let mut reading =
            Reading { notes: &mut notes, contract, dialect: None, streams: None, schemas, templates };
        let mut add = |scenario: Option<Scenario>| {
            scenarios.extend(scenario.map(|scenario| (scenario, id_span)));
        };
        if !is_portable {
            add(reading.scenario(entry, &contract_name, &group).unwrap_or_default());
            continue;
        }
        // Each dialect makes it a scenario of its own.
        let mut is_spoken = false;
        for dialect in &dialects {
            reading.dialect = Some(dialect);
            let before = reading.notes.count();
            match reading.scenario(entry.clone(), &contract_name, &group) {
                Ok(scenario) => {
                    is_spoken = true;
                    add(scenario);
                }
                // Nothing is wrong with what it is not.
                Err(Unspoken) => reading.notes.forget_after(before),
            }
        }
        if let Some(contract) = contract.filter(|_| !is_spoken) {
            unspoken(contract, id_span, &mut reading);
        }
    }
}

/// A template of a scenario names something that its dialect does not find in answers: it is none in that dialect.
#[derive(Clone, Copy, Debug)]
struct Unspoken;

/// What a scenario is read with.
pub(super) struct Reading<'r, 'm> {
    pub(super) notes: &'r mut Notes<'m>,
    pub(super) contract: Option<&'r Contract>,
    /// The dialect that the scenario is spelt in, where its contract is portable.
    pub(super) dialect: Option<&'r Arc<Dialect>>,
    /// The kinds of streams that may be named, in place of the contract's.
    pub(super) streams: Option<&'r BTreeMap<Arc<str>, Arc<StreamKind>>>,
    pub(super) schemas: &'r [&'r str],
    pub(super) templates: &'r mut Templates,
}

impl Reading<'_, '_> {
    /// A scenario; nothing where not all of it could be read.
    fn scenario(
        &mut self,
        entry: Located<ScenarioEntry>,
        contract: &Arc<str>,
        group: &Arc<str>,
    ) -> Result<Option<Scenario>, Unspoken> {
        let span = entry.span;
        let entry = entry.value;
        self.check_id(&entry.id);
        if entry.steps.is_empty() {
            self.notes.add(span, "a scenario needs a step", Some("add `steps:`".to_owned()));
        }
        for capability in &entry.requires {
            self.known_word(capability, "capability", |contract| &contract.capabilities);
        }
        let written = entry.steps.len() + entry.always.len();
        let timeout = self.notes.duration(entry.timeout.as_ref());
        let mut names = Names::new(self.contract, self.dialect.map(|dialect| &**dialect));
        let mut seen = HashSet::new();
        self.covered(&entry);
        self.polled_in_time(&entry.steps, timeout);
        let steps = Steps::new(self, &mut names, &mut seen).read(entry.steps);
        let always = Steps::new(self, &mut names, &mut seen).read(entry.always);
        if names.are_unspoken() {
            return Err(Unspoken);
        }
        let (models, providers, credentials) = (names.models(), names.providers(), names.credentials());
        let mut requires: Vec<Arc<str>> = values(entry.requires).into_iter().map(Arc::from).collect();
        let common = self.contract.into_iter().flat_map(|contract| &contract.requires);
        let missing: Vec<_> = common.filter(|word| !requires.contains(word)).cloned().collect();
        requires.extend(missing);
        // A scenario of which a step could not be read would show something else than its author meant.
        Ok((steps.len() + always.len() == written).then(|| Scenario {
            id: match self.dialect {
                Some(dialect) => format!("{}@{}", *entry.id, dialect.name).into(),
                None => entry.id.as_str().into(),
            },
            title: entry.title.into(),
            contract: Arc::clone(contract),
            dialect: self.dialect.cloned(),
            group: Arc::clone(group),
            location: location(self.notes.file, entry.id.span),
            covers: covered(entry.covers, entry.id.value, &steps),
            tags: values(entry.tags),
            requires,
            models,
            providers,
            credentials,
            timeout,
            steps,
            always,
        }))
    }

    fn check_id(&mut self, id: &Located<String>) {
        let allowed = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
        if id.is_empty() || !id.chars().all(allowed) {
            let hint = Some("use letters, digits, `_`, `-` and `.`".to_owned());
            self.notes.add(id.span, format!("`{}` is not an id", **id), hint);
        }
    }

    /// Notes a word that the contract does not list; without a contract every word may be right.
    pub(super) fn known_word(
        &mut self,
        word: &Located<String>,
        what: &str,
        words: impl Fn(&Contract) -> &BTreeMap<Arc<str>, String>,
    ) {
        let Some(contract) = self.contract else { return };
        let words = words(contract);
        if !words.contains_key(word.as_str()) {
            let hint = hint_among(word, words.keys().map(|name| &**name))
                .or_else(|| Some(format!("list it in the {} contract.yaml", contract.name)));
            self.notes.add(word.span, format!("the contract has no {what} `{}`", **word), hint);
        }
    }

    /// A requirement's id, noted when the contract has none such.
    pub(super) fn requirement(&mut self, id: Option<&Located<String>>) -> Option<Arc<str>> {
        let id = id?;
        if let Some(contract) = self.contract
            && !contract.requirements.contains_key(id.as_str())
        {
            let hint = hint_among(id, contract.requirements.keys().map(|id| &**id));
            self.notes.add(id.span, format!("the contract has no requirement `{}`", **id), hint);
        }
        Some(id.as_str().into())
    }
}

pub(super) fn values(located: Vec<Located<String>>) -> Vec<String> {
    located.into_iter().map(|located| located.value).collect()
}
