use std::time::Duration;

use super::ServiceCall;

/// How time passes on the gateway's clock where a scenario wants it to.
#[derive(Clone, Debug)]
pub enum Clock {
    /// It is moved; `clock.advance` in the request's templates is how far, as it is written in the scenario.
    Moved(ServiceCall),
    /// It cannot be moved, and is waited for.
    Waited {
        /// Most time that is waited; what takes longer is not testable.
        at_most: Duration,
    },
}
