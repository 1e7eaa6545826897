use std::time::Duration;

/// Why a provider gave no answer. What it says of a request that is wrong is for the caller, and everything else that
/// it says for the log only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The provider refused the request as it stands.
    #[error("the provider refused the request: {0}")]
    Rejected(String),
    /// The provider, or its wire, has no place for something that is asked for; another provider may have one. The
    /// provider was not asked.
    #[error("the provider cannot be asked this: {0}")]
    Incapable(String),
    /// The question is longer than the model's context.
    #[error("the provider refused the request: {0}")]
    TooLong(String),
    /// The provider has no such model. What it says names the model as it is known there.
    #[error("the provider does not know the model: {0}")]
    UnknownModel(String),
    /// The provider does not let the gateway in.
    #[error("the provider refused the gateway's credentials: {0}")]
    Credentials(String),
    /// What the gateway may spend at the provider is spent. To ask again changes nothing.
    #[error("the gateway's credit at the provider is used up: {0}")]
    OutOfCredit(String),
    /// The provider takes no more requests for now.
    #[error("the provider's rate limit is reached: {message}")]
    RateLimited {
        /// What the provider says.
        message: String,
        /// After how long it may be asked again, where it says so.
        retry_after: Option<Duration>,
    },
    /// The provider is there and cannot work.
    #[error("the provider is unavailable: {message}")]
    Unavailable {
        /// What the provider says.
        message: String,
        /// After how long it may be asked again, where it says so.
        retry_after: Option<Duration>,
    },
    /// The provider did not answer in time.
    #[error("the provider did not answer in time: {0}")]
    TimedOut(String),
    /// There is no connection to the provider, or none any more.
    #[error("the provider cannot be reached: {0}")]
    Unreachable(String),
    /// The provider answered with an error that nobody has documented.
    #[error("the provider answered with an unknown error, status {status}: {body}")]
    Unmapped {
        /// Its status.
        status: u16,
        /// Its whole body.
        body: String,
    },
    /// The provider's answer could not be understood.
    #[error("the provider's answer is malformed: {0}")]
    Malformed(String),
}

impl ProviderError {
    /// The provider cannot work, and does not say until when.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable { message: message.into(), retry_after: None }
    }

    /// What the log says of it. Nothing where the request is wrong: what is said of that can be the caller's own words,
    /// and the caller is told.
    pub fn logged(&self) -> Option<String> {
        match self {
            Self::Rejected(_) | Self::Incapable(_) | Self::TooLong(_) => None,
            error => Some(error.to_string()),
        }
    }

    /// After how long the provider may be asked again, where it says so.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
