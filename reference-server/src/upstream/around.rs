//! What stands around every call: it is noted, fails where it is told to, and is followed to its end.

use std::future::pending;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde_json::json;
use tokio::time::sleep;

use super::alter;
use super::asked::Asked;
use super::call::Outcome;
use super::error_body::{self, Failure};
use super::fault::{Fault, FaultKind};
use super::following::{FollowedBody, Following};
use super::provider_kind::ProviderKind;
use super::recorder::recorded;
use super::upload::{Upload, upload};
use super::world::UpstreamWorld;
use crate::connection::Reset;
use crate::dialect::common::{Arrival, BodyError};
use crate::domain::key::SecretDigest;
use crate::intake::Intake;

/// Names a fault that a caller wants.
const FAULT_HEADER: &str = "x-plumbline-fault";
/// How long an answer is held up where nothing is said.
const DELAY: Duration = Duration::from_secs(1);
/// The status of an error where nothing is said.
const UNAVAILABLE: u16 = 503;
/// The status of an error that no provider documents.
const UNMAPPED: u16 = 418;
/// What such an error tells that is nobody's business: whoever shows it to a caller can be told by it.
const INTERNALS: &str = "node-7.provider.internal:8443 /srv/model/worker.py";
/// What a proxy before a provider shows to people.
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head>\
    <body><h1>It works!</h1></body></html>\n";
/// So much of a refusal is looked at for its message, in bytes.
const REFUSAL: usize = 1024 * 1024;

/// Where a call goes, and how it came.
pub(super) struct Way<'a> {
    pub(super) world: &'a Arc<UpstreamWorld>,
    pub(super) provider: ProviderKind,
    /// The byte of the path at which the provider's own path begins.
    pub(super) mounted_at: usize,
    pub(super) client_ip: IpAddr,
    pub(super) reset: &'a Reset,
}

/// What is taken in of bodies: once to be noted, then once more by the dialect.
pub(super) struct Intakes {
    pub(super) noted: Intake,
    pub(super) answered: Arc<Intake>,
}

/// Answers a call; an error where the connection is to end instead.
pub(super) async fn answer(way: Way<'_>, intakes: &Intakes, request: Request) -> io::Result<Response> {
    let Way { world, provider, mounted_at, client_ip, reset } = way;
    let (mut head, body) = request.into_parts();
    let is_head = head.method == Method::HEAD;
    let path = head.uri.path().get(mounted_at..).unwrap_or_default();
    let arrived = (world.clock.now(), world.age_us());
    let mut following = Following::begin(world, Asked::begun(provider, &head, path, arrived));
    // What the body takes of the room for large ones is held until there is an answer.
    let (bytes, _share) = match upload(body, &intakes.noted).await {
        Upload::Whole(bytes, share) => (bytes, share),
        Upload::Part(bytes) => {
            following.reads(bytes);
            following.end(Outcome::Left);
            return Err(io::Error::other("the client has left in the middle of its request"));
        }
        Upload::Unread(bytes, error) => {
            following.reads(bytes);
            let response = told(unread(provider, &error), &mut following).await;
            return Ok(followed(response, is_head, following));
        }
    };
    following.reads(bytes.clone());
    let asked = following.asked();
    let own = own_fault(&mut head);
    let at_provider = world.provider(provider);
    let arrival = Arrival {
        world: at_provider,
        head,
        mounted_at,
        client_ip,
        intake: &intakes.answered,
        control_token: &SecretDigest::OF_NOTHING,
        pass: None,
    };
    let served = pin!(provider.serve(&arrival, Body::from(bytes)));
    let (response, meaning) = recorded(served).await;
    // Whom the provider refuses of its own accord meets no fault.
    let fault = match own {
        _ if !response.status().is_success() => None,
        Some(fault) => Some(fault).filter(|fault| fault.kind.can_happen(asked.streamed)),
        None => world.faults.strike(&asked, meaning.asks_a_model()),
    };
    following.takes_up(meaning, fault.as_ref().map(|fault| fault.kind.name()));

    let mut instead = None;
    if let Some(fault) = &fault {
        if fault.kind == FaultKind::Hang {
            drop(response);
            return pending().await;
        }
        if let Some(delay) = delay(fault) {
            sleep(delay).await;
        }
        if is_reset_at_once(fault, &asked) {
            following.end(Outcome::Cut);
            reset.arm();
            return Err(io::Error::other("the connection is reset on purpose"));
        }
        instead = in_place_of_answer(fault, &asked);
    }
    let response = match instead {
        Some(response) => {
            following.answered(response.status().as_u16(), None);
            response
        }
        None => {
            let response = told(response, &mut following).await;
            let altered = altered(response, world, &asked, fault.as_ref(), reset).await;
            altered.inspect_err(|_| following.end(Outcome::Cut))?
        }
    };
    Ok(followed(response, is_head, following))
}

