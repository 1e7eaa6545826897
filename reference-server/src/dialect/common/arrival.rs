//! A request on its way to a dialect.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::request::Parts;

use super::Pass;
use crate::domain::key::SecretDigest;
use crate::domain::world::World;
use crate::intake::Intake;

/// A request as every dialect is given it, beside its body.
pub(crate) struct Arrival<'a> {
    pub(crate) world: &'a Arc<World>,
    pub(crate) head: Parts,
    /// The byte of its path at which the dialect's own path begins.
    pub(crate) mounted_at: usize,
    /// Who sends it.
    pub(crate) client_ip: IpAddr,
    /// What is taken in of its body.
    pub(crate) intake: &'a Arc<Intake>,
    /// Of the token of the control API, which opens what is for those who run the gateway.
    pub(crate) control_token: &'a SecretDigest,
    /// What another dialect has settled of it; nothing where a request comes in.
    pub(crate) pass: Option<Pass>,
}

impl Arrival<'_> {
    /// The path below the dialect's root.
    pub(crate) fn path(&self) -> &str {
        self.head.uri.path().get(self.mounted_at..).unwrap_or_default()
    }
}
