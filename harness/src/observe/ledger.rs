//! Holds what a scenario must have been billed against what it was billed. Pure.

use std::sync::Arc;

use plumbline_record::Location;
use rust_decimal::Decimal;
use serde_json::Value;

use super::event::{BillingEvent, Usage};
use super::{Outcome, Requirements};
use crate::scenario::BillingRequirements;
use crate::target::Target;

/// What one step must have been billed.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) step: String,
    pub(crate) location: Location,
    pub(crate) wanted: Wanted,
}

/// How a step is billed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wanted {
    /// Not at all.
    None,
    /// Once, saying this.
    One { model: Option<String>, usage: Option<Usage>, key: Option<String> },
}

impl Wanted {
    /// Whether an event says nothing else.
    fn fits(&self, event: &BillingEvent) -> bool {
        match self {
            Self::None => false,
            Self::One { model, usage, key } => {
                (model.is_none() || *model == event.model)
                    && usage.is_none_or(|usage| tokens(event) == Some(usage))
                    && (key.is_none() || *key == event.key)
            }
        }
    }
}

/// A step that is billed once, from the values that its templates became.
pub(crate) fn one(
    model: Result<Option<Arc<Value>>, String>,
    usage: Result<Option<Arc<Value>>, String>,
    key: Option<String>,
) -> Result<Wanted, String> {
    let model = match model?.as_deref() {
        None => None,
        Some(Value::String(model)) => Some(model.clone()),
        Some(other) => return Err(format!("the model {other} is not a text")),
    };
    let usage = match usage?.as_deref() {
        None => None,
        Some(usage) => Some(Usage::read(usage).ok_or_else(|| format!("{usage} is not a usage"))?),
    };
    Ok(Wanted::One { model, usage, key })
}

fn tokens(event: &BillingEvent) -> Option<Usage> {
    Some(Usage { input_tokens: event.input_tokens?, output_tokens: event.output_tokens.unwrap_or(0) })
}

/// Pairs events with the steps that must have caused them, and says what does not pair.
///
/// `events` are in the order they were written. Events beyond the last expectation belong to steps that were not
/// judged where `more_steps` is set.
pub(crate) fn reconcile(
    expected: &[Expected],
    events: &[BillingEvent],
    more_steps: bool,
    target: &Target,
    requirements: Requirements<'_>,
) -> Outcome {
    let mut outcome = Outcome::default();
    let Some(ids) = requirements.billing() else {
        outcome.undecided = Some("the contract names no billing requirements".to_owned());
        return outcome;
    };
    let mut pairs = pair(expected, events);
    pair_rest(expected, events, &mut pairs);
    for (index, step) in expected.iter().enumerate() {
        if let Wanted::One { .. } = step.wanted {
            outcome.checks += 1;
            outcome.verifies.push(requirements.verified(&ids.one));
            let event = pairs.iter().find(|pair| pair.0 == index).and_then(|pair| events.get(pair.1));
            match event {
                Some(event) => compare(step, event, target, requirements, ids, &mut outcome),
                None => {
                    let words = ("exactly one event".to_owned(), "none".to_owned());
                    outcome.misses.push(requirements.miss(
                        Some(&*ids.one),
                        &step.step,
                        SUBJECT,
                        words,
                        &step.location,
                    ));
                }
            }
        } else {
            outcome.checks += 1;
            outcome.verifies.push(requirements.verified(&ids.none));
        }
    }
    leftovers(expected, events, &pairs, more_steps, requirements, ids, &mut outcome);
    outcome
}

const SUBJECT: &str = "billing event";

/// First every step takes the first event that says exactly what it must.
fn pair(expected: &[Expected], events: &[BillingEvent]) -> Vec<(usize, usize)> {
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (index, step) in expected.iter().enumerate() {
        let free = |event: usize| pairs.iter().all(|pair| pair.1 != event);
        let fitting =
            events.iter().enumerate().find(|(position, event)| free(*position) && step.wanted.fits(event));
        if let Some((position, _)) = fitting {
            pairs.push((index, position));
        }
    }
    pairs
}

