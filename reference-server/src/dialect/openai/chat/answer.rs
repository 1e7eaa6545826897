use axum::body::Body;
use axum::http::StatusCode;

use super::request::{self, ChatRequest};
use super::stream;
use super::wire::ChatCompletion;
use crate::aside::aside;
use crate::dialect::common::Answer;
use crate::dialect::openai::error::{Refusal, json_response};
use crate::dialect::openai::exchange::Exchange;
use crate::dialect::openai::sampling::Delivery;
use crate::domain::call::Call;
use crate::domain::completion;
use crate::domain::ledger::Operation;
use crate::domain::scope::Scope;

/// The member in which the prompt stands.
pub(super) const PROMPT: &str = "messages";

/// Answers a chat request.
pub(in crate::dialect::openai) async fn answer(
    exchange: &Exchange<'_>,
    call: &Call,
    body: Body,
) -> Result<Answer, Refusal> {
    let (body, mut share) = exchange.json(body).await?;
    let asked = request::read(&body)?;
    let model = exchange.model(asked.model, Operation::Chat)?;
    let ChatRequest { completion: request, delivery, .. } = asked.for_model(model)?;
    exchange.authorize(call, Scope::ModelsInference)?;
    let fault = exchange.fault()?;
    // From here on nothing is asked of it any more.
    drop(body);
    exchange.make_room(&mut share, request.answer_size()).await?;
    let failed = |error| Refusal::failed(error, model.identity.context_tokens, PROMPT);
    if let Delivery::Streamed { usage } = delivery {
        let parts = completion::stream(call, model, request, fault).await.map_err(failed)?;
        let model = call.answered_by(model);
        return Ok(Answer::Streamed(stream::respond(exchange, model, parts, share, usage)));
    }
    let work = request.work();
    let completion = completion::complete(call, model, request, fault).await.map_err(failed)?;
    let (model, created) = (call.answered_by(model), exchange.world.clock.now().as_seconds());
    let body =
        aside(work, move || serde_json::to_vec(&ChatCompletion::new(created, model.id(), &completion)));
    let body = body.map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(Answer::Whole(json_response(StatusCode::OK, share.until_sent(body))))
}
