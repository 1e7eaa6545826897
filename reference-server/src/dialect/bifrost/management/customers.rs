//! `/api/governance/customers`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::super::error::Refusal;
use super::crud::Resource;
use super::forms::{self, BudgetPart, LimitPart};
use super::rows::Views;
use crate::domain::governance::{Book, Customer, CustomerForm, Draft, Invalid, Patch, Table};

/// Those whom teams and virtual keys belong to.
pub(super) struct Customers;

/// A customer as it is sent.
#[derive(Deserialize)]
pub(super) struct Sent {
    name: Option<String>,
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    budget: Patch<BudgetPart>,
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    rate_limit: Patch<LimitPart>,
}

impl Resource for Customers {
    type Row = Customer;
    type Sent = Sent;
    type Form = CustomerForm;

    const ONE: &'static str = "customer";
    const MANY: &'static str = "customers";
    const TITLE: &'static str = "Customer";
    const FILTERS: &'static [&'static str] = &[];

    fn rows(book: &Book) -> &Table<Customer> {
        &book.customers
    }

    fn name(row: &Customer) -> &str {
        &row.name
    }

    fn member(_: &Customer, _: &str) -> Option<String> {
        None
    }

    fn form(book: &Book, before: Option<&Customer>, sent: Sent) -> Result<CustomerForm, Refusal> {
        let budget = before.and_then(|row| book.budgets.get(row.budget?));
        Ok(CustomerForm {
            name: sent.name,
            budget: forms::budget(sent.budget, budget.map(Arc::as_ref))?,
            rate_limit: forms::limit(sent.rate_limit),
        })
    }

    fn create(draft: &mut Draft, form: CustomerForm) -> Result<Arc<Customer>, Invalid> {
        draft.create_customer(form)
    }

    fn update(draft: &mut Draft, id: &str, form: CustomerForm) -> Result<Arc<Customer>, Invalid> {
        draft.update_customer(id, form)
    }

    fn delete(draft: &mut Draft, id: &str) -> Result<(), Invalid> {
        draft.delete_customer(id)
    }

    fn told(views: &Views<'_>, row: &Customer) -> Value {
        views.customer(row)
    }
}
