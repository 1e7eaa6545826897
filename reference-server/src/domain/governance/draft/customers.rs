//! Changes of customers.

use std::sync::Arc;

use uuid::Uuid;

use super::super::customer::Customer;
use super::super::rule::Scope;
use super::super::team::Team;
use super::super::virtual_key::{Owner, VirtualKey};
use super::names::named;
use super::{CustomerForm, Draft, Invalid};

const WHAT: &str = "Customer";

impl Draft {
    /// Makes a customer.
    pub(crate) fn create_customer(&mut self, form: CustomerForm) -> Result<Arc<Customer>, Invalid> {
        let blank = Customer {
            id: Uuid::new_v4(),
            name: String::new(),
            budget: None,
            rate_limit: None,
            created_at: self.now,
            updated_at: self.now,
        };
        self.anticipate(|| Customer { name: form.name.clone().unwrap_or_default(), ..blank.clone() })?;
        let name = named(WHAT, form.name)?;
        self.room::<Customer>("customers")?;
        let budget = self.budget(None, form.budget)?;
        let row = Customer { name, budget, rate_limit: self.limit(None, form.rate_limit)?, ..blank };
        self.put(row)
    }

    /// Changes what a write names of a customer.
    pub(crate) fn update_customer(&mut self, id: &str, form: CustomerForm) -> Result<Arc<Customer>, Invalid> {
        let mut row: Customer = self.row(WHAT, id)?;
        if form.name.is_some() {
            row.name = named(WHAT, form.name)?;
        }
        self.begin(&row)?;
        let clears = self.flaws.customer_update_clears;
        row.budget = self.budget(row.budget, form.budget.or_clear(clears))?;
        row.rate_limit = self.limit(row.rate_limit, form.rate_limit.or_clear(clears))?;
        row.updated_at = self.now;
        self.put(row)
    }

    /// Deletes a customer, and the rules that are for it alone. Its teams and keys stay, and belong to nobody.
    pub(crate) fn delete_customer(&mut self, id: &str) -> Result<(), Invalid> {
        let row: Customer = self.row(WHAT, id)?;
        let teams = self.book.teams.iter().filter(|team| team.customer == Some(row.id));
        let teams: Vec<Team> = teams.map(|team| (**team).clone()).collect();
        for team in teams {
            self.put(Team { customer: None, ..team })?;
        }
        self.release(Owner::Customer(row.id))?;
        self.forget_rules(Scope::Customer, id);
        self.forget(row.budget, row.rate_limit);
        self.remove::<Customer>(row.id);
        Ok(())
    }

    /// Takes virtual keys from an owner that goes.
    pub(super) fn release(&mut self, owner: Owner) -> Result<(), Invalid> {
        let keys = self.book.virtual_keys.iter().filter(|key| key.owner == Some(owner));
        let keys: Vec<VirtualKey> = keys.map(|key| (**key).clone()).collect();
        for key in keys {
            self.put(VirtualKey { owner: None, ..key })?;
        }
        Ok(())
    }
}
