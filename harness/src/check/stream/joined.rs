use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::check::Context;
use crate::scenario::{Join, JoinMode, Path};

/// The values that are put together over events, by name; one for which nothing was found is not there.
pub(super) fn joined(joins: &[Join], events: &[Value], context: &Context<'_>) -> Map<String, Value> {
    joins
        .iter()
        .filter_map(|join| Some((join.name.to_string(), put_together(join, events, context)?)))
        .collect()
}

fn put_together(join: &Join, events: &[Value], context: &Context<'_>) -> Option<Value> {
    let fill = |path: &Path| path.fill(context.templates, context.variables).ok();
    let (over, value) = (fill(&join.over)?, fill(&join.value)?);
    let by = match &join.by {
        Some(by) => Some(fill(by)?),
        None => None,
    };
    let mut groups: Vec<Option<Value>> = Vec::new();
    let mut places = HashMap::new();
    for node in events.iter().flat_map(|event| over.find(event)) {
        let key = match &by {
            None => String::new(),
            Some(by) => match by.find(node).as_slice() {
                [key] => key.to_string(),
                // What belongs to no group is in none.
                _ => continue,
            },
        };
        // A group is there from its first node on, whatever is found in it, so that the lists of a stream go together.
        let place = *places.entry(key).or_insert(groups.len());
        if place == groups.len() {
            groups.push(None);
        }
        let Some(group) = groups.get_mut(place) else { continue };
        for value in value.find(node).into_iter().filter(|value| counts(join.mode, value)) {
            match group {
                Some(group) => add(join.mode, group, value),
                None => *group = Some(begun(join.mode, value)),
            }
        }
    }
    let nothing = || match join.mode {
        JoinMode::All => Value::Array(Vec::new()),
        JoinMode::Concat | JoinMode::First | JoinMode::Last => Value::Null,
    };
    match (&by, join.mode) {
        (Some(_), _) => Some(groups.into_iter().map(|group| group.unwrap_or_else(nothing)).collect()),
        (None, JoinMode::All) => Some(groups.pop().flatten().unwrap_or_else(nothing)),
        (None, _) => groups.pop().flatten(),
    }
}

/// Whether a value is one to be joined so.
fn counts(mode: JoinMode, value: &Value) -> bool {
    match mode {
        JoinMode::Concat => value.is_string(),
        JoinMode::First | JoinMode::Last => !value.is_null(),
        JoinMode::All => true,
    }
}

fn begun(mode: JoinMode, value: &Value) -> Value {
    match mode {
        JoinMode::All => Value::Array(vec![value.clone()]),
        JoinMode::Concat | JoinMode::First | JoinMode::Last => value.clone(),
    }
}

fn add(mode: JoinMode, group: &mut Value, value: &Value) {
    match (mode, group, value) {
        (JoinMode::Concat, Value::String(joined), Value::String(text)) => joined.push_str(text),
        (JoinMode::Last, group, value) => group.clone_from(value),
        (JoinMode::All, Value::Array(values), value) => values.push(value.clone()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::check::Schemas;
    use crate::scenario::{Templates, Variables};
    use crate::target::Secrets;

    fn put(over: &str, by: Option<&str>, mode: JoinMode, value: &str, events: &Value) -> Option<Value> {
        let mut templates = Templates::new(Arc::new(|_: &str| None::<Vec<u8>>));
        let mut path = |source: &str| Path::parse(source, &mut templates).unwrap();
        let (over, by, value) = (path(over), by.map(&mut path), path(value));
        let join = Join { name: "x".into(), over, by, mode, value };
        let (variables, schemas, secrets) = (Variables::default(), Schemas::default(), Secrets::default());
        let context = Context {
            templates: &templates,
            variables: &variables,
            schemas: &schemas,
            scripted: true,
            secrets: &secrets,
        };
        joined(&[join], events.as_array().unwrap(), &context).remove("x")
    }

    #[test]
    fn values_of_all_events_become_one() {
        let events = json!([
            { "data": { "text": "", "role": null } },
            { "data": { "text": "a", "role": "assistant" } },
            { "data": { "text": null, "n": 1 } },
            { "data": { "text": "b", "role": "user", "n": null } },
            { "data": "none" },
        ]);
        for (mode, path, expected) in [
            (JoinMode::Concat, "$.text", Some(json!("ab"))),
            (JoinMode::Concat, "$.n", None),
            (JoinMode::First, "$.role", Some(json!("assistant"))),
            (JoinMode::Last, "$.role", Some(json!("user"))),
            (JoinMode::Last, "$.n", Some(json!(1))),
            (JoinMode::First, "$.none", None),
            (JoinMode::All, "$.role", Some(json!([null, "assistant", "user"]))),
            (JoinMode::All, "$.none", Some(json!([]))),
        ] {
            assert_eq!(put("$.data", None, mode, path, &events), expected, "{mode:?} {path}");
        }
    }

    #[test]
    fn values_are_grouped_in_the_order_in_which_they_appear() {
        let calls = |calls: Value| json!({ "data": { "calls": calls } });
        let events = json!([
            calls(json!([{ "index": 0, "id": "a", "arguments": null }])),
            calls(json!([{ "index": 1, "id": "b", "arguments": "{" }, { "index": 0, "arguments": "[" }])),
            calls(json!([{ "index": 0, "arguments": "]" }, { "arguments": "lost" }])),
            calls(json!([{ "index": 1, "id": null, "arguments": "}" }])),
        ]);
        let put = |mode, value: &str| put("$.data.calls[*]", Some("$.index"), mode, value, &events);
        assert_eq!(put(JoinMode::First, "$.id"), Some(json!(["a", "b"])));
        assert_eq!(put(JoinMode::Concat, "$.arguments"), Some(json!(["[]", "{}"])));
        assert_eq!(put(JoinMode::All, "$.id"), Some(json!([["a"], ["b", null]])));
    }

    #[test]
    fn a_group_of_which_nothing_was_found_keeps_its_place() {
        let events = json!([
            { "data": { "index": 0, "id": "a" } },
            { "data": { "index": 1, "id": "b", "arguments": "{}" } },
        ]);
        let put = |by: Option<&str>, mode, value: &str| put("$.data", by, mode, value, &events);
        for mode in [JoinMode::Concat, JoinMode::First, JoinMode::Last] {
            assert_eq!(put(Some("$.index"), mode, "$.arguments"), Some(json!([null, "{}"])), "{mode:?}");
            assert_eq!(put(Some("$.none"), mode, "$.id"), Some(json!([])), "{mode:?}");
            assert_eq!(put(None, mode, "$.none"), None, "{mode:?}");
        }
        assert_eq!(put(Some("$.index"), JoinMode::All, "$.arguments"), Some(json!([[], ["{}"]])));
        assert_eq!(put(None, JoinMode::All, "$.none"), Some(json!([])));
    }
}
