//! The faults that a world's provider is to have, by rule.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::ledger::Operation;
use crate::provider::Fault;

/// How many rules there may be at once.
pub(crate) const MOST_RULES: usize = 100;

/// There are too many rules to arm another.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {} faults armed already; take some away", MOST_RULES)]
pub(crate) struct TooManyRules;

/// Which calls a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FaultRule {
    pub(crate) fault: Fault,
    /// Only calls of this model.
    pub(crate) model: Option<String>,
    /// Only calls of this kind.
    pub(crate) operation: Option<Operation>,
    /// It strikes so many times, then it is over; without a number it never is.
    pub(crate) times: Option<u32>,
    /// So many calls pass before it strikes.
    pub(crate) after: u32,
}

/// A rule in force, and what it has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArmedFault {
    /// Ascending in the order of arming.
    pub(crate) id: u64,
    pub(crate) rule: FaultRule,
    /// Calls that it let pass although they fit.
    pub(crate) passed: u32,
    pub(crate) struck: u64,
}

impl ArmedFault {
    fn is_over(&self) -> bool {
        self.rule.times.is_some_and(|times| self.struck >= u64::from(times))
    }

    /// The fault, if it strikes this call.
    fn meet(&mut self, operation: Operation, model: &str) -> Option<Fault> {
        let FaultRule { fault, model: wanted, operation: kind, after, .. } = &self.rule;
        let fits = wanted.as_ref().is_none_or(|wanted| wanted == model)
            && kind.is_none_or(|kind| kind == operation)
            && !self.is_over();
        if !fits {
            return None;
        }
        if self.passed < *after {
            self.passed += 1;
            return None;
        }
        self.struck += 1;
        Some(fault.clone())
    }
}

/// One world's rules, tried in the order of arming. While none is in force, asking them is one relaxed load.
#[derive(Debug, Default)]
pub(crate) struct FaultRules {
    /// How many rules are not over.
    live: AtomicUsize,
    rules: Mutex<Rules>,
}

#[derive(Debug, Default)]
struct Rules {
    armed: Vec<ArmedFault>,
    last_id: u64,
}

impl FaultRules {
    /// The fault that strikes this call, if any does. A rule that lets the call pass leaves it to the next one.
    pub(crate) fn strike(&self, operation: Operation, model: &str) -> Option<Fault> {
        if self.live.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut rules = self.rules.lock();
        let fault = rules.armed.iter_mut().find_map(|armed| armed.meet(operation, model));
        self.count(&rules);
        fault
    }

    /// Puts a rule in force, behind those that are.
    pub(crate) fn arm(&self, rule: FaultRule) -> Result<ArmedFault, TooManyRules> {
        let mut rules = self.rules.lock();
        if rules.armed.len() >= MOST_RULES {
            return Err(TooManyRules);
        }
        rules.last_id += 1;
        let armed = ArmedFault { id: rules.last_id, rule, passed: 0, struck: 0 };
        rules.armed.push(armed.clone());
        self.count(&rules);
        Ok(armed)
    }

    /// Every rule that was not taken away, in the order of arming.
    pub(crate) fn list(&self) -> Vec<ArmedFault> {
        self.rules.lock().armed.clone()
    }

    /// Takes one rule away.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut rules = self.rules.lock();
        let before = rules.armed.len();
        rules.armed.retain(|armed| armed.id != id);
        self.count(&rules);
        rules.armed.len() < before
    }

    /// Takes all rules away.
    pub(crate) fn clear(&self) {
        let mut rules = self.rules.lock();
        rules.armed.clear();
        self.count(&rules);
    }

    fn count(&self, rules: &Rules) {
        let live = rules.armed.iter().filter(|armed| !armed.is_over()).count();
        self.live.store(live, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::FaultKind;

    fn rule(kind: FaultKind) -> FaultRule {
        FaultRule { fault: kind.into(), model: None, operation: None, times: None, after: 0 }
    }

    fn struck(rules: &FaultRules, model: &str) -> Option<FaultKind> {
        rules.strike(Operation::Chat, model).map(|fault| fault.kind)
    }

    #[test]
    fn nothing_strikes_where_nothing_is_armed() {
        let rules = FaultRules::default();
        assert_eq!(struck(&rules, "m"), None);
        rules.arm(rule(FaultKind::Html)).unwrap();
        assert_eq!(struck(&rules, "m"), Some(FaultKind::Html));
        rules.clear();
        assert_eq!(struck(&rules, "m"), None);
        assert!(rules.list().is_empty());
    }

    #[test]
    fn a_rule_strikes_the_calls_that_it_names() {
        let rules = FaultRules::default();
        let chat = Some(Operation::Chat);
        rules.arm(FaultRule { model: Some("m".to_owned()), ..rule(FaultKind::Html) }).unwrap();
        rules.arm(FaultRule { operation: chat, ..rule(FaultKind::Rejected) }).unwrap();
        assert_eq!(struck(&rules, "m"), Some(FaultKind::Html));
        assert_eq!(struck(&rules, "n"), Some(FaultKind::Rejected));
        assert_eq!(rules.strike(Operation::Embedding, "n"), None);
        assert!(rules.strike(Operation::Embedding, "m").is_some());
    }

    #[test]
    fn passes_and_strikes_are_counted_and_come_to_an_end() {
        let rules = FaultRules::default();
        rules.arm(FaultRule { after: 1, times: Some(2), ..rule(FaultKind::Html) }).unwrap();
        let seen: Vec<_> = (0..5).map(|_| struck(&rules, "m").is_some()).collect();
        assert_eq!(seen, [false, true, true, false, false]);
        let listed = rules.list();
        assert_eq!((listed[0].passed, listed[0].struck), (1, 2));
        assert_eq!(rules.live.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_call_that_one_rule_lets_pass_meets_the_next() {
        let rules = FaultRules::default();
        rules.arm(FaultRule { after: 1, ..rule(FaultKind::Html) }).unwrap();
        rules.arm(FaultRule { times: Some(1), ..rule(FaultKind::Rejected) }).unwrap();
        assert_eq!(struck(&rules, "m"), Some(FaultKind::Rejected));
        assert_eq!(struck(&rules, "m"), Some(FaultKind::Html));
        let counted: Vec<_> = rules.list().iter().map(|armed| (armed.passed, armed.struck)).collect();
        assert_eq!(counted, [(1, 1), (0, 1)]);
    }

    #[test]
    fn one_rule_can_be_taken_away_and_there_is_an_end_to_rules() {
        let rules = FaultRules::default();
        for _ in 0..MOST_RULES {
            rules.arm(rule(FaultKind::Html)).unwrap();
        }
        assert_eq!(rules.arm(rule(FaultKind::Html)), Err(TooManyRules));
        assert!(rules.remove(7));
        assert!(!rules.remove(7));
        assert_eq!(rules.arm(rule(FaultKind::Html)).unwrap().id, 101);
    }
}
