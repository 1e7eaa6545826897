//! One budget or rate limit, and how much of it is used in its present window.

use std::time::Duration;

use rust_decimal::Decimal;
use rust_decimal::RoundingStrategy::AwayFromZero;

use super::duration::ResetDuration;
use super::meter_rows::{Allowed, Budget, RateLimit};
use super::period;
use crate::defect::{Defect, DefectSet};
use crate::domain::clock::Moment;

/// How a broken gateway measures. A sound one has none of it.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a defect of its own")]
pub(super) struct Flaws {
    window_never_turns: bool,
    budget_never_resets: bool,
    tokens_uncounted: bool,
    usage_rounded: bool,
    one_less: bool,
    each_minute: bool,
    last_tokens_only: bool,
    last_cost_only: bool,
}

/// How long all windows of a broken gateway are.
const MINUTE: Duration = Duration::from_mins(1);

impl Flaws {
    /// Those among the defects.
    pub(super) fn of(defects: &DefectSet) -> Self {
        if !defects.any() {
            return Self::default();
        }
        Self {
            window_never_turns: defects.has(Defect::WindowNeverTurns),
            budget_never_resets: defects.has(Defect::BudgetNeverResets),
            tokens_uncounted: defects.has(Defect::TokensUncounted),
            usage_rounded: defects.has(Defect::BudgetUsageRounded),
            one_less: defects.has(Defect::WindowLimitOneLess),
            each_minute: defects.has(Defect::WindowsTurnEachMinute),
            last_tokens_only: defects.has(Defect::TokensOfLastCall),
            last_cost_only: defects.has(Defect::BudgetOfLastCall),
        }
    }

    /// The beginning of another window than the one that began at `since`, if now is in another.
    fn began(self, since: Moment, reset: &ResetDuration, calendar: bool, now: Moment) -> Option<Moment> {
        if self.each_minute && since.plus(MINUTE) <= now {
            return Some(now);
        }
        period::began(since, reset, calendar, now)
    }
}

/// What is exceeded, and how long until it is there again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Requests {
        max: u64,
        reset: ResetDuration,
        left: Duration,
    },
    Tokens {
        used: u64,
        max: u64,
        reset: ResetDuration,
        left: Duration,
    },
    /// Both of one limit.
    Both {
        left: Duration,
    },
    Budget {
        used: Decimal,
        max: Decimal,
        left: Duration,
    },
}

/// How much is used, and since when, to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Budget {
        /// US dollars.
        used: Decimal,
        since: Moment,
    },
    /// Each with the beginning of its window, where there is such a limit.
    Limit { requests: Option<(u64, Moment)>, tokens: Option<(u64, Moment)> },
}

/// What was used of something, and how much of it there is.
#[derive(Clone, Debug)]
pub(super) enum Meter {
    Budget { max: Decimal, reset: ResetDuration, calendar: bool, since: Moment, used: Decimal },
    Limit { requests: Option<Window>, tokens: Option<Window> },
}

/// How many there may be in a window, and have been in this one.
#[derive(Clone, Debug)]
pub(super) struct Window {
    max: u64,
    reset: ResetDuration,
    pub(super) since: Moment,
    pub(super) used: u64,
}

impl Window {
    fn new(allowed: &Allowed, now: Moment) -> Self {
        Self { max: allowed.max, reset: allowed.reset.clone(), since: now, used: 0 }
    }

    /// The same under another limit.
    fn under(before: Option<&Self>, allowed: &Allowed, now: Moment) -> Self {
        let fresh = Self::new(allowed, now);
        match before {
            Some(before) => Self { since: before.since, used: before.used, ..fresh },
            None => fresh,
        }
    }

    fn turn(&mut self, now: Moment, flaws: Flaws) {
        self.since = period::anchored(self.since, &self.reset, now);
        let began = flaws.began(self.since, &self.reset, false, now);
        if let Some(began) = began.filter(|_| !flaws.window_never_turns) {
            (self.since, self.used) = (began, 0);
        }
    }

    fn is_full(&self, less: u64) -> bool {
        self.used >= self.max.saturating_sub(less)
    }

    fn left(&self, now: Moment) -> Duration {
        period::left(self.since, &self.reset, false, now)
    }

    /// In percent.
    fn share(&self) -> Decimal {
        share(self.used.into(), self.max.into())
    }
}

impl Meter {
    /// A budget of which nothing is spent.
    pub(super) fn of_budget(budget: &Budget, now: Moment) -> Self {
        Self::Budget {
            max: budget.max_limit,
            reset: budget.reset.clone(),
            calendar: budget.calendar_aligned,
            since: now,
            used: Decimal::ZERO,
        }
    }

    /// A limit of which nothing is used.
    pub(super) fn of_limit(limit: &RateLimit, now: Moment) -> Self {
        let window = |allowed: Option<&Allowed>| allowed.map(|allowed| Window::new(allowed, now));
        Self::Limit { requests: window(limit.requests.as_ref()), tokens: window(limit.tokens.as_ref()) }
    }

