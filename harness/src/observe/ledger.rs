//! Holds what a scenario must have been billed against what it was billed. Pure.

use std::sync::Arc;

use plumbline_record::Location;
use rust_decimal::Decimal;
use serde_json::Value;

use super::event::{BillingEvent, Usage};
use super::{Outcome, Requirements};
use crate::scenario::BillingRequirements;
use crate::target::{Delivery, Target};

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
        self.differences(event) == [false; 3]
    }

    /// Which of model, usage and key an event says otherwise.
    fn differences(&self, event: &BillingEvent) -> [bool; 3] {
        match self {
            Self::None => [true; 3],
            Self::One { model, usage, key } => [
                model.is_some() && *model != event.model,
                usage.is_some() && *usage != tokens(event),
                key.is_some() && *key != event.key,
            ],
        }
    }

    /// How unlike it an event is: what was answered tells more than who is billed for it.
    fn unlikeness(&self, event: &BillingEvent) -> (u8, bool) {
        let [model, usage, key] = self.differences(event);
        (u8::from(model) + u8::from(usage), key)
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
/// judged where `more_steps` is set; where events come in any order, any of them may.
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
            outcome.reached.insert(Arc::clone(&ids.one));
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
            outcome.reached.insert(Arc::clone(&ids.none));
        }
    }
    let unordered = target.billing.as_ref().is_some_and(|observer| observer.delivery == Delivery::Unordered);
    if !(more_steps && unordered) {
        leftovers(expected, events, &pairs, more_steps, requirements, ids, &mut outcome);
    }
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

