//! Sessions that stay with the route that was chosen for them.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::clock::Moment;
use crate::domain::expiring::Expiring;

/// How many sessions are remembered of a model.
const REMEMBERED: usize = 10_000;

/// How a session is told, and how long it stays where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sticky {
    /// The header that names the session, in lower case.
    pub(crate) header: Arc<str>,
    /// How long it stays after its last request.
    pub(crate) ttl: Duration,
}

/// A session that a request names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    header: Arc<str>,
    digest: [u8; 32],
}

impl Session {
    /// The session that a header names. Its name is the caller's, of any length.
    pub(super) fn new(header: Arc<str>, name: &[u8]) -> Self {
        Self { header, digest: Sha256::digest(name).into() }
    }
}

/// Where the sessions of a model are.
#[derive(Debug)]
pub(super) struct Seats(Mutex<Expiring<Seat, usize>>);

/// A session of a key's: others may use the same name.
type Seat = (Uuid, [u8; 32]);

impl Default for Seats {
    fn default() -> Self {
        Self(Mutex::new(Expiring::new(REMEMBERED)))
    }
}

impl Seats {
    /// The place that was taken for a session, whose time begins anew.
    pub(super) fn find(&self, seat: &Seat, sticky: &Sticky, now: Moment) -> Option<usize> {
        self.0.lock().renew(seat, now, |_| sticky.ttl).copied()
    }

    /// Takes a place for a session.
    pub(super) fn take(&self, seat: Seat, place: usize, sticky: &Sticky, now: Moment) {
        self.0.lock().keep(seat, place, now, sticky.ttl);
    }
}

impl Sticky {
    /// The seat of a key's request, if it names a session.
    pub(super) fn seat(&self, key: Uuid, sessions: &[Session]) -> Option<Seat> {
        let session = sessions.iter().find(|session| session.header == self.header)?;
        Some((key, session.digest))
    }
}
