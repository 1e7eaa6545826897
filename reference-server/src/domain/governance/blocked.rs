//! Why a call is refused before anybody is asked.

use std::time::Duration;

use rust_decimal::Decimal;

use super::meter::Over;

/// What keeps a call from being made. The text is the wire's, and names no key's value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Blocked {
    #[error("virtual key is required: send it in x-bf-vk or as another credential")]
    KeyRequired,
    #[error("missing required headers: {0}")]
    HeadersMissing(String),
    #[error("virtual key not found")]
    KeyUnknown,
    #[error("virtual key is inactive")]
    KeyInactive,
    #[error("provider '{0}' is not allowed for this virtual key")]
    Provider(String),
    #[error("model '{0}' is not allowed for this virtual key")]
    Model(String),
    #[error("model '{0}' not found; use provider/model")]
    ModelUnknown(String),
    #[error("no keys found that support model: {0}")]
    NoKeys(String),
    #[error("no key found with id or name: {0}")]
    KeyIdUnknown(String),
    #[error("request limit of the {owner} exceeded: {max} requests every {reset}")]
    Requests { owner: &'static str, max: u64, reset: String, left: Duration },
    #[error("token limit of the {owner} exceeded: {used} of {max} tokens every {reset}")]
    Tokens { owner: &'static str, used: u64, max: u64, reset: String, left: Duration },
    #[error("rate limit of the {owner} exceeded: neither requests nor tokens are left")]
    Rate { owner: &'static str, left: Duration },
    #[error("budget of the {owner} exceeded: {used} of {max} dollars")]
    Budget { owner: &'static str, used: Decimal, max: Decimal, left: Duration },
}

impl Blocked {
    /// What is used up, and whose.
    pub(super) fn by(owner: &'static str, over: Over) -> Self {
        match over {
            Over::Requests { max, reset, left } => {
                Self::Requests { owner, max, reset: reset.to_string(), left }
            }
            Over::Tokens { used, max, reset, left } => {
                Self::Tokens { owner, used, max, reset: reset.to_string(), left }
            }
            Over::Both { left } => Self::Rate { owner, left },
            Over::Budget { used, max, left } => {
                Self::Budget { owner, used: used.normalize(), max: max.normalize(), left }
            }
        }
    }

    /// The status that the wire gives it.
    pub(crate) const fn status(&self) -> u16 {
        match self {
            Self::HeadersMissing(_) | Self::ModelUnknown(_) | Self::NoKeys(_) | Self::KeyIdUnknown(_) => 400,
            Self::KeyRequired => 401,
            Self::Budget { .. } => 402,
            Self::KeyUnknown | Self::KeyInactive | Self::Provider(_) | Self::Model(_) => 403,
            Self::Requests { .. } | Self::Tokens { .. } | Self::Rate { .. } => 429,
        }
    }

    /// The type that the wire gives it, where it has one.
    pub(crate) const fn kind(&self) -> Option<&'static str> {
        match self {
            Self::KeyRequired => Some("virtual_key_required"),
            Self::HeadersMissing(_) => Some("missing_required_headers"),
            Self::KeyUnknown => Some("virtual_key_not_found"),
            Self::KeyInactive => Some("virtual_key_blocked"),
            Self::Provider(_) => Some("provider_blocked"),
            Self::Model(_) => Some("model_blocked"),
            Self::Requests { .. } => Some("request_limited"),
            Self::Tokens { .. } => Some("token_limited"),
            Self::Rate { .. } => Some("rate_limited"),
            Self::Budget { .. } => Some("budget_exceeded"),
            Self::ModelUnknown(_) | Self::NoKeys(_) | Self::KeyIdUnknown(_) => None,
        }
    }

    /// After how many seconds there is some again, where something is used up.
    pub(crate) fn retry_after(&self) -> Option<u32> {
        let (Self::Requests { left, .. }
        | Self::Tokens { left, .. }
        | Self::Rate { left, .. }
        | Self::Budget { left, .. }) = self
        else {
            return None;
        };
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        Some(u32::try_from(seconds).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_up_says_when_there_is_some_again() {
        let left = Duration::from_millis(41_200);
        let over = Over::Budget { used: Decimal::new(120, 2), max: Decimal::ONE, left };
        let blocked = Blocked::by("team", over);
        assert_eq!(
            (blocked.status(), blocked.kind(), blocked.retry_after()),
            (402, Some("budget_exceeded"), Some(42))
        );
        assert_eq!(blocked.to_string(), "budget of the team exceeded: 1.2 of 1 dollars");
        assert_eq!(Blocked::KeyUnknown.retry_after(), None);
    }
}
