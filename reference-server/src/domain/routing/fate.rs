//! What becomes of a request after a provider's error.

use crate::domain::inference::ProviderError;

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The same route may be asked again, then the next one.
    Retry,
    /// The next route is asked: this one will not do better.
    Next,
    /// The next route is asked: this one was not, because it cannot carry the request.
    Pass,
    /// The caller is told: no route would do better.
    Tell,
}

impl Fate {
    /// What this error leads to.
    pub(super) const fn of(error: &ProviderError) -> Self {
        match error {
            ProviderError::RateLimited { .. }
            | ProviderError::Unavailable { .. }
            | ProviderError::TimedOut(_)
            | ProviderError::Unreachable(_)
            | ProviderError::Malformed(_)
            | ProviderError::Unmapped { status: 500.., .. } => Self::Retry,
            ProviderError::UnknownModel(_)
            | ProviderError::Credentials(_)
            | ProviderError::OutOfCredit(_)
            | ProviderError::Unmapped { .. } => Self::Next,
            ProviderError::Incapable(_) => Self::Pass,
            ProviderError::Rejected(_) | ProviderError::TooLong(_) => Self::Tell,
        }
    }
}

/// The word for an error in the log.
pub(super) const fn word(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::Rejected(_) => "rejected",
        ProviderError::TooLong(_) => "too-long",
        ProviderError::RateLimited { .. } => "rate-limited",
        ProviderError::Unavailable { .. } => "unavailable",
        ProviderError::Unmapped { .. } => "unmapped-error",
        ProviderError::Malformed(_) => "malformed",
        ProviderError::UnknownModel(_) => "unknown-model",
        ProviderError::Credentials(_) => "credentials-refused",
        ProviderError::OutOfCredit(_) => "out-of-credit",
        ProviderError::Incapable(_) => "incapable",
        ProviderError::TimedOut(_) => "timed-out",
        ProviderError::Unreachable(_) => "unreachable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_the_request_is_told_and_what_is_wrong_elsewhere_is_not() {
        let text = String::new;
        let unmapped = |status| ProviderError::Unmapped { status, body: String::new() };
        for (error, fate) in [
            (ProviderError::Rejected(text()), Fate::Tell),
            (ProviderError::TooLong(text()), Fate::Tell),
            (ProviderError::RateLimited { message: text(), retry_after: None }, Fate::Retry),
            (ProviderError::unavailable(text()), Fate::Retry),
            (ProviderError::Malformed(text()), Fate::Retry),
            (ProviderError::TimedOut(text()), Fate::Retry),
            (ProviderError::Unreachable(text()), Fate::Retry),
            (ProviderError::UnknownModel(text()), Fate::Next),
            (ProviderError::Credentials(text()), Fate::Next),
            (ProviderError::OutOfCredit(text()), Fate::Next),
            (ProviderError::Incapable(text()), Fate::Pass),
            (unmapped(418), Fate::Next),
            (unmapped(500), Fate::Retry),
            (unmapped(529), Fate::Retry),
        ] {
            assert_eq!(Fate::of(&error), fate, "{error:?}");
        }
    }
}
