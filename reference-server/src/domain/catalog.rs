//! The models on offer.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::inference::{ModelIdentity, Usage};
use super::ledger::Operation;
use crate::defect::{Defect, DefectSet};

const FIXTURE: &str = include_str!("../../../fixtures/models.yaml");
/// What stands before the names of Google's models.
const PUBLISHER: &str = "google/";

/// What a model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Capability {
    Chat,
    Embedding,
}

impl Capability {
    /// All that there are.
    pub(crate) const ALL: &'static [Self] = &[Self::Chat, Self::Embedding];

    /// The word for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedding => "embedding",
        }
    }
}

/// US dollars a million tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Price {
    pub(crate) input: Decimal,
    pub(crate) output: Decimal,
}

impl Price {
    /// What so many tokens cost, to the last digit.
    pub(crate) fn cost(&self, usage: Usage) -> Decimal {
        let per_million = Decimal::from(usage.input_tokens)
            .saturating_mul(self.input)
            .saturating_add(Decimal::from(usage.output_tokens).saturating_mul(self.output));
        per_million.saturating_mul(Decimal::new(1, 6)).normalize()
    }
}

/// One model.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) identity: ModelIdentity,
    /// What the listing shows.
    pub(crate) name: Box<str>,
    pub(crate) capability: Capability,
    /// Who runs it: `bedrock`, `vertex`.
    pub(crate) provider: Arc<str>,
    /// The provider's own name for it.
    pub(crate) provider_model: Arc<str>,
    pub(crate) price: Price,
    /// Whether it goes on with an answer that the caller has begun.
    pub(crate) takes_prefill: bool,
    /// The dialects that offer it.
    dialects: Vec<String>,
}

impl Model {
    /// Whether it is on offer in a dialect.
    pub(crate) fn is_offered_in(&self, dialect: &str) -> bool {
        self.dialects.iter().any(|name| name == dialect)
    }

    /// The id that callers use.
    pub(crate) fn id(&self) -> &Arc<str> {
        &self.identity.id
    }

    /// Whether this is one of its names: its id, or what its provider calls it.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        &**self.id() == name || &*self.provider_model == name || self.id_at_provider() == name
    }

    /// Whether nobody here knows it, because it is only what a caller has named.
    pub(crate) fn is_stranger(&self) -> bool {
        self.dialects.is_empty()
    }

    /// What its provider calls it. A publisher stands elsewhere in the provider's paths.
    fn id_at_provider(&self) -> &str {
        self.provider_model.strip_prefix(PUBLISHER).unwrap_or(&self.provider_model)
    }
}

/// Why a model cannot be used as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ModelRefusal {
    #[error("no such model")]
    Unknown,
    #[error("the model cannot do this")]
    Incapable,
}

/// Why the embedded catalog cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CatalogError {
    #[error("read fixtures/models.yaml: {0}")]
    Yaml(String),
    #[error("read fixtures/models.yaml, model {model}: {text:?} is no price")]
    Price { model: String, text: String },
}

/// The models, in the order in which they are listed.
#[derive(Debug)]
pub(crate) struct Catalog {
    models: Vec<Arc<Model>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    models: Vec<Entry>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    name: String,
    capability: Capability,
    family: String,
    provider: String,
    provider_model: String,
    price: PriceEntry,
    #[serde(default)]
    dimensions: usize,
    context_tokens: Option<u64>,
    #[serde(default)]
    thinks: bool,
    #[serde(default)]
    hears: bool,
    #[serde(default)]
    takes_prefill: bool,
    dialects: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceEntry {
    input: String,
    output: String,
}

impl Catalog {
    /// The catalog that the binary carries.
    pub(crate) fn embedded() -> Result<Self, CatalogError> {
        Self::of(entries()?.into_iter())
    }

    /// The same models as their providers offer them: under the providers' own names, each in its provider's dialect.
    pub(crate) fn of_providers() -> Result<Self, CatalogError> {
        Self::of(entries()?.into_iter().flat_map(at_provider))
    }

