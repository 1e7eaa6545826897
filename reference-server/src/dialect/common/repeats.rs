//! Requests with an idempotency key: sent again they get the answer that they got, and nobody is asked for it.

use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::Body as _;
use sha2::{Digest as _, Sha256};

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
    /// Looks whether a request may come again. If so, its body is taken in, and the exchange keeps it with its share
    /// for whoever reads it.
    pub(crate) async fn read(exchange: &Exchange<'_>, body: Body) -> Result<(Self, Body), BodyError> {
        let key = match key(exchange) {
            Ok(Some(key)) => key,
            none => return Ok((Self(none.map(|_| None)), body)),
        };
        let (bytes, share) = exchange.collect(body).await?;
        let repeats = Self(Ok(Some(repeatable(exchange, key, &bytes))));
        *exchange.taken_in.lock() = Some((bytes, share));
        Ok((repeats, Body::empty()))
    }

    /// Looks whether a request may come again that has this body.
    pub(crate) fn of(exchange: &Exchange<'_>, body: &Bytes) -> Self {
        Self(key(exchange).map(|key| key.map(|key| repeatable(exchange, key, body))))
    }

    /// The answer of a call that was let in: the one that it got before, or this one. Only a whole success is
    /// remembered; what failed can be asked for again, and what is streamed once its stream has ended.
    pub(crate) async fn once<R: From<Repetition>>(
        self,
        exchange: &Exchange<'_>,
        call: &Call,
        answer: impl Future<Output = Result<Answer, R>>,
    ) -> Result<Answer, R> {
        let Some(repeatable) = self.0? else { return answer.await };
        let claim = match Idempotency::take(call, repeatable)? {
            Turn::First(claim) => claim,
            Turn::Again(kept) => return Ok(Answer::Whole(replayed(&kept))),
        };
        *exchange.claim.lock() = Some(claim);
        let answer = answer.await;
        let claim = exchange.claim.lock().take();
        // A stream has taken it along.
        let Some(claim) = claim else { return answer };
        match answer {
            Ok(Answer::Whole(response)) if response.status().is_success() => {
                let (response, kept) = remembered(response).await;
                match kept {
                    Some(kept) => claim.answered(kept),
                    None => claim.give_up(),
                }
                Ok(Answer::Whole(response))
            }
            other => {
                claim.give_up();
                other
            }
        }
    }
}

/// The key under which a request may come again, if it has one that counts.
fn key<'a>(exchange: &Exchange<'a>) -> Result<Option<&'a HeaderValue>, Repetition> {
    let may_come_again = exchange.world.is_idempotent && exchange.head.method == Method::POST;
    match exchange.head.headers.get(KEY).filter(|_| may_come_again) {
        Some(key) if !(1..=LONGEST).contains(&key.len()) => Err(Repetition::NoKey),
        key => Ok(key),
    }
}

fn repeatable(exchange: &Exchange<'_>, key: &HeaderValue, body: &Bytes) -> Repeatable {
    let request = aside(body.len(), || digest(exchange.path, exchange.head, body));
    Repeatable { key: Sha256::digest(key).into(), request }
}

/// The status of a request that is not answered under its key, where a wire has it.
pub(crate) const fn status(repetition: Repetition) -> StatusCode {
    match repetition {
        Repetition::NoKey => StatusCode::BAD_REQUEST,
        Repetition::UnderWay | Repetition::Abandoned => StatusCode::CONFLICT,
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
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;

    use axum::http::{Request, header};

    use super::super::{Arrival, body};
    use super::*;
    use crate::domain::key::SecretDigest;
    use crate::domain::testing;
    use crate::intake::Intake;

    #[tokio::test]
    async fn a_body_that_is_looked_at_takes_room_once_until_it_is_read() {
        let mut world = testing::world();
        Arc::get_mut(&mut world.world).unwrap().is_idempotent = true;
        let text = format!("\"{}\"", "x".repeat(2 * 1024 * 1024));
        let request = Request::post("/").header(KEY, "one").header(header::CONTENT_TYPE, "application/json");
        let (head, body) = request.body(Body::from(text.clone())).unwrap().into_parts();
        let intake = Arc::new(Intake::new(usize::MAX));
        let arrival = Arrival {
            world: &world.world,
            head,
            mounted_at: 0,
            client_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            intake: &intake,
            control_token: &SecretDigest::of(b"control"),
            pass: None,
        };
        let exchange = Exchange::start(&arrival, Some);
        let all = intake.budget.available_permits();
        let (repeats, body) = Repeats::read(&exchange, body).await.unwrap();
        assert!(matches!(repeats, Repeats(Ok(Some(_)))));
        let taken = all - intake.budget.available_permits();
        assert!(taken > 2 * 1024);
        let (value, share) = body::json(&exchange, body).await.unwrap();
        assert_eq!(value.unwrap().as_str().unwrap().len(), text.len() - 2);
        assert_eq!(all - intake.budget.available_permits(), taken);
        drop(share);
        assert_eq!(intake.budget.available_permits(), all);
    }

    #[tokio::test]
    async fn only_what_is_told_whole_and_well_comes_again() {
        let world = testing::world();
        let call = world.call("chat_only");
        let intake = Arc::new(Intake::new(1024));
        let control_token = SecretDigest::of(b"control");
        let arrival = || Arrival {
            world: &world.world,
            head: Request::post("/").body(()).unwrap().into_parts().0,
            mounted_at: 0,
            client_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            intake: &intake,
            control_token: &control_token,
            pass: None,
        };
        let repeats = |key: u8| Repeats(Ok(Some(Repeatable { key: [key; 32], request: [0; 32] })));
        let whole = |status: StatusCode| {
            let mut response = Response::new(Body::from("{}"));
            *response.status_mut() = status;
            Ok::<_, Repetition>(Answer::Whole(response))
        };
        for (key, status, comes_again) in [(1, StatusCode::OK, true), (2, StatusCode::BAD_GATEWAY, false)] {
            for expected in [false, comes_again] {
                let arrival = arrival();
                let exchange = Exchange::start(&arrival, Some);
                let answer = async {
                    // Meanwhile nobody else is answered under the key.
                    let again = Exchange::start(&arrival, Some);
                    let second = repeats(key).once(&again, &call, async { whole(status) }).await;
                    assert_eq!(second.err(), Some(Repetition::UnderWay));
                    whole(status)
                };
                let answer = Box::pin(answer);
                let Ok(Answer::Whole(response)) = repeats(key).once(&exchange, &call, answer).await else {
                    panic!("it is not answered");
                };
                assert_eq!(response.headers().contains_key(REPLAYED), expected, "{status}");
            }
        }
    }

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
