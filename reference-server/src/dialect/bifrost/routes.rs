//! From a path and a method to what answers there; and around all of it the log, the panics and the refusals.

use std::pin::pin;

use axum::body::Body;
use axum::http::{HeaderValue, Method};
use axum::response::Response;

use super::dropin::Surface;
use super::error::Refusal;
use super::exchange::Exchange;
use super::forward::{self, Endpoint, Prepared};
use super::native::{self, Native};
use super::{config, jobs, logs, management, models, service};
use crate::defect::Defect;
use crate::dialect::common::{Answer, Arrival, run};
use crate::domain::routing::ask_uncalled_for;

/// The id under which the log has a request.
const REQUEST_ID: &str = "x-request-id";
/// What the product has on its own wire and this gateway has not. What ends with a slash has more below it.
const UNSUPPORTED: [&str; 14] = [
    "responses/input_tokens",
    "audio/speech",
    "audio/transcriptions",
    "images/generations",
    "images/edits",
    "images/variations",
    "rerank",
    "files",
    "files/",
    "batches",
    "batches/",
    "containers",
    "containers/",
    "mcp/tool/execute",
];

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place<'p> {
    /// To a model.
    Infer(Endpoint),
    /// To jobs that ask a model.
    Submit(Endpoint),
    /// To one of these.
    Poll(Endpoint, &'p str),
    Models,
    /// To what others of this wire have.
    Unsupported,
    /// To a provider's wire, and to this path there.
    Native(Surface, &'p str),
    Logs,
    Config,
    Version,
    Health,
    Management,
    Nowhere,
}

impl<'p> Place<'p> {
    fn at(path: &'p str) -> Self {
        if let Some(rest) = path.strip_prefix("/v1/") {
            return Self::of_the_wire(rest);
        }
        if let Some((surface, rest)) = Surface::at(path) {
            return Self::Native(surface, rest);
        }
        match path {
            "/health" => Self::Health,
            "/api/version" => Self::Version,
            "/api/config" => Self::Config,
            "/api/logs" => Self::Logs,
            _ if path.starts_with("/api/logs/") => Self::Logs,
            _ if path.starts_with("/api/") => Self::Management,
            _ => Self::Nowhere,
        }
    }

    /// Below the version of the wire.
    fn of_the_wire(rest: &'p str) -> Self {
        if let Some(endpoint) = Endpoint::at(rest) {
            return Self::Infer(endpoint);
        }
        if rest == "models" {
            return Self::Models;
        }
        let (rest, is_async) = rest.strip_prefix("async/").map_or((rest, false), |rest| (rest, true));
        if is_async && let Some(place) = Self::of_jobs(rest) {
            return place;
        }
        let is_listed = |listed: &&str| {
            rest.strip_prefix(*listed).is_some_and(|below| listed.ends_with('/') != below.is_empty())
        };
        if UNSUPPORTED.iter().any(is_listed) { Self::Unsupported } else { Self::Nowhere }
    }

    fn of_jobs(rest: &'p str) -> Option<Self> {
        if let Some(endpoint) = Endpoint::at(rest) {
            return Some(Self::Submit(endpoint));
        }
        let (path, id) = rest.rsplit_once('/').filter(|(_, id)| !id.is_empty())?;
        Some(Self::Poll(Endpoint::at(path)?, id))
    }
}

/// What comes of a request before any model is asked.
enum Settled {
    /// It is answered.
    Answered(Response),
    /// It is let in, and goes on to the dialect of its wire, which has the log and the panics in its own hands.
    Infer(Box<Prepared>),
    Native(Box<Native>),
}

/// Answers a request.
pub(crate) async fn serve(arrival: &Arrival<'_>, body: Body) -> Response {
    let exchange = Exchange::start(arrival);
    let place = Place::at(exchange.path);
    let mut let_in = None;
    let answer = async {
        match settled(&exchange, place, body).await? {
            Settled::Answered(response) => Ok::<_, Refusal>(Answer::Whole(response)),
            other => {
                let_in = Some(other);
                Ok(Answer::Streamed(Response::default()))
            }
        }
    };
    let refuse = |refusal: Refusal| match place {
        Place::Native(surface, _) => surface.refused(refusal),
        _ => refusal.into_response(),
    };
    let mut response = run(&exchange, pin!(answer), Refusal::internal, Refusal::from, refuse).await;
    match let_in {
        Some(Settled::Infer(prepared)) => {
            return forward::infer(exchange.world, exchange.intake, *prepared).await;
        }
        Some(Settled::Native(native)) => return native.serve(exchange.world, exchange.intake).await,
        Some(Settled::Answered(_)) | None => {}
    }
    // An id is text that a header can carry.
    if let Ok(id) = HeaderValue::try_from(exchange.context.id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// What comes of a request. One that is blocked asks nobody, at a sound gateway.
async fn settled(exchange: &Exchange<'_>, place: Place<'_>, body: Body) -> Result<Settled, Refusal> {
    let settled = at_place(exchange, place, body).await;
    let is_blocked = settled.as_ref().is_err_and(|refusal| refusal.kind.is_some());
    if is_blocked && exchange.world.defects.has(Defect::BlockedCallAsks) {
        Box::pin(ask_uncalled_for(exchange.world)).await;
    }
    settled
}

async fn at_place(exchange: &Exchange<'_>, place: Place<'_>, body: Body) -> Result<Settled, Refusal> {
    let response = match place {
        Place::Infer(endpoint) => {
            exchange.only(&Method::POST, "POST")?;
            let body = exchange.collect(body).await?;
            return Ok(Settled::Infer(Box::new(forward::prepare(exchange, endpoint, body).await?)));
        }
        Place::Native(surface, rest) => {
            let body = exchange.collect(body).await?;
            let native = native::prepare(exchange, surface, rest, body).await?;
            return Ok(Settled::Native(Box::new(native)));
        }
        Place::Submit(endpoint) => {
            exchange.only(&Method::POST, "POST")?;
            let body = exchange.collect(body).await?;
            jobs::submit(exchange, endpoint, body).await?
        }
        Place::Poll(endpoint, id) => {
            exchange.only(&Method::GET, "GET")?;
            jobs::poll(exchange, endpoint, id).await?
        }
        Place::Models => {
            exchange.only(&Method::GET, "GET")?;
            models::list(exchange)?
        }
        Place::Unsupported => return Err(Refusal::unsupported()),
        Place::Logs => logs::serve(exchange, exchange.path).await?,
        Place::Config => config::serve(exchange, body).await?,
        Place::Version => service::version(exchange)?,
        Place::Health => service::health(exchange).await?,
        Place::Management => management::serve(exchange, exchange.path, body).await?,
        Place::Nowhere => return Err(Refusal::no_such_path(exchange.path)),
    };
    Ok(Settled::Answered(response))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_places_exactly() {
        for (path, place) in [
            ("/v1/chat/completions", Place::Infer(Endpoint::Chat)),
            ("/v1/models", Place::Models),
            ("/v1/async/embeddings", Place::Submit(Endpoint::Embeddings)),
            ("/v1/async/chat/completions/a-b", Place::Poll(Endpoint::Chat, "a-b")),
            ("/v1/responses/input_tokens", Place::Unsupported),
            ("/v1/async/rerank", Place::Unsupported),
            ("/v1/files/a/content", Place::Unsupported),
            ("/openai/v1/chat/completions", Place::Native(Surface::Openai, "/v1/chat/completions")),
            ("/api/logs", Place::Logs),
            ("/api/logs/stats", Place::Logs),
            ("/api/config", Place::Config),
            ("/api/governance/customers", Place::Management),
            ("/health", Place::Health),
        ] {
            assert_eq!(Place::at(path), place, "{path}");
        }
        for path in [
            "",
            "/",
            "/v1",
            "/v1/",
            "/v1/async/models",
            "/v1/async/chat/completions/",
            "/v1/async/chat/completions/a/b",
            "/v1/files/",
            "/v1/filesystem",
            "/chat/completions",
            "/api",
            "/health/",
        ] {
            assert_eq!(Place::at(path), Place::Nowhere, "{path}");
        }
    }
}
