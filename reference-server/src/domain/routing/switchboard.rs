//! Where governed calls go: the providers by their names, with whatever keys they are asked with.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use super::network::Backend;
use crate::domain::catalog::{Catalog, Model};
use crate::domain::governance::Weight;
use crate::provider::Provider;
use crate::provider::http::Secret;

/// A key of a provider that the configuration has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfiguredKey {
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    /// How often it is chosen, beside the others.
    pub(crate) weight: Weight,
    /// The models that it is for; all of them where there are none here.
    pub(crate) models: Vec<Arc<str>>,
    /// Its value; nothing where it is the provider's one credential.
    pub(crate) secret: Option<Secret>,
}

impl ConfiguredKey {
    /// The one credential of a provider that names no keys.
    fn only(provider: &str) -> Self {
        let name: Arc<str> = format!("{provider}-key").into();
        Self { id: Arc::clone(&name), name, weight: Weight::one(), models: Vec::new(), secret: None }
    }
}

/// The providers that the governed calls of one world can go to: those of the configuration where they are asked, and
/// those of the catalog, played in this process, where they are not.
pub(crate) struct Switchboard {
    /// Those that are asked; empty where the catalog's are played.
    backends: BTreeMap<Arc<str>, Backend>,
    /// The names in the catalog, each once, in its order; empty where the configuration's count.
    played: Vec<Arc<str>>,
    catalog: Arc<Catalog>,
    upstream: Option<Url>,
    mock: Arc<dyn Provider>,
}

impl Switchboard {
    pub(super) fn new(
        backends: BTreeMap<Arc<str>, Backend>,
        catalog: Arc<Catalog>,
        upstream: Option<Url>,
        mock: Arc<dyn Provider>,
    ) -> Self {
        let mut played: Vec<Arc<str>> = Vec::new();
        if backends.is_empty() {
            for model in catalog.models() {
                if !played.contains(&model.provider) {
                    played.push(Arc::clone(&model.provider));
                }
            }
        }
        Self { backends, played, catalog, upstream, mock }
    }

