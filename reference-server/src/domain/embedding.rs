//! Embeddings: answered by the provider, billed.

use std::sync::Arc;

use super::call::{Call, CallError};
use super::catalog::{Capability, Model};
use super::inference::{EmbeddingRequest, Embeddings, ModelIdentity, ProviderError};
use super::ledger::Operation;
use super::{billing, shaping};
use crate::provider::{Fault, Provider};

/// Places texts in the model's space. Where the caller asks for no fault, the world's rules decide on one.
pub(crate) async fn embed(
    call: &Call,
    model: &Arc<Model>,
    mut request: EmbeddingRequest,
    fault: Option<Fault>,
) -> Result<Embeddings, CallError> {
    let world = &call.world;
    let fault = fault.or_else(|| world.strike(Operation::Embedding, model.id()));
    shaping::shape_embedding(&world.defects, &mut request);
    let identity = &shaping::answering(world, model, Capability::Embedding).identity;
    let embeddings = if shaping::embeds_nothing(&world.defects) {
        embed_something(&*world.provider, identity, request, fault).await?
    } else {
        world.provider.embed(identity, request, fault).await?
    };
    billing::bill(call, model, Operation::Embedding, embeddings.usage).await?;
    Ok(embeddings)
}

/// Has the texts embedded that say something; those that do not lie nowhere.
async fn embed_something(
    provider: &dyn Provider,
    model: &ModelIdentity,
    mut request: EmbeddingRequest,
    fault: Option<Fault>,
) -> Result<Embeddings, ProviderError> {
    let says_something = |text: &String| !text.trim().is_empty();
    let full: Vec<bool> = request.inputs.iter().map(says_something).collect();
    let nowhere = vec![0.0; request.dimensions.unwrap_or(model.dimensions)];
    request.inputs.retain(says_something);
    let mut embeddings = provider.embed(model, request, fault).await?;
    let mut vectors = embeddings.vectors.into_iter();
    embeddings.vectors = full
        .into_iter()
        .map(|full| if full { vectors.next().unwrap_or_default() } else { nowhere.clone() })
        .collect();
    Ok(embeddings)
}

#[cfg(test)]
mod tests {
    use super::super::faults::FaultRule;
    use super::super::testing::{self, TestWorld};
    use super::*;
    use crate::provider::FaultKind;

    async fn embedded(world: &TestWorld, inputs: &[&str]) -> Result<Embeddings, CallError> {
        let model = Arc::clone(world.world.catalog.find("cohere_english_v3").unwrap());
        let inputs = inputs.iter().map(|&text| text.to_owned()).collect();
        let request = EmbeddingRequest { inputs, dimensions: Some(4) };
        embed(&world.call("embedding_only"), &model, request, None).await
    }

    #[tokio::test]
    async fn a_text_of_nothing_is_refused_unless_a_defect_puts_it_nowhere() {
        let world = testing::world();
        let refused = embedded(&world, &["one", " "]).await;
        assert!(matches!(refused, Err(CallError::Provider(ProviderError::Rejected(_)))), "{refused:?}");
        let sound = embedded(&world, &["one", "two"]).await.unwrap().vectors;
        world.break_with(Some("empty-embedding-accepted"));
        let broken = embedded(&world, &["", "one", " ", "two"]).await.unwrap().vectors;
        let nowhere = vec![0.0; 4];
        assert_eq!(broken, [nowhere.clone(), sound[0].clone(), nowhere, sound[1].clone()]);
        assert!(embedded(&world, &[]).await.unwrap().vectors.is_empty());
    }

    #[tokio::test]
    async fn rules_strike_embeddings_too() {
        let world = testing::world();
        let rule = |operation| FaultRule {
            fault: FaultKind::Html.into(),
            model: None,
            operation: Some(operation),
            times: None,
            after: 0,
        };
        world.world.faults.arm(rule(Operation::Chat)).unwrap();
        assert!(embedded(&world, &["one"]).await.is_ok());
        world.world.faults.arm(rule(Operation::Embedding)).unwrap();
        let struck = embedded(&world, &["one"]).await;
        assert!(matches!(struck, Err(CallError::Provider(ProviderError::Malformed(_)))), "{struck:?}");
    }
}
