//! From a path and a method to an endpoint.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::Method;
use axum::response::{IntoResponse, Response};

use super::error::Refusal;
use super::exchange::Exchange;
use super::{embeddings, generate, models};
use crate::dialect::common::{self, Answer, run};
use crate::domain::world::World;
use crate::intake::Intake;

/// What is done with a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Generate,
    Stream,
    Count,
    Embed,
    EmbedBatch,
}

impl Action {
    /// Every action.
    const ALL: [Self; 5] = [Self::Generate, Self::Stream, Self::Count, Self::Embed, Self::EmbedBatch];

    /// The name behind the colon of a path.
    pub(super) const fn name(self) -> &'static str {
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

/// Answers a request. The dialect's own path begins `mounted_at` bytes into the request's.
pub(crate) async fn serve(
    world: &Arc<World>,
    request: Request,
    mounted_at: usize,
    client_ip: IpAddr,
    intake: &Intake,
) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path().get(mounted_at..).unwrap_or_default();
    let exchange = Exchange(common::Exchange::start(world, &head, path, client_ip, intake, Some));
    let refuse = |refusal: Refusal| {
        let exception = refusal.exception().map(Arc::from);
        (refusal.into_response(), exception)
    };
    run(&exchange, answer(&exchange, body), Refusal::Internal, refuse).await
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
        Endpoint::Act(model, Action::Generate) => generate::whole(exchange, &call, model, body).await,
        Endpoint::Act(model, Action::Stream) => generate::streamed(exchange, &call, model, body).await,
        Endpoint::Act(model, Action::Count) => generate::count(exchange, &call, model, body).await,
        Endpoint::Act(model, Action::Embed) => embeddings::one(exchange, &call, model, body).await,
        Endpoint::Act(model, Action::EmbedBatch) => embeddings::batch(exchange, &call, model, body).await,
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
