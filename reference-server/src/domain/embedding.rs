//! Embeddings: answered by the provider, billed.

use std::borrow::Cow;
use std::sync::Arc;

use futures::FutureExt;

use super::call::{Call, CallError};
use super::catalog::{Capability, Model};
use super::inference::{EmbeddingRequest, Embeddings, ModelIdentity, ProviderError};
use super::ledger::Operation;
use super::strikes::Strikes;
use super::{billing, routing, shaping};
use crate::defect::Defect;
use crate::provider::{Fault, Provider};

/// Places texts in the model's space. Where the caller asks for no fault, the world's rules decide on one.
pub(crate) async fn embed(
    call: &Call,
    model: &Arc<Model>,
    mut request: EmbeddingRequest,
    fault: Option<Fault>,
) -> Result<Embeddings, CallError> {
    let world = &call.world;
    let strikes = Strikes::of(world, Operation::Embedding, model.id(), fault);
    shaping::shape_embedding(&world.defects, &mut request);
    let embeddings = vectors(call, model, request, strikes).await?;
    billing::bill_to_the_end(call, model, Operation::Embedding, embeddings.usage).await?;
    Ok(embeddings)
}

/// The vectors of whoever serves the model.
async fn vectors(
    call: &Call,
    model: &Arc<Model>,
    request: EmbeddingRequest,
    mut strikes: Strikes<'_>,
) -> Result<Embeddings, ProviderError> {
    let world = &call.world;
    let embeds_nothing = shaping::embeds_nothing(&world.defects);
    let answering = call.answering(model, Capability::Embedding);
    let Some(routed) = call.routed(answering.id()) else {
        return of(&*world.provider, &answering.identity, request, strikes.next(), embeds_nothing).await;
    };
    let request = &request;
    let ask = move |route: Arc<routing::Route>, fault| {
        async move {
            let identity = told_of(call, &route);
            of(&*route.provider, &identity, request.clone(), fault, embeds_nothing).await
        }
        .boxed()
    };
    Box::pin(routing::ask(call, routed, || strikes.next(), ask)).await
}

/// The model as the provider of a route is told of it: what that calls it.
fn told_of<'r>(call: &Call, route: &'r routing::Route) -> Cow<'r, ModelIdentity> {
    if call.governed.is_some() && call.world.defects.has(Defect::PrefixForwarded) {
        let id = format!("{}/{}", route.server.provider, route.identity.id).into();
        return Cow::Owned(ModelIdentity { id, ..route.identity.clone() });
    }
    Cow::Borrowed(&route.identity)
}

/// The vectors of a provider.
async fn of(
    provider: &dyn Provider,
    model: &ModelIdentity,
    request: EmbeddingRequest,
    fault: Option<Fault>,
    embeds_nothing: bool,
) -> Result<Embeddings, ProviderError> {
    if embeds_nothing {
        embed_something(provider, model, request, fault).await
    } else {
        provider.embed(model, request, fault).await
    }
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
    use super::super::routing::Policy;
    use super::super::routing::testing::{Deed, Script, network};
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

    #[tokio::test]
    async fn a_governed_call_names_the_model_to_its_provider_as_that_calls_it_unless_a_defect_is_on() {
        const MODEL: &str = "text-embedding-3-small";
        let prefixed = format!("openai/{MODEL}");
        for (defect, name) in [(None, MODEL), (Some("prefix-forwarded"), prefixed.as_str())] {
            let world = testing::world();
            world.break_with(defect);
            let call = world.governed_call(Operation::Embedding, &prefixed);
            let told = |route: Arc<routing::Route>, _| {
                let told = told_of(&call, &route).id.to_string();
                async move { Ok::<_, ProviderError>(told) }.boxed()
            };
            let told = routing::ask(&call, call.routed("").unwrap(), || None, told).await;
            assert_eq!(told.as_deref(), Ok(name), "{defect:?}");
        }
    }

    #[tokio::test]
    async fn embeddings_go_on_to_the_next_route_too() {
        let away = Script::of([Deed::Fail(ProviderError::Unreachable(String::new()))]);
        let there = Script::default();
        let network = network("cohere_english_v3", Policy::default(), &[&away, &there]);
        let world = testing::world_over(network);
        assert_eq!(embedded(&world, &["one", "two"]).await.unwrap().vectors.len(), 2);
        assert_eq!((away.calls(), there.calls()), (1, 1));
    }
}
