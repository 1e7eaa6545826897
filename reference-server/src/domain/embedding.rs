//! Embeddings: answered by the provider, billed.

use std::sync::Arc;

use super::call::{Call, CallError};
use super::catalog::{Capability, Model};
use super::inference::{EmbeddingRequest, Embeddings};
use super::ledger::Operation;
use super::{billing, shaping};
use crate::provider::Fault;

/// Places texts in the model's space.
pub(crate) async fn embed(
    call: &Call,
    model: &Arc<Model>,
    request: EmbeddingRequest,
    fault: Option<Fault>,
) -> Result<Embeddings, CallError> {
    let answering = shaping::answering(&call.world, model, Capability::Embedding);
    let embeddings = call.world.provider.embed(&answering.identity, request, fault).await?;
    billing::bill(call, model, Operation::Embedding, embeddings.usage).await?;
    Ok(embeddings)
}