    fn of(entries: impl Iterator<Item = Entry>) -> Result<Self, CatalogError> {
        let models: Result<_, _> = entries.map(model).collect();
        Ok(Self { models: models? })
    }

    /// The model with this id.
    pub(crate) fn find(&self, id: &str) -> Option<&Arc<Model>> {
        self.models.iter().find(|model| &**model.id() == id)
    }

    /// All models.
    pub(crate) fn models(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.models.iter()
    }

    /// The ids of all models.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> + Clone {
        self.models.iter().map(|model| &**model.id())
    }

    /// A model that nobody here knows, for a provider that may. It has no price.
    pub(crate) fn stranger(provider: &Arc<str>, name: &str, operation: Operation) -> Arc<Model> {
        let id: Arc<str> = name.into();
        let free = Price { input: Decimal::ZERO, output: Decimal::ZERO };
        Arc::new(Model {
            identity: ModelIdentity {
                id: Arc::clone(&id),
                family: Arc::clone(provider),
                dimensions: 0,
                context_tokens: None,
                thinks: false,
                hears: false,
            },
            name: name.into(),
            capability: operation.needs(),
            provider: Arc::clone(provider),
            provider_model: id,
            price: free,
            takes_prefill: false,
            dialects: Vec::new(),
        })
    }

    /// The first model that can do this.
    pub(crate) fn first(&self, capability: Capability) -> Option<&Arc<Model>> {
        self.models.iter().find(|model| model.capability == capability)
    }

    /// The first model that can do this and is on offer where this one is.
    pub(crate) fn first_beside(&self, model: &Model, capability: Capability) -> Option<&Arc<Model>> {
        let is_beside = |other: &Model| model.dialects.iter().any(|dialect| other.is_offered_in(dialect));
        self.models.iter().find(|other| other.capability == capability && is_beside(other))
    }

    /// The first model with another id.
    pub(crate) fn another_than(&self, id: &str) -> Option<&Arc<Model>> {
        self.models.iter().find(|model| &**model.id() != id)
    }

    /// Another model of the same provider that does the same, as that knows it, for one that it calls so.
    pub(crate) fn beside_at_provider(&self, id: &str) -> Option<ModelIdentity> {
        let own = self.models.iter().find(|model| model.id_at_provider() == id)?;
        let is_beside = |other: &&Arc<Model>| {
            other.provider == own.provider
                && other.capability == own.capability
                && other.id_at_provider() != id
        };
        let other = self.models.iter().find(is_beside)?;
        Some(ModelIdentity { id: other.id_at_provider().into(), ..other.identity.clone() })
    }

    /// The model to use for what is asked in a dialect: it must be on offer there, then be capable.
    pub(crate) fn for_use(
        &self,
        dialect: &str,
        id: &str,
        needed: Capability,
        defects: &DefectSet,
    ) -> Result<&Arc<Model>, ModelRefusal> {
        let offered = |model: &&Arc<Model>| model.is_offered_in(dialect);
        let stand_in = || {
            let capable = self.models.iter().filter(offered).find(|model| model.capability == needed);
            capable.filter(|_| defects.has(Defect::UnknownModelAccepted))
        };
        let model = self.find(id).filter(offered).or_else(stand_in).ok_or(ModelRefusal::Unknown)?;
        let waived = || match needed {
            Capability::Chat => defects.has(Defect::EmbeddingModelChats),
            Capability::Embedding => defects.has(Defect::ChatModelEmbeds),
        };
        if model.capability == needed || waived() { Ok(model) } else { Err(ModelRefusal::Incapable) }
    }

    /// The models that a caller is shown in a dialect.
    pub(crate) fn listed(&self, dialect: &str, defects: &DefectSet) -> impl Iterator<Item = &Model> {
        let hides_chat = defects.has(Defect::ChatModelsHidden);
        let hides_embedding = defects.has(Defect::EmbeddingModelsHidden);
        let offered = self.models.iter().filter(move |model| model.is_offered_in(dialect));
        offered.map(|model| &**model).filter(move |model| match model.capability {
            Capability::Chat => !hides_chat,
            Capability::Embedding => !hides_embedding,
        })
    }
}

