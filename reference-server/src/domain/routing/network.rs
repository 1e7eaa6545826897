//! The providers that there are, and how models are served by them.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use super::plan::{ModelPlan, Plan, Policy, RoutePlan};
use super::route::Route;
use super::routed_model::RoutedModel;
use super::switchboard::{ConfiguredKey, Switchboard};
use super::world_routing::Routing;
use crate::domain::catalog::{Capability, Catalog, Model};
use crate::domain::inference::ModelIdentity;
use crate::provider::Provider;
use crate::provider::http::Secret;

/// What stands before the names of models on Vertex AI.
const PUBLISHER: &str = "google/";

/// The same provider below another address.
type Rebase = Arc<dyn Fn(&Url) -> Arc<dyn Provider> + Send + Sync>;
/// The same provider with another credential, below an address where there is one.
type Rekey = Arc<dyn Fn(Option<&Url>, &Secret) -> Arc<dyn Provider> + Send + Sync>;

/// A provider of the configuration.
#[derive(Clone)]
pub(crate) struct Backend {
    provider: Arc<dyn Provider>,
    /// Only of one that is asked over HTTP.
    rebase: Option<Rebase>,
    /// Only of one that is let in by a single text.
    rekey: Option<Rekey>,
    /// The keys that the configuration names; none where it has one credential without a name.
    keys: Arc<[ConfiguredKey]>,
    /// What its models are for.
    capabilities: &'static [Capability],
    /// Whose models of the catalog it has, whatever it is called; nothing where its name says it.
    kind: Option<&'static str>,
}

impl Backend {
    /// A provider in this process, which knows the catalog's own names.
    pub(crate) fn local(provider: Arc<dyn Provider>) -> Self {
        let capabilities = Capability::ALL;
        Self { provider, rebase: None, rekey: None, keys: Arc::default(), capabilities, kind: None }
    }

    /// A provider somewhere else. What `rebase` makes of it stands below the address that it is given.
    pub(crate) fn remote(
        provider: Arc<dyn Provider>,
        rebase: impl Fn(&Url) -> Arc<dyn Provider> + Send + Sync + 'static,
    ) -> Self {
        Self { rebase: Some(Arc::new(rebase)), ..Self::local(provider) }
    }

    /// The same, of which `make` makes one with another credential, below an upstream where there is one. The
    /// configuration names these keys for it.
    pub(crate) fn with_secret(
        self,
        make: impl Fn(Option<&Url>, &Secret) -> Arc<dyn Provider> + Send + Sync + 'static,
        keys: Vec<ConfiguredKey>,
    ) -> Self {
        Self { rekey: Some(Arc::new(make)), keys: keys.into(), ..self }
    }

    /// The same, whose models are for no more than this.
    pub(crate) fn for_only(self, capabilities: &'static [Capability]) -> Self {
        Self { capabilities, ..self }
    }

    /// The same, which has the models that the catalog lists of this provider.
    pub(crate) fn of_kind(self, kind: &'static str) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// Whether it is asked over HTTP.
    pub(super) fn is_remote(&self) -> bool {
        self.rebase.is_some()
    }

    /// Whose models of the catalog it has; nothing where its name says it.
    pub(super) fn kind(&self) -> Option<&'static str> {
        self.kind
    }

    /// The keys that the configuration names.
    pub(super) fn keys(&self) -> &[ConfiguredKey] {
        &self.keys
    }

    /// The provider below an upstream where there is one, with a credential in place of its own where that can be.
    pub(super) fn with(&self, upstream: Option<&Url>, secret: Option<&Secret>) -> Arc<dyn Provider> {
        match (&self.rekey, secret) {
            (Some(rekey), Some(secret)) => rekey(upstream, secret),
            _ => self.at(upstream),
        }
    }

    fn at(&self, upstream: Option<&Url>) -> Arc<dyn Provider> {
        match (&self.rebase, upstream) {
            (Some(rebase), Some(upstream)) => rebase(upstream),
            _ => Arc::clone(&self.provider),
        }
    }

    /// What it calls a model of which the configuration says nothing.
    fn name_of(&self, model: &Model) -> Arc<str> {
        if !self.is_remote() {
            return Arc::clone(model.id());
        }
        name_at_provider(model)
    }
}

/// What the provider of the catalog calls a model. A publisher stands elsewhere in the paths of the provider that has
/// more than one.
pub(super) fn name_at_provider(model: &Model) -> Arc<str> {
    let name = &model.provider_model;
    name.strip_prefix(PUBLISHER).map_or_else(|| Arc::clone(name), Arc::from)
}

