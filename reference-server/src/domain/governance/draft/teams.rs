//! Changes of teams.

use std::sync::Arc;

use uuid::Uuid;

use super::super::customer::Customer;
use super::super::rule::Scope;
use super::super::team::Team;
use super::super::virtual_key::Owner;
use super::names::named;
use super::{Draft, Invalid, Patch, TeamForm};

const WHAT: &str = "Team";

impl Draft {
    /// Makes a team.
    pub(crate) fn create_team(&mut self, form: TeamForm) -> Result<Arc<Team>, Invalid> {
        let blank = Team {
            id: Uuid::new_v4(),
            name: String::new(),
            customer: None,
            budget: None,
            rate_limit: None,
            created_at: self.now,
            updated_at: self.now,
        };
        self.anticipate(|| Team { name: form.name.clone().unwrap_or_default(), ..blank.clone() })?;
        let name = named(WHAT, form.name)?;
        self.room::<Team>("teams")?;
        let row = Team {
            name,
            customer: self.customer_of(None, form.customer)?,
            budget: self.budget(None, form.budget)?,
            rate_limit: self.limit(None, form.rate_limit)?,
            ..blank
        };
        self.put(row)
    }

    /// Changes what a write names of a team.
    pub(crate) fn update_team(&mut self, id: &str, form: TeamForm) -> Result<Arc<Team>, Invalid> {
        let mut row: Team = self.row(WHAT, id)?;
        if form.name.is_some() {
            row.name = named(WHAT, form.name)?;
        }
        self.begin(&row)?;
        let clears = self.flaws.team_update_clears;
        row.customer = self.customer_of(row.customer, form.customer.or_clear(clears))?;
        row.budget = self.budget(row.budget, form.budget.or_clear(clears))?;
        row.rate_limit = self.limit(row.rate_limit, form.rate_limit.or_clear(clears))?;
        row.updated_at = self.now;
        self.put(row)
    }

    /// Deletes a team, and the rules that are for it alone. Its keys stay, and belong to nobody.
    pub(crate) fn delete_team(&mut self, id: &str) -> Result<(), Invalid> {
        let row: Team = self.row(WHAT, id)?;
        self.release(Owner::Team(row.id))?;
        self.forget_rules(Scope::Team, id);
        self.forget(row.budget, row.rate_limit);
        self.remove::<Team>(row.id);
        Ok(())
    }

    fn customer_of(&mut self, before: Option<Uuid>, patch: Patch<String>) -> Result<Option<Uuid>, Invalid> {
        match patch {
            Patch::Keep => Ok(before),
            Patch::Set(id) if !id.is_empty() => Ok(Some(self.row::<Customer>("Customer", &id)?.id)),
            Patch::Set(_) | Patch::Clear => Ok(None),
        }
    }
}
