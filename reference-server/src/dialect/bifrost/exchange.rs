//! One request at this dialect.

use std::ops::Deref;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Method;
use bytes::Bytes;

use super::error::Refusal;
use crate::dialect::common::{self, Arrival, body};
use crate::domain::governance::{Blocked, Caller, Sent};
use crate::domain::key::SecretDigest;
use crate::intake::Intake;

/// One request.
pub(super) struct Exchange<'a> {
    common: common::Exchange<'a>,
    /// What is taken in of its body, and of what is done for it after it was answered.
    pub(super) intake: &'a Arc<Intake>,
    control_token: &'a SecretDigest,
}

impl<'a> Deref for Exchange<'a> {
    type Target = common::Exchange<'a>;

    fn deref(&self) -> &Self::Target {
        &self.common
    }
}

impl<'a> Exchange<'a> {
    /// Takes a request up and logs that it did.
    pub(super) fn start(arrival: &'a Arrival<'_>) -> Self {
        let common = common::Exchange::start(arrival, Some);
        Self { common, intake: arrival.intake, control_token: arrival.control_token }
    }

    /// The digest of the token that opens the management from anywhere.
    pub(super) fn control_token(&self) -> &SecretDigest {
        self.control_token
    }

    /// Who calls.
    pub(super) fn caller(&self) -> Result<Caller, Blocked> {
        let sent = Sent { headers: &self.head.headers, is_local: self.context.client_ip.is_loopback() };
        self.world.governance.identify(self.world, &sent)
    }

    /// The whole body. What it takes of the room is given back at once: whoever answers it takes it up again.
    pub(super) async fn collect(&self, body: Body) -> Result<Bytes, Refusal> {
        let (bytes, _share) = body::collect(body, self.intake, false).await?;
        Ok(bytes)
    }

    /// That the request has the one method that there is.
    pub(super) fn only(&self, method: &Method, name: &'static str) -> Result<(), Refusal> {
        if self.head.method == *method { Ok(()) } else { Err(Refusal::method_not_allowed(name)) }
    }
}
