//! Changes of budgets and rate limits, which belong to the rows that have them.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::super::duration::ResetDuration;
use super::super::meter_rows::{Allowed, Budget, RateLimit};
use super::super::meters::Metering;
use super::{BudgetForm, Draft, Invalid, LimitForm, Patch};

impl Draft {
    /// What becomes of a row's budget; its id, where there is one afterwards.
    pub(super) fn budget(
        &mut self,
        before: Option<Uuid>,
        patch: Patch<BudgetForm>,
    ) -> Result<Option<Uuid>, Invalid> {
        match patch {
            Patch::Keep => Ok(before),
            Patch::Clear => {
                self.forget_budget(before);
                Ok(None)
            }
            Patch::Set(form) => {
                let existing = before.and_then(|id| self.book.budgets.get(id));
                let (id, created_at) =
                    existing.map_or_else(|| (Uuid::new_v4(), self.now), |row| (row.id, row.created_at));
                let reset = reset_of(&form.reset_duration)?;
                if form.max_limit < Decimal::ZERO {
                    return Err(Invalid::BudgetNegative(form.max_limit));
                }
                if form.calendar_aligned && !reset.is_of_calendar() {
                    return Err(Invalid::Unaligned);
                }
                let BudgetForm { max_limit, calendar_aligned, .. } = form;
                let row = self.put(Budget { id, max_limit, reset, calendar_aligned, created_at })?;
                self.metering.push(Metering::Budget((*row).clone()));
                Ok(Some(id))
            }
        }
    }

    /// What becomes of a row's rate limit; its id, where there is one afterwards.
    pub(super) fn limit(
        &mut self,
        before: Option<Uuid>,
        patch: Patch<LimitForm>,
    ) -> Result<Option<Uuid>, Invalid> {
        let form = match patch {
            Patch::Keep => return Ok(before),
            Patch::Clear => LimitForm::default(),
            Patch::Set(form) => form,
        };
        let tokens = allowed("token", form.token_max, form.token_reset)?;
        let requests = allowed("request", form.request_max, form.request_reset)?;
        if tokens.is_none() && requests.is_none() {
            self.forget_limit(before);
            return Ok(None);
        }
        let existing = before.and_then(|id| self.book.rate_limits.get(id));
        let (id, created_at) =
            existing.map_or_else(|| (Uuid::new_v4(), self.now), |row| (row.id, row.created_at));
        let row = self.put(RateLimit { id, tokens, requests, created_at })?;
        self.metering.push(Metering::Limit((*row).clone()));
        Ok(Some(id))
    }

    /// Takes out the budget and the limit of a row that goes.
    pub(super) fn forget(&mut self, budget: Option<Uuid>, limit: Option<Uuid>) {
        self.forget_budget(budget);
        self.forget_limit(limit);
    }

    fn forget_budget(&mut self, id: Option<Uuid>) {
        if let Some(id) = id {
            self.remove::<Budget>(id);
            self.metering.push(Metering::Forget(id));
        }
    }

    fn forget_limit(&mut self, id: Option<Uuid>) {
        if let Some(id) = id {
            self.remove::<RateLimit>(id);
            self.metering.push(Metering::Forget(id));
        }
    }
}

fn allowed(what: &'static str, max: Option<i64>, reset: Option<String>) -> Result<Option<Allowed>, Invalid> {
    let Some(max) = max else {
        // A duration of nothing is nothing, but it must be one.
        reset.as_deref().map(reset_of).transpose()?;
        return Ok(None);
    };
    let max = u64::try_from(max).ok().filter(|max| *max > 0).ok_or(Invalid::LimitNotPositive(what))?;
    let reset = reset.ok_or(Invalid::LimitResetRequired(what))?;
    Ok(Some(Allowed { max, reset: reset_of(&reset)? }))
}

fn reset_of(text: &str) -> Result<ResetDuration, Invalid> {
    ResetDuration::parse(text).ok_or_else(|| Invalid::ResetDuration(text.to_owned()))
}
