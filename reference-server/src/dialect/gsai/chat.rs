//! `POST /api/v1/chat/completions`.

use std::pin::pin;

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Map, Number, Value};

use super::error::{Refusal, json_response};
use super::exchange::Exchange;
use super::validate;
use super::wire::{self, AnswerMessage, ChatCompletion, Choice};
use super::{body, content, lenience, rewrite, stream};
use crate::defect::DefectSet;
use crate::dialect::common::Answer;
use crate::domain::authorization::Need;
use crate::domain::billing;
use crate::domain::call::Call;
use crate::domain::catalog::Model;
use crate::domain::completion;
use crate::domain::inference::{Completion, CompletionRequest};
use crate::domain::ledger::Operation;
use crate::domain::scope::Scope;
use crate::intake::Share;

/// Answers a chat request. The order of the checks is the observed one: a body that is no JSON is told before
/// anything is asked about the caller, and one of the wrong shape after.
pub(super) async fn answer(exchange: &Exchange<'_>, body: Body) -> Result<Answer, Refusal> {
    let (repeats, body, share) = body::read(exchange, body).await?;
    let call = exchange.authenticate()?;
    let answer = repeats.once(exchange, &call, pin!(admitted(exchange, &call, body, share))).await;
    if answer.is_err() {
        billing::bill_refusal(&call, Operation::Chat).await;
    }
    answer
}

async fn admitted(
    exchange: &Exchange<'_>,
    call: &Call,
    body: validate::Body,
    mut share: Share,
) -> Result<Answer, Refusal> {
    exchange.authorize(call, Need::Scope(Scope::ModelsInference))?;
    let defects = &exchange.world.defects;
    let mut members = validate::chat(body, lenience::deviations(defects)).map_err(Refusal::Invalid)?;
    let model = exchange.model(content::text(members.remove("model")), Operation::Chat)?;
    let streamed = members.remove("stream").is_some_and(|value| validate::flag(&value).unwrap_or(false));
    lenience::chat(call, &members)?;
    let request = request(members, defects)?;
    let fault = exchange.fault()?;
    exchange.make_room(&mut share, request.answer_size()).await?;
    if streamed {
        let parts = completion::stream(call, model, request, fault).await;
        let parts = parts.map_err(|error| exchange.failed(error))?;
        return Ok(Answer::Streamed(stream::respond(exchange, model, parts, share)));
    }
    let completion = completion::complete(call, model, request, fault).await;
    let completion = completion.map_err(|error| exchange.failed(error))?;
    whole(exchange, model, &completion, share)
}

fn request(mut members: Map<String, Value>, defects: &DefectSet) -> Result<CompletionRequest, Refusal> {
    let max_tokens = members.get("max_tokens").and_then(|value| validate::whole(value).ok());
    let [temperature, top_p, frequency_penalty, presence_penalty] =
        ["temperature", "top_p", "frequency_penalty", "presence_penalty"]
            .map(|name| members.get(name).and_then(number));
    let logit_bias = match members.remove("logit_bias") {
        Some(Value::Object(biases)) => biases,
        _ => Map::new(),
    };
    let biases = logit_bias.into_iter();
    let user = members.remove("user").filter(|user| !user.is_null());
    let stop = match members.remove("stop") {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(texts)) => texts.into_iter().map(|text| content::text(Some(text))).collect(),
        _ => Vec::new(),
    };
    Ok(CompletionRequest {
        messages: content::messages(members.remove("messages"), defects)?,
        // What is out of range comes here through a defect only, and then is no limit.
        max_tokens: max_tokens.and_then(|most| u32::try_from(most).ok()).filter(|most| *most > 0),
        // An empty text stands everywhere and would stop every answer before it begins.
        stop: stop.into_iter().filter(|text| !text.is_empty()).collect(),
        temperature,
        top_p,
        frequency_penalty,
        presence_penalty,
        logit_bias: biases.filter_map(|(token, bias)| Some((token, Value::Number(number(&bias)?)))).collect(),
        user: user.map(|user| content::text(Some(user))),
        ..CompletionRequest::default()
    })
}

/// A number as it is written, or what was written for one.
fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        value => Number::from_f64(validate::number(value).ok()?),
    }
}

fn whole(
    exchange: &Exchange<'_>,
    model: &Model,
    completion: &Completion,
    share: Share,
) -> Result<Answer, Refusal> {
    let defects = &exchange.world.defects;
    let body = serde_json::to_vec(&ChatCompletion {
        object: "chat.completion",
        created: exchange.world.clock.now().as_seconds(),
        model: &rewrite::echoed(exchange.world, model),
        choices: [Choice {
            index: 0,
            message: AnswerMessage {
                role: "assistant",
                content: rewrite::content(defects, completion.answer.said()),
            },
            finish_reason: wire::finish_reason(rewrite::finish_reason(
                defects,
                &completion.answer.finish_reason,
            )),
        }],
        usage: rewrite::chat_usage(defects, completion.usage),
    });
    let body = body.map_err(|error| exchange.internal(error.to_string()))?;
    Ok(Answer::Whole(json_response(StatusCode::OK, share.until_sent(body))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> CompletionRequest {
        let Value::Object(members) = value else { panic!("not an object") };
        request(members, &DefectSet::default()).unwrap()
    }

    #[test]
    fn limits_and_stops_are_taken_over() {
        let request = read(json!({ "messages": [], "max_tokens": "10", "stop": ["a", "", "b"] }));
        assert_eq!(request.max_tokens, Some(10));
        assert_eq!(request.stop, ["a", "b"]);
        let request = read(json!({ "messages": [], "max_tokens": 0, "stop": "end", "top_p": "0.5" }));
        assert_eq!((request.max_tokens, request.temperature), (None, None));
        assert_eq!(json!(request.top_p), json!(0.5));
        assert_eq!(request.stop, ["end"]);
        let nulls = json!({
            "messages": [], "max_tokens": null, "stop": null, "temperature": null, "logit_bias": null, "user": null,
        });
        let request = read(nulls);
        assert_eq!((request.max_tokens, request.temperature, request.user), (None, None, None));
        assert!(request.stop.is_empty() && request.logit_bias.is_empty());
    }

    #[test]
    fn what_weighs_words_is_taken_over_as_it_is_written() {
        let written = "{\"messages\": [], \"temperature\": 0.70, \"presence_penalty\": -2.0, \"frequency_penalty\": 1, \
            \"logit_bias\": {\"50256\": -100, \"7\": \"5\"}, \"user\": \"u\"}";
        let request = read(serde_json::from_str(written).unwrap());
        let numbers = [request.temperature, request.presence_penalty, request.frequency_penalty];
        assert_eq!(numbers.map(|number| number.unwrap().to_string()), ["0.70", "-2.0", "1"]);
        assert_eq!(Value::Object(request.logit_bias), json!({ "50256": -100, "7": 5.0 }));
        assert_eq!(request.user.as_deref(), Some("u"));
    }
}
