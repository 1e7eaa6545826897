//! The faults of a world, by rule.

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::asked::Asked;
use super::fault::Fault;
use super::filter::Filter;
use crate::domain::faults::{MOST_RULES, TooManyRules};

/// Which calls a fault strikes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FaultRule {
    pub(super) filter: Filter,
    /// So many calls that fit pass before it strikes.
    pub(super) after: u32,
    /// It strikes so many times, then it is over; without a number it never is.
    pub(super) times: Option<u32>,
    /// How probably it strikes a call that it could strike, from 0 to 1; always where nothing is said.
    pub(super) probability: Option<f64>,
    /// What chance starts from, so that it can be repeated.
    pub(super) seed: u64,
    pub(super) fault: Fault,
}

/// A rule in force, and what it has done.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ArmedFault {
    /// Ascending in the order of arming.
    pub(super) id: u64,
    pub(super) rule: FaultRule,
    /// Calls that it let pass although they fit.
    pub(super) passed: u64,
    pub(super) struck: u64,
}

/// One world's rules, tried in the order of arming.
#[derive(Debug, Default)]
pub(super) struct FaultRules(Mutex<Rules>);

#[derive(Debug, Default)]
struct Rules {
    armed: Vec<(ArmedFault, StdRng)>,
    last_id: u64,
}

impl ArmedFault {
    /// The fault, if it strikes this call. Where a rule names no path it is for calls that ask a model.
    fn meet(&mut self, asked: &Asked, asks_a_model: bool, chance: &mut StdRng) -> Option<Fault> {
        let FaultRule { filter, after, times, probability, fault, .. } = &self.rule;
        let is_over = times.is_some_and(|times| self.struck >= u64::from(times));
        let is_meant = asks_a_model || filter.path.is_some();
        if is_over || !is_meant || !fault.kind.can_happen(asked.streamed) || !filter.fits(asked) {
            return None;
        }
        let waits = self.passed < u64::from(*after);
        if waits || probability.is_some_and(|probability| !chance.random_bool(probability)) {
            self.passed += 1;
            return None;
        }
        self.struck += 1;
        Some(fault.clone())
    }
}

impl FaultRules {
    /// The fault that strikes this call, which the provider would answer, if any does. A rule that lets the call pass
    /// leaves it to the next one.
    pub(super) fn strike(&self, asked: &Asked, asks_a_model: bool) -> Option<Fault> {
        let mut rules = self.0.lock();
        rules.armed.iter_mut().find_map(|(armed, chance)| armed.meet(asked, asks_a_model, chance))
    }

    /// Puts a rule in force, behind those that are.
    pub(super) fn arm(&self, rule: FaultRule) -> Result<ArmedFault, TooManyRules> {
        let mut rules = self.0.lock();
        if rules.armed.len() >= MOST_RULES {
            return Err(TooManyRules);
        }
        rules.last_id += 1;
        let chance = StdRng::seed_from_u64(rule.seed);
        let armed = ArmedFault { id: rules.last_id, rule, passed: 0, struck: 0 };
        rules.armed.push((armed.clone(), chance));
        Ok(armed)
    }

    /// Every rule that was not taken away, in the order of arming.
    pub(super) fn list(&self) -> Vec<ArmedFault> {
        self.0.lock().armed.iter().map(|(armed, _)| armed.clone()).collect()
    }

    /// Takes one rule away.
    pub(super) fn remove(&self, id: u64) -> bool {
        let mut rules = self.0.lock();
        let before = rules.armed.len();
        rules.armed.retain(|(armed, _)| armed.id != id);
        rules.armed.len() < before
    }