/// The configured providers by name, and how models are served where a world says nothing else.
#[derive(Default)]
pub(crate) struct Network {
    pub(crate) backends: BTreeMap<Arc<str>, Backend>,
    pub(crate) plan: Plan,
    /// What holds for a model that says nothing else.
    pub(crate) defaults: Policy,
    /// Of everything that is left to chance.
    pub(crate) seed: u64,
    /// Whether governed calls go to the configured providers under their names wherever they come from, and not only
    /// below an upstream.
    pub(crate) direct: bool,
}

impl Network {
    /// The names of the providers, and what their models are for.
    pub(crate) fn capabilities(&self) -> BTreeMap<&str, &'static [Capability]> {
        self.backends.iter().map(|(name, backend)| (&**name, backend.capabilities)).collect()
    }

    /// Whether any provider is asked over HTTP.
    pub(crate) fn is_remote(&self) -> bool {
        self.backends.values().any(Backend::is_remote)
    }

    /// The routes of a new world, in which nothing has happened yet. Models that it has a plan of its own for follow
    /// that one. Below `upstream` it finds all providers that are asked over HTTP, and models without a plan are asked
    /// of those among them that have the names of their kinds.
    pub(crate) fn routing(&self, catalog: &Catalog, own: &Plan, upstream: Option<&Url>) -> Routing {
        let by_kind = upstream.map(|_| self.by_kind(catalog, own)).unwrap_or_default();
        let common = self.plan.iter().filter(|(id, _)| !own.contains_key(*id));
        let plans: Vec<_> = common.chain(own).chain(&by_kind).collect();
        if plans.is_empty() {
            return Routing::default();
        }
        let backends = self.backends.iter();
        let providers = backends.map(|(name, backend)| (name, (backend, backend.at(upstream)))).collect();
        let routed = |(id, plan): (&Arc<str>, &ModelPlan)| {
            Some((Arc::clone(id), self.model(catalog.find(id)?, plan, &providers)))
        };
        Routing::new(plans.into_iter().filter_map(routed).collect())
    }

    /// Where governed calls of a world go. The providers that are asked over HTTP are found below `upstream`, and
    /// `mock` plays those that are not asked.
    pub(crate) fn switchboard(
        &self,
        catalog: &Arc<Catalog>,
        upstream: Option<&Url>,
        mock: &Arc<dyn Provider>,
    ) -> Switchboard {
        let is_wired = (self.direct || upstream.is_some()) && self.is_remote();
        let backends = if is_wired { self.backends.clone() } else { BTreeMap::new() };
        Switchboard::new(backends, Arc::clone(catalog), upstream.cloned(), Arc::clone(mock))
    }

    /// A plan for every model that has none, and whose provider is asked over HTTP under the name of its kind.
    fn by_kind(&self, catalog: &Catalog, own: &Plan) -> Plan {
        let is_planned = |model: &Model| self.plan.contains_key(model.id()) || own.contains_key(model.id());
        let is_away = |model: &Model| {
            let backend = self.backends.get(&model.provider);
            backend.is_some_and(Backend::is_remote)
        };
        let served = catalog.models().filter(|model| !is_planned(model) && is_away(model));
        let planned = served.map(|model| {
            let routes = vec![RoutePlan { provider: Arc::clone(&model.provider), model: None, weight: 1 }];
            let plan = ModelPlan { routes, fallbacks: Vec::new(), policy: self.defaults.clone() };
            (Arc::clone(model.id()), plan)
        });
        planned.collect()
    }

    fn model(&self, model: &Model, plan: &ModelPlan, providers: &Providers<'_>) -> RoutedModel {
        let route = |route: &RoutePlan| {
            let (name, (backend, provider)) = providers.get_key_value(&route.provider)?;
            let id = route.model.clone().unwrap_or_else(|| backend.name_of(model));
            let identity = ModelIdentity { id, ..model.identity.clone() };
            let provider = Arc::clone(provider);
            let breaker = plan.policy.breaker;
            Some(Arc::new(Route::new(provider, Arc::clone(name), identity, route.weight, breaker)))
        };
        let routes = |plans: &[RoutePlan]| plans.iter().filter_map(&route).collect();
        RoutedModel::new(routes(&plan.routes), routes(&plan.fallbacks), plan.policy.clone(), self.seed)
    }
}

