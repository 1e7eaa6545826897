//! Customers: whom teams and virtual keys belong to.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::clock::Moment;

/// A customer, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Customer {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) budget: Option<Uuid>,
    pub(crate) rate_limit: Option<Uuid>,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
}
