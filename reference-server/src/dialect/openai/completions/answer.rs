use axum::body::Body;
use axum::http::StatusCode;

use super::request;
use super::stream::{self, Told};
use super::wire::{Choice, TextCompletion};
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
pub(super) const PROMPT: &str = "prompt";

/// Answers a request. Each prompt is a question of its own.
pub(in crate::dialect::openai) async fn answer(
    exchange: &Exchange<'_>,
    call: &Call,
    body: Body,
) -> Result<Answer, Refusal> {
    let (body, mut share) = exchange.json(body).await?;
    let asked = request::read(&body)?;
    let model = exchange.model(asked.model, Operation::Chat)?;
    exchange.authorize(call, Scope::ModelsInference)?;
    let fault = exchange.fault()?;
    let (delivery, answers, echo) = (asked.delivery, asked.answers, asked.echo);
    let (prompts, like) = asked.into_questions();
    drop(body);
    let given = usize::try_from(answers).unwrap_or(usize::MAX);
    let mut questions: Vec<_> = prompts.iter().map(|prompt| request::question(&like, prompt)).collect();
    let echoed = if echo { prompts.iter().map(String::len).sum::<usize>().saturating_mul(given) } else { 0 };
    let room = questions.iter().fold(echoed, |room, question| room.saturating_add(question.answer_size()));
    exchange.make_room(&mut share, room).await?;
    let failed = |error| Refusal::failed(error, model.identity.context_tokens, PROMPT);
    if let Delivery::Streamed { usage } = delivery
        && let ([prompt], Some(question)) = (prompts.as_slice(), questions.pop())
    {
        let parts = completion::stream(call, model, question, fault).await.map_err(failed)?;
        let told = Told { usage, echo: echo.then(|| prompt.clone()) };
        let model = call.answered_by(model);
        return Ok(Answer::Streamed(stream::respond(exchange, model, parts, share, told)));
    }
    let (completions, usage) =
        completion::complete_all(call, model, questions, fault).await.map_err(failed)?;
    let (model, created) = (call.answered_by(model), exchange.world.clock.now().as_seconds());
    let body = aside(room, move || {
        let choices = prompts.iter().zip(&completions).flat_map(|(prompt, completion)| {
            completion
                .answers()
                .take(given)
                .map(move |answer| Choice::whole(answer, echo.then_some(prompt.as_str())))
        });
        serde_json::to_vec(&TextCompletion::new(created, model.id(), choices.collect(), usage))
    });
    let body = body.map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(Answer::Whole(json_response(StatusCode::OK, share.until_sent(body))))
}