/// Then every step without one takes what is left and most like its own, to say in what it differs; of several, the first.
fn pair_rest(expected: &[Expected], events: &[BillingEvent], pairs: &mut Vec<(usize, usize)>) {
    let even = events.len() == expected.iter().filter(|step| step.wanted != Wanted::None).count();
    for (index, step) in expected.iter().enumerate() {
        if step.wanted == Wanted::None || pairs.iter().any(|pair| pair.0 == index) {
            continue;
        }
        // The twin of an event that is taken is a second event of the same call, not this step's: unless there is one
        // for each step.
        let is_twin = |pair: usize, position: usize| !even && events.get(pair) == events.get(position);
        let free =
            |position: &usize| pairs.iter().all(|pair| pair.1 != *position && !is_twin(pair.1, *position));
        let left = events.iter().enumerate().filter(|(position, _)| free(position));
        if let Some((position, _)) = left.min_by_key(|(_, event)| step.wanted.unlikeness(event)) {
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
    let mut check = |requirement: &Arc<str>, subject: &str, expected: String, actual: String| {
        outcome.checks += 1;
        outcome.reached.insert(Arc::clone(requirement));
        if expected != actual {
            let words = (expected, actual);
            let miss = requirements.miss(Some(&**requirement), &step.step, subject, words, &step.location);
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
    let price = event.model.as_deref().and_then(|model| target.offers.price(model));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::mem;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::scenario::{Contract, Credential, Templates};
    use crate::source::SourceFile;
    use crate::target::{Environment, read};

    /// A model whose price tells the question's tokens from the answer's, and one that has none.
    const TARGET: &str = r#"
name: gateway
models: { priced: { id: a, price: { input: "3.00", output: "15.00" } }, free: { id: b } }
observers: { billing: { from: { file: { path: /nowhere } }, cost: $.cost, delivery: immediate } }
"#;

    fn target() -> Target {
        let file = Arc::new(SourceFile { name: "target.yaml".into(), text: TARGET.into() });
        let templates = Templates::new(Arc::new(|_: &str| None::<Vec<u8>>));
        read(&file, Some("http://127.0.0.1:1"), &Environment::default(), templates).unwrap()
    }

    fn contract(billing: bool) -> Contract {
        let ids = BillingRequirements {
            one: "one".into(),
            none: "none".into(),
            model: "model".into(),
            usage: "usage".into(),
            key: "key".into(),
            cost: "cost".into(),
        };
        Contract {
            name: "demo".into(),
            version: "1".into(),
            title: "A contract".into(),
            roles: BTreeMap::new(),
            models: BTreeMap::new(),
            capabilities: BTreeMap::new(),
            requests: BTreeMap::new(),
            situations: BTreeMap::new(),
            answers: BTreeMap::new(),
            dialects: BTreeMap::new(),
            requires: Vec::new(),
            credential: Credential::default(),
            streams: BTreeMap::new(),
            billing: billing.then_some(ids),
            requirements: BTreeMap::new(),
        }
    }

    fn step(name: &str, wanted: Wanted) -> Expected {
        Expected { step: name.to_owned(), location: Location::default(), wanted }
    }

    fn unbilled(name: &str) -> Expected {
        step(name, Wanted::None)
    }

    fn billed(name: &str, model: &str, input_tokens: u64, output_tokens: u64) -> Expected {
        let usage = Some(Usage { input_tokens, output_tokens });
        step(name, Wanted::One { model: Some(model.to_owned()), usage, key: Some("k".to_owned()) })
    }

    /// One event, whatever it says.
    fn billed_somehow(name: &str) -> Expected {
        step(name, Wanted::One { model: None, usage: None, key: None })
    }

    /// An event with the right cost.
    fn event(model: &str, input: u64, output: u64) -> BillingEvent {
        let cost = Decimal::from(3 * input + 15 * output) / Decimal::from(1_000_000);
        BillingEvent {
            model: Some(model.to_owned()),
            input_tokens: Some(input),
            output_tokens: Some(output),
            key: Some("k".to_owned()),
            cost: Some(cost),
        }
    }

    fn outcome(expected: &[Expected], events: &[BillingEvent], more_steps: bool) -> Outcome {
        let contract = contract(true);
        reconcile(expected, events, more_steps, &target(), Requirements { contract: Some(&contract) })
    }

    /// Each requirement that was missed, and the step that it is held against.
    fn missed(expected: &[Expected], events: &[BillingEvent], more_steps: bool) -> Vec<String> {
        let outcome = outcome(expected, events, more_steps);
        assert_eq!((outcome.undecided, outcome.broken), (None, None));
        let told = outcome.misses.into_iter();
        told.map(|miss| format!("{} of {}", miss.requirement.unwrap_or_default(), miss.step)).collect()
    }

    #[test]
    fn events_are_held_against_the_steps_that_caused_them() {
        let steps = [billed("chat", "a", 10, 5), unbilled("refused"), billed("again", "b", 7, 0)];
        let (chat, again, other) = (event("a", 10, 5), event("b", 7, 0), event("a", 10, 0));
        let situations: [(&str, &[&BillingEvent], &[&str]); 10] = [
            ("right", &[&chat, &again], &[]),
            ("in another order", &[&again, &chat], &[]),
            ("the first is missing", &[&again], &["one of chat"]),
            ("the last is missing", &[&chat], &["one of again"]),
            ("none at all", &[], &["one of chat", "one of again"]),
            ("the first is doubled", &[&chat, &chat, &again], &["one of chat"]),
            ("the last is doubled", &[&chat, &again, &again], &["one of again"]),
            ("both are doubled", &[&chat, &again, &chat, &again], &["one of chat", "one of again"]),
            ("the refusal is billed", &[&chat, &other, &again], &["none of refused"]),
            ("the refusal is billed late", &[&chat, &again, &other], &["none of refused"]),
        ];
        for (what, events, expected) in situations {
            let events: Vec<_> = events.iter().copied().cloned().collect();
            assert_eq!(missed(&steps, &events, false), expected, "{what}");
        }
    }

    #[test]
    fn where_there_is_an_event_for_each_step_none_is_a_second_one() {
        let steps = [billed_somehow("first"), billed("second", "a", 10, 5)];
        assert_eq!(missed(&steps, &[event("a", 11, 5), event("a", 11, 5)], false), ["usage of second"]);
    }

    #[test]
    fn an_event_that_no_step_may_have_caused_is_held_against_one_of_them() {
        let (right, other) = (event("a", 10, 5), event("c", 1, 1));
        assert_eq!(missed(&[unbilled("refused")], std::slice::from_ref(&other), false), ["none of refused"]);
        let chat = [billed("chat", "a", 10, 5)];
        assert_eq!(missed(&chat, &[right.clone(), other.clone()], false), ["one of chat"]);
        assert_eq!(missed(&chat, &[other, right], false), ["one of chat"]);
    }

    #[test]
    fn where_bills_are_mixed_up_between_keys_only_the_key_is_wrong() {
        let pair = |key: &str, tokens: u64| {
            let Wanted::One { model, usage, .. } = billed(key, "a", tokens, 1).wanted else {
                panic!("{key}")
            };
            let wanted = Wanted::One { model, usage, key: Some(key.to_owned()) };
            (step(key, wanted), BillingEvent { key: Some(key.to_owned()), ..event("a", tokens, 1) })
        };
        let ((one, mut first), (two, mut second)) = (pair("one", 10), pair("two", 20));
        mem::swap(&mut first.key, &mut second.key);
        for events in [[first.clone(), second.clone()], [second, first]] {
            assert_eq!(
                missed(&[one.clone(), two.clone()], &events, false),
                ["key of one", "key of two"],
                "{events:?}"
            );
        }
    }

    #[test]
    fn each_part_of_an_event_misses_its_own_requirement() {
        let right = event("a", 10, 5);
        let cheap = Some(Decimal::from_str_exact("0.000104").unwrap());
        let situations: [(&str, BillingEvent); 9] = [
            ("model", BillingEvent { model: Some("b".to_owned()), ..right.clone() }),
            ("model", BillingEvent { model: None, ..right.clone() }),
            ("usage", event("a", 11, 5)),
            ("usage", event("a", 10, 6)),
            ("usage", BillingEvent { input_tokens: None, ..right.clone() }),
            ("key", BillingEvent { key: Some("l".to_owned()), ..right.clone() }),
            ("key", BillingEvent { key: None, ..right.clone() }),
            ("cost", BillingEvent { cost: cheap, ..right.clone() }),
            ("cost", BillingEvent { cost: None, ..right.clone() }),
        ];
        for (requirement, event) in situations {
            let told = missed(&[billed("chat", "a", 10, 5)], std::slice::from_ref(&event), false);
            assert_eq!(told, [format!("{requirement} of chat")], "{event:?}");
        }
        let several = BillingEvent { key: None, ..event("b", 10, 6) };
        assert_eq!(
            missed(&[billed("chat", "a", 10, 5)], &[several], false),
            ["model of chat", "usage of chat", "key of chat"]
        );
    }

    #[test]
    fn a_miss_says_what_was_wanted_and_what_was_found() {
        let wrong = BillingEvent { cost: None, ..event("a", 10, 0) };
        let outcome = outcome(&[billed("chat", "a", 10, 5)], &[wrong], false);
        let told: Vec<_> =
            outcome.misses.iter().map(|miss| (&*miss.subject, &*miss.expected, &*miss.actual)).collect();
        let usage = ("10 input and 5 output tokens", "10 input and 0 output tokens");
        let cost = ("0.00003", "nothing");
        assert_eq!(
            told,
            [("billing event's usage", usage.0, usage.1), ("billing event's cost", cost.0, cost.1)]
        );
    }

    #[test]
    fn only_what_is_stated_is_compared() {
        let odd = BillingEvent { model: Some("z".to_owned()), ..BillingEvent::default() };
        let outcome = outcome(&[billed_somehow("chat"), unbilled("refused")], &[odd], false);
        assert_eq!((outcome.checks, outcome.misses.len()), (2, 0));
        // Two steps that say nothing of their events may have the same one each.
        let same = [event("a", 1, 1), event("a", 1, 1)];
        assert_eq!(
            missed(&[billed_somehow("one"), billed_somehow("two")], &same, false),
            Vec::<String>::new()
        );
        assert_eq!(missed(&[billed_somehow("one")], &same, false), ["one of one"]);
    }

    #[test]
    fn a_cost_is_a_number_and_not_its_spelling() {
        let spelt = |cost: &str| Some(Decimal::from_str_exact(cost).unwrap());
        let chat = [billed("chat", "a", 10, 5)];
        for cost in ["0.000105", "0.00010500000"] {
            let event = BillingEvent { cost: spelt(cost), ..event("a", 10, 5) };
            assert_eq!(missed(&chat, &[event], false), Vec::<String>::new(), "{cost}");
        }
        let event = BillingEvent { cost: spelt("0.00010500000000000001"), ..event("a", 10, 5) };
        assert_eq!(missed(&chat, &[event], false), ["cost of chat"]);
    }

    #[test]
    fn what_comes_last_may_be_the_bill_of_a_step_that_was_not_judged() {
        let steps = [billed("chat", "a", 10, 5), unbilled("refused"), billed("again", "b", 7, 0)];
        let (chat, again, other) = (event("a", 10, 5), event("b", 7, 0), event("a", 10, 0));
        let right = [chat.clone(), again.clone(), other.clone()];
        assert_eq!(missed(&steps, &right, true), Vec::<String>::new());
        let between = [chat.clone(), other.clone(), again];
        assert_eq!(missed(&steps, &between, true), ["none of refused"]);
        assert_eq!(missed(&[unbilled("refused")], &[other], true), Vec::<String>::new());
        assert_eq!(missed(&steps[..1], &[chat.clone(), chat], true), Vec::<String>::new());
        assert_eq!(missed(&steps[..1], &[], true), ["one of chat"]);
    }

    #[test]
    fn a_wrong_bill_is_told_beside_that_of_a_step_that_was_not_judged() {
        let events = [event("x", 10, 5), event("a", 14, 5)];
        assert_eq!(missed(&[billed("chat", "a", 10, 5)], &events, true), ["model of chat"]);
    }

    #[test]
    fn in_any_order_what_comes_first_may_be_the_bill_of_a_step_that_was_not_judged() {
        let steps = [unbilled("refused"), billed("chat", "a", 10, 5)];
        let events = [event("b", 7, 0), event("a", 10, 5)];
        assert_eq!(missed(&steps, &events, true), ["none of refused"]);
        let (contract, mut target) = (contract(true), target());
        target.billing.as_mut().unwrap().delivery = Delivery::Unordered;
        for (more_steps, misses) in [(true, 0), (false, 1)] {
            let requirements = Requirements { contract: Some(&contract) };
            let outcome = reconcile(&steps, &events, more_steps, &target, requirements);
            assert_eq!((outcome.checks > 0, outcome.misses.len()), (true, misses), "{more_steps}");
        }
    }

    #[test]
    fn without_billing_requirements_nothing_is_decided() {
        let contract = contract(false);
        for contract in [None, Some(&contract)] {
            let steps = [billed("chat", "a", 10, 5)];
            let outcome = reconcile(&steps, &[], false, &target(), Requirements { contract });
            assert!(outcome.undecided.is_some());
            assert_eq!((outcome.checks, outcome.misses.len()), (0, 0));
        }
    }

    #[test]
    fn what_a_step_is_billed_comes_from_values_of_the_right_kind() {
        let value = |value: Value| Ok(Some(Arc::new(value)));
        for usage in [
            json!({ "prompt_tokens": 3, "completion_tokens": 2 }),
            json!({ "promptTokens": 3, "completionTokens": 2, "totalTokens": 5 }),
            json!({ "input_tokens": 3, "output_tokens": 2 }),
            json!({ "inputTokens": 3, "outputTokens": 2 }),
        ] {
            let usage = one(value(json!("a")), value(usage), Some("k".to_owned()));
            assert_eq!(usage, Ok(billed("", "a", 3, 2).wanted));
        }
        let embedding = one(Ok(None), value(json!({ "prompt_tokens": 3, "total_tokens": 3 })), None);
        let usage = Some(Usage { input_tokens: 3, output_tokens: 0 });
        assert_eq!(embedding, Ok(Wanted::One { model: None, usage, key: None }));
        for (model, usage, part) in [
            (value(json!(7)), Ok(None), "the model 7 is not a text"),
            (Ok(None), value(json!({ "tokens": 3 })), "is not a usage"),
            (Ok(None), value(json!({ "prompt_tokens": "3" })), "is not a usage"),
            (Ok(None), value(json!(null)), "is not a usage"),
            (Err("`chat` is not defined".to_owned()), Ok(None), "`chat` is not defined"),
            (Ok(None), Err("`usage` is not defined".to_owned()), "`usage` is not defined"),
        ] {
            let error = one(model, usage, None).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    proptest! {
        #[test]
        fn the_order_of_events_does_not_matter(
            order in Just((0..6_u64).collect::<Vec<_>>()).prop_shuffle(),
            lost in 0..6_usize,
        ) {
            let steps: Vec<_> =
                (0..6_u64).map(|number| billed(&format!("s{number}"), "a", number + 1, number)).collect();
            let mut events: Vec<_> = order.iter().map(|number| event("a", number + 1, *number)).collect();
            prop_assert_eq!(missed(&steps, &events, false), Vec::<String>::new());
            events.remove(lost);
            prop_assert_eq!(missed(&steps, &events, false), [format!("one of s{}", order[lost])]);
        }

        #[test]
        fn without_a_miss_there_is_one_event_for_each_billed_step(
            steps in vec((0..4_u8, 0..2_u64), 1..5),
            events in vec((0..2_u8, 0..2_u64), 0..6),
        ) {
            let model = |number: u8| if number == 0 { "a" } else { "b" };
            let steps: Vec<_> = steps
                .into_iter()
                .map(|(kind, tokens)| match kind {
                    0 | 1 => billed("billed", model(kind), tokens, 1),
                    2 => billed_somehow("somehow"),
                    _ => unbilled("unbilled"),
                })
                .collect();
            let events: Vec<_> = events.into_iter().map(|(kind, tokens)| event(model(kind), tokens, 1)).collect();
            let billed = steps.iter().filter(|step| step.wanted != Wanted::None).count();
            if missed(&steps, &events, false).is_empty() {
                prop_assert_eq!(events.len(), billed);
            }
        }
    }
}
