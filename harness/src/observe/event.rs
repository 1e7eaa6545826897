use rust_decimal::Decimal;
use serde_json::Value;

use crate::check::equal;
use crate::scenario::{Path, Templates, Variables};
use crate::target::BillingObserver;

/// A billing event, as far as the observer can read it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct BillingEvent {
    pub(crate) model: Option<String>,
    pub(crate) input_tokens: Option<u64>,
    pub(crate) output_tokens: Option<u64>,
    pub(crate) key: Option<String>,
    pub(crate) cost: Option<Decimal>,
}

/// Tokens as a client is told them, in any of the wires' spellings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
}

impl Usage {
    /// Reads a usage object; none where no spelling of its input tokens is there.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let first = |names: &[&str]| names.iter().find_map(|name| value.get(name)?.as_u64());
        Some(Self {
            input_tokens: first(&["prompt_tokens", "promptTokens", "input_tokens", "inputTokens"])?,
            output_tokens: first(&["completion_tokens", "completionTokens", "output_tokens", "outputTokens"])
                .unwrap_or(0),
        })
    }
}

/// Reads a line as a billing event, where it is one.
pub(crate) fn read(
    line: &Value,
    observer: &BillingObserver,
    templates: &Templates,
    variables: &Variables,
) -> Option<BillingEvent> {
    let is_event =
        observer.only.iter().all(|(name, value)| line.get(name).is_some_and(|found| equal(found, value)));
    if !is_event {
        return None;
    }
    let find = |path: &Option<Path>| -> Option<Value> {
        let path = path.as_ref()?.fill(templates, variables).ok()?;
        match path.find(line).as_slice() {
            [value] => Some((*value).clone()),
            _ => None,
        }
    };
    Some(BillingEvent {
        model: find(&observer.model).map(text),
        input_tokens: find(&observer.input_tokens).and_then(|value| number(&value)),
        output_tokens: find(&observer.output_tokens).and_then(|value| number(&value)),
        key: find(&observer.key).map(text),
        cost: find(&observer.cost).and_then(|value| Decimal::from_str_exact(&text(value)).ok()),
    })
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// A count, also one that a pattern took out of a line as text.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