fn entries() -> Result<Vec<Entry>, CatalogError> {
    let fixture: Result<Fixture, _> = serde_saphyr::from_str(FIXTURE);
    Ok(fixture.map_err(|error| CatalogError::Yaml(error.to_string()))?.models)
}

/// A model where it runs. Who sells models under dated names also answers to the name without a date, which is the id
/// that callers use here.
fn at_provider(entry: Entry) -> impl Iterator<Item = Entry> {
    // The publisher stands elsewhere in the provider's paths.
    let own = entry.provider_model.strip_prefix(PUBLISHER).unwrap_or(&entry.provider_model).to_owned();
    let dated = matches!(&*entry.provider, "openai" | "anthropic" | "gemini") && own != entry.id;
    let undated = dated.then(|| entry.id.clone());
    let named = move |id: String| Entry {
        provider_model: id.clone(),
        id,
        dialects: vec![entry.provider.clone()],
        ..entry.clone()
    };
    [own].into_iter().chain(undated).map(named)
}

fn model(entry: Entry) -> Result<Arc<Model>, CatalogError> {
    let price = Price {
        input: amount(&entry.id, entry.price.input)?,
        output: amount(&entry.id, entry.price.output)?,
    };
    Ok(Arc::new(Model {
        identity: ModelIdentity {
            id: entry.id.into(),
            family: entry.family.into(),
            dimensions: entry.dimensions,
            context_tokens: entry.context_tokens,
            thinks: entry.thinks,
            hears: entry.hears,
        },
        name: entry.name.into(),
        capability: entry.capability,
        provider: entry.provider.into(),
        provider_model: entry.provider_model.into(),
        price,
        takes_prefill: entry.takes_prefill,
        dialects: entry.dialects,
    }))
}

