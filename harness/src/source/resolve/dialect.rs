//! Reads the profile of a dialect: how a portable contract's vocabulary is spelt on one wire.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::contract::credential;
use super::convert::{Notes, Reading};
use super::members;
use super::names::Names;
use super::said::verified;
use super::steps::Steps;
use super::streams::{is_word, streams};
use crate::scenario::{Body, Call, Contract, Dialect, Encoding, Expect, Place, Request, Templates};
use crate::source::mistake::{hint_among, location};
use crate::source::written::dialect_file::{AnswerEntry, DialectFile, RequestEntry};
use crate::source::written::file::ExpectEntry;
use crate::source::written::wrappers::{Located, Tree, TreeValue};
use crate::source::yaml::decode;
use crate::source::{Mistake, SourceFile, Span};

/// Reads the profile of a dialect, and adds it to its contract.
pub(in crate::source) fn dialect(
    file: &Arc<SourceFile>,
    contracts: &mut BTreeMap<Arc<str>, Contract>,
    schemas: &[&str],
    templates: &mut Templates,
    mistakes: &mut Vec<Mistake>,
) {
    let (decoded, errors) = decode::<DialectFile>(&file.text);
    let mut notes = Notes::new(file, mistakes);
    notes.decode_errors(errors);
    let Some(decoded) = decoded else { return };
    let Some(contract) = contracts.get(decoded.contract.as_str()) else {
        let hint = hint_among(&decoded.contract, contracts.keys().map(|name| &**name));
        notes.add(decoded.contract.span, format!("there is no contract `{}`", *decoded.contract), hint);
        return;
    };
    let (name, name_span) = (Arc::<str>::from(decoded.dialect.as_str()), decoded.dialect.span);
    known_name(&decoded.dialect, file, &mut notes);
    let dialect = profile(decoded, contract, Reader { notes: &mut notes, schemas, templates });
    let taken = contracts
        .get_mut(&*dialect.1)
        .and_then(|contract| contract.dialects.insert(Arc::clone(&name), Arc::new(dialect.0)));
    if taken.is_some() {
        notes.add(name_span, format!("the dialect `{name}` is given twice"), None);
    }
}

/// Notes a name that cannot be a part of ids, or by which nobody finds the profile.
fn known_name(name: &Located<String>, file: &SourceFile, notes: &mut Notes<'_>) {
    let stem = file.name.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(stem, _)| stem);
    if !is_word(name) {
        let hint = "use letters, digits, `_`, `-` and `.`: it is a part of ids".to_owned();
        notes.add(name.span, format!("`{}` is no name of a dialect", **name), Some(hint));
    } else if stem != Some(name.as_str()) {
        let hint = format!("name the file {}.yaml", **name);
        notes.add(name.span, format!("the dialect `{}` is not that of its file", **name), Some(hint));
    }
}

struct Reader<'r, 'm> {
    notes: &'r mut Notes<'m>,
    schemas: &'r [&'r str],
    templates: &'r mut Templates,
}

/// The dialect, and the name of its contract.
fn profile(entry: DialectFile, contract: &Contract, reader: Reader<'_, '_>) -> (Dialect, Arc<str>) {
    let Reader { notes, schemas, templates } = reader;
    let mut reading = Reading { notes, contract: None, dialect: None, streams: None, schemas, templates };
    let streams = streams(entry.streams, &mut reading);
    reading.streams = Some(&streams);
    let mut requests = BTreeMap::new();
    for (word, request) in entry.requests {
        let Some(request) = request.0 else { continue };
        known(&word, request.span, ("request", &contract.requests), contract, reading.notes);
        // Each has its own names: what it is given is what its own templates name.
        let (mut names, mut seen) = (Names::of_given(), HashSet::new());
        let read = Steps::new(&mut reading, &mut names, &mut seen).portable(request, &entry.streaming);
        let given = names.given();
        requests
            .extend(read.map(|(whole, streamed)| (word.as_str().into(), Request { whole, streamed, given })));
    }
    let (mut names, mut seen) = (Names::none(), HashSet::new());
    let mut steps = Steps::new(&mut reading, &mut names, &mut seen);
    let mut situations = BTreeMap::new();
    for (word, situation) in entry.situations {
        let Some(situation) = situation.0 else { continue };
        known(&word, situation.span, ("situation", &contract.situations), contract, steps.reading.notes);
        situations.insert(word.as_str().into(), steps.situation_entry(situation));
    }
    let mut answers = BTreeMap::new();
    for (word, place) in entry.answers {
        let Some(place) = place.0 else { continue };
        known(&word, place.span, ("answer", &contract.answers), contract, steps.reading.notes);
        answers.insert(word.as_str().into(), steps.place(&place));
    }
    let dialect = Dialect {
        location: location(steps.reading.notes.file, entry.dialect.span),
        name: entry.dialect.value.into(),
        title: entry.title.into(),
        credential: entry.credential.map_or_else(|| contract.credential.clone(), credential),
        requests,
        situations,
        answers,
    };
    (dialect, Arc::clone(&contract.name))
}

/// Notes a word that the contract does not list.
fn known(
    word: &str,
    span: Span,
    (what, words): (&str, &BTreeMap<Arc<str>, String>),
    contract: &Contract,
    notes: &mut Notes<'_>,
) {
    if !words.contains_key(word) {
        let hint = hint_among(word, words.keys().map(|name| &**name))
            .or_else(|| Some(format!("list it in the {} contract.yaml", contract.name)));
        notes.add(span, format!("the contract has no {what} `{word}`"), hint);
    }
}

