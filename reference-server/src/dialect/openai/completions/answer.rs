use axum::body::Body;
use axum::http::StatusCode;

use super::request;
use super::stream::{self, Told};
use super::wire::{Choice, TextCompletion};
use crate::dialect::common::Answer;
use crate::dialect::openai::error::{Refusal, json_response};
use crate::dialect::openai::exchange::Exchange;
use crate::dialect::openai::sampling::Delivery;
use crate::domain::call::Call;
use crate::domain::completion;
use crate::domain::ledger::Operation;
use crate::domain::scope::Scope;

/// The member in which the prompt stands.
pub(super) const PROMPT: &str = "prompt";

/// Answers a request. Each prompt is a question of its own.
pub(in crate::dialect::openai) async fn answer(
    exchange: &Exchange<'_>,
    call: &Call,
    body: Body,
) -> Result<Answer, Refusal> {
    let (body, share) = exchange.json(body).await?;
    let asked = request::read(&body)?;
    let model = exchange.model(asked.model, Operation::Chat)?;
    exchange.authorize(call, Scope::ModelsInference)?;
    let fault = exchange.fault()?;
    let (delivery, answers, echo) = (asked.delivery, asked.answers, asked.echo);
    let (prompts, like) = asked.into_questions();
    drop(body);
    let failed = |error| Refusal::failed(error, model.identity.context_tokens, PROMPT);
    if let (Delivery::Streamed { usage }, [prompt]) = (delivery, prompts.as_slice()) {
        let question = request::question(&like, prompt);
        let parts = completion::stream(call, model, question, fault).await.map_err(failed)?;
        let told = Told { usage, echo: echo.then(|| prompt.clone()) };
        return Ok(Answer::Streamed(stream::respond(exchange, model, parts, share, told)));
    }
    let questions = prompts.iter().map(|prompt| request::question(&like, prompt)).collect();
    let (completions, usage) =
        completion::complete_all(call, model, questions, fault).await.map_err(failed)?;
    let given = usize::try_from(answers).unwrap_or(usize::MAX);
    let choices = prompts.iter().zip(&completions).flat_map(|(prompt, completion)| {
        completion
            .answers()
            .take(given)
            .map(move |answer| Choice::whole(answer, echo.then_some(prompt.as_str())))
    });
    let created = exchange.world.clock.now().as_seconds();
    let body = TextCompletion::new(created, model.id(), choices.collect(), usage);
    let body = serde_json::to_vec(&body).map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(Answer::Whole(json_response(StatusCode::OK, share.until_sent(body))))
}
