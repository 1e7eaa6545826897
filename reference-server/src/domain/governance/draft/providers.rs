//! Changes of providers' keys, and of what all callers together may ask of a provider.

use std::sync::Arc;

use uuid::Uuid;

use super::super::provider_entry::{Connection, KeyValue, ProviderEntry, ProviderKey};
use super::super::weight::Weight;
use super::names::{called, entries, named, names};
use super::virtual_keys::weight;
use super::{BudgetForm, Draft, Invalid, KeyForm, LimitForm, Patch};
use crate::store::{Document, Kind};

impl Draft {
    /// Replaces a provider's keys. One that says no value keeps the one that its id has, and else is given back the
    /// credential that the configuration has under its id.
    pub(crate) fn set_provider_keys(
        &mut self,
        provider: &str,
        keys: Vec<KeyForm>,
    ) -> Result<Arc<ProviderEntry>, Invalid> {
        let entry = self.entry(provider)?;
        let mut fresh: Vec<Arc<ProviderKey>> = Vec::new();
        for form in entries("keys", keys)? {
            let key = self.key(provider, form, &entry.keys)?;
            add(&mut fresh, key)?;
        }
        self.put_keys(ProviderEntry { keys: fresh, ..entry })
    }

    /// Adds a key to a provider's.
    pub(crate) fn create_provider_key(
        &mut self,
        provider: &str,
        form: KeyForm,
    ) -> Result<Arc<ProviderKey>, Invalid> {
        let mut entry = self.entry(provider)?;
        let key = self.key(provider, form, &[])?;
        add(&mut entry.keys, Arc::clone(&key))?;
        entry.keys = entries("keys", entry.keys)?;
        self.put_keys(entry)?;
        Ok(key)
    }

    /// Replaces one of a provider's keys, in its place.
    pub(crate) fn update_provider_key(
        &mut self,
        provider: &str,
        id: &str,
        form: KeyForm,
    ) -> Result<Arc<ProviderKey>, Invalid> {
        let mut entry = self.entry(provider)?;
        if !entry.keys.iter().any(|key| *key.id == *id) {
            return Err(Invalid::NotFound("Key"));
        }
        let form = KeyForm { id: Some(id.to_owned()), ..form };
        let changed = self.key(provider, form, &entry.keys)?;
        for key in entry.keys.iter_mut().filter(|key| *key.id == *id) {
            *key = Arc::clone(&changed);
        }
        self.put_keys(entry)?;
        Ok(changed)
    }

    /// Takes a key out of a provider's.
    pub(crate) fn delete_provider_key(&mut self, provider: &str, id: &str) -> Result<(), Invalid> {
        let mut entry = self.entry(provider)?;
        let before = entry.keys.len();
        entry.keys.retain(|key| *key.id != *id);
        if entry.keys.len() == before {
            return Err(Invalid::NotFound("Key"));
        }
        self.put_keys(entry)?;
        Ok(())
    }

    /// Changes what all callers together may ask of a provider.
    pub(crate) fn govern_provider(
        &mut self,
        provider: &str,
        budget: Patch<BudgetForm>,
        limit: Patch<LimitForm>,
    ) -> Result<Arc<ProviderEntry>, Invalid> {
        let entry = self.entry(provider)?;
        let budget = self.budget(entry.budget, budget)?;
        let rate_limit = self.limit(entry.rate_limit, limit)?;
        self.put_provider(ProviderEntry { budget, rate_limit, ..entry })
    }

    fn entry(&self, name: &str) -> Result<ProviderEntry, Invalid> {
        let entry = self.book.providers.get(name).ok_or(Invalid::NotFound("Provider"))?;
        Ok((**entry).clone())
    }

    fn put_keys(&mut self, entry: ProviderEntry) -> Result<Arc<ProviderEntry>, Invalid> {
        self.put_provider(ProviderEntry { has_written_keys: true, ..entry })
    }

    fn put_provider(&mut self, entry: ProviderEntry) -> Result<Arc<ProviderEntry>, Invalid> {
        let body = serde_json::to_string(&entry).map_err(|error| Invalid::Unwritable(error.to_string()))?;
        let id = (*entry.name).to_owned();
        self.documents.push(Document::Put { kind: Kind::Provider, id, place: 0, body });
        let entry = Arc::new(entry);
        self.book.providers.insert(Arc::clone(&entry.name), Arc::clone(&entry));
        Ok(entry)
    }

    /// The key that a write says, where these were there before it.
    fn key(
        &self,
        provider: &str,
        form: KeyForm,
        before: &[Arc<ProviderKey>],
    ) -> Result<Arc<ProviderKey>, Invalid> {
        let name = named("Key", Some(form.name))?;
        let id = form.id.filter(|id| !id.is_empty()).map(|id| called("Key id", id)).transpose()?;
        let known = id.as_deref().and_then(|id| before.iter().find(|key| *key.id == *id));
        let value = match (form.value, known) {
            (Some(value), _) => KeyValue::Given(value),
            (None, Some(known)) => known.value.clone(),
            (None, None) if id.as_deref().is_some_and(|id| self.is_configured(provider, id)) => {
                KeyValue::Configured
            }
            (None, None) => return Err(Invalid::KeyValueRequired(name)),
        };
        Ok(Arc::new(ProviderKey {
            id: id.unwrap_or_else(|| Uuid::new_v4().to_string()).into(),
            name: name.into(),
            value,
            models: names("models", form.models)?,
            weight: form.weight.as_ref().map_or_else(|| Ok(Weight::one()), weight)?,
            connection: Connection::default(),
        }))
    }

    /// Whether the configuration has a credential under an id.
    fn is_configured(&self, provider: &str, id: &str) -> bool {
        let switchboard = self.switchboard.as_ref();
        switchboard.is_some_and(|board| board.keys(provider).iter().any(|key| *key.id == *id))
    }
}

/// Adds a key whose id and name no other has.
fn add(keys: &mut Vec<Arc<ProviderKey>>, key: Arc<ProviderKey>) -> Result<(), Invalid> {
    if keys.iter().any(|other| other.id == key.id || other.name == key.name) {
        return Err(Invalid::KeyTwice((*key.name).to_owned()));
    }
    keys.push(key);
    Ok(())
}
