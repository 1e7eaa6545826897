//! From a path and a method to an endpoint; and around every endpoint the log, the panics and the browsers.

use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::Response;

use super::error::Refusal;
use super::exchange::Exchange;
use super::{chat, cors, embeddings, head, health, lenience, models, rewrite};
use crate::dialect::common::{Answer, Arrival, run};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Root,
    Health,
    Models,
    Chat,
    Embeddings,
}

impl Endpoint {
    fn at(path: &str) -> Option<Self> {
        match path {
            "/api/v1/chat/completions" => Some(Self::Chat),
            "/api/v1/embeddings" => Some(Self::Embeddings),
            "/api/v1/models" => Some(Self::Models),
            "/health" => Some(Self::Health),
            "/" | "" => Some(Self::Root),
            _ => None,
        }
    }

    /// The only method that it answers to.
    const fn method(self) -> &'static str {
        match self {
            Self::Root | Self::Health | Self::Models => "GET",
            Self::Chat | Self::Embeddings => "POST",
        }
    }
}

/// Answers a request.
pub(crate) async fn serve(arrival: &Arrival<'_>, body: Body) -> Response {
    let exchange = Exchange::start(arrival);
    let broken = |exception| exchange.internal(exception);
    let unanswered = |error| exchange.failed(error);
    let refuse = |refusal: Refusal| {
        let exception = refusal.exception().map(Arc::from);
        (rewrite::refused(&arrival.world.defects, refusal), exception)
    };
    let answer = pin!(answer(&exchange, body));
    let mut response = run(&exchange, answer, broken, unanswered, refuse).await;
    cors::allow(&arrival.head.headers, &mut response);
    response
}

async fn answer(exchange: &Exchange<'_>, body: Body) -> Result<Answer, Refusal> {
    let head = exchange.head;
    if let Err(refusal) = head::check(head)
        && !lenience::takes_any_head(&exchange.world.defects)
    {
        return Err(refusal);
    }
    if let Some(response) = cors::preflight(&head.method, &head.headers) {
        return Ok(Answer::Whole(response));
    }
    let Some(endpoint) = Endpoint::at(exchange.path) else {
        return redirect(exchange.path, &head.uri).map(Answer::Whole).ok_or(Refusal::NotFound);
    };
    if head.method.as_str() != endpoint.method() {
        return Err(Refusal::MethodNotAllowed { allow: endpoint.method() });
    }
    match endpoint {
        Endpoint::Chat => chat::answer(exchange, body).await,
        Endpoint::Embeddings => embeddings::answer(exchange, body).await,
        Endpoint::Models => models::list(exchange).map(Answer::Whole),
        Endpoint::Health => health::healthy(exchange).await.map(Answer::Whole),
        Endpoint::Root => Ok(Answer::Whole(health::alive())),
    }
}

/// A known path with slashes behind it is sent on to the path itself.
fn redirect(path: &str, uri: &Uri) -> Option<Response> {
    let known = path.trim_end_matches('/');
    if known.is_empty() || known == path || Endpoint::at(known).is_none() {
        return None;
    }
    let mut location = uri.path().trim_end_matches('/').to_owned();
    if let Some(query) = uri.query() {
        location.push('?');
        location.push_str(query);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response.headers_mut().insert(header::LOCATION, HeaderValue::try_from(location).ok()?);
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_paths_are_redirected_and_keep_their_prefix_and_query() {
        let location = |path: &str, uri: &'static str| {
            redirect(path, &Uri::from_static(uri))
                .map(|response| response.headers()[header::LOCATION].to_str().unwrap().to_owned())
        };
        assert_eq!(
            location("/api/v1/models/", "/~w/abc/api/v1/models/?a=b").as_deref(),
            Some("/~w/abc/api/v1/models?a=b")
        );
        assert_eq!(location("/api/v1/nothing/", "/api/v1/nothing/"), None);
        assert_eq!(location("//", "//"), None);
    }
}