/// Then every step without one takes the first that is left, to say in what it differs.
fn pair_rest(expected: &[Expected], events: &[BillingEvent], pairs: &mut Vec<(usize, usize)>) {
    for (index, step) in expected.iter().enumerate() {
        if step.wanted == Wanted::None || pairs.iter().any(|pair| pair.0 == index) {
            continue;
        }
        // The twin of an event that is taken is a second event of the same call, not this step's.
        let free = |position: &usize| {
            pairs.iter().all(|pair| pair.1 != *position && events.get(pair.1) != events.get(*position))
        };
        if let Some(position) = (0..events.len()).find(free) {
            pairs.push((index, position));
        }
    }
}

fn compare(
    step: &Expected,
    event: &BillingEvent,
    target: &Target,
    requirements: Requirements<'_>,
    ids: &BillingRequirements,
    outcome: &mut Outcome,
) {
    let Wanted::One { model, usage, key } = &step.wanted else { return };
    let mut check = |requirement: &str, subject: &str, expected: String, actual: String| {
        outcome.checks += 1;
        outcome.verifies.push(requirements.verified(requirement));
        if expected != actual {
            let miss =
                requirements.miss(Some(requirement), &step.step, subject, (expected, actual), &step.location);
            outcome.misses.push(miss);
        }
    };
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
    if let Some(model) = model {
        check(&ids.model, "billing event's model", model.clone(), shown(&event.model));
    }
    if let Some(usage) = usage {
        let actual = tokens(event).map_or_else(|| "nothing".to_owned(), show_usage);
        check(&ids.usage, "billing event's usage", show_usage(*usage), actual);
    }
    if let Some(key) = key {
        check(&ids.key, "billing event's key", key.clone(), shown(&event.key));
    }
    let price = event.model.as_deref().and_then(|model| target.price(model));
    if let (Some(price), Some(usage), Some(observer)) = (price, tokens(event), &target.billing)
        && observer.cost.is_some()
    {
        let million = Decimal::from(1_000_000);
        let cost = (price.input * Decimal::from(usage.input_tokens)
            + price.output * Decimal::from(usage.output_tokens))
            / million;
        let actual = event.cost.map_or_else(|| "nothing".to_owned(), |cost| cost.normalize().to_string());
        check(&ids.cost, "billing event's cost", cost.normalize().to_string(), actual);
    }
}

fn show_usage(usage: Usage) -> String {
    format!("{} input and {} output tokens", usage.input_tokens, usage.output_tokens)
}

/// Says of each event that no step must have caused which step it is held against.
fn leftovers(
    expected: &[Expected],
    events: &[BillingEvent],
    pairs: &[(usize, usize)],
    more_steps: bool,
    requirements: Requirements<'_>,
    ids: &BillingRequirements,
    outcome: &mut Outcome,
) {
    let last_paired = pairs.iter().map(|pair| pair.1).max();
    for (position, event) in events.iter().enumerate() {
        if pairs.iter().any(|pair| pair.1 == position) {
            continue;
        }
        // What comes last may be the bill of a step that was not judged.
        if more_steps && last_paired.is_none_or(|last| position > last) {
            continue;
        }
        let twin = pairs.iter().find(|pair| events.get(pair.1) == Some(event));
        if let Some(step) = twin.and_then(|pair| expected.get(pair.0)) {
            let words = ("exactly one event".to_owned(), "a second one that says the same".to_owned());
            outcome.misses.push(requirements.miss(
                Some(&*ids.one),
                &step.step,
                SUBJECT,
                words,
                &step.location,
            ));
            continue;
        }
        let before = pairs.iter().filter(|pair| pair.1 < position).map(|pair| pair.0).max();
        let from = before.map_or(0, |index| index + 1);
        let unbilled = |step: &&Expected| step.wanted == Wanted::None;
        let step = expected.iter().skip(from).find(unbilled).or_else(|| expected.iter().find(unbilled));
        let actual = format!("an event for {}", event.model.as_deref().unwrap_or("an unnamed model"));
        let (requirement, step) = match (step, before.and_then(|index| expected.get(index))) {
            (Some(step), _) => (&ids.none, Some(step)),
            (None, Some(step)) => (&ids.one, Some(step)),
            (None, None) => (&ids.one, expected.first()),
        };
        if let Some(step) = step {
            let words = ("no further event".to_owned(), actual);
            outcome.misses.push(requirements.miss(
                Some(requirement),
                &step.step,
                SUBJECT,
                words,
                &step.location,
            ));
        }
    }
}