fn amount(model: &str, text: String) -> Result<Decimal, CatalogError> {
    match Decimal::from_str_exact(&text) {
        Ok(amount) => Ok(amount),
        Err(_) => Err(CatalogError::Price { model: model.to_owned(), text }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_models_stand_in_the_documented_order() {
        let catalog = Catalog::embedded().unwrap();
        let ids: Vec<_> = catalog.listed("gsai", &DefectSet::default()).map(|model| &**model.id()).collect();
        assert_eq!(
            ids,
            [
                "claude_3_5_sonnet",
                "claude_3_7_sonnet",
                "claude_3_haiku",
                "llama3211b",
                "cohere_english_v3",
                "gemini-2.0-flash",
                "gemini-2.0-flash-lite",
                "gemini-2.5-pro-preview-05-06",
                "text-embedding-005",
            ]
        );
        assert_eq!(&*catalog.find("cohere_english_v3").unwrap().name, "Cohere English Ebmeddings");
    }

    #[test]
    fn both_families_chat_and_embed() {
        let catalog = Catalog::embedded().unwrap();
        for capability in [Capability::Chat, Capability::Embedding] {
            for family in ["Bedrock", "Vertex AI"] {
                assert!(
                    catalog
                        .models
                        .iter()
                        .any(|model| model.capability == capability && &*model.identity.family == family),
                    "{family} has no model for {capability:?}"
                );
            }
        }
    }

    #[test]
    fn a_provider_offers_its_models_under_its_own_names() {
        let catalog = Catalog::of_providers().unwrap();
        let offered = |provider| -> Vec<_> {
            catalog.listed(provider, &DefectSet::default()).map(|model| &**model.id()).collect()
        };
        let bedrock = offered("bedrock");
        assert!(bedrock.contains(&"anthropic.claude-3-5-sonnet-20241022-v2:0"), "{bedrock:?}");
        assert!(bedrock.contains(&"cohere.embed-english-v3") && !bedrock.contains(&"claude_3_haiku"));
        let vertex = offered("vertex");
        assert!(vertex.contains(&"gemini-2.0-flash-001") && vertex.contains(&"text-embedding-005"));
        let openai = offered("openai");
        assert!(openai.contains(&"gpt-4.1-mini-2025-04-14") && openai.contains(&"gpt-4.1-mini"));
        assert_eq!(openai.iter().filter(|id| **id == "text-embedding-3-small").count(), 1);
        // No model is left out, and each has one provider.
        for model in &Catalog::embedded().unwrap().models {
            let own = model.id_at_provider();
            let of = ["openai", "anthropic", "gemini", "bedrock", "vertex"];
            let providers: Vec<_> = of.into_iter().filter(|name| offered(name).contains(&own)).collect();
            assert_eq!(providers.len(), 1, "{}", model.id());
        }
    }

    #[test]
    fn a_stranger_costs_nothing_and_is_what_it_is_asked_for() {
        let model = Catalog::stranger(&"openai".into(), "no-such", Operation::Embedding);
        assert!(model.is_stranger() && model.is_called("no-such"));
        assert!(!Catalog::embedded().unwrap().find("claude_3_haiku").unwrap().is_stranger());
        assert_eq!(
            (model.capability, model.price.cost(Usage::of(9, 9))),
            (Capability::Embedding, Decimal::ZERO)
        );
    }

    #[test]
    fn a_cost_is_exact_and_tells_input_from_output() {
        let catalog = Catalog::embedded().unwrap();
        let price = catalog.find("claude_3_5_sonnet").unwrap().price;
        let usage = |input_tokens, output_tokens| Usage::of(input_tokens, output_tokens);
        let cost = price.cost(usage(11, 7));
        assert_eq!(cost.to_string(), "0.000138");
        let swapped = price.cost(usage(7, 11));
        assert_ne!(cost, swapped);
        assert!(price.cost(usage(u64::MAX, u64::MAX)) > cost);
    }

    #[test]
    fn no_two_components_cost_the_same() {
        let catalog = Catalog::embedded().unwrap();
        for model in &catalog.models {
            assert_ne!(model.price.input, model.price.output, "{}", model.id());
            assert_eq!(model.capability == Capability::Embedding, model.identity.dimensions > 0);
        }
    }

    #[test]
    fn every_chat_model_has_a_context_and_one_a_small_one() {
        let catalog = Catalog::embedded().unwrap();
        for model in &catalog.models {
            assert_eq!(model.capability == Capability::Chat, model.identity.context_tokens.is_some());
        }
        assert_eq!(catalog.find("llama3211b").unwrap().identity.context_tokens, Some(8_192));
    }

    #[test]
    fn a_model_must_exist_before_it_can_be_incapable() {
        let catalog = Catalog::embedded().unwrap();
        let none = DefectSet::default();
        assert_eq!(
            catalog.for_use("gsai", "no-such", Capability::Chat, &none).unwrap_err(),
            ModelRefusal::Unknown
        );
        assert_eq!(
            catalog.for_use("gsai", "cohere_english_v3", Capability::Chat, &none).unwrap_err(),
            ModelRefusal::Incapable
        );
        assert!(catalog.for_use("gsai", "cohere_english_v3", Capability::Embedding, &none).is_ok());
    }

    #[test]
    fn a_defect_lets_the_first_capable_model_stand_in_for_an_unknown_one() {
        let catalog = Catalog::embedded().unwrap();
        let defects = DefectSet::default();
        defects.set(&["unknown-model-accepted".parse().unwrap()]);
        let stand_in =
            |needed| catalog.for_use("gsai", "no-such", needed, &defects).unwrap().id().to_string();
        assert_eq!(stand_in(Capability::Chat), "claude_3_5_sonnet");
        assert_eq!(stand_in(Capability::Embedding), "cohere_english_v3");
    }
}
