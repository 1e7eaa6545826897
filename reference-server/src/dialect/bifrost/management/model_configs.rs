//! `/api/governance/model-configs`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::super::error::Refusal;
use super::crud::Resource;
use super::forms::{self, BudgetPart, LimitPart};
use super::rows::Views;
use crate::domain::governance::{Book, Draft, Invalid, ModelConfig, ModelConfigForm, Patch, Table};

/// What all callers together may ask of a model.
pub(super) struct ModelConfigs;

/// A model configuration as it is sent.
#[derive(Deserialize)]
pub(super) struct Sent {
    #[serde(alias = "model")]
    model_name: Option<String>,
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    provider: Patch<String>,
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    budget: Patch<BudgetPart>,
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    rate_limit: Patch<LimitPart>,
}

impl Resource for ModelConfigs {
    type Row = ModelConfig;
    type Sent = Sent;
    type Form = ModelConfigForm;

    const ONE: &'static str = "model_config";
    const MANY: &'static str = "model_configs";
    const TITLE: &'static str = "Model config";
    const FILTERS: &'static [&'static str] = &["provider"];

    fn rows(book: &Book) -> &Table<ModelConfig> {
        &book.model_configs
    }

    fn name(row: &ModelConfig) -> &str {
        &row.model
    }

    fn member(row: &ModelConfig, _: &str) -> Option<String> {
        row.provider.as_deref().map(str::to_owned)
    }

    fn form(book: &Book, before: Option<&ModelConfig>, sent: Sent) -> Result<ModelConfigForm, Refusal> {
        let budget = before.and_then(|row| book.budgets.get(row.budget?));
        Ok(ModelConfigForm {
            model: sent.model_name,
            provider: forms::id(sent.provider),
            budget: forms::budget(sent.budget, budget.map(Arc::as_ref))?,
            rate_limit: forms::limit(sent.rate_limit),
        })
    }

    fn create(draft: &mut Draft, form: ModelConfigForm) -> Result<Arc<ModelConfig>, Invalid> {
        draft.create_model_config(form)
    }

    fn update(draft: &mut Draft, id: &str, form: ModelConfigForm) -> Result<Arc<ModelConfig>, Invalid> {
        draft.update_model_config(id, form)
    }

    fn delete(draft: &mut Draft, id: &str) -> Result<(), Invalid> {
        draft.delete_model_config(id)
    }

    fn told(views: &Views<'_>, row: &ModelConfig) -> Value {
        views.model_config(row)
    }
}
