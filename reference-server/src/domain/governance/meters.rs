//! All budgets and rate limits of a world, under one lock: what is checked together is counted together, so that of
//! many calls at once exactly as many are let in as there are left.

use std::collections::HashMap;

use parking_lot::Mutex;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::meter::{Flaws, Meter, Over, Told};
use super::meter_rows::{Budget, RateLimit};
use super::settlement::{Counted, Spent};
use crate::domain::clock::Moment;
use crate::store::MeterRow;

/// Meters by the ids of their budgets and limits. The lock is never held over a wait.
#[derive(Debug, Default)]
pub(super) struct Meters(Mutex<HashMap<Uuid, Meter>>);

/// A meter that a call counts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) meter: Uuid,
    /// Whether it refuses the call once it is used up.
    pub(super) refuses: bool,
}

/// A change to the meters, made when the rows are.
#[derive(Clone, Debug)]
pub(super) enum Metering {
    Budget(Budget),
    Limit(RateLimit),
    Forget(Uuid),
}

impl Meters {
    /// Looks at all meters in order, then counts one request on each of them. Where one is used up nothing is counted,
    /// and its place is told.
    pub(super) fn admit(
        &self,
        checks: &[Check],
        now: Moment,
        flaws: Flaws,
    ) -> Result<Vec<Counted>, (usize, Over)> {
        let mut meters = self.0.lock();
        match exceeded(&mut meters, checks, now, flaws) {
            Some(over) => Err(over),
            None => Ok(count(&mut meters, checks.iter().map(|check| check.meter))),
        }
    }

    /// The first meter that is used up. Nothing is counted.
    pub(super) fn exceeded(&self, checks: &[Check], now: Moment, flaws: Flaws) -> Option<(usize, Over)> {
        exceeded(&mut self.0.lock(), checks, now, flaws)
    }

    /// Counts one request, whether or not there is one left.
    pub(super) fn count(
        &self,
        meters: impl Iterator<Item = Uuid>,
        now: Moment,
        flaws: Flaws,
    ) -> Vec<Counted> {
        let mut all = self.0.lock();
        let turned = meters.inspect(|id| {
            if let Some(meter) = all.get_mut(id) {
                meter.turn(now, flaws);
            }
        });
        let ids: Vec<_> = turned.collect();
        count(&mut all, ids.into_iter())
    }

    /// Counts what an answered call has used.
    pub(super) fn charge(
        &self,
        ids: &[Uuid],
        tokens: u64,
        cost: Decimal,
        now: Moment,
        flaws: Flaws,
    ) -> (Vec<Spent>, Vec<Counted>) {
        let mut meters = self.0.lock();
        let (mut spent, mut counted) = (Vec::new(), Vec::new());
        for id in ids {
            let Some(meter) = meters.get_mut(id) else { continue };
            meter.turn(now, flaws);
            if let Some((since, amount)) = meter.spend(cost, flaws) {
                spent.push(Spent { budget: *id, since, amount });
            }
            if let Some(since) = meter.count_tokens(tokens, flaws) {
                counted.push(Counted { limit: *id, requests: None, tokens: Some((since, tokens)) });
            }
        }
        (spent, counted)
    }

    /// How much of a budget or limit is used now.
    pub(super) fn usage(&self, id: Uuid, now: Moment) -> Option<Told> {
        self.0.lock().get(&id).map(|meter| meter.told(now))
    }

    /// The same in percent: of requests, of tokens and of dollars.
    pub(super) fn shares(&self, id: Uuid, now: Moment) -> [Decimal; 3] {
        self.0.lock().get(&id).map_or([Decimal::ZERO; 3], |meter| meter.shares(now))
    }

    /// The meter that a broken gateway has a virtual key count on in place of its owner's, which it is like.
    pub(super) fn copied(&self, id: Uuid, virtual_key: Uuid) -> Uuid {
        let copy = Uuid::from_u128(id.as_u128() ^ virtual_key.as_u128());
        let mut meters = self.0.lock();
        if let Some(meter) = meters.get(&id).cloned() {
            meters.entry(copy).or_insert(meter);
        }
        copy
    }

