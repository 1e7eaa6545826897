//! The seam at which defects falsify answers. With no defect on, every function gives back what it is given.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::error::{self, Failure, Refusal};
use super::wire::{ChatUsage, EmbeddingItem, EmbeddingUsage, ModelItem};
use crate::defect::{Defect, DefectSet};
use crate::dialect::common::Unanswered;
use crate::domain::call::CallError;
use crate::domain::catalog::Model;
use crate::domain::inference::{FinishReason, ProviderError, Usage};
use crate::domain::world::World;

/// What a careless gateway shows of itself.
const TRACE: &str = "Traceback (most recent call last):\n  \
    File \"/srv/gateway/app/backends/dispatch.py\", line 87, in dispatch\n    \
    return adapter.read(response)\nRuntimeError";

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

/// Why an answer ended.
pub(super) fn finish_reason<'a>(defects: &DefectSet, reason: &'a FinishReason) -> &'a FinishReason {
    if defects.has(Defect::FinishReasonAlwaysStop) { &FinishReason::Stop } else { reason }
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

/// The body of a 500: no more than the id under which the log tells the rest.
pub(super) fn failure(defects: &DefectSet, id: Uuid) -> Failure {
    Failure {
        detail: "Internal Server Error".into(),
        request_id: (!defects.has(Defect::RequestIdMissing)).then_some(id),
        exception: defects.has(Defect::StackTraceShown).then_some(TRACE),
    }
}

/// The body of a 500 that a provider's own error caused, of which nothing is shown but what a defect shows.
pub(super) fn provider_failure(defects: &DefectSet, id: Uuid, shown: Option<String>) -> Failure {
    let failure = failure(defects, id);
    match shown {
        Some(body) => Failure { detail: body.into(), ..failure },
        None => failure,
    }
}

/// What is shown of a provider's own error: nothing, unless a defect shows it.
pub(super) fn shown_body(defects: &DefectSet, error: &CallError) -> Option<String> {
    match error {
        CallError::Provider(ProviderError::Unmapped { body, .. })
            if defects.has(Defect::ProviderBodyShown) =>
        {
            Some(body.clone())
        }
        _ => None,
    }
}

/// What the log says of a call that failed.
pub(super) fn logged(defects: &DefectSet, error: &CallError) -> String {
    if matches!(error, CallError::Provider(ProviderError::Malformed(_)))
        && defects.has(Defect::ParseFailureNotLogged)
    {
        return String::new();
    }
    error.to_string()
}

/// What is answered where the provider has not.
pub(super) fn unanswered(defects: &DefectSet, reason: Unanswered, exception: String) -> Refusal {
    if matches!(reason, Unanswered::RateLimited { .. }) && defects.has(Defect::RateLimitAs400) {
        return Refusal::BadRequest(reason.words().to_owned());
    }
    Refusal::Unanswered { reason, exception }
}

/// The response to a refusal.
pub(super) fn refused(defects: &DefectSet, refusal: Refusal) -> Response {
    let is_routing = matches!(refusal, Refusal::NotFound | Refusal::MethodNotAllowed { .. });
    let mut response = refusal.into_response();
    if is_routing && defects.has(Defect::ErrorsInHtml) {
        *response.body_mut() = Body::from(error::page(response.status()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(error::PAGE));
    }
    response
}

/// The request id that the log carries.
pub(super) fn logged_request_id(defects: &DefectSet, id: Uuid) -> Option<Uuid> {
    (!defects.has(Defect::RequestIdNotLogged)).then_some(id)
}
