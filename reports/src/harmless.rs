//! Names in what a stranger wrote: ids, groups, versions, addresses. They are shown in many places and cut in none, so they are
//! made harmless where a record or a proof comes in. Texts, headers and bodies stay as they are until somebody shows them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::mem;

use plumbline_record::{
    Case, Configuration, ContractRef, Event, Location, Miss, Offered, RunStarted, ScenarioFinished,
};
use serde_json::Value;

use crate::printable::{one_line, printable};

/// An event whose names are lines of printable characters.
pub(crate) fn harmless(mut event: Event) -> Event {
    match &mut event {
        Event::RunStarted(started) => run(started),
        Event::ScenarioStarted(started) => name(&mut started.scenario),
        Event::Exchange(exchange) => names([&mut exchange.scenario, &mut exchange.step]),
        Event::ScenarioFinished(finished) => scenario(finished),
        Event::RunFinished(_) => {}
    }
    event
}

/// A document whose texts hold nothing that steers a terminal.
pub(crate) fn harmless_document(document: Value) -> Value {
    match document {
        Value::String(text) => Value::String(printable(&text).into_owned()),
        Value::Array(items) => items.into_iter().map(harmless_document).collect(),
        Value::Object(members) => {
            let member =
                |(key, value): (String, Value)| (one_line(&key, usize::MAX), harmless_document(value));
            members.into_iter().map(member).collect()
        }
        other => other,
    }
}

fn run(started: &mut RunStarted) {
    let RunStarted { plumbline, started_at, contracts, target, arguments, .. } = started;
    names([plumbline, started_at, &mut target.name, &mut target.url, &mut target.digest]);
    names(arguments);
    for ContractRef { name: contract, version, digest, requirements } in contracts {
        names([contract, version, digest]);
        names(requirements.iter_mut().map(|requirement| &mut requirement.id));
    }
    if let Some(configuration) = &mut target.configuration {
        let Configuration { roles, observers, means, contracts, .. } = &mut **configuration;
        roles.values_mut().for_each(name);
        keys(roles);
        names(observers.iter_mut().chain(means));
        contracts.values_mut().for_each(offered);
        keys(contracts);
    }
}

fn offered(offered: &mut Offered) {
    let Offered { path, capabilities, models, dialects } = offered;
    names(capabilities.iter_mut().chain([path]).chain(models.values_mut()));
    keys(models);
    dialects.values_mut().for_each(self::offered);
    keys(dialects);
}

fn scenario(finished: &mut ScenarioFinished) {
    let ScenarioFinished { scenario, contract, group, location, tags, covers, step_covers, .. } = finished;
    names([scenario, contract, group, &mut location.file]);
    names(tags.iter_mut().chain(covers).chain(step_covers.values_mut().flatten()));
    keys(step_covers);
    let ScenarioFinished { cases, taken, .. } = finished;
    names(taken.iter_mut().flat_map(|taken| [&mut taken.step, &mut taken.alternative]));
    cases.iter_mut().for_each(case);
}

fn case(case: &mut Case) {
    let Case { name: own, observer, misses, verifies, unreached, expectation, .. } = case;
    names(observer.iter_mut().chain([own]));
    names(verifies.iter_mut().chain(unreached).map(|verified| &mut verified.requirement));
    for Miss { requirement, step, location: Location { file, .. }, .. } in misses {
        names(requirement.iter_mut().chain([step, file]));
    }
    names(expectation.iter_mut().map(|expectation| &mut expectation.location.file));
}

fn names<'n>(all: impl IntoIterator<Item = &'n mut String>) {
    all.into_iter().for_each(name);
}

fn name(text: &mut String) {
    if text.contains('\n') || matches!(printable(text), Cow::Owned(_)) {
        *text = one_line(text, usize::MAX);
    }
}

fn keys<V>(map: &mut BTreeMap<String, V>) {
    *map = mem::take(map).into_iter().map(|(key, value)| (one_line(&key, usize::MAX), value)).collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_a_record_becomes_a_line() {
        let odd = "a\u{1b}[2J\nb\u{202e}";
        let record = r#"
            {"run-started":{"format":1,"plumbline":"ODD","started_at":"ODD","contracts":[{"name":"ODD","version":"ODD",
             "digest":"ODD","requirements":[{"id":"ODD","level":"MUST","text":"","source":""}]}],"target":{"name":"ODD",
             "url":"ODD","digest":"ODD","configuration":{"scripted":false,"roles":{"ODD":"ODD"},"observers":["ODD"],
             "means":["ODD"],"contracts":{"ODD":{"path":"ODD","capabilities":["ODD"],"models":{"ODD":"ODD"},
             "dialects":{"ODD":{"path":"ODD","capabilities":["ODD"],"models":{"ODD":"ODD"}}}}}}},
             "selected":1,"seed":null,"jobs":1,"retries":0,"arguments":["ODD"]}}
            {"scenario-started":{"scenario":"ODD","attempt":1}}
            {"exchange":{"scenario":"ODD","attempt":1,"step":"ODD","request":{"method":"","url":"","headers":[],
             "body":null},"outcome":{"failure":""},"duration_us":1}}
            {"scenario-finished":{"scenario":"ODD","title":"","contract":"ODD","group":"ODD","location":{"file":"ODD",
             "line":1,"column":1},"tags":["ODD"],"covers":["ODD"],"step_covers":{"ODD":["ODD"]},"attempt":1,"last":true,"cases":[{"name":"ODD",
             "observer":"ODD","verdict":"failed","reason":null,"misses":[{"level":"MUST","requirement":"ODD","step":"ODD",
             "subject":"","expected":"","actual":"","difference":null,"location":{"file":"ODD","line":1,"column":1}}],
             "verifies":[{"requirement":"ODD","level":"MUST"}],"unreached":[{"requirement":"ODD","level":"MUST"}],"checks":1,"expectation":{"kind":"flaky","reason":"",
             "link":null,"pattern":"","location":{"file":"ODD","line":1,"column":1}}}],"taken":[{"step":"ODD",
             "alternative":"ODD"}],"duration_us":1}}"#;
        let mut events = 0;
        for text in record.replace("\n             ", "").lines().filter(|line| !line.trim().is_empty()) {
            let quoted = serde_json::to_string(odd).unwrap();
            let event: Event = serde_json::from_str(&text.replace("\"ODD\"", &quoted)).unwrap();
            let written = serde_json::to_string(&harmless(event)).unwrap();
            assert!(!written.contains(['\u{202e}']) && !written.contains(r"\u001b[2J\nb"), "{written}");
            assert!(written.contains(r"a\\u{1b}[2J\\nb\\u{202e}"), "{written}");
            events += 1;
        }
        assert_eq!(events, 4);
    }

    #[test]
    fn what_is_to_be_shown_later_stays_as_it_is() {
        let text = r#"{"exchange":{"scenario":"A","attempt":1,"step":"s","request":{"method":"GET","url":"/\u001b",
            "headers":[["x","\u001b"]],"body":{"text":"\u001b\n","bytes":2,"cut":false}},"outcome":{"failure":"\u001b"},
            "duration_us":1}}"#;
        let event: Event = serde_json::from_str(text).unwrap();
        assert_eq!(harmless(event.clone()), event);
    }

    #[test]
    fn a_document_keeps_its_lines_and_loses_what_steers() {
        let document = serde_json::json!({ "a\n\u{7}": ["x\u{1b}[31m\ny", 1, null] });
        let expected = serde_json::json!({ "a\\n\\u{7}": ["x\\u{1b}[31m\ny", 1, null] });
        assert_eq!(harmless_document(document), expected);
    }
}