    /// The names of the providers.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.backends.keys().chain(&self.played)
    }

    /// The models of the catalog that a provider has, under whatever name the provider is there.
    pub(crate) fn models(&self, provider: &str) -> impl Iterator<Item = &Arc<Model>> {
        let kind = self.kind(provider);
        self.catalog.models().filter(move |model| kind.is_none_or(|kind| *kind == *model.provider))
    }

    /// The model that a provider has under one of its names. Where two share a name, the one whose id it is.
    pub(crate) fn model(&self, provider: &str, name: &str) -> Option<&Arc<Model>> {
        let by_id = self.models(provider).find(|model| **model.id() == *name);
        by_id.or_else(|| self.models(provider).find(|model| model.is_called(name)))
    }

    /// Who has a model that is named without its provider. Of several who have it that is the one with the catalog's
    /// own name, else the first of its kind.
    pub(crate) fn provider_of(&self, name: &str) -> Option<&Arc<str>> {
        let has_all = || self.names().find(|provider| self.kind(provider).is_none());
        let mut called = self.catalog.models().filter(|model| model.is_called(name));
        called.find_map(|model| self.of_kind(&model.provider).or_else(has_all))
    }

    /// The provider whose models of the catalog are those of this one: the one with its name, else the first of its
    /// kind.
    pub(crate) fn of_kind(&self, kind: &str) -> Option<&Arc<str>> {
        let of_it = self.names().filter(|name| self.is_of_kind(name, kind));
        of_it.min_by_key(|name| ***name != *kind)
    }

    /// Whether a provider's models of the catalog are those of this one.
    pub(crate) fn is_of_kind(&self, provider: &str, kind: &str) -> bool {
        self.kind(provider) == Some(kind)
    }

    /// The keys of a provider that there is, as the configuration has them: one at least.
    pub(crate) fn keys(&self, provider: &str) -> Vec<ConfiguredKey> {
        match self.backends.get(provider).map(Backend::keys) {
            Some(keys) if !keys.is_empty() => keys.to_vec(),
            _ => vec![ConfiguredKey::only(provider)],
        }
    }

    /// A provider, asked with this key in place of its own where it can be; nothing where there is none of this name.
    pub(crate) fn provider(&self, name: &str, secret: Option<&Secret>) -> Option<Arc<dyn Provider>> {
        match self.backends.get(name) {
            Some(backend) => Some(backend.with(self.upstream.as_ref(), secret)),
            None => self.has_played(name).then(|| Arc::clone(&self.mock)),
        }
    }

    /// Whether a provider is asked over HTTP.
    pub(crate) fn is_remote(&self, name: &str) -> bool {
        self.backends.get(name).is_some_and(Backend::is_remote)
    }

    /// Whose models of the catalog a provider has; nothing for one in this process that has them all.
    fn kind(&self, provider: &str) -> Option<&str> {
        let configured = self.backends.get(provider).and_then(Backend::kind);
        let mut in_catalog = self.catalog.models().map(|model| &*model.provider);
        configured.or_else(|| in_catalog.find(|name| **name == *provider))
    }

    fn has_played(&self, name: &str) -> bool {
        self.played.iter().any(|played| **played == *name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::network::Network;
    use super::super::testing::{Script, Scripted};
    use super::*;
    use crate::domain::inference::{CompletionRequest, ModelIdentity};

    fn says(text: &'static str) -> Arc<dyn Provider> {
        Arc::new(Scripted(Script::saying([text; 9])))
    }

    fn key(name: &str, secret: &str) -> ConfiguredKey {
        let name: Arc<str> = name.into();
        let secret = Some(Secret::new(secret));
        ConfiguredKey { id: Arc::clone(&name), name, weight: Weight::of(3), models: Vec::new(), secret }
    }

    /// A provider of two keys over HTTP, and one in this process.
    fn network(direct: bool) -> Network {
        let away = Backend::remote(says("configured"), |_| says("below"));
        let away = away.with_secret(
            |upstream, secret| says(if upstream.is_some() { "below, keyed" } else { secret_text(secret) }),
            vec![key("one", "keyed"), key("two", "keyed")],
        );
        let backends =
            BTreeMap::from([("openai".into(), away), ("mock".into(), Backend::local(says("here")))]);
        Network { backends, direct, ..Network::default() }
    }

    fn secret_text(secret: &Secret) -> &'static str {
        if secret.reveal() == "keyed" { "keyed" } else { "another" }
    }

    fn switchboard(direct: bool, upstream: Option<&str>) -> Switchboard {
        let upstream = upstream.map(|url| Url::parse(url).unwrap());
        let catalog = Arc::new(Catalog::embedded().unwrap());
        network(direct).switchboard(&catalog, upstream.as_ref(), &says("played"))
    }

    async fn said(switchboard: &Switchboard, name: &str, secret: Option<&str>) -> Option<String> {
        let provider = switchboard.provider(name, secret.map(Secret::new).as_ref())?;
        let model = ModelIdentity {
            id: "m".into(),
            family: "Test".into(),
            dimensions: 0,
            context_tokens: None,
            thinks: false,
            hears: false,
        };
        Some(provider.complete(&model, CompletionRequest::default(), None).await.unwrap().answer.text)
    }

    #[tokio::test]
    async fn the_catalogs_providers_are_played_where_no_others_are_asked() {
        let switchboard = switchboard(false, None);
        let names: Vec<_> = switchboard.names().map(|name| &**name).collect();
        assert!(names.contains(&"openai") && names.contains(&"bedrock"), "{names:?}");
        assert_eq!(names.iter().filter(|name| **name == "bedrock").count(), 1);
        assert!(!switchboard.is_remote("openai"));
        assert_eq!(said(&switchboard, "openai", Some("keyed")).await.as_deref(), Some("played"));
        assert_eq!(said(&switchboard, "nobody", None).await, None);
        assert_eq!(switchboard.keys("openai"), [ConfiguredKey::only("openai")]);
    }

    /// The providers of a configuration, which are called as its writer likes.
    fn called_otherwise() -> Switchboard {
        let away = |kind| Backend::remote(says("there"), |_| says("below")).of_kind(kind);
        let backends = BTreeMap::from([
            ("all".into(), Backend::local(says("here"))),
            ("east".into(), away("bedrock")),
            ("main".into(), away("openai")),
            ("nearby".into(), away("openai")),
        ]);
        let network = Network { backends, direct: true, ..Network::default() };
        network.switchboard(&Arc::new(Catalog::embedded().unwrap()), None, &says("played"))
    }

    #[test]
    fn a_provider_has_the_models_of_its_kind_under_all_of_their_names() {
        let switchboard = called_otherwise();
        let found = |provider, name| switchboard.model(provider, name).map(|model| &**model.id());
        for name in ["claude_3_haiku", "anthropic.claude-3-haiku-20240307-v1:0"] {
            assert_eq!(found("east", name), Some("claude_3_haiku"));
            assert_eq!(found("main", name), None);
            assert_eq!(found("all", name), Some("claude_3_haiku"));
        }
        assert_eq!(found("nearby", "gpt-4.1-mini-2025-04-14"), Some("gpt-4.1-mini"));
        let played = self::switchboard(false, None);
        assert!(played.model("openai", "gpt-4o").is_some());
        assert!(played.model("openai", "claude_3_haiku").is_none());
        assert!(switchboard.models("main").all(|model| &*model.provider == "openai"));
    }

    #[test]
    fn a_model_without_a_provider_is_found_where_it_is_had() {
        let switchboard = called_otherwise();
        let name = |found: Option<&Arc<str>>| found.map(ToString::to_string);
        for (model, provider) in [
            ("gpt-4o", Some("main")),
            ("claude_3_haiku", Some("east")),
            // Nobody but who has them all has this one.
            ("gemini-2.5-flash", Some("all")),
            ("no-such", None),
        ] {
            assert_eq!(name(switchboard.provider_of(model)).as_deref(), provider, "{model}");
        }
        assert_eq!(name(switchboard.of_kind("openai")).as_deref(), Some("main"));
        assert_eq!(switchboard.of_kind("gemini"), None);
        // The catalog's own name goes before the others of its kind.
        let backend = || Backend::remote(says("there"), |_| says("below")).of_kind("openai");
        let backends = BTreeMap::from([("a".into(), backend()), ("openai".into(), backend())]);
        let network = Network { backends, direct: true, ..Network::default() };
        let named = network.switchboard(&Arc::new(Catalog::embedded().unwrap()), None, &says("played"));
        assert_eq!(name(named.of_kind("openai")).as_deref(), Some("openai"));
    }

    #[tokio::test]
    async fn the_configured_providers_are_asked_directly_and_below_an_upstream() {
        for (upstream, own, keyed) in
            [(None, "configured", "keyed"), (Some("http://127.0.0.1:9090/~w/x"), "below", "below, keyed")]
        {
            let switchboard = switchboard(upstream.is_none(), upstream);
            let names: Vec<_> = switchboard.names().map(|name| &**name).collect();
            assert_eq!(names, ["mock", "openai"]);
            assert!(switchboard.is_remote("openai") && !switchboard.is_remote("mock"));
            assert_eq!(said(&switchboard, "openai", None).await.as_deref(), Some(own));
            assert_eq!(said(&switchboard, "openai", Some("keyed")).await.as_deref(), Some(keyed));
            assert_eq!(said(&switchboard, "mock", Some("keyed")).await.as_deref(), Some("here"));
            assert_eq!(said(&switchboard, "bedrock", None).await, None);
            let keys = switchboard.keys("openai").into_iter().map(|key| key.name.to_string());
            assert_eq!(keys.collect::<Vec<_>>(), ["one", "two"]);
            assert_eq!(switchboard.keys("mock").len(), 1);
        }
    }
}
