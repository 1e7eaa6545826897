//! What a configuration may contain, as its authors write it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::environment::FromEnvironment;
use super::placed::Placed;
use crate::domain::catalog::Capability;

/// The file of `plumbline serve --config`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Configuration {
    /// Who answers, under names of your choosing.
    pub(super) providers: BTreeMap<String, Placed<ProviderEntry>>,
    /// How models are served, by their ids in the catalog. A model that is not here stays with the mock.
    pub(super) models: BTreeMap<String, Placed<ModelEntry>>,
    /// What holds for every model that says nothing else.
    pub(super) defaults: DefaultsEntry,
    /// The seed of weighted choices and of pauses, which are the same for the same seed. By default 0.
    pub(super) seed: u64,
}

/// Somebody who answers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderEntry {
    /// Which wire it speaks.
    pub(super) kind: Placed<Kind>,
    /// Its address, where it is not the provider's own.
    pub(super) url: Option<Placed<String>>,
    /// The API key. Kinds: `openai`, `anthropic`, `gemini`; also `bedrock`, instead of `credentials`.
    pub(super) key: Option<Placed<FromEnvironment>>,
    /// Several API keys, instead of `key`. Calls with virtual keys are spread over them; all others have the first.
    /// Kinds: `openai`, `anthropic`, `gemini`.
    pub(super) keys: Option<Placed<Vec<Placed<KeyEntry>>>>,
    /// The region. Kind: `bedrock`.
    pub(super) region: Option<Placed<String>>,
    /// What requests are signed with. Kind: `bedrock`.
    pub(super) credentials: Option<Placed<AwsEntry>>,
    /// The project. Kind: `vertex`.
    pub(super) project: Option<Placed<String>>,
    /// The location, such as `us-central1` or `global`. Kind: `vertex`.
    pub(super) location: Option<Placed<String>>,
    /// The service account's key in JSON, or the path of a file with it. Kind: `vertex`.
    pub(super) service_account: Option<Placed<FromEnvironment>>,
    /// How long it may take.
    pub(super) timeouts: Option<Placed<TimeoutsEntry>>,
}

/// The wires of providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// The deterministic models in this process.
    Mock,
    /// OpenAI's, and what many others speak.
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
    /// The Gemini API.
    Gemini,
    /// Google's Vertex AI.
    Vertex,
    /// Amazon's Bedrock.
    Bedrock,
}

impl Kind {
    /// The word for it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Mock => "mock",
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Vertex => "vertex",
            Self::Bedrock => "bedrock",
        }
    }

    /// What its models are for.
    pub(super) const fn capabilities(self) -> &'static [Capability] {
        match self {
            Self::Anthropic => &[Capability::Chat],
            Self::Mock | Self::OpenAi | Self::Gemini | Self::Vertex | Self::Bedrock => Capability::ALL,
        }
    }
}

/// One of several API keys of a provider.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyEntry {
    /// What it is called, among the provider's keys.
    pub(super) name: Placed<String>,
    /// The key itself.
    pub(super) key: Placed<FromEnvironment>,
    /// How often it is chosen, beside the others: from 0 to 1000. By default 1.
    pub(super) weight: Option<Placed<f64>>,
    /// The models that it is for. By default all of them.
    #[serde(default)]
    pub(super) models: Vec<Placed<String>>,
}

/// What requests to Bedrock are signed with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AwsEntry {
    /// The id of the access key.
    pub(super) access_key_id: Placed<FromEnvironment>,
    /// The secret access key.
    pub(super) secret_access_key: Placed<FromEnvironment>,
    /// The token of a session, where the credentials are temporary.
    pub(super) session_token: Option<Placed<FromEnvironment>>,
}

/// How long a provider may take, and for what. Durations are written like `500ms`, `30s` or `1m 30s`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TimeoutsEntry {
    /// For a connection to be made. By default 10 seconds.
    pub(super) connect: Option<Placed<String>>,
    /// For the head of the answer. By default 5 minutes.
    pub(super) first_byte: Option<Placed<String>>,
    /// Between one piece of the answer and the next. By default a minute.
    pub(super) idle: Option<Placed<String>>,
    /// For all of the answer. By default 10 minutes.
    pub(super) total: Option<Placed<String>>,
}

/// How a model is served.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelEntry {
    /// One of these is chosen for each request, by weight.
    pub(super) routes: Placed<Vec<Placed<RouteEntry>>>,
    /// These are asked in order once the chosen one has failed.
    #[serde(default)]
    pub(super) fallbacks: Vec<Placed<RouteEntry>>,
    /// How often a route is asked for one request.
    pub(super) retries: Option<RetriesEntry>,
    /// Most time for one attempt: until the answer, or until the first part of a stream. By default 2 minutes.
    pub(super) timeout: Option<Placed<String>>,
    /// Most time for all attempts and the pauses between them. By default 5 minutes.
    pub(super) deadline: Option<Placed<String>>,
    /// When a route that keeps failing is left alone. By default never.
    pub(super) breaker: Option<BreakerEntry>,
    /// Which requests stay with the same route. By default none.
    pub(super) sticky: Option<StickyEntry>,
}

/// One way to a model.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteEntry {
    /// The name of a provider.
    pub(super) provider: Placed<String>,
    /// What the provider calls the model. By default what the catalog says.
    pub(super) model: Option<Placed<String>>,
    /// How often it is chosen, beside the others. By default 1.
    pub(super) weight: Option<Placed<u32>>,
}

/// What holds for every model that says nothing else.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DefaultsEntry {
    /// How often a route is asked for one request.
    pub(super) retries: Option<RetriesEntry>,
    /// Most time for one attempt.
    pub(super) timeout: Option<Placed<String>>,
    /// Most time for all attempts and the pauses between them.
    pub(super) deadline: Option<Placed<String>>,
    /// When a route that keeps failing is left alone.
    pub(super) breaker: Option<BreakerEntry>,
}

/// How often a route is asked for one request, and how long is waited in between.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RetriesEntry {
    /// Most attempts at one route, the first included. By default 1.
    pub(super) attempts: Option<Placed<u32>>,
    /// The longest pause after the first attempt; it doubles with each further one. By default 200ms.
    pub(super) backoff: Option<Placed<String>>,
    /// The longest pause there is, also where a provider asks for one with `retry-after`. By default 5s.
    pub(super) most: Option<Placed<String>>,
}

/// When a route that keeps failing is left alone.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BreakerEntry {
    /// So many failures in a row open the breaker. By default 5.
    pub(super) failures: Option<Placed<u32>>,
    /// How long it stays open; then one call decides. By default 30s.
    pub(super) cooldown: Option<Placed<String>>,
}

/// Which requests stay with the same route.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StickyEntry {
    /// The header that names a session.
    pub(super) header: Placed<String>,
    /// How long a session stays where it is after its last request. By default 10m.
    pub(super) ttl: Option<Placed<String>>,
}
