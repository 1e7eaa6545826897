//! How the provider is to fail in a call, attempt by attempt.

use super::ledger::Operation;
use super::world::World;
use crate::provider::Fault;

/// The faults of a call's attempts. The one that the caller asks for strikes every attempt; where there is none, the
/// world's rules decide on each anew.
#[derive(Clone)]
pub(super) struct Strikes<'a> {
    world: &'a World,
    operation: Operation,
    /// The model that is asked for.
    model: &'a str,
    own: Option<Fault>,
    /// The next attempt's, where it is decided already.
    decided: Option<Decision>,
}

#[derive(Clone)]
struct Decision(Option<Fault>);

impl<'a> Strikes<'a> {
    /// The faults of a call; that of the first attempt is decided at once.
    pub(super) fn of(world: &'a World, operation: Operation, model: &'a str, own: Option<Fault>) -> Self {
        let first = own.clone().or_else(|| world.strike(operation, model));
        Self { world, operation, model, own, decided: Some(Decision(first)) }
    }

    /// The fault of the first attempt, before it is made.
    pub(super) fn first(&self) -> Option<&Fault> {
        self.decided.as_ref()?.0.as_ref()
    }

    /// The fault of the next attempt.
    pub(super) fn next(&mut self) -> Option<Fault> {
        match self.decided.take() {
            Some(Decision(fault)) => fault,
            None => self.own.clone().or_else(|| self.world.strike(self.operation, self.model)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::faults::FaultRule;
    use super::super::testing;
    use super::*;
    use crate::provider::FaultKind;

    #[test]
    fn a_rule_strikes_as_often_as_it_says_and_the_callers_own_fault_always() {
        let world = testing::world().world;
        let rule = FaultRule {
            fault: FaultKind::Html.into(),
            model: None,
            operation: None,
            times: Some(1),
            after: 1,
        };
        world.faults.arm(rule).unwrap();
        let html = Fault::from(FaultKind::Html);
        let mut ruled = Strikes::of(&world, Operation::Chat, "m", None);
        assert_eq!(ruled.first(), None);
        assert_eq!([ruled.next(), ruled.next(), ruled.next()], [None, Some(html), None]);
        let own = Fault::from(FaultKind::Rejected);
        let mut asked = Strikes::of(&world, Operation::Chat, "m", Some(own.clone()));
        assert_eq!(asked.first(), Some(&own));
        assert_eq!([asked.next(), asked.next()], [Some(own.clone()), Some(own)]);
    }
}
