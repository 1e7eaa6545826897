//! Reads the kinds of streams that a contract describes, and what a step expects of one.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::convert::{Reading, flatten};
use super::members;
use super::names::Names;
use super::steps::Steps;
use crate::scenario::{
    Check, Clause, DataFormat, Ending, EventKind, Join, JoinMode, Order, OrderError, StreamExpectation,
    StreamKind, Terminator,
};
use crate::source::Span;
use crate::source::mistake::hint_among;
use crate::source::written::file::CheckEntry;
use crate::source::written::stream::{
    DataFormat as DataEntry, Ending as EndingEntry, JoinEntry, OrderEntry, StreamEntry, StreamExpectEntry,
    TerminatorEntry,
};
use crate::source::written::wrappers::{Located, Recovered};

/// Reads the kinds of streams of a contract. Templates have no names there.
pub(super) fn streams(
    entries: Vec<Recovered<Located<StreamEntry>>>,
    reading: &mut Reading<'_, '_>,
) -> BTreeMap<Arc<str>, Arc<StreamKind>> {
    let (mut names, mut seen) = (Names::none(), HashSet::new());
    let mut steps = Steps::new(reading, &mut names, &mut seen);
    let mut streams = BTreeMap::new();
    for entry in flatten(entries) {
        let span = entry.name.span;
        let kind = Arc::new(steps.stream_kind(entry.value));
        let name = Arc::clone(&kind.name);
        if streams.insert(Arc::clone(&name), kind).is_some() {
            steps.note(span, format!("the stream `{name}` is given twice"), None);
        }
    }
    streams
}

impl Steps<'_, '_, '_, '_> {
    fn stream_kind(&mut self, entry: StreamEntry) -> StreamKind {
        let mut kinds = Vec::new();
        for kind in flatten(entry.kinds) {
            let (span, kind) = (kind.span, kind.value);
            if !is_word(&kind.name) {
                let hint = "use letters, digits, `_`, `-` and `.`, so that orders can name it";
                self.note(kind.name.span, format!("`{}` is no name of a kind", *kind.name), Some(hint));
            }
            if kind.when.is_empty() {
                self.note(span, "every event would be of this kind", Some("add a condition to `when`"));
            }
            let when = flatten(kind.when).filter_map(|entry| self.condition(entry)).collect();
            kinds.push(EventKind { name: kind.name.value.into(), when });
        }
        let joins = entry.joined.into_iter().filter_map(|(name, join)| Some((name, join.0?)));
        let joined = joins.filter_map(|(name, join)| self.join(&name, &join)).collect();
        let terminator = entry.terminator.and_then(|entry| entry.0);
        StreamKind {
            name: entry.name.value.into(),
            text: entry.text,
            data: match entry.data {
                DataEntry::Json => DataFormat::Json,
                DataEntry::Text => DataFormat::Text,
            },
            terminator: terminator.and_then(|entry| self.terminator(entry)),
            kinds,
            joined,
        }
    }

    /// A check that tells events apart, and so verifies nothing.
    fn condition(&mut self, entry: Located<CheckEntry>) -> Option<Check> {
        if entry.level.is_some() || entry.wording || entry.verifies.is_some() {
            let hint = "take `level`, `wording` and `verifies` out";
            self.note(entry.span, "a condition verifies nothing", Some(hint));
        }
        self.check(entry, None)
    }

    fn terminator(&mut self, entry: Located<TerminatorEntry>) -> Option<Terminator> {
        let (span, TerminatorEntry { data, event, when }) = (entry.span, entry.value);
        match (data, event) {
            (Some(data), None) => {
                if !when.is_empty() {
                    let hint = "take it out, or write `event: …`";
                    self.note(span, "`when` does not go with `data`", Some(hint));
                }
                Some(Terminator::Data(data.value.into()))
            }
            (None, Some(name)) => {
                let when = flatten(when).filter_map(|entry| self.condition(entry)).collect();
                Some(Terminator::Event { name: name.value.into(), when })
            }
            _ => {
                let hint = "write `data: …` or `event: …`";
                self.note(span, "a terminator is told by one thing", Some(hint));
                None
            }
        }
    }

