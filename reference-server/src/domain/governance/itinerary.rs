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
    /// The budgets and limits that let it be asked, and count what it uses.
    pub(super) checks: Vec<Check>,
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

/// The keys that a target can be asked with.
pub(super) struct Keys {
    any: Vec<Arc<ProviderKey>>,
    /// Whether it is the one that the request or its rule has named.
    is_named: bool,
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

    /// Has none of them refuse a call any more.
    pub(super) fn waive(&mut self) {
        for check in &mut self.all {
            check.refuses = false;
        }
    }

    /// These, and then those.
    pub(super) fn then(mut self, others: Self) -> Self {
        self.all.extend(others.all);
        self.owners.extend(others.owners);
        self
    }
}

impl Entering<'_> {
    /// The model that is meant, at the provider that is named or else at the one that is found for it.
    pub(super) fn target(&self, named: Named) -> Result<Target<'_>, Blocked> {
        let Named { provider, model: name } = named;
        let is_prefixed = provider.is_some();
        let unknown = || match self.caller.virtual_key {
            Some(_) => Blocked::Model((*name).to_owned()),
            None => Blocked::ModelUnknown((*name).to_owned()),
        };
        let provider = match provider {
            Some(provider) => provider,
            None if self.misjudged.unprefixed_refused && self.asked.at.is_none() => {
                return Err(Blocked::ModelUnknown((*name).to_owned()));
            }
            None => self.provider_for(&name).ok_or_else(unknown)?,
        };
        let entry = self.book.providers.get(&provider).ok_or_else(unknown)?;
        let known = self.switchboard.model(&entry.name, &name).cloned();
        let model = known.unwrap_or_else(|| Catalog::stranger(&entry.name, &name, self.asked.operation));
        Ok(Target { entry, model, name, is_prefixed })
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
            let is_let_in = config.allows_model(&target.model) && !(is_misread && config.lists_models());
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
        let binds = !self.misjudged.model_configs_ignored;
        for config in at_provider.into_iter().chain(everywhere) {
            checks.add(config.rate_limit, "model", binds);
            checks.add(config.budget, "model", binds);
        }
        checks
    }

    /// What the caller counts on at a target: first all limits, then all budgets.
    pub(super) fn own_checks(&self, config: Option<&ProviderConfig>) -> Checks {
        let (caller, misjudged) = (self.caller, self.misjudged);
        let mut checks = Checks::default();
        let limits = !misjudged.window_limit_ignored;
        let config_binds = !misjudged.config_meters_ignored;
        checks.add(config.and_then(|config| config.rate_limit), "provider config", limits && config_binds);
        checks.add(caller.virtual_key.as_ref().and_then(|key| key.rate_limit), "virtual key", limits);
        let limits = limits && !misjudged.owner_limits_ignored;
        let (team, customer) = (caller.team.as_ref(), caller.customer.as_ref());
        checks.add(self.of_owner(team.and_then(|team| team.rate_limit)), "team", limits);
        checks.add(self.of_owner(customer.and_then(|customer| customer.rate_limit)), "customer", limits);
        let budgets = !misjudged.virtual_budget_ignored;
        checks.add(config.and_then(|config| config.budget), "provider config", budgets && config_binds);
        checks.add(caller.virtual_key.as_ref().and_then(|key| key.budget), "virtual key", budgets);
        let budgets = budgets && !misjudged.owner_budgets_ignored;
        checks.add(self.of_owner(team.and_then(|team| team.budget)), "team", budgets);
        checks.add(self.of_owner(customer.and_then(|customer| customer.budget)), "customer", budgets);
        checks
    }

    /// The meter of the virtual key's owner, or the copy of it that a broken gateway has for the key alone.
    fn of_owner(&self, meter: Option<Uuid>) -> Option<Uuid> {
        match &self.caller.virtual_key {
            Some(key) if self.misjudged.owner_meters_copied => {
                meter.map(|meter| self.governance.meters.copied(meter, key.id))
            }
            _ => meter,
        }
    }

    /// The keys that the first target can be asked with, one at least: the one that is named, or any of those that are
    /// for it.
    pub(super) fn first_keys(
        &self,
        target: &Target<'_>,
        config: Option<&ProviderConfig>,
        by_rule: Option<&str>,
    ) -> Result<Keys, Blocked> {
        let mut keys = keys(target, config);
        let called = self.header(KEY_HEADER).or(by_rule);
        if let Some(called) = called {
            keys.retain(|key| key.is_called(called));
            keys.truncate(1);
        }
        match called {
            _ if !keys.is_empty() => Ok(Keys { any: keys, is_named: called.is_some() }),
            Some(called) => Err(Blocked::KeyIdUnknown(called.to_owned())),
            None => Err(Blocked::NoKeys((*target.name).to_owned())),
        }
    }

    /// The key of these that the first target is asked with: the one that is named, the session's, or one by weight.
    /// Who asks has been let in, so that a session has its seat from now on.
    pub(super) fn first_key(
        &self,
        target: &Target<'_>,
        keys: &Keys,
    ) -> Option<(Arc<ProviderKey>, Option<SeatRow>)> {
        let Keys { any: keys, is_named } = keys;
        if *is_named {
            return Some((Arc::clone(keys.first()?), None));
        }
        let session = Session::read(self.header(SESSION_HEADER), self.header(SESSION_TTL_HEADER));
        let Some(session) = session.filter(|_| self.asked.request_type.asks_provider()) else {
            return Some((Arc::clone(self.key_without_session(keys)?), None));
        };
        let place = Place {
            provider: &target.entry.name,
            model: target.model.id(),
            virtual_key: self.caller.virtual_key.as_ref().map(|key| key.id),
        };
        let sessions = &self.governance.sessions;
        let choose = || self.key_by_weight(keys);
        let (key, seat) = sessions.place(place, &session, self.now, keys, &self.world.defects, choose)?;
        Some((Arc::clone(key), Some(seat)))
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
    pub(super) fn leg(&self, target: &Target<'_>, key: Arc<ProviderKey>, checks: Vec<Check>) -> Option<Leg> {
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
        Some(Leg { provider, model, key, provider_instance, checks })
    }
}

/// The keys that a target can be asked with.
fn keys(target: &Target<'_>, config: Option<&ProviderConfig>) -> Vec<Arc<ProviderKey>> {
    target.entry.keys_for(&target.model, config).cloned().collect()
}
