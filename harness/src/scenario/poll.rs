use std::time::Duration;

use super::{Call, Check};

/// The same request again and again, until its answer is the one that is waited for.
#[derive(Clone, Debug)]
pub struct Poll {
    /// The request.
    pub call: Call,
    /// How long is waited after an answer.
    pub every: Duration,
    /// Most time from the first request to the answer that is waited for.
    pub at_most: Duration,
    /// What ends it once all of it holds. These are conditions, and verify nothing.
    pub until: Vec<Check>,
    /// What shows, once all of it holds, that the end will never come, also where `until` holds. Nothing does where there is
    /// no such condition.
    pub stop_when: Vec<Check>,
    /// What must hold of every answer before the last.
    pub meanwhile: Vec<Check>,
}
