//! Changes of virtual keys.

use std::sync::Arc;

use serde_json::Number;
use uuid::Uuid;

use super::super::customer::Customer;
use super::super::id;
use super::super::rule::Scope;
use super::super::team::Team;
use super::super::virtual_key::{Owner, ProviderConfig, VirtualKey};
use super::super::weight::Weight;
use super::names::{described, entries, named, names};
use super::{ConfigForm, Draft, Invalid, Patch, VirtualKeyForm};

const WHAT: &str = "Virtual key";

impl Draft {
    /// Makes a virtual key with a value of its own. It is in force unless the write says otherwise.
    pub(crate) fn create_virtual_key(&mut self, form: VirtualKeyForm) -> Result<Arc<VirtualKey>, Invalid> {
        let blank = VirtualKey {
            id: Uuid::new_v4(),
            name: String::new(),
            description: described(form.description.unwrap_or_default())?,
            value: id::fresh_value(),
            is_active: form.is_active.unwrap_or(true),
            owner: None,
            provider_configs: Vec::new(),
            mcp_configs: Vec::new(),
            budget: None,
            rate_limit: None,
            created_at: self.now,
            updated_at: self.now,
        };
        self.anticipate(|| VirtualKey { name: form.name.clone().unwrap_or_default(), ..blank.clone() })?;
        let name = named(WHAT, form.name)?;
        self.room::<VirtualKey>("virtual keys")?;
        let row = VirtualKey {
            name,
            owner: self.owner(None, form.team, form.customer)?,
            provider_configs: self.configs(Vec::new(), form.configs.unwrap_or_default())?,
            mcp_configs: entries("MCP configs", form.mcp_configs.unwrap_or_default())?,
            budget: self.budget(None, form.budget)?,
            rate_limit: self.limit(None, form.rate_limit)?,
            ..blank
        };
        self.book.by_digest.insert(row.digest(), row.id);
        self.put(row)
    }

    /// Changes what a write names of a virtual key.
    pub(crate) fn update_virtual_key(
        &mut self,
        id: &str,
        form: VirtualKeyForm,
    ) -> Result<Arc<VirtualKey>, Invalid> {
        let mut row: VirtualKey = self.row(WHAT, id)?;
        let is_renamed = form.name.is_some();
        if is_renamed {
            row.name = named(WHAT, form.name)?;
        }
        self.begin(&row)?;
        row.is_active = match form.is_active {
            Some(is_active) => is_active,
            None => row.is_active && !(is_renamed && self.flaws.rename_switches_off),
        };
        if let Some(description) = form.description {
            row.description = described(description)?;
        }
        let detaches = self.flaws.rename_detaches;
        let (team, customer) = (form.team.or_clear(detaches), form.customer.or_clear(detaches));
        row.owner = self.owner(row.owner, team, customer)?;
        let lifts = self.flaws.update_lifts;
        let lifts_configs = lifts && form.configs.is_some();
        let lifts_limit = lifts && form.rate_limit != Patch::Keep;
        if let Some(configs) = form.configs {
            row.provider_configs = self.configs(row.provider_configs, configs)?;
        }
        if let Some(configs) = form.mcp_configs {
            row.mcp_configs = entries("MCP configs", configs)?;
        }
        row.budget = self.budget(row.budget, form.budget)?;
        row.rate_limit = self.limit(row.rate_limit, form.rate_limit)?;
        if lifts_configs {
            row.provider_configs = self.configs(row.provider_configs, Vec::new())?;
        }
        if lifts_limit {
            row.rate_limit = self.limit(row.rate_limit, Patch::Clear)?;
        }
        row.updated_at = self.now;
        self.put(row)
    }

    /// Deletes a virtual key, and the rules that are for it alone.
    pub(crate) fn delete_virtual_key(&mut self, id: &str) -> Result<(), Invalid> {
        let row: VirtualKey = self.row(WHAT, id)?;
        self.forget_rules(Scope::VirtualKey, id);
        for config in &row.provider_configs {
            self.forget(config.budget, config.rate_limit);
        }
        self.forget(row.budget, row.rate_limit);
        self.book.by_digest.remove(&row.digest());
        self.remove::<VirtualKey>(row.id);
        self.departed.push(Arc::new(row));
        Ok(())
    }

    /// Whom a key belongs to afterwards. Who is set takes it from whom it belonged to.
    fn owner(
        &mut self,
        before: Option<Owner>,
        team: Patch<String>,
        customer: Patch<String>,
    ) -> Result<Option<Owner>, Invalid> {
        let (team, customer) = (absent_if_empty(team), absent_if_empty(customer));
        match (team, customer) {
            (Patch::Set(_), Patch::Set(_)) if !self.flaws.two_owners_accepted => Err(Invalid::TwoOwners),
            (Patch::Set(id), _) => Ok(Some(Owner::Team(self.row::<Team>("Team", &id)?.id))),
            (_, Patch::Set(id)) => Ok(Some(Owner::Customer(self.row::<Customer>("Customer", &id)?.id))),
            (team, customer) => Ok(before.filter(|owner| match owner {
                Owner::Team(_) => team == Patch::Keep,
                Owner::Customer(_) => customer == Patch::Keep,
            })),
        }
    }

    /// The configs of a key afterwards. Those with the id of one that was there keep its meters.
    fn configs(
        &mut self,
        mut before: Vec<ProviderConfig>,
        forms: Vec<ConfigForm>,
    ) -> Result<Vec<ProviderConfig>, Invalid> {
        let forms = entries("provider configs", forms)?;
        let all = self.book.virtual_keys.iter().flat_map(|key| &key.provider_configs);
        let mut last = all.map(|config| config.id).max().unwrap_or(0);
        let mut configs = Vec::with_capacity(forms.len());
        for form in forms {
            let provider = self.known_provider(&form.provider)?;
            let known = form.id.and_then(|id| before.iter().position(|config| config.id == id));
            let known = known.map(|place| before.swap_remove(place));
            let (id, budget, rate_limit) = match known {
                Some(config) => (config.id, config.budget, config.rate_limit),
                None => {
                    last += 1;
                    (last, None, None)
                }
            };
            configs.push(ProviderConfig {
                id,
                provider,
                weight: form.weight.as_ref().map(weight).transpose()?,
                allowed_models: names("allowed models", form.allowed_models)?,
                key_ids: names("key ids", form.key_ids)?,
                budget: self.budget(budget, form.budget)?,
                rate_limit: self.limit(rate_limit, form.rate_limit)?,
            });
        }
        for config in before {
            self.forget(config.budget, config.rate_limit);
        }
        Ok(configs)
    }

    /// The name of a provider that there is.
    pub(super) fn known_provider(&self, name: &str) -> Result<Arc<str>, Invalid> {
        let known = self.book.providers.get_key_value(name).map(|(name, _)| Arc::clone(name));
        known.ok_or_else(|| Invalid::ProviderUnknown(name.to_owned()))
    }
}

/// A weight that a write says.
pub(super) fn weight(number: &Number) -> Result<Weight, Invalid> {
    Weight::read(number).ok_or_else(|| Invalid::Weight(number.to_string()))
}

fn absent_if_empty(patch: Patch<String>) -> Patch<String> {
    match patch {
        Patch::Set(id) if id.is_empty() => Patch::Clear,
        patch => patch,
    }
}
