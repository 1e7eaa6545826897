//! What is chosen for a call: the rule that applies to it, the provider for a model that names none, and the key.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::HeaderMap;
use rust_decimal::prelude::ToPrimitive as _;
use url::form_urlencoded;

use super::caller::{Caller, is_credential};
use super::entering::Entering;
use super::predicate::Facts;
use super::provider_entry::ProviderKey;
use super::rule::{Rule, RuleTarget, Scope};
use super::virtual_key::ProviderConfig;
use super::weight::{WHOLE, Weight};
use crate::defect::Defect;
use crate::domain::routing::Chance;

/// A model as it is asked for: at a provider, where one is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) provider: Option<Arc<str>>,
    pub(super) model: Arc<str>,
}

impl Entering<'_> {
    /// A name apart from the provider before its first slash, where there is such a provider.
    pub(super) fn named(&self, text: &str) -> Named {
        let at = text.split_once('/').and_then(|(name, model)| {
            let (provider, _) = self.book.providers.get_key_value(name)?;
            Some(Named { provider: Some(Arc::clone(provider)), model: model.into() })
        });
        at.unwrap_or_else(|| Named { provider: None, model: text.into() })
    }

    /// The first rule that applies: of the narrowest scope, then of the lowest priority, then the oldest. With it, the
    /// target that chance has chosen.
    pub(super) fn rule(&self, named: &Named) -> Option<(Arc<Rule>, RuleTarget)> {
        let defects = &self.world.defects;
        if defects.has(Defect::RulesIgnored) {
            return None;
        }
        let (any_scope, reversed) =
            (defects.has(Defect::RuleScopeIgnored), defects.has(Defect::RulePriorityReversed));
        let is_for_it = |rule: &&Arc<Rule>| rule.enabled && (any_scope || is_in_scope(rule, self.caller));
        let mut rules: Vec<_> = self.book.rules.iter().filter(is_for_it).collect();
        if rules.is_empty() {
            return None;
        }
        rules.sort_by_key(|rule| {
            (rule.scope, if reversed { rule.priority.saturating_neg() } else { rule.priority })
        });
        let facts = self.facts(named);
        let rule = rules.into_iter().find(|rule| rule.matches(&facts))?;
        let weights = rule.targets.iter().map(|target| &target.weight);
        let target = by_weight(&self.governance.chance, weights).and_then(|place| rule.targets.get(place))?;
        Some((Arc::clone(rule), target.clone()))
    }

    /// The provider of a model that names none: one of the virtual key's, or else who has it. On a provider's own wire
    /// it is one of that kind, whether it is known to have the model or not.
    pub(super) fn provider_for(&self, model: &str) -> Option<Arc<str>> {
        self.provider_by_config(model).or_else(|| {
            let found = match self.asked.at {
                Some(kind) => self.switchboard.of_kind(kind),
                None => self.switchboard.provider_of(model),
            };
            found.cloned()
        })
    }

    /// The provider of a virtual key's configs for a model that names none, by weight among those that have it.
    fn provider_by_config(&self, model: &str) -> Option<Arc<str>> {
        let configs = &self.caller.virtual_key.as_ref()?.provider_configs;
        let is_meant = |config: &ProviderConfig| {
            let is_of_wire = |kind| self.switchboard.is_of_kind(&config.provider, kind);
            self.book.providers.contains_key(&config.provider) && self.asked.at.is_none_or(is_of_wire)
        };
        let has = |config: &ProviderConfig| match self.switchboard.model(&config.provider, model) {
            Some(known) => config.allows_model(known),
            // Who is asked for what nobody here knows is who lists it, or whose wire it is.
            None => (config.lists_models() || self.asked.at.is_some()) && config.allows(model),
        };
        let admits = |config: &&ProviderConfig| is_meant(config) && has(config);
        let candidates: Vec<_> = configs.iter().filter(admits).collect();
        let one = Weight::one();
        let weights: Vec<_> =
            candidates.iter().map(|config| config.weight.as_ref().unwrap_or(&one)).collect();
        let zero = weights.iter().position(|weight| weight.millionths() == 0);
        let place = match zero {
            Some(zero) if self.world.defects.has(Defect::ZeroWeightChosen) => zero,
            _ => by_weight(&self.governance.chance, weights.into_iter())?,
        };
        candidates.get(place).map(|config| Arc::clone(&config.provider))
    }

    /// The key that chance gives a call.
    pub(super) fn key_by_weight<'k>(&self, keys: &'k [Arc<ProviderKey>]) -> Option<&'k Arc<ProviderKey>> {
        by_weight(&self.governance.chance, keys.iter().map(|key| &key.weight))
            .and_then(|place| keys.get(place))
    }

    /// The key that chance gives a call without a session.
    pub(super) fn key_without_session<'k>(
        &self,
        keys: &'k [Arc<ProviderKey>],
    ) -> Option<&'k Arc<ProviderKey>> {
        if self.world.defects.has(Defect::KeyWeightIgnored) {
            return keys.iter().min_by_key(|key| key.weight.millionths());
        }
        self.key_by_weight(keys)
    }

    fn facts(&self, named: &Named) -> Facts {
        let Caller { virtual_key, team, customer, .. } = self.caller;
        let text = |name, text: Option<String>| (name, text.unwrap_or_default());
        let shares = |id| self.governance.meters.shares(id, self.now);
        let limit = virtual_key.as_ref().and_then(|key| key.rate_limit).map(shares).unwrap_or_default();
        let budget = virtual_key.as_ref().and_then(|key| key.budget).map(shares).unwrap_or_default();
        let [requests, tokens, _] = limit.map(|share| share.to_f64().unwrap_or(0.0));
        let [_, _, dollars] = budget.map(|share| share.to_f64().unwrap_or(0.0));
        Facts {
            texts: vec![
                text("model", Some(named.model.to_string())),
                text("provider", named.provider.as_ref().map(ToString::to_string)),
                text("request_type", Some(self.asked.request_type.name().to_owned())),
                text("virtual_key_id", virtual_key.as_ref().map(|key| key.id.to_string())),
                text("virtual_key_name", virtual_key.as_ref().map(|key| key.name.clone())),
                text("team_id", team.as_ref().map(|team| team.id.to_string())),
                text("team_name", team.as_ref().map(|team| team.name.clone())),
                text("customer_id", customer.as_ref().map(|customer| customer.id.to_string())),
                text("customer_name", customer.as_ref().map(|customer| customer.name.clone())),
            ],
            shares: vec![("request", requests), ("tokens_used", tokens), ("budget_used", dollars)],
            headers: headers(self.asked.headers),
            params: params(self.asked.query),
        }
    }
}

