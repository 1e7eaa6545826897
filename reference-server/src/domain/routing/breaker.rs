//! A circuit breaker: leaves alone what keeps failing, and lets one call through after a while to see whether it still
//! does.

use std::time::Duration;

use serde::Serialize;

use crate::domain::clock::Moment;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BreakerPolicy {
    /// So many failures in a row open it.
    pub(crate) failures: u32,
    /// How long it stays open.
    pub(crate) cooldown: Duration,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BreakerState {
    /// Every call passes.
    Closed,
    /// None does.
    Open,
    /// One does, and decides.
    HalfOpen,
}

/// What a call is let through as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// One of many.
    Ordinary,
    /// The one that decides.
    Probe,
}

/// The breaker of one route. Without a policy it only counts.
#[derive(Debug)]
pub(super) struct Breaker {
    policy: Option<BreakerPolicy>,
    /// Failures since the last success.
    failures: u32,
    circuit: Circuit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Circuit {
    Closed,
    Open { until: Moment },
    HalfOpen { is_probed: bool },
}

impl Breaker {
    /// A closed one.
    pub(super) fn new(policy: Option<BreakerPolicy>) -> Self {
        Self { policy, failures: 0, circuit: Circuit::Closed }
    }

    /// Failures since the last success.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Where it stands.
    pub(super) fn state(&self, now: Moment) -> BreakerState {
        match self.circuit {
            Circuit::Closed => BreakerState::Closed,
            Circuit::Open { until } if now < until => BreakerState::Open,
            Circuit::Open { .. } | Circuit::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Whether a call would be let through.
    pub(super) fn admits(&self, now: Moment) -> bool {
        match self.circuit {
            Circuit::Closed => true,
            Circuit::Open { until } => now >= until,
            Circuit::HalfOpen { is_probed } => !is_probed,
        }
    }

    /// Lets a call through, if one may pass.
    pub(super) fn admit(&mut self, now: Moment) -> Option<Admission> {
        if !self.admits(now) {
            return None;
        }
        if self.circuit == Circuit::Closed {
            return Some(Admission::Ordinary);
        }
        self.circuit = Circuit::HalfOpen { is_probed: true };
        Some(Admission::Probe)
    }

    /// A call was answered. One that was let through before the breaker opened says nothing of now.
    pub(super) fn succeed(&mut self, admission: Admission) {
        if self.is_of_now(admission) {
            self.failures = 0;
            self.circuit = Circuit::Closed;
        }
    }

    /// A call has failed.
    pub(super) fn fail(&mut self, admission: Admission, now: Moment) {
        self.failures = self.failures.saturating_add(1);
        let Some(policy) = self.policy else { return };
        let is_enough = admission == Admission::Probe || self.failures >= policy.failures;
        if is_enough && self.is_of_now(admission) {
            self.circuit = Circuit::Open { until: now.plus(policy.cooldown) };
        }
    }

    /// Nobody knows what became of a call. Where it was to decide, the next one is.
    pub(super) fn abandon(&mut self, admission: Admission) {
        if admission == Admission::Probe && self.is_of_now(admission) {
            self.circuit = Circuit::HalfOpen { is_probed: false };
        }
    }

    fn is_of_now(&self, admission: Admission) -> bool {
        match admission {
            Admission::Ordinary => self.circuit == Circuit::Closed,
            Admission::Probe => self.circuit == Circuit::HalfOpen { is_probed: true },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const POLICY: BreakerPolicy = BreakerPolicy { failures: 3, cooldown: Duration::from_secs(30) };

    fn at(seconds: i64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    /// A breaker that opened at second 0.
    fn opened() -> Breaker {
        let mut breaker = Breaker::new(Some(POLICY));
        for _ in 0..POLICY.failures {
            let admission = breaker.admit(at(0)).unwrap();
            breaker.fail(admission, at(0));
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_breaks_the_row() {
        let mut breaker = Breaker::new(Some(POLICY));
        for fails in [true, true, false, true, true] {
            let admission = breaker.admit(at(0)).unwrap();
            if fails { breaker.fail(admission, at(0)) } else { breaker.succeed(admission) }
        }
        assert_eq!((breaker.state(at(0)), breaker.failures()), (BreakerState::Closed, 2));
        let admission = breaker.admit(at(0)).unwrap();
        breaker.fail(admission, at(0));
        assert_eq!((breaker.state(at(0)), breaker.admit(at(29))), (BreakerState::Open, None));
    }

    #[test]
    fn one_probe_passes_after_the_cooldown_and_decides() {
        let mut breaker = opened();
        assert_eq!(breaker.state(at(30)), BreakerState::HalfOpen);
        assert_eq!(breaker.admit(at(30)), Some(Admission::Probe));
        assert_eq!((breaker.admit(at(31)), breaker.admits(at(31))), (None, false));
        breaker.fail(Admission::Probe, at(31));
        assert_eq!(
            (breaker.state(at(60)), breaker.state(at(61))),
            (BreakerState::Open, BreakerState::HalfOpen)
        );
        let probe = breaker.admit(at(61)).unwrap();
        breaker.succeed(probe);
        assert_eq!((breaker.state(at(61)), breaker.failures()), (BreakerState::Closed, 0));
        assert_eq!(breaker.admit(at(61)), Some(Admission::Ordinary));
    }

    #[test]
    fn a_probe_that_is_abandoned_leaves_its_place_to_the_next() {
        let mut breaker = opened();
        let probe = breaker.admit(at(30)).unwrap();
        breaker.abandon(probe);
        assert_eq!(breaker.admit(at(30)), Some(Admission::Probe));
    }

    #[test]
    fn what_was_let_through_before_decides_nothing_after() {
        let mut breaker = Breaker::new(Some(POLICY));
        let early: Vec<_> = (0..5).map(|_| breaker.admit(at(0)).unwrap()).collect();
        for admission in &early[..3] {
            breaker.fail(*admission, at(0));
        }
        breaker.succeed(early[3]);
        breaker.fail(early[4], at(20));
        assert_eq!(
            (breaker.state(at(29)), breaker.state(at(30))),
            (BreakerState::Open, BreakerState::HalfOpen)
        );
    }

    #[test]
    fn without_a_policy_it_counts_and_never_opens() {
        let mut breaker = Breaker::new(None);
        for _ in 0..1_000 {
            let admission = breaker.admit(at(0)).unwrap();
            breaker.fail(admission, at(0));
        }
        assert_eq!((breaker.state(at(0)), breaker.failures()), (BreakerState::Closed, 1_000));
    }

    #[derive(Clone, Copy, Debug)]
    enum Deed {
        Call,
        Succeed(usize),
        Fail(usize),
        Leave(usize),
        Wait(i64),
    }

    fn deed() -> impl Strategy<Value = Deed> {
        prop_oneof![
            3 => Just(Deed::Call),
            2 => any::<usize>().prop_map(Deed::Succeed),
            4 => any::<usize>().prop_map(Deed::Fail),
            1 => any::<usize>().prop_map(Deed::Leave),
            2 => (0..40_i64).prop_map(Deed::Wait),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_an_open_breaker_rests_and_a_half_open_one_lets_one_call_through(
            deeds in vec(deed(), 0..200),
        ) {
            let mut breaker = Breaker::new(Some(POLICY));
            let mut pending: Vec<Admission> = Vec::new();
            let (mut clock, mut opened_at) = (0, None);
            for deed in deeds {
                let before = breaker.state(at(clock));
                match deed {
                    Deed::Wait(seconds) => clock += seconds,
                    Deed::Call => match breaker.admit(at(clock)) {
                        Some(admission) => {
                            prop_assert_eq!(admission == Admission::Probe, before == BreakerState::HalfOpen);
                            if let Some(opened_at) = opened_at {
                                prop_assert!(clock >= opened_at + 30, "let through while it rests");
                            }
                            pending.push(admission);
                        }
                        None => prop_assert_ne!(before, BreakerState::Closed),
                    },
                    Deed::Succeed(which) | Deed::Fail(which) | Deed::Leave(which) if !pending.is_empty() => {
                        let admission = pending.swap_remove(which % pending.len());
                        match deed {
                            Deed::Succeed(_) => breaker.succeed(admission),
                            Deed::Fail(_) => breaker.fail(admission, at(clock)),
                            _ => breaker.abandon(admission),
                        }
                        match (before, breaker.state(at(clock))) {
                            (BreakerState::Open, after) => prop_assert_eq!(after, BreakerState::Open),
                            (_, BreakerState::Open) => {
                                prop_assert!(admission == Admission::Probe || breaker.failures() >= 3);
                                opened_at = Some(clock);
                            }
                            (_, BreakerState::Closed) => opened_at = None,
                            (_, BreakerState::HalfOpen) => {}
                        }
                    }
                    _ => {}
                }
                let probes = pending.iter().filter(|admission| **admission == Admission::Probe).count();
                prop_assert!(probes <= 1, "{} probes at once", probes);
            }
        }
    }
}