/// The providers of one world.
type Providers<'n> = BTreeMap<&'n Arc<str>, (&'n Backend, Arc<dyn Provider>)>;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Script, Scripted};
    use super::*;
    use crate::domain::clock::Moment;
    use crate::domain::inference::CompletionRequest;

    const NOW: Moment = Moment::from_micros(0);

    fn to(provider: &str, model: Option<&str>) -> RoutePlan {
        RoutePlan { provider: provider.into(), model: model.map(Into::into), weight: 2 }
    }

    fn plan(id: &str, routes: Vec<RoutePlan>) -> Plan {
        let policy = Policy::default();
        Plan::from([(id.into(), ModelPlan { routes, fallbacks: vec![to("away", Some("other"))], policy })])
    }

    fn network() -> Network {
        let scripted = |script: &Script| Arc::new(Scripted(script.clone())) as Arc<dyn Provider>;
        let (here, away) = (Script::default(), Script::default());
        let rebased = Script::saying(["rebased"]);
        let backends = BTreeMap::from([
            ("here".into(), Backend::local(scripted(&here))),
            ("away".into(), Backend::remote(scripted(&away), move |_| scripted(&rebased))),
        ]);
        let plan = plan("claude_3_haiku", vec![to("here", None), to("away", None)]);
        Network { backends, plan, ..Network::default() }
    }

    fn seen(routing: &Routing) -> serde_json::Value {
        serde_json::to_value(routing.view(NOW)).unwrap()
    }

    #[test]
    fn a_route_names_the_model_as_its_provider_does() {
        let catalog = Catalog::embedded().unwrap();
        let network = network();
        assert!(network.is_remote() && network.capabilities().keys().eq(&["away", "here"]));
        let route = |provider: &str, model: &str| {
            let (breaker, failures) = ("closed", 0);
            json!({
                "provider": provider, "model": model, "weight": 2, "breaker": breaker, "failures": failures,
            })
        };
        let haiku = "anthropic.claude-3-haiku-20240307-v1:0";
        let fallback = json!({ "provider": "away", "model": "other", "breaker": "closed", "failures": 0 });
        assert_eq!(
            seen(&network.routing(&catalog, &Plan::new(), None)),
            json!([{
                "model": "claude_3_haiku",
                "routes": [route("here", "claude_3_haiku"), route("away", haiku)],
                "fallbacks": [fallback],
            }])
        );
    }

    #[test]
    fn a_world_has_plans_of_its_own_beside_the_others() {
        let catalog = Catalog::embedded().unwrap();
        let network = network();
        let own = plan("claude_3_5_sonnet", vec![to("here", Some("mine"))]);
        let seen_models = |own: &Plan| {
            let routing = network.routing(&catalog, own, None);
            let routes = |id| routing.of(id).map(|model| model.routes.len());
            (routes("claude_3_haiku"), routes("claude_3_5_sonnet"))
        };
        assert_eq!(seen_models(&Plan::new()), (Some(2), None));
        assert_eq!(seen_models(&own), (Some(2), Some(1)));
        let own = plan("claude_3_haiku", vec![to("here", None)]);
        assert_eq!(seen_models(&own), (Some(1), None));
    }

    #[tokio::test]
    async fn what_is_away_is_found_below_the_upstream_of_a_world() {
        let catalog = Catalog::embedded().unwrap();
        let network = network();
        let upstream = Url::parse("http://127.0.0.1:9090/~w/x").unwrap();
        let routing = network.routing(&catalog, &Plan::new(), Some(&upstream));
        let routes = &routing.of("claude_3_haiku").unwrap().routes;
        let mut said = Vec::new();
        for route in routes {
            let answered = route.provider.complete(&route.identity, CompletionRequest::default(), None).await;
            said.push(answered.unwrap().answer.text);
        }
        assert_eq!(said, ["", "rebased"]);
    }

    #[test]
    fn below_an_upstream_the_other_models_are_asked_of_the_providers_of_their_kinds() {
        let catalog = Catalog::embedded().unwrap();
        let mut network = network();
        let remote = || {
            let provider = || Arc::new(Scripted(Script::default())) as Arc<dyn Provider>;
            Backend::remote(provider(), move |_| provider())
        };
        network.backends.insert("bedrock".into(), remote());
        let local = Backend::local(Arc::new(Scripted(Script::default())));
        network.backends.insert("vertex".into(), local);
        let upstream = Url::parse("http://127.0.0.1:9090").unwrap();
        let own = plan("claude_3_7_sonnet", vec![to("here", None)]);
        let providers = |upstream: Option<&Url>| {
            let routing = network.routing(&catalog, &own, upstream);
            let models = ["claude_3_haiku", "claude_3_7_sonnet", "claude_3_5_sonnet", "gemini-2.0-flash"];
            models.map(|id| routing.of(id).map(|model| model.routes[0].server.provider.to_string()))
        };
        let [common, own, other] = ["here", "here", "bedrock"].map(|name| Some(name.to_owned()));
        assert_eq!(providers(Some(&upstream)), [common.clone(), own.clone(), other, None]);
        assert_eq!(providers(None), [common, own, None, None]);
    }
}
