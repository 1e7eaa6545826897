//! Where a call goes, one leg after the other, and what it counts on at each.

use std::sync::Arc;

use uuid::Uuid;

use super::blocked::Blocked;
use super::choice::Named;
use super::entering::Entering;
use super::meters::Check;
use super::provider_entry::{KeyValue, ProviderEntry, ProviderKey};
use super::sessions::{Place, Session};
use super::settlement::SeatRow;
use super::virtual_key::ProviderConfig;
use crate::domain::catalog::{Catalog, Model};
use crate::provider::{Absent, Provider};

/// Names one of a provider's keys.
const KEY_HEADER: &str = "x-bf-api-key-id";
const SESSION_HEADER: &str = "x-bf-session-id";
const SESSION_TTL_HEADER: &str = "x-bf-session-ttl";

/// A model at a provider, asked with one of its keys.
#[derive(Clone)]
pub(crate) struct Leg {
    pub(crate) provider: Arc<str>,
    pub(crate) model: Arc<Model>,
    pub(crate) key: Arc<ProviderKey>,
    pub(crate) provider_instance: Arc<dyn Provider>,
    /// The budgets and limits that count what it uses.
    pub(crate) meters: Vec<Uuid>,
}

/// A model at a provider that a call may be meant for.
#[derive(Clone)]
pub(super) struct Target<'b> {
    pub(super) entry: &'b Arc<ProviderEntry>,
    pub(super) model: Arc<Model>,
    /// As it is asked for, without a provider.
    pub(super) name: Arc<str>,
    /// Whether the caller has named the provider.
    pub(super) is_prefixed: bool,
}

/// Budgets and limits in the order in which they are looked at, each with whose it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Checks {
    pub(super) all: Vec<Check>,
    pub(super) owners: Vec<&'static str>,
}

impl Checks {
    fn add(&mut self, meter: Option<Uuid>, owner: &'static str, refuses: bool) {
        if let Some(meter) = meter {
            self.all.push(Check { meter, refuses });
            self.owners.push(owner);
        }
    }

    /// Whose the meter at a place is.
    pub(super) fn owner(&self, place: usize) -> &'static str {
        self.owners.get(place).copied().unwrap_or("gateway")
    }

    /// All meters.
    pub(super) fn ids(&self) -> Vec<Uuid> {
        self.all.iter().map(|check| check.meter).collect()
    }
}

