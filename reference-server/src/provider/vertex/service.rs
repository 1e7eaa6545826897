use std::sync::Arc;

use url::Url;

use super::ServiceAccount;
use super::tokens::Tokens;
use crate::provider::http::{Client, Secret, Timeouts, percent_encoded};

/// A service that speaks the wire.
#[derive(Clone)]
pub(super) enum Service {
    /// Vertex AI, which takes tokens. Models stand below this path, which names a project and a location.
    Vertex { models: String, tokens: Arc<Tokens> },
    /// The Gemini API, which takes a key.
    Gemini { key: Secret },
}

impl Service {
    /// Vertex AI, with the models of a project at a location, for this account.
    pub(super) fn vertex(
        client: Client,
        timeouts: Timeouts,
        (project, location): (&str, &str),
        account: ServiceAccount,
    ) -> Self {
        let (project, location) = (percent_encoded(project), percent_encoded(location));
        let models = format!("v1/projects/{project}/locations/{location}/publishers/google/models");
        Self::Vertex { models, tokens: Arc::new(Tokens::new(client, timeouts, account)) }
    }

    /// The same service as the simulator plays it, and where it does below its own address.
    pub(super) fn rebased(&self, upstream: &Url) -> (&'static str, Self) {
        match self {
            Self::Vertex { models, tokens } => {
                let tokens = Arc::new(tokens.rebased(upstream));
                ("vertex", Self::Vertex { models: models.clone(), tokens })
            }
            Self::Gemini { .. } => ("gemini", self.clone()),
        }
    }

    /// Every credential that is known beforehand.
    pub(super) fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Vertex { .. } => Vec::new(),
            Self::Gemini { key } => vec![key],
        }
    }

    /// What stands before the names of models.
    pub(super) fn models(&self) -> &str {
        match self {
            Self::Vertex { models, .. } => models,
            Self::Gemini { .. } => "v1beta/models",
        }
    }
}
