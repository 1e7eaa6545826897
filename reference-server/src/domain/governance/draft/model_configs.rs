//! Changes of what all callers together may ask of a model.

use std::sync::Arc;

use uuid::Uuid;

use super::super::model_config::ModelConfig;
use super::names::named;
use super::{Draft, Invalid, ModelConfigForm, Patch};

const WHAT: &str = "Model config";

impl Draft {
    /// Makes a model's config. There is one for a model at a provider, and one for it everywhere.
    pub(crate) fn create_model_config(&mut self, form: ModelConfigForm) -> Result<Arc<ModelConfig>, Invalid> {
        let model = named("Model", form.model)?;
        self.room::<ModelConfig>("model configs")?;
        let provider = self.provider_of(None, form.provider)?;
        let row = ModelConfig {
            id: Uuid::new_v4(),
            model: model.into(),
            provider,
            budget: None,
            rate_limit: None,
            created_at: self.now,
            updated_at: self.now,
        };
        self.anticipate(|| row.clone())?;
        self.is_only(&row)?;
        let budget = self.budget(None, form.budget)?;
        let rate_limit = self.limit(None, form.rate_limit)?;
        self.put(ModelConfig { budget, rate_limit, ..row })
    }

    /// Changes what a write names of a model's config.
    pub(crate) fn update_model_config(
        &mut self,
        id: &str,
        form: ModelConfigForm,
    ) -> Result<Arc<ModelConfig>, Invalid> {
        let mut row: ModelConfig = self.row(WHAT, id)?;
        if form.model.is_some() {
            row.model = named("Model", form.model)?.into();
        }
        self.begin(&row)?;
        row.provider = self.provider_of(row.provider, form.provider)?;
        self.is_only(&row)?;
        row.budget = self.budget(row.budget, form.budget)?;
        row.rate_limit = self.limit(row.rate_limit, form.rate_limit)?;
        row.updated_at = self.now;
        self.put(row)
    }

    /// Deletes a model's config.
    pub(crate) fn delete_model_config(&mut self, id: &str) -> Result<(), Invalid> {
        let row: ModelConfig = self.row(WHAT, id)?;
        self.forget(row.budget, row.rate_limit);
        self.remove::<ModelConfig>(row.id);
        Ok(())
    }

    fn provider_of(
        &self,
        before: Option<Arc<str>>,
        patch: Patch<String>,
    ) -> Result<Option<Arc<str>>, Invalid> {
        match patch {
            Patch::Keep => Ok(before),
            Patch::Set(name) if !name.is_empty() => self.known_provider(&name).map(Some),
            Patch::Set(_) | Patch::Clear => Ok(None),
        }
    }

    /// Whether no other config is for the same.
    fn is_only(&self, row: &ModelConfig) -> Result<(), Invalid> {
        let is_same = |other: &Arc<ModelConfig>| {
            other.id != row.id && other.model == row.model && other.provider == row.provider
        };
        if !self.book.model_configs.iter().any(is_same) || self.flaws.duplicate_model_config_taken {
            return Ok(());
        }
        let provider = row.provider.as_deref().map(str::to_owned);
        Err(Invalid::DuplicateModelConfig { model: (*row.model).to_owned(), provider })
    }
}
