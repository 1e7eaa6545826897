//! `POST /v1/responses`.

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::Value;

use super::object::{Response, Status, items};
use super::request::ResponseRequest;
use super::{input, stream};
use crate::dialect::common::Answer;
use crate::dialect::common::read::excerpt;
use crate::dialect::openai::error::{Refusal, json_response};
use crate::dialect::openai::exchange::Exchange;
use crate::dialect::openai::words;
use crate::domain::call::Call;
use crate::domain::completion;
use crate::domain::inference::Message;
use crate::domain::ledger::Operation;
use crate::domain::scope::Scope;
use crate::domain::stored_response::StoredResponse;
use crate::store::StoreError;

/// The member in which the prompt stands.
const PROMPT: &str = "input";

/// What is kept of a response beside itself, where it is kept.
pub(super) struct Keeping {
    pub(super) call: Call,
    pub(super) previous: Option<String>,
    pub(super) input: Vec<Value>,
}

impl Keeping {
    /// Keeps a response.
    pub(super) async fn keep(self, response: &Response) -> Result<(), StoreError> {
        let stored = StoredResponse {
            id: response.id.clone(),
            key_id: self.call.key.id,
            previous: self.previous,
            input: Value::Array(self.input).to_string(),
            // Texts and numbers always serialize.
            response: serde_json::to_string(response).unwrap_or_default(),
        };
        self.call.world.responses.keep(stored).await
    }
}

/// Makes a response.
pub(in crate::dialect::openai) async fn create(
    exchange: &Exchange<'_>,
    call: &Call,
    body: Body,
) -> Result<Answer, Refusal> {
    let (body, share) = exchange.json(body).await?;
    let mut asked = words::read(&body, ResponseRequest::read)?;
    let model = exchange.model(asked.model, Operation::Chat)?;
    exchange.authorize(call, Scope::ModelsInference)?;
    let earlier = earlier(call, asked.previous).await?;
    let request = asked.question(model, earlier)?;
    let fault = exchange.fault()?;
    let keeping = asked.store.then(|| Keeping {
        call: call.clone(),
        previous: asked.previous.map(str::to_owned),
        input: std::mem::take(&mut asked.input.items),
    });
    let mut response = Response {
        id: format!("resp_{}", exchange.context.id.simple()),
        created_at: exchange.world.clock.now().as_seconds(),
        model: model.id().to_string(),
        status: Status::InProgress,
        output: Vec::new(),
        usage: None,
        echo: std::mem::take(&mut asked.echo),
    };
    let streamed = asked.streamed;
    // From here on nothing is asked of it any more.
    drop(asked);
    drop(body);
    let failed = |error| Refusal::failed(error, model.identity.context_tokens, PROMPT);
    if streamed {
        let parts = completion::stream(call, model, request, fault).await.map_err(failed)?;
        return Ok(Answer::Streamed(stream::respond(exchange, response, parts, share, keeping)));
    }
    let completion = completion::complete(call, model, request, fault).await.map_err(failed)?;
    response.status = Status::after(&completion.answer.finish_reason);
    response.output = items(&completion);
    response.usage = Some(completion.usage);
    if let Some(keeping) = keeping {
        keeping.keep(&response).await.map_err(|error| Refusal::internal(error.to_string()))?;
    }
    let bytes = serde_json::to_vec(&response).map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(Answer::Whole(json_response(StatusCode::OK, share.until_sent(bytes))))
}

/// The turns before this one.
async fn earlier(call: &Call, previous: Option<&str>) -> Result<Vec<Message>, Refusal> {
    let Some(id) = previous else { return Ok(Vec::new()) };
    let found = call.world.responses.conversation(call.key.id, id).await;
    let found = found.map_err(|error| Refusal::internal(error.to_string()))?.ok_or_else(|| {
        let message = format!("Previous response with id '{}' not found.", excerpt(id));
        Refusal::invalid(message).at("previous_response_id").coded("previous_response_not_found")
    })?;
    let mut all: Vec<Value> = Vec::new();
    for kept in found {
        all.extend(list(&kept.input));
        all.extend(output(&kept.response));
    }
    Ok(input::turns(&all))
}

/// A list that was kept.
pub(super) fn list(kept: &str) -> Vec<Value> {
    serde_json::from_str(kept).unwrap_or_default()
}

/// The items of a response that was kept.
fn output(kept: &str) -> Vec<Value> {
    match serde_json::from_str::<Value>(kept) {
        Ok(mut response) => match response.get_mut("output").map(Value::take) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        },
        Err(_) => Vec::new(),
    }
}
