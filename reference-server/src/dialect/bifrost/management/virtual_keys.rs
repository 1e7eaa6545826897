//! `/api/governance/virtual-keys`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Number, Value};

use super::super::error::Refusal;
use super::crud::Resource;
use super::forms::{self, BudgetPart, LimitPart};
use super::rows::Views;
use crate::domain::governance::{
    Book, ConfigForm, Draft, Invalid, Owner, Patch, Table, VirtualKey, VirtualKeyForm,
};

/// What callers show.
pub(super) struct VirtualKeys;

/// A virtual key as it is sent. Its value is made here, and never taken.
#[derive(Deserialize)]
pub(super) struct Sent {
    name: Option<String>,
    description: Option<String>,
    is_active: Option<bool>,
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    team_id: Patch<String>,
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    customer_id: Patch<String>,
    provider_configs: Option<Vec<SentConfig>>,
    mcp_configs: Option<Vec<Value>>,
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    budget: Patch<BudgetPart>,
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    rate_limit: Patch<LimitPart>,
}

/// What it may do with a provider, as it is sent.
#[derive(Deserialize)]
struct SentConfig {
    id: Option<u64>,
    #[serde(default)]
    provider: String,
    weight: Option<Number>,
    #[serde(default)]
    allowed_models: Option<Vec<String>>,
    #[serde(default)]
    key_ids: Option<Vec<String>>,
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    budget: Patch<BudgetPart>,
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    rate_limit: Patch<LimitPart>,
}

impl Resource for VirtualKeys {
    type Row = VirtualKey;
    type Sent = Sent;
    type Form = VirtualKeyForm;

    const ONE: &'static str = "virtual_key";
    const MANY: &'static str = "virtual_keys";
    const TITLE: &'static str = "Virtual key";
    const FILTERS: &'static [&'static str] = &["customer_id", "team_id"];

    fn rows(book: &Book) -> &Table<VirtualKey> {
        &book.virtual_keys
    }

    fn name(row: &VirtualKey) -> &str {
        &row.name
    }

    fn member(row: &VirtualKey, filter: &str) -> Option<String> {
        match (row.owner?, filter) {
            (Owner::Team(id), "team_id") | (Owner::Customer(id), "customer_id") => Some(id.to_string()),
            _ => None,
        }
    }

    fn form(book: &Book, before: Option<&VirtualKey>, sent: Sent) -> Result<VirtualKeyForm, Refusal> {
        let budget = before.and_then(|row| book.budgets.get(row.budget?));
        let config = |sent| config(book, before, sent);
        let configs = sent.provider_configs;
        let configs = configs.map(|configs| configs.into_iter().map(config).collect::<Result<Vec<_>, _>>());
        Ok(VirtualKeyForm {
            name: sent.name,
            description: sent.description,
            is_active: sent.is_active,
            team: forms::id(sent.team_id),
            customer: forms::id(sent.customer_id),
            configs: configs.transpose()?,
            mcp_configs: sent.mcp_configs,
            budget: forms::budget(sent.budget, budget.map(Arc::as_ref))?,
            rate_limit: forms::limit(sent.rate_limit),
        })
    }

    fn create(draft: &mut Draft, form: VirtualKeyForm) -> Result<Arc<VirtualKey>, Invalid> {
        draft.create_virtual_key(form)
    }

    fn update(draft: &mut Draft, id: &str, form: VirtualKeyForm) -> Result<Arc<VirtualKey>, Invalid> {
        draft.update_virtual_key(id, form)
    }

    fn delete(draft: &mut Draft, id: &str) -> Result<(), Invalid> {
        draft.delete_virtual_key(id)
    }

    fn told(views: &Views<'_>, row: &VirtualKey) -> Value {
        views.virtual_key(row)
    }
}

fn config(book: &Book, key: Option<&VirtualKey>, sent: SentConfig) -> Result<ConfigForm, Refusal> {
    let before = key.and_then(|key| key.provider_configs.iter().find(|config| Some(config.id) == sent.id));
    let budget = before.and_then(|config| book.budgets.get(config.budget?));
    Ok(ConfigForm {
        id: sent.id,
        provider: sent.provider,
        weight: sent.weight,
        allowed_models: sent.allowed_models.unwrap_or_default(),
        key_ids: sent.key_ids.unwrap_or_default(),
        budget: forms::budget(sent.budget, budget.map(Arc::as_ref))?,
        rate_limit: forms::limit(sent.rate_limit),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(sent: Value) -> VirtualKeyForm {
        VirtualKeys::form(&Book::default(), None, serde_json::from_value(sent).unwrap()).ok().unwrap()
    }

    #[test]
    fn what_is_not_sent_is_left_as_it_is() {
        let form = form(json!({ "name": "n", "expires_at": "never" }));
        assert_eq!((form.name.as_deref(), form.is_active), (Some("n"), None));
        assert!(form.configs.is_none() && form.mcp_configs.is_none());
        assert!(matches!((form.team, form.customer), (Patch::Keep, Patch::Keep)));
    }

    #[test]
    fn all_that_is_sent_is_taken() {
        let form = form(json!({
            "description": "d", "is_active": false, "team_id": "t", "customer_id": null,
            "provider_configs": [{
                "id": 7, "provider": "openai", "weight": 0.5, "allowed_models": ["m"], "key_ids": null,
                "budget": { "max_limit": 1, "reset_duration": "1d" },
            }],
            "mcp_configs": [{ "mcp_client_name": "c", "tools_to_execute": ["*"] }],
        }));
        assert!(matches!((&form.team, &form.customer), (Patch::Set(id), Patch::Clear) if id == "t"));
        let config = &form.configs.unwrap()[0];
        assert_eq!(
            (config.id, &*config.provider, &*config.allowed_models),
            (Some(7), "openai", &["m".to_owned()][..])
        );
        assert!(matches!(config.budget, Patch::Set(_)) && config.key_ids.is_empty());
        assert_eq!(form.mcp_configs.unwrap()[0]["mcp_client_name"], "c");
    }
}
