//! From a path and a method to an endpoint.

use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Method;
use axum::response::{IntoResponse, Response};

use super::error::Refusal;
use super::exchange::{Exchange, GEMINI};
use super::{embeddings, generate, models};
use crate::dialect::common::{Answer, Arrival, Repeats, run};
use crate::domain::call::Call;

/// What is done with a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dialect) enum Action {
    Generate,
    Stream,
    Count,
    Embed,
    EmbedBatch,
}

impl Action {
    /// Every action.
    pub(in crate::dialect) const ALL: [Self; 5] =
        [Self::Generate, Self::Stream, Self::Count, Self::Embed, Self::EmbedBatch];

    /// The name behind the colon of a path.
    pub(in crate::dialect) const fn name(self) -> &'static str {
        match self {
            Self::Generate => "generateContent",
            Self::Stream => "streamGenerateContent",
            Self::Count => "countTokens",
            Self::Embed => "embedContent",
            Self::EmbedBatch => "batchEmbedContents",
        }
    }
}

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
enum Endpoint<'p> {
    Models,
    Model(&'p str),
    Act(&'p str, Action),
}

impl<'p> Endpoint<'p> {
    fn at(path: &'p str) -> Option<Self> {
        let rest = path.strip_prefix("/v1beta/models").or_else(|| path.strip_prefix("/v1/models"))?;
        if rest.is_empty() {
            return Some(Self::Models);
        }
        let name = rest.strip_prefix('/').filter(|name| !name.is_empty() && !name.contains('/'))?;
        match name.split_once(':') {
            None => Some(Self::Model(name)),
            Some((model, action)) => {
                let action = Action::ALL.into_iter().find(|known| known.name() == action)?;
                Some(Self::Act(model, action))
            }
        }
    }

    fn method(&self) -> Method {
        match self {
            Self::Models | Self::Model(_) => Method::GET,
            Self::Act(..) => Method::POST,
        }
    }
}

/// Answers a request.
pub(crate) async fn serve(arrival: &Arrival<'_>, body: Body) -> Response {
    let exchange = Exchange::start(arrival, &GEMINI);
    let refuse = |refusal: Refusal| {
        let exception = refusal.exception().map(Arc::from);
        (refusal.into_response(), exception)
    };
    let answer = pin!(answer(&exchange, body));
    run(&exchange, answer, Refusal::Internal, Refusal::from, refuse).await
}

async fn answer(exchange: &Exchange<'_>, body: Body) -> Result<Answer, Refusal> {
    let Some(endpoint) = Endpoint::at(exchange.path) else { return Err(Refusal::NotFound) };
    if exchange.head.method != endpoint.method() {
        return Err(Refusal::NotFound);
    }
    let call = exchange.authenticate()?;
    exchange.admit(&call)?;
    match endpoint {
        Endpoint::Models => models::list(exchange),
        Endpoint::Model(name) => models::show(exchange, name),
        Endpoint::Act(model, action) => {
            let (repeats, body) = Repeats::read(exchange, body).await?;
            repeats.once(exchange, &call, pin!(act(exchange, &call, model, action, body))).await
        }
    }
}

/// Does something with a model.
async fn act(
    exchange: &Exchange<'_>,
    call: &Call,
    model: &str,
    action: Action,
    body: Body,
) -> Result<Answer, Refusal> {
    match action {
        Action::Generate | Action::Stream => generate::answer(exchange, call, model, action, body).await,
        Action::Count => generate::count(exchange, call, model, body).await,
        Action::Embed => embeddings::one(exchange, call, model, body).await,
        Action::EmbedBatch => embeddings::batch(exchange, call, model, body).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_model_and_what_is_done_with_it() {
        assert_eq!(Endpoint::at("/v1beta/models"), Some(Endpoint::Models));
        assert_eq!(Endpoint::at("/v1beta/models/a"), Some(Endpoint::Model("a")));
        assert_eq!(
            Endpoint::at("/v1/models/a:streamGenerateContent"),
            Some(Endpoint::Act("a", Action::Stream))
        );
        for nowhere in ["/", "/v1beta", "/v1beta/models/", "/v1beta/models/a/b", "/v1beta/models/a:think"] {
            assert_eq!(Endpoint::at(nowhere), None, "{nowhere}");
        }
    }
}