fn is_in_scope(rule: &Rule, caller: &Caller) -> bool {
    let id = match rule.scope {
        Scope::Global => return true,
        Scope::VirtualKey => caller.virtual_key.as_ref().map(|key| key.id),
        Scope::Team => caller.team.as_ref().map(|team| team.id),
        Scope::Customer => caller.customer.as_ref().map(|customer| customer.id),
    };
    id.is_some_and(|id| rule.scope_id.as_deref() == Some(id.to_string().as_str()))
}

/// The headers that an expression sees: no credentials.
fn headers(headers: &HeaderMap) -> HashMap<String, String> {
    let seen = headers.iter().filter(|(name, _)| !is_credential(name.as_str()));
    let texts =
        seen.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    texts.collect()
}

fn params(query: Option<&str>) -> HashMap<String, String> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}

/// The place of one of these weights, each as often as it weighs. Where none weighs anything, all weigh the same.
fn by_weight<'w>(chance: &Chance, weights: impl Iterator<Item = &'w Weight> + Clone) -> Option<usize> {
    let is_idle = weights.clone().all(|weight| weight.millionths() == 0);
    let weigh = move |weight: &Weight| if is_idle { WHOLE } else { weight.millionths() };
    chance.choose(weights.map(weigh).enumerate())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_none_weighs_anything_all_weigh_the_same() {
        let chance = Chance::seeded(1);
        let drawn = |weights: &[u32]| {
            let weights: Vec<_> = weights.iter().map(|weight| Weight::of(*weight)).collect();
            let mut drawn = vec![0; weights.len()];
            for _ in 0..1_000 {
                drawn[by_weight(&chance, weights.iter()).unwrap()] += 1;
            }
            drawn
        };
        assert_eq!(drawn(&[0, 1]), [0, 1_000]);
        assert!(drawn(&[0, 0]).iter().all(|count| (350..650).contains(count)));
        assert!(drawn(&[3, 1])[0] > 650);
        assert_eq!(by_weight(&chance, std::iter::empty()), None);
    }

    #[test]
    fn an_expression_sees_no_credentials() {
        let sent = super::super::testing::headers(&[
            ("X-Bf-Vk", "sk-bf-a"),
            ("authorization", "b"),
            ("X-Tier", "1"),
        ]);
        assert_eq!(headers(&sent), HashMap::from([("x-tier".to_owned(), "1".to_owned())]));
        assert_eq!(params(Some("region=us%20east&x"))["region"], "us east");
    }
}
