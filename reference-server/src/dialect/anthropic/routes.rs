//! From a path and a method to an endpoint; and around every endpoint the log, the panics and the headers.

use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;

use super::error::{Kind, Refusal};
use super::exchange::Exchange;
use super::{count, messages, models, respond};
use crate::dialect::common::{Answer, Arrival, run};
use crate::intake::Intake;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint<'a> {
    Messages,
    CountTokens,
    Models,
    Model(&'a str),
}

impl<'a> Endpoint<'a> {
    fn at(path: &'a str) -> Option<Self> {
        match path {
            "/v1/messages" => Some(Self::Messages),
            "/v1/messages/count_tokens" => Some(Self::CountTokens),
            "/v1/models" => Some(Self::Models),
            _ => {
                let id = path.strip_prefix("/v1/models/")?;
                (!id.is_empty() && !id.contains('/')).then_some(Self::Model(id))
            }
        }
    }

    /// The only method that it answers to.
    const fn method(self) -> &'static str {
        match self {
            Self::Messages | Self::CountTokens => "POST",
            Self::Models | Self::Model(_) => "GET",
        }
    }
}

/// The largest body in bytes, which is the service's limit.
const LARGEST: usize = 32 * 1024 * 1024;

/// Answers a request.
pub(crate) async fn serve(arrival: &Arrival<'_>, body: Body) -> Response {
    let limit = arrival.intake.limit.min(LARGEST);
    let intake = Intake { limit, budget: Arc::clone(&arrival.intake.budget), ..**arrival.intake };
    let exchange = Exchange::start(arrival, &intake);
    let refuse = |mut refusal: Refusal| {
        let exception = refusal.exception.take().map(Arc::from);
        (refusal.into_response(exchange.request_id()), exception)
    };
    let answer = pin!(answer(&exchange, body));
    let mut response = run(&exchange, answer, Refusal::internal, Refusal::from, refuse).await;
    respond::sign(&mut response, &exchange);
    response
}

async fn answer(exchange: &Exchange<'_>, body: Body) -> Result<Answer, Refusal> {
    let Some(endpoint) = Endpoint::at(exchange.path) else {
        return Err(Refusal::new(Kind::NotFound, "Not Found"));
    };
    if exchange.head.method.as_str() != endpoint.method() {
        return Err(Refusal::method_not_allowed(endpoint.method()));
    }
    match endpoint {
        Endpoint::Messages => messages::answer(exchange, body).await,
        Endpoint::CountTokens => count::answer(exchange, body).await,
        Endpoint::Models => models::list(exchange).map(Answer::Whole),
        Endpoint::Model(id) => models::retrieve(exchange, id).map(Answer::Whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_one_segment() {
        assert_eq!(Endpoint::at("/v1/models/claude"), Some(Endpoint::Model("claude")));
        for path in ["/v1/models/", "/v1/models/a/b", "/v1/message", "/v1/messages/", "/", ""] {
            assert_eq!(Endpoint::at(path), None, "{path}");
        }
    }
}
