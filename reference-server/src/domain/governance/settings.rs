//! What a gateway's operator sets for all callers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// For how many seconds the result of a job is kept where nobody says otherwise.
const JOB_TTL: u32 = 3_600;

/// The settings, as they are stored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// Whether a caller without a virtual key is refused, also one of this machine.
    pub(crate) requires_virtual_key: bool,
    /// Headers that every call must have.
    pub(crate) required_headers: Vec<String>,
    /// Seconds.
    pub(crate) job_ttl: u32,
    /// Told and kept, and of no effect.
    pub(crate) other: Map<String, Value>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            requires_virtual_key: false,
            required_headers: Vec::new(),
            job_ttl: JOB_TTL,
            other: Map::new(),
        }
    }
}
