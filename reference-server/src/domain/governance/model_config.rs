//! What all callers together may ask of a model.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::clock::Moment;

/// The budget and limit of a model, as they are stored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct ModelConfig {
    pub(crate) id: Uuid,
    /// Its name without a provider in front.
    pub(crate) model: Arc<str>,
    /// The provider it is about; all that have it, where none is named.
    pub(crate) provider: Option<Arc<str>>,
    pub(crate) budget: Option<Uuid>,
    pub(crate) rate_limit: Option<Uuid>,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
}