    /// Takes all rules away.
    pub(super) fn clear(&self) {
        self.0.lock().armed.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::asked::testing::asked;
    use super::super::fault::FaultKind;
    use super::super::provider_kind::ProviderKind;
    use super::*;

    fn rule(kind: FaultKind) -> FaultRule {
        let filter = Filter::default();
        FaultRule { filter, after: 0, times: None, probability: None, seed: 0, fault: kind.into() }
    }

    fn rules(armed: impl IntoIterator<Item = FaultRule>) -> FaultRules {
        let rules = FaultRules::default();
        for rule in armed {
            rules.arm(rule).unwrap();
        }
        rules
    }

    fn struck(rules: &FaultRules, body: &'static str) -> Option<FaultKind> {
        let asked = asked(ProviderKind::Openai, "/v1/chat/completions", body);
        rules.strike(&asked, true).map(|fault| fault.kind)
    }

    #[test]
    fn passes_and_strikes_are_counted_and_come_to_an_end() {
        let rules = rules([FaultRule { after: 1, times: Some(2), ..rule(FaultKind::Html) }]);
        let seen: Vec<_> = (0..5).map(|_| struck(&rules, "{}").is_some()).collect();
        assert_eq!(seen, [false, true, true, false, false]);
        assert_eq!((rules.list()[0].passed, rules.list()[0].struck), (1, 2));
    }

    #[test]
    fn only_calls_that_fit_count_and_the_next_rule_gets_the_rest() {
        let filter = Filter { contains: Some("poem".to_owned()), ..Filter::default() };
        let poems = FaultRule { filter, times: Some(1), ..rule(FaultKind::Status) };
        let rules = rules([poems, rule(FaultKind::Html)]);
        let seen: Vec<_> =
            ["a song", "a poem", "a poem"].into_iter().filter_map(|body| struck(&rules, body)).collect();
        assert_eq!(seen, [FaultKind::Html, FaultKind::Status, FaultKind::Html]);
    }

    #[test]
    fn a_call_that_asks_no_model_meets_a_rule_that_names_its_path() {
        let listed = asked(ProviderKind::Openai, "/v1/models", "");
        let rules = rules([rule(FaultKind::Html)]);
        assert_eq!(rules.strike(&listed, false), None);
        assert_eq!((rules.list()[0].passed, rules.list()[0].struck), (0, 0));
        let filter = Filter { path: Some("/models".to_owned()), ..Filter::default() };
        rules.arm(FaultRule { filter, ..rule(FaultKind::Hang) }).unwrap();
        assert_eq!(rules.strike(&listed, false), Some(FaultKind::Hang.into()));
    }

    #[test]
    fn what_happens_to_streams_waits_for_one() {
        let rules = rules([rule(FaultKind::CutStream)]);
        assert_eq!(struck(&rules, "{}"), None);
        assert_eq!(struck(&rules, r#"{"stream":true}"#), Some(FaultKind::CutStream));
        assert_eq!(rules.list()[0].passed, 0);
    }

    #[test]
    fn chance_can_be_repeated() {
        let seen = |seed| -> Vec<bool> {
            let rules = rules([FaultRule { probability: Some(0.5), seed, ..rule(FaultKind::Html) }]);
            (0..64).map(|_| struck(&rules, "{}").is_some()).collect()
        };
        assert_eq!(seen(7), seen(7));
        assert_ne!(seen(7), seen(8));
        let often = seen(7).iter().filter(|struck| **struck).count();
        assert!((16..=48).contains(&often), "{often} of 64");
        for (probability, all) in [(0.0, 0), (1.0, 10)] {
            let rules = rules([FaultRule { probability: Some(probability), ..rule(FaultKind::Html) }]);
            assert_eq!((0..10).filter(|_| struck(&rules, "{}").is_some()).count(), all);
        }
    }

    #[test]
    fn rules_can_be_taken_away_and_there_is_an_end_to_them() {
        let rules = rules((0..MOST_RULES).map(|_| rule(FaultKind::Html)));
        assert_eq!(rules.arm(rule(FaultKind::Html)), Err(TooManyRules));
        assert!(rules.remove(7) && !rules.remove(7));
        assert_eq!(rules.arm(rule(FaultKind::Html)).unwrap().id, 101);
        rules.clear();
        assert!(rules.list().is_empty());
    }
}
