//! Requests with an idempotency key: sent again they get the answer that they got, and nobody is asked for it.

use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::Body as _;
use sha2::{Digest as _, Sha256};

use super::body::collect;
use super::{Answer, BodyError, Exchange};
use crate::aside::aside;
use crate::domain::call::Call;
use crate::domain::idempotency::{Digest, Idempotency, Kept, LARGEST, Repeatable, Repetition, Turn};

/// The header under which a request may come again.
pub(super) const KEY: &str = "idempotency-key";
/// Says that an answer was given before.
const REPLAYED: &str = "idempotency-replayed";
/// The longest key, in bytes.
const LONGEST: usize = 255;

/// What a request says of its coming again; nothing where it does not.
pub(crate) struct Repeats(Result<Option<Repeatable>, Repetition>);

impl Repeats {
    /// Looks whether a request may come again. If so, its body is taken in, and given back whole.
    pub(crate) async fn read(exchange: &Exchange<'_>, body: Body) -> Result<(Self, Body), BodyError> {
        let may_come_again = exchange.world.is_idempotent && exchange.head.method == Method::POST;
        let Some(key) = exchange.head.headers.get(KEY).filter(|_| may_come_again) else {
            return Ok((Self(Ok(None)), body));
        };
        if !(1..=LONGEST).contains(&key.len()) {
            return Ok((Self(Err(Repetition::NoKey)), body));
        }
        let (bytes, _share) = collect(body, exchange.intake, false).await?;
        let request = aside(bytes.len(), || digest(exchange.path, exchange.head, &bytes));
        let repeatable = Repeatable { key: Sha256::digest(key).into(), request };
        Ok((Self(Ok(Some(repeatable))), bytes.into()))
    }

    /// The answer of a call that was let in: the one that it got before, or this one. Only a whole success is
    /// remembered; what failed, and what is streamed, can be asked for again.
    pub(crate) async fn once<R: From<Repetition>>(
        self,
        call: &Call,
        answer: impl Future<Output = Result<Answer, R>>,
    ) -> Result<Answer, R> {
        let Some(repeatable) = self.0? else { return answer.await };
        let claim = match Idempotency::take(call, repeatable)? {
            Turn::First(claim) => claim,
            Turn::Again(kept) => return Ok(Answer::Whole(replayed(&kept))),
        };
        let response = match answer.await? {
            Answer::Whole(response) if response.status().is_success() => response,
            other => return Ok(other),
        };
        let (response, kept) = remembered(response).await;
        if let Some(kept) = kept {
            claim.answered(kept);
        }
        Ok(Answer::Whole(response))
    }
}

/// The status of a request that is not answered under its key, where a wire has it.
pub(crate) const fn status(repetition: Repetition) -> StatusCode {
    match repetition {
        Repetition::NoKey => StatusCode::BAD_REQUEST,
        Repetition::UnderWay => StatusCode::CONFLICT,
        Repetition::OfAnother => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// Of everything that makes a request this one and no other.
fn digest(path: &str, head: &Parts, body: &Bytes) -> Digest {
    let mut digest = Sha256::new();
    for part in [path, head.uri.query().unwrap_or_default()] {
        digest.update(part);
        // No path and no query has a line break.
        digest.update("\n");
    }
    digest.update(body);
    digest.finalize().into()
}

/// A response, and what is remembered of it. What is too large for that is not.
async fn remembered(response: Response) -> (Response, Option<Kept>) {
    let is_small = response.body().size_hint().exact().is_some_and(|size| size <= LARGEST as u64);
    if !is_small {
        return (response, None);
    }
    let (head, body) = response.into_parts();
    // A whole answer is there already.
    let body = to_bytes(body, LARGEST).await.unwrap_or_default();
    let fields = head.headers.iter().map(|(name, value)| (name.as_str().into(), value.as_bytes().into()));
    let kept = Kept {
        status: head.status.as_u16(),
        fields: fields.collect(),
        // A copy: the bytes themselves take up room until they are sent.
        body: Bytes::copy_from_slice(&body),
    };
    (Response::from_parts(head, body.into()), Some(kept))
}

/// The response that was given before.
fn replayed(kept: &Kept) -> Response {
    let mut response = Response::new(Body::from(kept.body.clone()));
    *response.status_mut() = StatusCode::from_u16(kept.status).unwrap_or_default();
    let headers = response.headers_mut();
    for (name, value) in &kept.fields {
        // They were fields before.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(&**name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[tokio::test]
    async fn an_answer_comes_again_as_it_was() {
        let mut answer = Response::new(Body::from("{}"));
        *answer.status_mut() = StatusCode::CREATED;
        answer.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
        let (answer, kept) = remembered(answer).await;
        let again = replayed(&kept.unwrap());
        assert_eq!((again.status(), again.headers().len()), (StatusCode::CREATED, 2));
        assert_eq!(again.headers()["content-type"], answer.headers()["content-type"]);
        assert_eq!(again.headers()[REPLAYED], "true");
        let bodies = [answer, again].map(|response| to_bytes(response.into_body(), usize::MAX));
        for body in bodies {
            assert_eq!(body.await.unwrap(), "{}");
        }
    }

    #[tokio::test]
    async fn what_is_too_large_is_not_remembered_and_given_all_the_same() {
        let (answer, kept) = remembered(Response::new(Body::from(vec![0; LARGEST + 1]))).await;
        assert_eq!(kept, None);
        assert_eq!(to_bytes(answer.into_body(), usize::MAX).await.unwrap().len(), LARGEST + 1);
    }

    #[test]
    fn requests_differ_in_path_query_and_body() {
        let of = |path: &str, query: &str, body: &'static str| {
            let (head, ()) = Request::builder().uri(format!("{path}?{query}")).body(()).unwrap().into_parts();
            digest(path, &head, &Bytes::from(body))
        };
        let one = of("/a", "b", "c");
        assert_eq!(one, of("/a", "b", "c"));
        for other in [of("/x", "b", "c"), of("/a", "x", "c"), of("/a", "b", "x"), of("/a", "", "b\nc")] {
            assert_ne!(one, other);
        }
    }
}