    /// Makes meters as their rows are written now. What was used of them stays.
    pub(super) fn apply(&self, changes: &[Metering], now: Moment) {
        let mut meters = self.0.lock();
        for change in changes {
            let (id, meter) = match change {
                Metering::Budget(budget) => {
                    let before = meters.get(&budget.id);
                    let fresh = || Meter::of_budget(budget, now);
                    (budget.id, before.map_or_else(fresh, |meter| meter.rewritten_budget(budget, now)))
                }
                Metering::Limit(limit) => {
                    let before = meters.get(&limit.id);
                    let fresh = || Meter::of_limit(limit, now);
                    (limit.id, before.map_or_else(fresh, |meter| meter.rewritten_limit(limit, now)))
                }
                Metering::Forget(id) => {
                    meters.remove(id);
                    continue;
                }
            };
            meters.insert(id, meter);
        }
    }

    /// Puts back what the store knows of a meter that there is.
    pub(super) fn restore(&self, row: &MeterRow) {
        let mut meters = self.0.lock();
        match row {
            MeterRow::Budget { id, since: began, used: spent } => {
                if let Some(Meter::Budget { since, used, .. }) = meters.get_mut(id) {
                    (*since, *used) = (*began, *spent);
                }
            }
            MeterRow::Limit { id, requests: counted, tokens: used } => {
                if let Some(Meter::Limit { requests, tokens }) = meters.get_mut(id) {
                    for (window, row) in [(requests, counted), (tokens, used)] {
                        if let (Some(window), Some((since, used))) = (window, row) {
                            (window.since, window.used) = (*since, *used);
                        }
                    }
                }
            }
        }
    }
}

fn exceeded(
    meters: &mut HashMap<Uuid, Meter>,
    checks: &[Check],
    now: Moment,
    flaws: Flaws,
) -> Option<(usize, Over)> {
    for (place, check) in checks.iter().enumerate() {
        let Some(meter) = meters.get_mut(&check.meter) else { continue };
        meter.turn(now, flaws);
        if let Some(over) = meter.over(now, flaws).filter(|_| check.refuses) {
            return Some((place, over));
        }
    }
    None
}

