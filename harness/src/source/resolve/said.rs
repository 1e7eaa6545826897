//! Where an expectation says what it verifies, or how binding it is.

use std::collections::BTreeMap;

use crate::source::Span;
use crate::source::written::file::{CheckEntry, ExpectEntry, MatchEntry};
use crate::source::written::stream::StreamExpectEntry;
use crate::source::written::upstream::Lacks;
use crate::source::written::wrappers::{Located, Recovered};

/// The first of its parts, or of those of its alternatives, that says so.
pub(super) fn verified(entry: &ExpectEntry) -> Option<Span> {
    let own = Parts {
        verifies: entry.verifies.as_ref(),
        nowhere: &entry.nowhere,
        headers: &entry.headers,
        body: &entry.body,
        text: entry.text.as_ref(),
        stream: entry.stream.as_ref(),
    };
    let others = entry.any_of.iter().filter_map(|other| other.0.as_ref());
    let others = others.map(|other| Parts {
        verifies: other.verifies.as_ref(),
        nowhere: &other.nowhere,
        headers: &other.headers,
        body: &other.body,
        text: other.text.as_ref(),
        stream: other.stream.as_ref(),
    });
    [own].into_iter().chain(others).find_map(|parts| parts.verified())
}

/// The parts of an expectation, or of an alternative, that can say so.
struct Parts<'e> {
    verifies: Option<&'e Located<String>>,
    nowhere: &'e [Recovered<Located<Lacks>>],
    headers: &'e BTreeMap<String, Recovered<Located<MatchEntry>>>,
    body: &'e [Recovered<Located<CheckEntry>>],
    text: Option<&'e Recovered<Located<MatchEntry>>>,
    stream: Option<&'e Recovered<Located<StreamExpectEntry>>>,
}

impl Parts<'_> {
    fn verified(&self) -> Option<Span> {
        let mut nowhere = self.nowhere.iter().filter_map(|text| text.0.as_ref()?.verifies.as_ref());
        let own = self.verifies.or_else(|| nowhere.next()).map(|id| id.span);
        own.or_else(|| self.headers.values().chain(self.text).find_map(of_match))
            .or_else(|| self.body.iter().find_map(of_check))
            .or_else(|| of_stream(self.stream?.0.as_ref()?))
    }
}

fn of_match(entry: &Recovered<Located<MatchEntry>>) -> Option<Span> {
    let entry = entry.0.as_ref()?;
    let says = entry.verifies.is_some() || entry.level.is_some() || entry.wording;
    says.then_some(entry.span)
}

fn of_check(entry: &Recovered<Located<CheckEntry>>) -> Option<Span> {
    let entry = entry.0.as_ref()?;
    let says = entry.verifies.is_some() || entry.level.is_some() || entry.wording;
    says.then_some(entry.span)
}

fn of_stream(entry: &StreamExpectEntry) -> Option<Span> {
    let StreamExpectEntry { of: _, order, each, ended, checks, verifies } = entry;
    let order = order.iter().filter_map(|order| order.0.as_ref()?.verifies.as_ref());
    let each = each.iter().filter_map(|each| each.0.as_ref()?.verifies.as_ref());
    let ended = ended.iter().filter_map(|ended| ended.0.as_ref()?.verifies.as_ref());
    let id = verifies.iter().chain(order).chain(each).chain(ended).map(|id| id.span).next();
    id.or_else(|| checks.iter().find_map(of_check))
}