impl Steps<'_, '_, '_, '_> {
    /// A request to be answered at once, and the same to be answered with a stream, where it is said how.
    fn portable(
        &mut self,
        entry: Located<RequestEntry>,
        streaming: &BTreeMap<String, Tree>,
    ) -> Option<(Call, Option<Call>)> {
        let (span, entry) = (entry.span, entry.value);
        self.given_plainly(&entry, streaming);
        let whole = self.method_and_path(&entry.call);
        let streamed = entry.streamed.as_ref().map(|call| self.method_and_path(call));
        let mut headers = Vec::new();
        for (name, value) in &entry.headers {
            headers.push((name.to_ascii_lowercase(), self.template(value, value.span)?));
        }
        let (body, gaining) = match (entry.json, entry.body) {
            (Some(json), None) => {
                let streamed = gaining(&json, streaming).map(|json| self.shape(&json));
                (Body::Json(self.shape(&json)?), streamed)
            }
            (None, Some(text)) => (Body::Text(self.template(&text, text.span)?, Encoding::Utf8), None),
            (None, None) => (Body::Empty, None),
            (Some(_), Some(_)) => {
                self.note(span, "a request has one body", Some("keep `json` or `body`"));
                return None;
            }
        };
        let (method, path) = whole?;
        let call = Call {
            method,
            path,
            role: None,
            headers,
            body,
            chunked: false,
            burst: None,
            own_keys: false,
            leaves: false,
        };
        let says_how = streamed.is_some() || gaining.is_some();
        let (method, path) = match streamed {
            Some(streamed) => streamed?,
            None => (Arc::clone(&call.method), call.path.clone()),
        };
        let body = match gaining {
            Some(gaining) => Body::Json(gaining?),
            None => call.body.clone(),
        };
        let streamed = says_how.then(|| Call { method, path, body, ..call.clone() });
        Some((call, streamed))
    }

    /// Notes the parts of a request in which what a step gives is not simply put.
    fn given_plainly(&mut self, entry: &RequestEntry, streaming: &BTreeMap<String, Tree>) {
        for text in [Some(&entry.call), entry.streamed.as_ref(), entry.body.as_ref()].into_iter().flatten() {
            self.text_given_plainly(text, text.span);
        }
        for text in entry.headers.values() {
            self.text_given_plainly(text, text.span);
        }
        let mut trees: Vec<&Tree> = entry.json.iter().chain(streaming.values()).collect();
        while let Some(tree) = trees.pop() {
            match &tree.value {
                TreeValue::Text(text) => self.text_given_plainly(text, tree.span),
                TreeValue::List(items) => trees.extend(items),
                TreeValue::Object(members) => trees.extend(members.iter().map(|(_, member)| member)),
                TreeValue::Null | TreeValue::Bool(_) | TreeValue::Number(_) => {}
            }
        }
    }

    /// What is answered in a situation. What of it is verified is said by the steps that name it.
    fn situation_entry(&mut self, entry: Located<ExpectEntry>) -> Expect {
        if entry.situation.is_some() || !entry.answer.is_empty() {
            self.note(entry.span, "a situation is spelt out", Some("write `status`, `body` and so on"));
        }
        let own = verified(&entry);
        if let Some(span) = own {
            let hint =
                "take `verifies`, `level` and `wording` out: the steps that name the situation say that";
            self.note(span, "a situation verifies nothing itself", Some(hint));
        }
        self.expect(entry)
    }

    fn place(&mut self, entry: &Located<AnswerEntry>) -> Place {
        if entry.at.is_none() && entry.streamed.is_none() {
            self.note(entry.span, "it stands nowhere", Some("add `at: $.…` or `streamed: $.joined.…`"));
        }
        if let Some(path) = &entry.streamed {
            self.known_to_a_stream(path);
        }
        let mut path = |path: &Option<Located<String>>| path.as_ref().and_then(|path| self.path(path));
        Place { whole: path(&entry.at), streamed: path(&entry.streamed) }
    }

    /// Notes a place that none of the profile's streams has.
    fn known_to_a_stream(&mut self, path: &Located<String>) {
        let Some(streams) = self.reading.streams else { return };
        for names in members::of_path(path) {
            let unknown = streams.values().map(|kind| members::unknown(kind, names.iter().copied()));
            let unknown: Option<Vec<_>> = unknown.collect();
            if let Some((message, hint)) = unknown.and_then(|unknown| unknown.into_iter().next()) {
                self.reading.notes.add(path.span, message, hint);
            }
        }
    }
}

/// A JSON body with the members of one that is to be answered with a stream, where there are such.
fn gaining(json: &Tree, streaming: &BTreeMap<String, Tree>) -> Option<Tree> {
    let TreeValue::Object(members) = &json.value else { return None };
    let own = members.iter().filter(|(name, _)| !streaming.contains_key(name)).cloned();
    let gained = streaming.iter().map(|(name, value)| (name.clone(), value.clone()));
    let value = TreeValue::Object(own.chain(gained).collect());
    (!streaming.is_empty()).then_some(Tree { span: json.span, value })
}
