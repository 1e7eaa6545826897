//! One request at this dialect.

use std::ops::Deref;
use std::sync::Arc;

use axum::http::Method;

use super::error::Refusal;
use super::locality;
use crate::dialect::common::{self, Arrival};
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

    /// Whether it comes from somebody on this machine.
    pub(super) fn is_local(&self) -> bool {
        locality::is_local(self.head, self.context.client_ip)
    }

    /// Who calls.
    pub(super) fn caller(&self) -> Result<Caller, Blocked> {
        let sent = Sent { headers: &self.head.headers, is_local: self.is_local() };
        self.world.governance.identify(self.world, &sent)
    }

    /// That the request has the one method that there is.
    pub(super) fn only(&self, method: &Method, name: &'static str) -> Result<(), Refusal> {
        if self.head.method == *method { Ok(()) } else { Err(Refusal::method_not_allowed(name)) }
    }
}