/// Counts a request on meters whose windows have turned.
fn count(meters: &mut HashMap<Uuid, Meter>, ids: impl Iterator<Item = Uuid>) -> Vec<Counted> {
    let counted = ids.filter_map(|id| {
        let since = meters.get_mut(&id)?.count_request()?;
        Some(Counted { limit: id, requests: Some((since, 1)), tokens: None })
    });
    counted.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::duration::ResetDuration;
    use super::super::meter_rows::Allowed;
    use super::*;
    use crate::defect::DefectSet;

    const SOUND: fn() -> Flaws = Flaws::default;

    fn at(seconds: i64) -> Moment {
        Moment::from_micros(1_800_000_000_000_000 + seconds * 1_000_000)
    }

    fn allowed(max: u64, reset: &str) -> Allowed {
        Allowed { max, reset: ResetDuration::parse(reset).unwrap() }
    }

    fn limit(requests: Option<u64>, tokens: Option<u64>) -> RateLimit {
        RateLimit {
            id: Uuid::new_v4(),
            requests: requests.map(|max| allowed(max, "1m")),
            tokens: tokens.map(|max| allowed(max, "1m")),
            created_at: at(0),
        }
    }

    fn budget(max: &str) -> Budget {
        Budget {
            id: Uuid::new_v4(),
            max_limit: max.parse().unwrap(),
            reset: ResetDuration::parse("1h").unwrap(),
            calendar_aligned: false,
            created_at: at(0),
        }
    }

    fn meters(limits: &[&RateLimit], budgets: &[&Budget]) -> Meters {
        let meters = Meters::default();
        let limits = limits.iter().map(|limit| Metering::Limit((*limit).clone()));
        let budgets = budgets.iter().map(|budget| Metering::Budget((*budget).clone()));
        meters.apply(&limits.chain(budgets).collect::<Vec<_>>(), at(0));
        meters
    }

    fn check(meter: Uuid) -> Check {
        Check { meter, refuses: true }
    }

    fn requests(meters: &Meters, id: Uuid, now: Moment) -> u64 {
        let Some(Told::Limit { requests: Some((used, _)), .. }) = meters.usage(id, now) else { panic!() };
        used
    }

    #[test]
    fn a_window_has_so_many_requests_and_the_next_one_has_them_again() {
        let limit = limit(Some(2), None);
        let meters = meters(&[&limit], &[]);
        let admit = |now| meters.admit(&[check(limit.id)], now, SOUND());
        assert!(admit(at(0)).is_ok() && admit(at(1)).is_ok());
        let (place, over) = admit(at(10)).unwrap_err();
        let left = Duration::from_secs(50);
        let reset = ResetDuration::parse("1m").unwrap();
        assert_eq!((place, over), (0, Over::Requests { max: 2, reset, left }));
        assert_eq!(requests(&meters, limit.id, at(59)), 2);
        assert_eq!(requests(&meters, limit.id, at(60)), 0);
        assert_eq!(admit(at(60)).unwrap()[0].requests, Some((at(60), 1)));
    }

    #[test]
    fn where_one_is_used_up_none_of_them_counts() {
        let (wide, narrow) = (limit(Some(9), None), limit(Some(1), None));
        let meters = meters(&[&wide, &narrow], &[]);
        let checks = [check(wide.id), check(narrow.id)];
        assert!(meters.admit(&checks, at(0), SOUND()).is_ok());
        assert_eq!(meters.admit(&checks, at(0), SOUND()).unwrap_err().0, 1);
        assert_eq!((requests(&meters, wide.id, at(0)), requests(&meters, narrow.id, at(0))), (1, 1));
    }

    #[test]
    fn tokens_and_dollars_that_were_used_count_against_the_next_request() {
        let (limit, budget) = (limit(None, Some(10)), budget("0.5"));
        let meters = meters(&[&limit], &[&budget]);
        let ids = [limit.id, budget.id];
        let (spent, counted) = meters.charge(&ids, 9, "0.49".parse().unwrap(), at(1), SOUND());
        assert_eq!((spent[0].since, counted[0].tokens), (at(0), Some((at(0), 9))));
        let checks = ids.map(check);
        assert!(meters.admit(&checks, at(1), SOUND()).is_ok());
        meters.charge(&ids, 1, "0.01".parse().unwrap(), at(1), SOUND());
        assert!(matches!(meters.admit(&checks, at(1), SOUND()), Err((0, Over::Tokens { used: 10, .. }))));
        // The minute is over, the hour is not.
        assert!(matches!(meters.admit(&checks, at(61), SOUND()), Err((1, Over::Budget { .. }))));
        assert!(meters.admit(&checks, at(3_600), SOUND()).is_ok());
    }

    #[test]
    fn a_broken_gateway_turns_too_soon_or_forgets_what_was_used() {
        let broken = |defect: &str| {
            let defects = DefectSet::default();
            defects.set(&[defect.parse().unwrap()]);
            Flaws::of(&defects)
        };
        let refused_after_two = |defect: &str| {
            let (limit, budget) = (limit(None, Some(10)), budget("0.5"));
            let meters = meters(&[&limit], &[&budget]);
            let ids = [limit.id, budget.id];
            for second in [1, 2] {
                meters.charge(&ids, 5, "0.25".parse().unwrap(), at(second), broken(defect));
            }
            let over = |second| meters.exceeded(&ids.map(check), at(second), broken(defect));
            (over(3).map(|(place, _)| place), over(61).map(|(place, _)| place))
        };
        assert_eq!(refused_after_two("limit-races"), (Some(0), Some(1)));
        assert_eq!(refused_after_two("tokens-of-last-call"), (Some(1), Some(1)));
        assert_eq!(refused_after_two("budget-of-last-call"), (Some(0), None));
        assert_eq!(refused_after_two("windows-turn-each-minute"), (Some(0), None));
    }

    #[test]
    fn a_copied_meter_counts_by_itself() {
        let limit = limit(Some(1), None);
        let meters = meters(&[&limit], &[]);
        for (key, admitted) in [(1, true), (1, false), (2, true)] {
            let copy = meters.copied(limit.id, Uuid::from_u128(key));
            assert_eq!(meters.admit(&[check(copy)], at(0), SOUND()).is_ok(), admitted, "{key}");
        }
        assert_eq!(requests(&meters, limit.id, at(0)), 0);
    }

    #[test]
    fn both_of_a_limit_can_be_used_up() {
        let limit = limit(Some(1), Some(1));
        let meters = meters(&[&limit], &[]);
        meters.admit(&[check(limit.id)], at(0), SOUND()).unwrap();
        meters.charge(&[limit.id], 5, Decimal::ZERO, at(0), SOUND());
        let over = meters.exceeded(&[check(limit.id)], at(0), SOUND());
        assert_eq!(over, Some((0, Over::Both { left: Duration::from_mins(1) })));
    }

    #[test]
    fn a_rewritten_limit_keeps_what_was_used() {
        let mut limit = limit(Some(2), None);
        let meters = meters(&[&limit], &[]);
        meters.admit(&[check(limit.id)], at(5), SOUND()).unwrap();
        limit.requests = Some(allowed(1, "2m"));
        meters.apply(&[Metering::Limit(limit.clone())], at(6));
        assert!(meters.admit(&[check(limit.id)], at(7), SOUND()).is_err());
        meters.apply(&[Metering::Forget(limit.id)], at(8));
        assert_eq!(meters.usage(limit.id, at(8)), None);
    }

    #[test]
    fn what_the_store_knows_is_put_back() {
        let (limit, budget) = (limit(Some(3), Some(7)), budget("1"));
        let meters = meters(&[&limit], &[&budget]);
        let (since, used) = (at(20), "0.25".parse().unwrap());
        meters.restore(&MeterRow::Budget { id: budget.id, since, used });
        meters.restore(&MeterRow::Limit { id: limit.id, requests: Some((since, 3)), tokens: None });
        assert_eq!(meters.usage(budget.id, at(30)), Some(Told::Budget { used, since }));
        let told = Told::Limit { requests: Some((3, since)), tokens: Some((0, at(0))) };
        assert_eq!(meters.usage(limit.id, at(30)), Some(told));
    }

    #[test]
    fn of_many_at_once_exactly_as_many_are_let_in_as_there_are() {
        let limit = limit(Some(100), None);
        let meters = Arc::new(meters(&[&limit], &[]));
        let id = limit.id;
        let clients = (0..8).map(|_| {
            let meters = Arc::clone(&meters);
            let let_in = move || meters.admit(&[check(id)], at(1), SOUND()).is_ok();
            thread::spawn(move || (0..50).filter(|_| let_in()).count())
        });
        let clients: Vec<_> = clients.collect();
        let let_in: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
        assert_eq!((let_in, requests(&meters, id, at(1))), (100, 100));
    }

    proptest! {
        #[test]
        fn what_is_spent_adds_up_to_the_last_digit(costs in vec(0..1_000_000_000_i64, 0..40)) {
            let budget = budget("1000000");
            let meters = meters(&[], &[&budget]);
            let costs: Vec<_> = costs.into_iter().map(|cost| Decimal::new(cost, 9)).collect();
            for cost in &costs {
                meters.charge(&[budget.id], 0, *cost, at(1), SOUND());
            }
            let used = costs.iter().sum();
            prop_assert_eq!(meters.usage(budget.id, at(1)), Some(Told::Budget { used, since: at(0) }));
        }
    }
}
