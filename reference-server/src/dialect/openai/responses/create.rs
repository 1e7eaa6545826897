//! `POST /v1/responses`.

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::Value;

use super::object::{Response, Status, items};
use super::request::ResponseRequest;
use super::{history, stream};
use crate::aside::aside;
use crate::dialect::common::Answer;
use crate::dialect::openai::error::{Refusal, json_response};
use crate::dialect::openai::exchange::Exchange;
use crate::dialect::openai::words;
use crate::domain::call::Call;
use crate::domain::completion;
use crate::domain::ledger::Operation;
use crate::domain::scope::Scope;
use crate::domain::stored_response::StoredResponse;
use crate::store::StoreError;

/// The member in which the prompt stands.
const PROMPT: &str = "input";
/// How often the tokens of a stream are told at its end, each time with all of their alternatives.
const TELLINGS: usize = 4;

/// What is kept of a response beside itself, where it is kept.
pub(super) struct Keeping {
    call: Call,
    previous: Option<String>,
    input: String,
}

impl Keeping {
    /// Keeps a response, as it is told.
    pub(super) async fn keep(self, id: String, response: String) -> Result<(), StoreError> {
        let Self { call, previous, input } = self;
        let stored = StoredResponse { id, key_id: call.key.id, previous, input, response };
        call.world.responses.keep(stored).await
    }
}

/// Makes a response.
pub(in crate::dialect::openai) async fn create(
    exchange: &Exchange<'_>,
    call: &Call,
    body: Body,
) -> Result<Answer, Refusal> {
    let (body, mut share) = exchange.json(body).await?;
    let mut asked = words::read(&body, ResponseRequest::read)?;
    let model = exchange.model(asked.model, Operation::Chat)?;
    exchange.authorize(call, Scope::ModelsInference)?;
    let earlier = history::earlier(exchange, call, asked.previous, &mut share).await?;
    let request = asked.question(model, earlier)?;
    let fault = exchange.fault()?;
    let work = request.work();
    let input = std::mem::take(&mut asked.input.items);
    let keeping = asked.store.then(|| Keeping {
        call: call.clone(),
        previous: asked.previous.map(str::to_owned),
        input: aside(work, || Value::Array(input).to_string()),
    });
    let mut response = Response {
        id: format!("resp_{}", exchange.context.id.simple()),
        created_at: exchange.world.clock.now().as_seconds(),
        // Told once it is known whose the answer is.
        model: String::new(),
        status: Status::InProgress,
        output: Vec::new(),
        usage: None,
        echo: std::mem::take(&mut asked.echo),
    };
    let streamed = asked.streamed;
    // From here on nothing is asked of it any more.
    drop(asked);
    drop(body);
    let tellings = if request.alternatives.is_some() { TELLINGS } else { 1 };
    exchange.make_room(&mut share, request.answer_size().saturating_mul(tellings)).await?;
    let failed = |error| Refusal::failed(error, model.identity.context_tokens, PROMPT);
    if streamed {
        let parts = completion::stream(call, model, request, fault).await.map_err(failed)?;
        response.model = call.answered_by(model).id().to_string();
        return Ok(Answer::Streamed(stream::respond(exchange, response, parts, share, keeping, work)));
    }
    let completion = completion::complete(call, model, request, fault).await.map_err(failed)?;
    let answer = &completion.answer;
    response.model = call.answered_by(model).id().to_string();
    response.status = Status::after(&answer.finish_reason, answer.refusal.is_some());
    response.usage = Some(completion.usage);
    response.output = items(completion.answer);
    let told = aside(work, || serde_json::to_string(&response));
    let told = told.map_err(|error| Refusal::internal(error.to_string()))?;
    if let Some(keeping) = keeping {
        let kept = keeping.keep(response.id, told.clone()).await;
        kept.map_err(|error| Refusal::internal(error.to_string()))?;
    }
    Ok(Answer::Whole(json_response(StatusCode::OK, share.until_sent(told.into_bytes()))))
}
