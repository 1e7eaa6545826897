//! Sends an answer on as faults and gates leave it.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures::stream::{self, StreamExt, once};

use super::asked::Asked;
use super::fault::{Fault, FaultKind};
use super::gate::{self, Passage};
use super::units::{Form, Units};
use super::{pace, spoil, units};
use crate::connection::Reset;

/// The largest answer that is taken in to be spoiled, in bytes.
const LARGEST: usize = 256 * 1024 * 1024;
/// How large a whole answer is made where nothing is said, in bytes.
const OVERSIZED: usize = 96 * 1024 * 1024;
/// How many bytes more than there are a length announces where nothing is said.
const ANNOUNCED: usize = 64;
/// The size of the pieces of a slow whole answer where nothing is said, in bytes.
const PIECE: usize = 256;
const SLOW_PAUSE: Duration = Duration::from_millis(100);
const DRIP_PAUSE: Duration = Duration::from_millis(5);

/// An answer that comes in parts, as a fault and a gate leave it.
pub(super) async fn streamed(
    mut response: Response,
    asked: &Asked,
    fault: Option<&Fault>,
    passage: Option<Passage>,
    reset: &Reset,
) -> io::Result<Response> {
    if let Some(fault) = fault.filter(|fault| fault.kind == FaultKind::WrongContentLength) {
        return announced(response, fault).await;
    }
    let form = Form::of(&response);
    let mut parts = units::split(std::mem::take(response.body_mut()), form);
    if let Some(fault) = fault {
        parts = spoil::parts(parts, fault, asked, form, reset.clone());
    }
    if let Some(passage) = passage {
        parts = gate::withheld(parts, passage, asked.provider, form);
    }
    if let Some(fault) = fault {
        parts = paced(parts, fault, None);
    }
    Ok(with_parts(response, parts))
}

/// An answer that comes at once, as a fault leaves it.
pub(super) async fn whole(response: Response, fault: &Fault) -> io::Result<Response> {
    match fault.kind {
        FaultKind::TruncatedJson => replaced(response, spoil::half).await,
        FaultKind::MissingFields => replaced(response, spoil::without_answer).await,
        FaultKind::WrongContentLength => announced(response, fault).await,
        FaultKind::OversizedBody => {
            let (response, bytes) = taken_in(response).await?;
            let blanks = spoil::blanks(fault.bytes.unwrap_or(OVERSIZED));
            Ok(with_parts(response, stream::iter(blanks.chain([bytes]).map(Ok)).boxed()))
        }
        FaultKind::SlowChunks | FaultKind::SlowDrip => {
            let (response, bytes) = taken_in(response).await?;
            let parts = stream::iter([Ok(bytes)]).boxed();
            Ok(with_parts(response, paced(parts, fault, Some(PIECE))))
        }
        _ => Ok(response),
    }
}

/// The parts at the speed of a fault; of whole answers in pieces of this size.
fn paced(parts: Units, fault: &Fault, piece: Option<usize>) -> Units {
    match fault.kind {
        FaultKind::SlowChunks => pace::slow(parts, fault.bytes.or(piece), fault.delay.unwrap_or(SLOW_PAUSE)),
        FaultKind::SlowDrip => {
            pace::slow(parts, Some(fault.bytes.unwrap_or(1)), fault.delay.unwrap_or(DRIP_PAUSE))
        }
        _ => parts,
    }
}

/// An answer whose length says more than there is.
async fn announced(response: Response, fault: &Fault) -> io::Result<Response> {
    let (response, bytes) = taken_in(response).await?;
    let length = bytes.len().saturating_add(fault.bytes.unwrap_or(ANNOUNCED));
    let parts = stream::iter([Ok(bytes)]).chain(once(spoil::broken_off(None)));
    let mut response = with_parts(response, parts.boxed());
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

async fn replaced(response: Response, change: impl FnOnce(&[u8]) -> Vec<u8>) -> io::Result<Response> {
    let (mut response, bytes) = taken_in(response).await?;
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(change(&bytes));
    Ok(response)
}

async fn taken_in(response: Response) -> io::Result<(Response, Bytes)> {
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, LARGEST).await.map_err(io::Error::other)?;
    Ok((Response::from_parts(head, Body::empty()), bytes))
}

fn with_parts(mut response: Response, parts: Units) -> Response {
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from_stream(parts);
    response
}