/// The fault that a call asks for itself, which the provider is not told of. One that there is not is refused by the
/// provider.
fn own_fault(head: &mut Parts) -> Option<Fault> {
    let wanted = Fault::from_header(head.headers.get(FAULT_HEADER)?)?;
    head.headers.remove(FAULT_HEADER);
    Some(wanted)
}

/// How long a fault holds up the head of the answer.
fn delay(fault: &Fault) -> Option<Duration> {
    match fault.kind {
        FaultKind::Delay => Some(fault.delay.unwrap_or(DELAY)),
        FaultKind::Status | FaultKind::UnmappedError => fault.delay,
        _ => None,
    }
}

/// Whether a fault resets the connection before there is an answer, and not in mid-stream.
fn is_reset_at_once(fault: &Fault, asked: &Asked) -> bool {
    let comes_in_mid_stream = asked.streamed && fault.after_events.is_some();
    fault.kind == FaultKind::Reset && !comes_in_mid_stream
}

/// What is answered where a fault leaves nothing of the provider's answer.
fn in_place_of_answer(fault: &Fault, asked: &Asked) -> Option<Response> {
    match fault.kind {
        FaultKind::Status => {
            let failure = Failure {
                provider: asked.provider,
                status: fault.status.unwrap_or(UNAVAILABLE),
                message: fault.message.as_deref(),
                retry_after: fault.retry_after,
            };
            Some(failure.response())
        }
        FaultKind::UnmappedError => {
            let told = json!({ "internal": fault.message.as_deref().unwrap_or(INTERNALS) });
            let status = StatusCode::from_u16(fault.status.unwrap_or(UNMAPPED));
            let mut response = success("application/json", told.to_string());
            *response.status_mut() = status.unwrap_or(StatusCode::IM_A_TEAPOT);
            Some(response)
        }
        FaultKind::Html => Some(success("text/html; charset=utf-8", PAGE)),
        FaultKind::EmptySuccess if !asked.streamed => Some(success("application/json", "{}")),
        FaultKind::EmptySuccess if asked.provider == ProviderKind::Bedrock => {
            Some(success("application/vnd.amazon.eventstream", Body::empty()))
        }
        FaultKind::EmptySuccess => Some(success("text/event-stream", Body::empty())),
        _ => None,
    }
}

fn success(content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A provider's success as faults and gates leave it.
async fn altered(
    response: Response,
    world: &UpstreamWorld,
    asked: &Asked,
    fault: Option<&Fault>,
    reset: &Reset,
) -> io::Result<Response> {
    if !response.status().is_success() {
        return Ok(response);
    }
    let passage = if asked.streamed { world.gates.meet(asked) } else { None };
    match fault {
        Some(fault) if !asked.streamed => alter::whole(response, fault).await,
        None if passage.is_none() => Ok(response),
        fault => alter::streamed(response, asked, fault, passage, reset).await,
    }
}

/// Notes what a provider answers, and in which words where it refuses.
async fn told(response: Response, following: &mut Following) -> Response {
    let status = response.status();
    if !status.is_client_error() {
        following.answered(status.as_u16(), None);
        return response;
    }
    let (head, body) = response.into_parts();
    // A refusal is short, and there already.
    let bytes = to_bytes(body, REFUSAL).await.unwrap_or_default();
    following.answered(status.as_u16(), error_body::message(&bytes));
    Response::from_parts(head, Body::from(bytes))
}

/// What is said of a body that cannot be read.
fn unread(provider: ProviderKind, error: &BodyError) -> Response {
    let status = match error {
        BodyError::TooLarge => 413,
        BodyError::TooSlow => 408,
        BodyError::Full => UNAVAILABLE,
        _ => 400,
    };
    Failure { provider, status, message: None, retry_after: None }.response()
}

/// A response whose end is noted.
fn followed(response: Response, is_head: bool, mut following: Following) -> Response {
    if is_head {
        // Its body is not sent.
        following.end(Outcome::Whole);
    }
    response.map(|body| Body::new(FollowedBody::new(body, following)))
}
