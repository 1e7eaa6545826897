//! Why the gateway refuses a request of its own accord, and what a broken one does about it.

use axum::http::StatusCode;
use axum::response::Response;

use super::Exchange;
use super::repeats::KEY;
use crate::defect::Defect;
use crate::domain::routing::ask_uncalled_for;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Nobody is known by its credential.
    Caller,
    /// The caller may not do this.
    Scope,
    /// There is no such model, or it does something else.
    Model,
    /// Its body is not JSON.
    Body,
    /// Its body is too large.
    Size,
    /// Its key has used up a limit.
    Limit,
    /// Something else in it is wrong.
    Input,
}

impl Refused {
    /// Why this refusal is made, where it is one of these.
    fn of(exchange: &Exchange<'_>, response: &Response) -> Option<Self> {
        // What a provider was asked is not refused by the gateway, and what came before is another matter.
        let is_own = exchange.context.service.attempts() == 0;
        let is_repeated = exchange.head.headers.contains_key(KEY);
        match (exchange.refused.get(), response.status()) {
            _ if !is_own => None,
            (Some(noted), status) if status.is_client_error() => Some(*noted),
            (None, StatusCode::PAYLOAD_TOO_LARGE) => Some(Self::Size),
            (None, StatusCode::TOO_MANY_REQUESTS) => Some(Self::Limit),
            (None, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY) if !is_repeated => {
                Some(Self::Input)
            }
            _ => None,
        }
    }

    /// With this defect a provider is asked before it.
    const fn asking(self) -> Defect {
        match self {
            Self::Caller => Defect::RefusedCallerAsks,
            Self::Scope => Defect::RefusedScopeAsks,
            Self::Model => Defect::UnknownModelAsks,
            Self::Limit => Defect::RefusedLimitAsks,
            Self::Body | Self::Size | Self::Input => Defect::RefusedInputAsks,
        }
    }

    /// With this defect it is told as a failure of the server.
    const fn failing(self) -> Option<Defect> {
        match self {
            Self::Body => Some(Defect::MalformedInputFails),
            Self::Size => Some(Defect::OversizedInputFails),
            Self::Input => Some(Defect::InvalidInputFails),
            Self::Caller | Self::Scope | Self::Model | Self::Limit => None,
        }
    }
}

/// Does what a defect does before a refusal is sent, or to it.
pub(super) async fn mishandle(exchange: &Exchange<'_>, response: &mut Response) {
    let defects = &exchange.world.defects;
    if !defects.any() {
        return;
    }
    let Some(refused) = Refused::of(exchange, response) else { return };
    if defects.has(refused.asking()) {
        Box::pin(ask_uncalled_for(exchange.world)).await;
    }
    if refused.failing().is_some_and(|defect| defects.has(defect)) {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    }
}
