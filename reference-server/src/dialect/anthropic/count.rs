//! `POST /v1/messages/count_tokens`.

use std::pin::pin;

use axum::body::Body;
use axum::http::StatusCode;

use super::error::Refusal;
use super::exchange::{self, Exchange};
use super::request::{self, Purpose};
use super::respond;
use super::wire::Count;
use crate::dialect::common::{Answer, Repeats};
use crate::domain::call::Call;
use crate::domain::{completion, prompt_tokens};

/// Counts a prompt as an answer to it would.
pub(super) async fn answer(exchange: &Exchange<'_>, body: Body) -> Result<Answer, Refusal> {
    let call = exchange.authenticate()?;
    let answer = admitted(exchange, &call, body).await;
    exchange::billed(&call, answer).await
}

async fn admitted(exchange: &Exchange<'_>, call: &Call, body: Body) -> Result<Answer, Refusal> {
    exchange.admit(call)?;
    let (repeats, body) = Repeats::read(exchange, body).await?;
    repeats.once(exchange, call, pin!(counted(exchange, call, body))).await
}

async fn counted(exchange: &Exchange<'_>, call: &Call, body: Body) -> Result<Answer, Refusal> {
    let (body, share) = exchange.body(body).await?;
    let asked = request::read(&body, Purpose::Count)?;
    drop(body);
    let model = exchange.model(&asked.model)?;
    exchange.authorize(call)?;
    if let Some(mistake) = asked.foreign_thoughts
        && completion::is_answered_here(call, model)
    {
        return Err(mistake.into());
    }
    let input_tokens = prompt_tokens::count_of_any_length(call, model, &asked.completion).await?;
    let body = serde_json::to_vec(&Count { input_tokens });
    let body = body.map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(Answer::Whole(respond::json(StatusCode::OK, share.until_sent(body))))
}
