//! What callers are told where a call has no answer: one table for all dialects. A wire that documents another status for
//! something has it in its own file, and says so there.

use std::time::Duration;

use axum::http::StatusCode;

use crate::domain::call::CallError;
use crate::domain::inference::ProviderError;

/// Why a call has no answer, as far as its caller is told. Of what a provider says only what is wrong with the request
/// gets here; the rest is for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// The request is refused as it stands, in these words.
    Refused(String),
    /// The prompt is longer than the model's context; this is what is said of it.
    TooLong(String),
    /// There is no such model, after all.
    UnknownModel,
    /// The provider takes no more for now.
    RateLimited {
        /// Seconds after which to come back, where they are known.
        retry_after: Option<u32>,
    },
    /// The provider cannot work, or cannot be reached, or does nothing for this gateway any more.
    Unavailable {
        /// Seconds after which to come back, where they are known.
        retry_after: Option<u32>,
    },
    /// The provider was too slow.
    TimedOut,
    /// Something is wrong that is nobody's business outside: the gateway's credentials, an answer without sense, the
    /// gateway itself.
    Broken,
}

impl Unanswered {
    /// Why an error leaves a call without an answer, and what the log says of it where something went wrong inside.
    pub(crate) fn of(error: CallError) -> (Self, Option<String>) {
        let exception = match &error {
            CallError::Provider(error) => error.logged(),
            error => Some(error.to_string()),
        };
        let error = match error {
            CallError::Provider(error) => error,
            CallError::Closing => return (Self::Unavailable { retry_after: None }, exception),
            _ => return (Self::Broken, exception),
        };
        let reason = match error {
            ProviderError::Rejected(message) | ProviderError::Incapable(message) => Self::Refused(message),
            ProviderError::TooLong(message) => Self::TooLong(message),
            ProviderError::UnknownModel(_) => Self::UnknownModel,
            ProviderError::RateLimited { retry_after, .. } => {
                Self::RateLimited { retry_after: retry_after.map(whole_seconds) }
            }
            ProviderError::Unavailable { retry_after, .. } => {
                Self::Unavailable { retry_after: retry_after.map(whole_seconds) }
            }
            ProviderError::Unreachable(_) | ProviderError::OutOfCredit(_) => {
                Self::Unavailable { retry_after: None }
            }
            ProviderError::TimedOut(_) => Self::TimedOut,
            ProviderError::Credentials(_) | ProviderError::Unmapped { .. } | ProviderError::Malformed(_) => {
                Self::Broken
            }
        };
        (reason, exception)
    }

    /// The status.
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::Refused(_) | Self::TooLong(_) => StatusCode::BAD_REQUEST,
            Self::UnknownModel => StatusCode::NOT_FOUND,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The gateway's own words for it.
    pub(crate) fn words(&self) -> &str {
        match self {
            Self::Refused(message) | Self::TooLong(message) => message,
            Self::UnknownModel => "The model does not exist, or is not available here.",
            Self::RateLimited { .. } => {
                "The model's provider takes no more requests for now. Please try again later."
            }
            Self::Unavailable { .. } => {
                "The model's provider is not available at the moment. Please try again later."
            }
            Self::TimedOut => "The model's provider did not answer in time. Please try again later.",
            Self::Broken => "The model's answer could not be had. Please try again later.",
        }
    }

    /// Seconds after which to come back, where they are known.
    pub(crate) const fn retry_after(&self) -> Option<u32> {
        match self {
            Self::RateLimited { retry_after } | Self::Unavailable { retry_after } => *retry_after,
            _ => None,
        }
    }
}

/// So many whole seconds: who comes back after them does not come too early.
fn whole_seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A text of a provider's that no caller is to see.
    pub(crate) const SECRET: &str = "out of GPUs on node-7";

    /// Everything that can go wrong at a provider and is none of the caller's making, in words that no caller is to
    /// see, with the status that callers are told.
    pub(crate) fn failures() -> Vec<(CallError, u16)> {
        let secret = || SECRET.to_owned();
        let wait = |milliseconds| Some(Duration::from_millis(milliseconds));
        let failures = [
            (ProviderError::UnknownModel(secret()), 404),
            (ProviderError::RateLimited { message: secret(), retry_after: wait(7_000) }, 429),
            (ProviderError::Unavailable { message: secret(), retry_after: wait(6_001) }, 503),
            (ProviderError::Unreachable(secret()), 503),
            (ProviderError::OutOfCredit(secret()), 503),
            (ProviderError::TimedOut(secret()), 504),
            (ProviderError::Credentials(secret()), 500),
            (ProviderError::Malformed(secret()), 500),
            (ProviderError::Unmapped { status: 418, body: secret() }, 500),
        ];
        failures.into_iter().map(|(error, status)| (error.into(), status)).collect()
    }

    #[test]
    fn what_a_provider_says_of_its_own_failures_is_for_the_log_only() {
        for (error, status) in failures() {
            let told = error.to_string();
            let (reason, exception) = Unanswered::of(error);
            assert_eq!(reason.status(), status, "{told}");
            assert!(!reason.words().contains(SECRET) && !reason.words().is_empty(), "{told}");
            assert_eq!(exception, Some(told));
        }
        let broken = Unanswered::of(CallError::Broken(SECRET.to_owned()));
        assert_eq!((broken.0.status().as_u16(), broken.1.is_some()), (500, true));
        assert_eq!(Unanswered::of(CallError::Closing).0.status(), 503);
    }

    #[test]
    fn what_is_wrong_with_a_request_is_for_its_caller_only() {
        let why = || "no poems today".to_owned();
        for error in
            [ProviderError::Rejected(why()), ProviderError::Incapable(why()), ProviderError::TooLong(why())]
        {
            let (reason, exception) = Unanswered::of(error.into());
            assert_eq!((reason.status().as_u16(), reason.words(), exception), (400, "no poems today", None));
        }
    }

    #[test]
    fn when_to_come_back_is_passed_on() {
        let reasons = failures().into_iter().map(|(error, _)| Unanswered::of(error).0.retry_after());
        assert_eq!(reasons.flatten().collect::<Vec<_>>(), [7, 7]);
    }
}
