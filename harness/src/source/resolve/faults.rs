//! Reads how the gateway's providers are to fail.

use serde_json::Number;

use super::steps::Steps;
use crate::scenario::Action;
use crate::source::Span;
use crate::source::written::upstream::{Fault, FaultHeader, UpstreamFaultEntry};
use crate::source::written::wrappers::{Located, Tree, TreeValue};

impl Steps<'_, '_, '_, '_> {
    pub(super) fn fault(&mut self, fault: &Located<Fault>) -> Option<Action> {
        match &fault.value {
            Fault::None => Some(Action::ClearFaults),
            Fault::Upstream(entry) => {
                let rule = self.rule(entry);
                self.shape(&rule).map(Action::ArmUpstreamFault)
            }
            Fault::Own(members) => {
                let rule = Tree { span: fault.span, value: TreeValue::Object(members.clone()) };
                self.shape(&rule).map(Action::ArmFault)
            }
        }
    }

    /// A rule as the simulator takes it.
    fn rule(&mut self, entry: &Located<UpstreamFaultEntry>) -> Tree {
        let span = entry.span;
        self.reading.notes.duration(entry.delay.as_ref());
        let (after, times) = self.struck(entry);
        if let Some(odd) = entry.probability.as_ref().filter(|chance| !(0.0..=1.0).contains(&chance.value)) {
            self.note(odd.span, format!("{} is no probability", odd.value), Some("from 0 to 1"));
        }
        let text = |text: &Option<Located<String>>| text.as_ref().map(text_tree);
        let number =
            |number: Option<Number>| number.map(|number| Tree { span, value: TreeValue::Number(number) });
        let kind = Tree { span: entry.kind.span, value: TreeValue::Text(entry.kind.name().to_owned()) };
        let fault = [
            ("kind", Some(kind)),
            ("status", number(entry.status.map(Number::from))),
            ("retry_after", number(entry.retry_after.map(Number::from))),
            ("message", text(&entry.message)),
            ("delay", text(&entry.delay)),
            ("bytes", number(entry.bytes.map(Number::from))),
            ("after_events", number(entry.after_events.map(Number::from))),
        ];
        let probability = entry.probability.as_ref().and_then(|chance| Number::from_f64(chance.value));
        let rule = [
            ("provider", text(&entry.provider)),
            ("model", text(&entry.model)),
            ("header", entry.header.as_ref().map(|header| header_tree(header, span))),
            ("contains", text(&entry.contains)),
            ("after", number(after.map(Number::from))),
            ("times", number(times.map(Number::from))),
            ("probability", number(probability)),
            ("seed", number(entry.seed.map(Number::from))),
            ("fault", Some(object(fault, span))),
        ];
        object(rule, span)
    }

    /// How many calls pass before the fault strikes, and how many it strikes.
    fn struck(&mut self, entry: &UpstreamFaultEntry) -> (Option<u32>, Option<u32>) {
        let UpstreamFaultEntry { nth, after, times, .. } = entry;
        for number in [nth, times].into_iter().flatten().filter(|number| number.value == 0) {
            self.note(number.span, "this strikes no call", Some("write a number from 1 on"));
        }
        let [after, times] = [after, times].map(|number| number.as_ref().map(|number| number.value));
        let Some(nth) = nth else { return (after, times) };
        if after.is_some() || times.is_some() {
            let hint = "take it out, or `after` and `times`";
            self.note(nth.span, "`nth` says already which call is struck", Some(hint));
        }
        (Some(nth.value.saturating_sub(1)), Some(1))
    }
}

fn text_tree(text: &Located<String>) -> Tree {
    Tree { span: text.span, value: TreeValue::Text(text.value.clone()) }
}

fn header_tree(header: &FaultHeader, span: Span) -> Tree {
    let members = [("name", Some(text_tree(&header.name))), ("value", Some(text_tree(&header.value)))];
    object(members, span)
}

/// An object with the members that are there.
fn object<const N: usize>(members: [(&str, Option<Tree>); N], span: Span) -> Tree {
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Tree { span, value: TreeValue::Object(members.collect()) }
}
