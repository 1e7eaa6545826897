//! A provider that has none of the models it is asked for.

use std::future::ready;

use futures::future::BoxFuture;

use super::{CompletionStream, Fault, Provider};
use crate::domain::inference::{
    Completion, CompletionRequest, EmbeddingRequest, Embeddings, ModelIdentity, ProviderError,
};

/// Stands where a provider is played and is asked for what no provider has: it does not know the model.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Absent;

fn unknown<'a, T: Send + 'a>(model: &ModelIdentity) -> BoxFuture<'a, Result<T, ProviderError>> {
    let told = format!("there is no model {}", model.id);
    Box::pin(ready(Err(ProviderError::UnknownModel(told))))
}

impl Provider for Absent {
    fn complete<'a>(
        &'a self,
        model: &'a ModelIdentity,
        _: CompletionRequest,
        _: Option<Fault>,
    ) -> BoxFuture<'a, Result<Completion, ProviderError>> {
        unknown(model)
    }

    fn stream<'a>(
        &'a self,
        model: &'a ModelIdentity,
        _: CompletionRequest,
        _: Option<Fault>,
    ) -> BoxFuture<'a, Result<CompletionStream, ProviderError>> {
        unknown(model)
    }

    fn count<'a>(
        &'a self,
        model: &'a ModelIdentity,
        _: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<u64, ProviderError>> {
        unknown(model)
    }

    fn embed<'a>(
        &'a self,
        model: &'a ModelIdentity,
        _: EmbeddingRequest,
        _: Option<Fault>,
    ) -> BoxFuture<'a, Result<Embeddings, ProviderError>> {
        unknown(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_model_is_known() {
        let model = ModelIdentity {
            id: "gpt-x".into(),
            family: "Test".into(),
            dimensions: 0,
            context_tokens: None,
            thinks: false,
            hears: false,
        };
        let unknown = Err(ProviderError::UnknownModel("there is no model gpt-x".to_owned()));
        let request = CompletionRequest::default();
        assert_eq!(Absent.complete(&model, request.clone(), None).await.map(drop), unknown);
        assert_eq!(Absent.stream(&model, request.clone(), None).await.map(drop), unknown);
        assert_eq!(Absent.count(&model, &request).await.map(drop), unknown);
        let request = EmbeddingRequest { inputs: Vec::new(), dimensions: None };
        assert_eq!(Absent.embed(&model, request, None).await.map(drop), unknown);
    }
}
