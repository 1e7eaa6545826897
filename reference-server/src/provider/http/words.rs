//! What is wrong with a request or an answer, in words that several wires share.

use crate::domain::inference::ProviderError;

/// That a request asks for something that a wire has no place for; another provider's may have one.
pub(crate) fn incapable(told: &str) -> ProviderError {
    ProviderError::Incapable(told.to_owned())
}

/// That an answer cannot be understood.
pub(crate) fn malformed(told: &str) -> ProviderError {
    ProviderError::Malformed(told.to_owned())
}

/// That something comes which nobody asked for.
pub(crate) fn unexpected(what: &str, kind: &str) -> ProviderError {
    ProviderError::Malformed(format!("{what} of an unknown type: {kind:?}"))
}

/// That a member is missing which there must be.
pub(crate) fn missing(member: &str) -> ProviderError {
    ProviderError::Malformed(format!("missing field `{member}`"))
}

/// That an answer ended for a reason that nobody has documented.
pub(crate) fn unknown_end(word: &str) -> ProviderError {
    ProviderError::Malformed(format!("an answer ended for an unknown reason: {word:?}"))
}
