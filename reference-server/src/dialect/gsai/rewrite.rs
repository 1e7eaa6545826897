//! The seam at which defects falsify answers. With no defect on, every function gives back what it is given.

use std::sync::Arc;

use uuid::Uuid;

use super::wire::{ChatUsage, EmbeddingItem, EmbeddingUsage, ModelItem};
use crate::defect::{Defect, DefectSet};
use crate::domain::catalog::Model;
use crate::domain::inference::Usage;
use crate::domain::world::World;

/// Whether the model listing is put into an object.
pub(super) fn wraps_listing(defects: &DefectSet) -> bool {
    defects.has(Defect::ModelsWrapped)
}

/// An item of the model listing.
pub(super) fn listed<'a>(defects: &DefectSet, model: &'a Model) -> ModelItem<'a> {
    let named = !defects.has(Defect::ModelNamesMissing);
    ModelItem { name: named.then_some(&*model.name), id: model.id(), capability: model.capability }
}

/// The model that an answer names: the one asked for.
pub(super) fn echoed(world: &World, model: &Model) -> Arc<str> {
    let other = if world.defects.has(Defect::WrongModelEchoed) {
        world.catalog.another_than(model.id())
    } else {
        None
    };
    Arc::clone(other.map_or_else(|| model.id(), |other| other.id()))
}

/// The model that an embedding names.
pub(super) fn echoed_embedding(world: &World, model: &Model) -> Arc<str> {
    if world.defects.has(Defect::ProviderModelLeaked) {
        return Arc::clone(&model.provider_model);
    }
    echoed(world, model)
}

/// The text of an answer, or of a part of it.
pub(super) fn content<'a>(defects: &DefectSet, text: &'a str) -> &'a str {
    if defects.has(Defect::EmptyAnswer) { "" } else { text }
}

/// The usage of a chat completion.
pub(super) fn chat_usage(defects: &DefectSet, usage: Usage) -> Option<ChatUsage> {
    let mut usage = ChatUsage::from(usage);
    if defects.has(Defect::UsageDoesNotAddUp) {
        usage.total_tokens += 1;
    }
    (!defects.has(Defect::ChatUsageMissing)).then_some(usage)
}

/// The usage of an embedding.
pub(super) fn embedding_usage(defects: &DefectSet, usage: Usage) -> Option<EmbeddingUsage> {
    (!defects.has(Defect::EmbeddingUsageMissing)).then(|| usage.into())
}

/// The vectors of an embedding.
pub(super) fn vectors<'a>(defects: &DefectSet, vectors: &'a [Vec<f32>]) -> Vec<EmbeddingItem<'a>> {
    if defects.has(Defect::EmbeddingVectorsMissing) {
        return Vec::new();
    }
    let items = vectors.iter().enumerate();
    items.map(|(index, embedding)| EmbeddingItem { object: "embedding", embedding, index }).collect()
}

/// The request id that the body of a 500 carries.
pub(super) fn shown_request_id(defects: &DefectSet, id: Uuid) -> Option<Uuid> {
    (!defects.has(Defect::RequestIdMissing)).then_some(id)
}

/// The request id that the log carries.
pub(super) fn logged_request_id(defects: &DefectSet, id: Uuid) -> Option<Uuid> {
    (!defects.has(Defect::RequestIdNotLogged)).then_some(id)
}
