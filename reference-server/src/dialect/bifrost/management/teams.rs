//! `/api/governance/teams`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::super::error::Refusal;
use super::crud::Resource;
use super::forms::{self, BudgetPart, LimitPart};
use super::rows::Views;
use crate::domain::governance::{Book, Draft, Invalid, Patch, Table, Team, TeamForm};

/// Those whom virtual keys belong to.
pub(super) struct Teams;

/// A team as it is sent.
#[derive(Deserialize)]
pub(super) struct Sent {
    name: Option<String>,
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    customer_id: Patch<String>,
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    budget: Patch<BudgetPart>,
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    rate_limit: Patch<LimitPart>,
}

impl Resource for Teams {
    type Row = Team;
    type Sent = Sent;
    type Form = TeamForm;

    const ONE: &'static str = "team";
    const MANY: &'static str = "teams";
    const TITLE: &'static str = "Team";
    const FILTERS: &'static [&'static str] = &["customer_id"];

    fn rows(book: &Book) -> &Table<Team> {
        &book.teams
    }

    fn name(row: &Team) -> &str {
        &row.name
    }

    fn member(row: &Team, _: &str) -> Option<String> {
        row.customer.map(|id| id.to_string())
    }

    fn form(book: &Book, before: Option<&Team>, sent: Sent) -> Result<TeamForm, Refusal> {
        let budget = before.and_then(|row| book.budgets.get(row.budget?));
        Ok(TeamForm {
            name: sent.name,
            customer: forms::id(sent.customer_id),
            budget: forms::budget(sent.budget, budget.map(Arc::as_ref))?,
            rate_limit: forms::limit(sent.rate_limit),
        })
    }

    fn create(draft: &mut Draft, form: TeamForm) -> Result<Arc<Team>, Invalid> {
        draft.create_team(form)
    }

    fn update(draft: &mut Draft, id: &str, form: TeamForm) -> Result<Arc<Team>, Invalid> {
        draft.update_team(id, form)
    }

    fn delete(draft: &mut Draft, id: &str) -> Result<(), Invalid> {
        draft.delete_team(id)
    }

    fn told(views: &Views<'_>, row: &Team) -> Value {
        views.team(row)
    }
}
