//! From a path and a method to an endpoint; and around every endpoint the log, the panics, the caller and the headers.

use std::pin::pin;

use axum::body::Body;
use axum::http::Method;
use axum::response::Response;

use super::error::Refusal;
use super::exchange::Exchange;
use super::{chat, completions, embeddings, headers, models, responses};
use crate::dialect::common::{Answer, Arrival, run};
use crate::domain::billing;
use crate::domain::call::Call;
use crate::domain::ledger::Operation;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint<'p> {
    Chat,
    Completions,
    Responses,
    /// One response, by its id.
    Response(&'p str),
    /// What one response answers.
    InputItems(&'p str),
    Embeddings,
    Models,
    /// One model, by its id.
    Model(&'p str),
}

impl<'p> Endpoint<'p> {
    fn at(path: &'p str) -> Option<Self> {
        match path.strip_prefix("/v1/")? {
            "chat/completions" => Some(Self::Chat),
            "completions" => Some(Self::Completions),
            "embeddings" => Some(Self::Embeddings),
            "models" => Some(Self::Models),
            "responses" => Some(Self::Responses),
            rest => {
                let (kind, rest) = rest.split_once('/')?;
                let (id, below) = rest.split_once('/').map_or((rest, None), |(id, below)| (id, Some(below)));
                match (kind, id, below) {
                    (_, "", _) => None,
                    ("models", id, None) => Some(Self::Model(id)),
                    ("responses", id, None) => Some(Self::Response(id)),
                    ("responses", id, Some("input_items")) => Some(Self::InputItems(id)),
                    _ => None,
                }
            }
        }
    }

    /// The methods that it answers to, as a header lists them.
    const fn methods(self) -> &'static str {
        match self {
            Self::Chat | Self::Completions | Self::Responses | Self::Embeddings => "POST",
            Self::Response(_) => "GET, DELETE",
            Self::InputItems(_) | Self::Models | Self::Model(_) => "GET",
        }
    }

    fn takes(self, method: &Method) -> bool {
        self.methods().split(", ").any(|name| name == method.as_str())
    }

    /// What is done for the caller, where that is billed.
    const fn operation(self) -> Option<Operation> {
        match self {
            Self::Chat | Self::Completions | Self::Responses => Some(Operation::Chat),
            Self::Embeddings => Some(Operation::Embedding),
            Self::Response(_) | Self::InputItems(_) | Self::Models | Self::Model(_) => None,
        }
    }
}

/// Answers a request.
pub(crate) async fn serve(arrival: &Arrival<'_>, body: Body) -> Response {
    let exchange = Exchange::start(arrival);
    let answer = pin!(answer(&exchange, body));
    let unanswered = |error| Refusal::failed(error, None, "prompt");
    let mut response = run(&exchange, answer, Refusal::internal, unanswered, Refusal::into_response).await;
    headers::add(&exchange, &mut response);
    response
}

async fn answer(exchange: &Exchange<'_>, body: Body) -> Result<Answer, Refusal> {
    let (method, path) = (&exchange.head.method, exchange.path);
    let endpoint = Endpoint::at(path).ok_or_else(|| Refusal::no_such_path(method, path))?;
    if !endpoint.takes(method) {
        return Err(Refusal::no_such_method(method, path, endpoint.methods()));
    }
    let call = exchange.authenticate()?;
    let answer = admitted(exchange, &call, endpoint, body).await;
    if answer.is_err()
        && let Some(operation) = endpoint.operation()
    {
        billing::bill_refusal(&call, operation).await;
    }
    answer
}

async fn admitted(
    exchange: &Exchange<'_>,
    call: &Call,
    endpoint: Endpoint<'_>,
    body: Body,
) -> Result<Answer, Refusal> {
    exchange.admit(call)?;
    let (repeats, body) = exchange.repeats(body).await?;
    repeats.once(exchange, call, pin!(answered(exchange, call, endpoint, body))).await
}

async fn answered(
    exchange: &Exchange<'_>,
    call: &Call,
    endpoint: Endpoint<'_>,
    body: Body,
) -> Result<Answer, Refusal> {
    match endpoint {
        Endpoint::Chat => chat::answer(exchange, call, body).await,
        Endpoint::Completions => completions::answer(exchange, call, body).await,
        Endpoint::Responses => responses::create(exchange, call, body).await,
        Endpoint::Response(id) if exchange.head.method == Method::DELETE => {
            responses::delete(call, id).await.map(Answer::Whole)
        }
        Endpoint::Response(id) => responses::retrieve(exchange, call, id).await.map(Answer::Whole),
        Endpoint::InputItems(id) => responses::input_items(exchange, call, id).await.map(Answer::Whole),
        Endpoint::Embeddings => embeddings::answer(exchange, call, body).await,
        Endpoint::Models => models::list(exchange).map(Answer::Whole),
        Endpoint::Model(id) => models::retrieve(exchange, id).map(Answer::Whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_endpoints_exactly() {
        assert_eq!(Endpoint::at("/v1/chat/completions"), Some(Endpoint::Chat));
        assert_eq!(Endpoint::at("/v1/models/gpt-4.1"), Some(Endpoint::Model("gpt-4.1")));
        assert_eq!(Endpoint::at("/v1/responses/resp_1"), Some(Endpoint::Response("resp_1")));
        assert_eq!(Endpoint::at("/v1/responses/resp_1/input_items"), Some(Endpoint::InputItems("resp_1")));
        for path in ["/v1/chat/completions/", "/chat/completions", "/v1/models/", "/v1/models/a/b", "", "/v1"]
        {
            assert_eq!(Endpoint::at(path), None, "{path}");
        }
    }

    #[test]
    fn methods_are_told_apart() {
        assert!(Endpoint::Chat.takes(&Method::POST) && !Endpoint::Chat.takes(&Method::GET));
        assert!(Endpoint::Models.takes(&Method::GET) && !Endpoint::Models.takes(&Method::HEAD));
    }
}