    fn join(&mut self, name: &str, entry: &Located<JoinEntry>) -> Option<Join> {
        let modes = [
            (&entry.concat, JoinMode::Concat),
            (&entry.first, JoinMode::First),
            (&entry.last, JoinMode::Last),
            (&entry.all, JoinMode::All),
        ];
        let mut given = modes.into_iter().filter_map(|(path, mode)| Some((path.as_ref()?, mode)));
        let (Some((value, mode)), None) = (given.next(), given.next()) else {
            let hint = "write one of concat, first, last and all";
            self.note(entry.span, "values are joined in one way", Some(hint));
            return None;
        };
        let (over, value) = (self.path(&entry.over), self.path(value));
        let by = match &entry.by {
            Some(by) => Some(self.path(by)?),
            None => None,
        };
        Some(Join { name: name.into(), over: over?, by, mode, value: value? })
    }

    /// What a step expects of a stream, unless the contract has none such.
    pub(super) fn stream(
        &mut self,
        entry: Located<StreamExpectEntry>,
        default: Option<&Arc<str>>,
    ) -> Option<StreamExpectation> {
        let (span, entry) = (entry.span, entry.value);
        let of = self.known_stream(&entry.of);
        let verifies = self.reading.requirement(entry.verifies.as_ref()).or_else(|| default.cloned());
        let clause = |steps: &mut Self, id: Option<&Located<String>>, span: Span| {
            let verifies = steps.reading.requirement(id).or_else(|| verifies.clone());
            let level = steps.level(None, false, verifies.as_ref());
            Clause { level, verifies, location: steps.location(span) }
        };
        let shape = clause(self, None, span);
        let order = entry.order.and_then(|order| order.0).and_then(|entry| {
            let clause = clause(self, entry.verifies.as_ref(), entry.is.span);
            Some((self.order(&entry, of.as_deref()?)?, clause))
        });
        let each = entry.each.and_then(|each| each.0).map(|entry| {
            let clause = clause(self, entry.verifies.as_ref(), entry.schema.span);
            (self.schema(&entry.schema), clause)
        });
        let (ended, end) = match entry.ended.and_then(|ended| ended.0) {
            Some(entry) => (ending_of(entry.is), clause(self, entry.verifies.as_ref(), entry.span)),
            None => (Ending::Whole, clause(self, None, span)),
        };
        let mut checks = Vec::new();
        for check in flatten(entry.checks) {
            if let Some(of) = &of {
                self.known_members(&check, of);
            }
            checks.extend(self.check(check, verifies.as_ref()));
        }
        Some(StreamExpectation { of: of?, shape, order, each, ended, end, checks })
    }

    /// Notes the members of a stream that a check looks for and that there are not.
    fn known_members(&mut self, check: &CheckEntry, of: &StreamKind) {
        for path in [&check.at, &check.each, &check.any].into_iter().flatten() {
            for names in members::of_path(path) {
                if let Some((message, hint)) = members::unknown(of, names.into_iter()) {
                    self.reading.notes.add(path.span, message, hint);
                }
            }
        }
    }

    fn known_stream(&mut self, name: &Located<String>) -> Option<Arc<StreamKind>> {
        let of_contract = self.reading.contract.map(|contract| &contract.streams);
        let streams = self.reading.streams.or(of_contract)?;
        let known = streams.get(name.as_str()).cloned();
        if known.is_none() {
            let hint = hint_among(name, streams.keys().map(|name| &**name)).or_else(|| {
                let owner = self.reading.contract.map(|contract| &contract.name)?;
                Some(format!("describe it in the {owner} contract.yaml"))
            });
            self.reading.notes.add(name.span, format!("the contract has no stream `{}`", **name), hint);
        }
        known
    }

    fn order(&mut self, entry: &OrderEntry, of: &StreamKind) -> Option<Order> {
        let kinds = of.kind_names();
        let error = match Order::parse(&entry.is, &kinds) {
            Ok(order) => return Some(order),
            Err(error) => error,
        };
        let hint = match &error {
            OrderError::Kind(kind) => hint_among(kind, kinds.iter().copied())
                .or_else(|| Some(format!("describe it under `kinds` of the stream `{}`", of.name))),
            OrderError::Syntax { .. } => Some("as in `role content* (finish | error) usage?`".to_owned()),
        };
        self.reading.notes.add(entry.is.span, error.to_string(), hint);
        None
    }
}

fn ending_of(ending: EndingEntry) -> Ending {
    match ending {
        EndingEntry::Whole => Ending::Whole,
        EndingEntry::CutOff => Ending::CutOff,
        EndingEntry::BrokenOff => Ending::BrokenOff,
    }
}

/// Whether a text can be a part of an order, or of an id.
pub(super) fn is_word(text: &str) -> bool {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
    !text.is_empty() && text.chars().all(allowed)
}
