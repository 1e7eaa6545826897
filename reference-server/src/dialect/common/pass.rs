//! What stands in front of a dialect.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::domain::call::Call;
use crate::domain::catalog::Model;
use crate::intake::Share;

/// What a dialect that stands in front of another has settled of a request, so that the other asks for neither a
/// credential nor a model of its own.
pub(crate) struct Pass {
    pub(crate) call: Call,
    /// The model that is asked, under whatever name; nothing where none is.
    pub(crate) model: Option<Arc<Model>>,
    /// The models that the other lists as on offer, where it is asked for them.
    pub(crate) offered: Vec<Arc<Model>>,
    /// Its body with what that takes of the room, until the other takes it over: nobody queues for room twice.
    pub(crate) taken_in: Mutex<Option<(Bytes, Share)>>,
    /// When the request was taken up.
    pub(crate) started: Instant,
    /// Whether the request is closed in the log, as that of a job is which is worked off later.
    pub(crate) is_closed: bool,
}