impl Entering<'_> {
    /// The model that is meant: at the provider that is named, or at one of the virtual key's, or where the catalog has
    /// it.
    pub(super) fn target(&self, named: Named) -> Result<Target<'_>, Blocked> {
        let Named { provider, model: name } = named;
        let is_prefixed = provider.is_some();
        let unknown = || match self.caller.virtual_key {
            Some(_) => Blocked::Model((*name).to_owned()),
            None => Blocked::ModelUnknown((*name).to_owned()),
        };
        let provider = match provider.or_else(|| self.asked.at.map(Arc::from)) {
            Some(provider) => provider,
            None if self.misjudged.unprefixed_refused => {
                return Err(Blocked::ModelUnknown((*name).to_owned()));
            }
            None => {
                let in_catalog = || {
                    self.world
                        .catalog
                        .models()
                        .find(|model| model.is_called(&name) && self.has(&model.provider))
                };
                let by_config = self.provider_by_config(&name);
                let provider = by_config.or_else(|| in_catalog().map(|model| Arc::clone(&model.provider)));
                provider.ok_or_else(unknown)?
            }
        };
        let entry = self.book.providers.get(&provider).ok_or_else(unknown)?;
        let known = self.world.catalog.find_at(&entry.name, &name).cloned();
        let model = known.unwrap_or_else(|| Catalog::stranger(&entry.name, &name, self.asked.operation));
        Ok(Target { entry, model, name, is_prefixed })
    }

    fn has(&self, provider: &str) -> bool {
        self.book.providers.contains_key(provider)
    }

    /// What the caller's virtual key says of a target; nothing where it says nothing of any.
    pub(super) fn config(&self, target: &Target<'_>) -> Result<Option<&ProviderConfig>, Blocked> {
        let Some(key) = &self.caller.virtual_key else { return Ok(None) };
        if key.provider_configs.is_empty() {
            return Ok(None);
        }
        let mut configs =
            key.provider_configs.iter().filter(|config| *config.provider == *target.entry.name).peekable();
        if configs.peek().is_none() {
            if self.misjudged.provider_list_ignored {
                return Ok(None);
            }
            return Err(Blocked::Provider((*target.entry.name).to_owned()));
        }
        let is_misread = self.misjudged.prefixed_name_blocked && target.is_prefixed;
        let allows = |config: &&ProviderConfig| {
            let is_listed = config.allows(&target.name)
                || config.allowed_models.iter().any(|allowed| target.model.is_called(allowed));
            let is_let_in = is_listed && !(is_misread && config.lists_models());
            is_let_in || self.misjudged.allow_list_ignored
        };
        match configs.find(allows) {
            Some(config) => Ok(Some(config)),
            None => Err(Blocked::Model((*target.name).to_owned())),
        }
    }

    /// What all callers together count on at a target.
    pub(super) fn common_checks(&self, target: &Target<'_>) -> Checks {
        let mut checks = Checks::default();
        checks.add(target.entry.rate_limit, "provider", true);
        checks.add(target.entry.budget, "provider", true);
        let all = self.book.model_configs.iter().filter(|config| target.model.is_called(&config.model));
        let (at_provider, everywhere): (Vec<_>, Vec<_>) = all
            .filter(|config| config.provider.as_ref().is_none_or(|name| *name == target.entry.name))
            .partition(|config| config.provider.is_some());
        for config in at_provider.into_iter().chain(everywhere) {
            checks.add(config.rate_limit, "model", true);
            checks.add(config.budget, "model", true);
        }
        checks
    }

    /// What the caller counts on at a target: first all limits, then all budgets.
    pub(super) fn own_checks(&self, config: Option<&ProviderConfig>) -> Checks {
        let (caller, misjudged) = (self.caller, self.misjudged);
        let mut checks = Checks::default();
        let limits = !misjudged.window_limit_ignored;
        checks.add(config.and_then(|config| config.rate_limit), "provider config", limits);
        checks.add(caller.virtual_key.as_ref().and_then(|key| key.rate_limit), "virtual key", limits);
        let limits = limits && !misjudged.owner_limits_ignored;
        checks.add(caller.team.as_ref().and_then(|team| team.rate_limit), "team", limits);
        checks.add(caller.customer.as_ref().and_then(|customer| customer.rate_limit), "customer", limits);
        let budgets = !misjudged.virtual_budget_ignored;
        checks.add(config.and_then(|config| config.budget), "provider config", budgets);
        checks.add(caller.virtual_key.as_ref().and_then(|key| key.budget), "virtual key", budgets);
        let budgets = budgets && !misjudged.owner_budgets_ignored;
        checks.add(caller.team.as_ref().and_then(|team| team.budget), "team", budgets);
        checks.add(caller.customer.as_ref().and_then(|customer| customer.budget), "customer", budgets);
        checks
    }

    /// The key that the first target is asked with: the one that is named, the session's, or one by weight.
    pub(super) fn first_key(
        &self,
        target: &Target<'_>,
        config: Option<&ProviderConfig>,
        by_rule: Option<&str>,
    ) -> Result<(Arc<ProviderKey>, Option<SeatRow>), Blocked> {
        let keys = keys(target, config);
        let none = || Blocked::NoKeys((*target.name).to_owned());
        if let Some(called) = self.header(KEY_HEADER).or(by_rule) {
            let key = keys.iter().find(|key| key.is_called(called));
            return match key {
                Some(key) => Ok((Arc::clone(key), None)),
                None => Err(Blocked::KeyIdUnknown(called.to_owned())),
            };
        }
        let session = Session::read(self.header(SESSION_HEADER), self.header(SESSION_TTL_HEADER));
        let Some(session) = session else {
            return Ok((self.key_without_session(&keys).cloned().ok_or_else(none)?, None));
        };
        let place = Place {
            provider: &target.entry.name,
            model: target.model.id(),
            virtual_key: self.caller.virtual_key.as_ref().map(|key| key.id),
        };
        let sessions = &self.governance.sessions;
        let choose = || self.key_by_weight(&keys);
        let placed = sessions.place(place, &session, self.now, &keys, &self.world.defects, choose);
        let (key, seat) = placed.ok_or_else(none)?;
        Ok((Arc::clone(key), Some(seat)))
    }

    /// The key that a fallback is asked with.
    pub(super) fn fallback_key(
        &self,
        target: &Target<'_>,
        config: Option<&ProviderConfig>,
    ) -> Option<Arc<ProviderKey>> {
        self.key_by_weight(&keys(target, config)).cloned()
    }

    /// The leg to a target with a key.
    pub(super) fn leg(&self, target: &Target<'_>, key: Arc<ProviderKey>, meters: Vec<Uuid>) -> Option<Leg> {
        let (name, switchboard) = (&target.entry.name, self.switchboard);
        let provider_instance: Arc<dyn Provider> =
            if target.model.is_stranger() && !switchboard.is_remote(name) {
                Arc::new(Absent)
            } else {
                key.connection.get(|| match &key.value {
                    KeyValue::Given(secret) => switchboard.provider(name, Some(secret)),
                    KeyValue::Configured => {
                        let configured = switchboard.keys(name).into_iter().find(|other| other.id == key.id);
                        switchboard.provider(name, configured.and_then(|key| key.secret).as_ref())
                    }
                })?
            };
        let (provider, model) = (Arc::clone(name), Arc::clone(&target.model));
        Some(Leg { provider, model, key, provider_instance, meters })
    }
}

/// The keys that a target can be asked with.
fn keys(target: &Target<'_>, config: Option<&ProviderConfig>) -> Vec<Arc<ProviderKey>> {
    let may_use = |key: &&Arc<ProviderKey>| config.is_none_or(|config| config.may_use(&key.id));
    let serving = target.entry.keys.iter().filter(|key| key.serves(&target.model));
    serving.filter(may_use).cloned().collect()
}