    /// The same as the budget is written now, with what was spent.
    pub(super) fn rewritten_budget(&self, budget: &Budget, now: Moment) -> Self {
        let mut fresh = Self::of_budget(budget, now);
        if let (Self::Budget { since, used, .. }, Self::Budget { since: before, used: spent, .. }) =
            (&mut fresh, self)
        {
            (*since, *used) = (*before, *spent);
        }
        fresh
    }

    /// The same as the limit is written now, with what was used.
    pub(super) fn rewritten_limit(&self, limit: &RateLimit, now: Moment) -> Self {
        let Self::Limit { requests, tokens } = self else { return Self::of_limit(limit, now) };
        let window = |before: Option<&Window>, allowed: Option<&Allowed>| {
            allowed.map(|allowed| Window::under(before, allowed, now))
        };
        Self::Limit {
            requests: window(requests.as_ref(), limit.requests.as_ref()),
            tokens: window(tokens.as_ref(), limit.tokens.as_ref()),
        }
    }

    /// Begins anew where its time is over.
    pub(super) fn turn(&mut self, now: Moment, flaws: Flaws) {
        match self {
            Self::Budget { reset, calendar, since, used, .. } => {
                *since = period::anchored(*since, reset, now);
                let began = flaws.began(*since, reset, *calendar, now);
                if let Some(began) = began.filter(|_| !flaws.budget_never_resets) {
                    (*since, *used) = (began, Decimal::ZERO);
                }
            }
            Self::Limit { requests, tokens } => {
                for window in [requests, tokens].into_iter().flatten() {
                    window.turn(now, flaws);
                }
            }
        }
    }

    /// What of it is used up. Its window has turned.
    pub(super) fn over(&self, now: Moment, flaws: Flaws) -> Option<Over> {
        match self {
            Self::Budget { max, reset, calendar, since, used } => (used >= max).then(|| Over::Budget {
                used: *used,
                max: *max,
                left: period::left(*since, reset, *calendar, now),
            }),
            Self::Limit { requests, tokens } => {
                let requests = requests.as_ref().filter(|window| window.is_full(flaws.one_less.into()));
                let tokens = tokens.as_ref().filter(|window| window.is_full(0));
                match (requests, tokens) {
                    (None, None) => None,
                    (Some(requests), Some(tokens)) => {
                        Some(Over::Both { left: requests.left(now).max(tokens.left(now)) })
                    }
                    (Some(window), None) => Some(Over::Requests {
                        max: window.max,
                        reset: window.reset.clone(),
                        left: window.left(now),
                    }),
                    (None, Some(window)) => Some(Over::Tokens {
                        used: window.used,
                        max: window.max,
                        reset: window.reset.clone(),
                        left: window.left(now),
                    }),
                }
            }
        }
    }

    /// Counts a request; the window it is counted in, where requests are limited.
    pub(super) fn count_request(&mut self) -> Option<Moment> {
        let Self::Limit { requests: Some(window), .. } = self else { return None };
        window.used = window.used.saturating_add(1);
        Some(window.since)
    }

    /// Counts tokens; the window they are counted in, where they are limited.
    pub(super) fn count_tokens(&mut self, tokens: u64, flaws: Flaws) -> Option<Moment> {
        let Self::Limit { tokens: Some(window), .. } = self else { return None };
        if flaws.tokens_uncounted {
            return None;
        }
        let before = if flaws.last_tokens_only { 0 } else { window.used };
        window.used = before.saturating_add(tokens);
        Some(window.since)
    }

    /// Spends dollars; how many, and the window they are spent in, where it is a budget.
    pub(super) fn spend(&mut self, cost: Decimal, flaws: Flaws) -> Option<(Moment, Decimal)> {
        let Self::Budget { since, used, .. } = self else { return None };
        let cost = if flaws.usage_rounded { cost.round_dp_with_strategy(2, AwayFromZero) } else { cost };
        let before = if flaws.last_cost_only { Decimal::ZERO } else { *used };
        *used = before.saturating_add(cost);
        Some((*since, cost))
    }

    /// What is used of it now.
    pub(super) fn told(&self, now: Moment) -> Told {
        let mut meter = self.clone();
        meter.turn(now, Flaws::default());
        match meter {
            Self::Budget { since, used, .. } => Told::Budget { used, since },
            Self::Limit { requests, tokens } => {
                let told = |window: Option<Window>| window.map(|window| (window.used, window.since));
                Told::Limit { requests: told(requests), tokens: told(tokens) }
            }
        }
    }

    /// How much of it is used now, in percent: of requests, of tokens and of dollars.
    pub(super) fn shares(&self, now: Moment) -> [Decimal; 3] {
        let mut meter = self.clone();
        meter.turn(now, Flaws::default());
        match meter {
            Self::Budget { max, used, .. } => [Decimal::ZERO, Decimal::ZERO, share(used, max)],
            Self::Limit { requests, tokens } => {
                let of = |window: Option<Window>| window.map_or(Decimal::ZERO, |window| window.share());
                [of(requests), of(tokens), Decimal::ZERO]
            }
        }
    }
}

fn share(used: Decimal, max: Decimal) -> Decimal {
    used.checked_div(max).map_or(Decimal::ONE_HUNDRED, |part| part.saturating_mul(Decimal::ONE_HUNDRED))
}
