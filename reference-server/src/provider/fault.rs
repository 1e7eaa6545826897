use crate::domain::inference::ProviderError;

/// A way in which a provider fails on purpose, for a single request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The provider's answer is no JSON.
    MalformedBody,
    /// The provider refuses the request.
    Rejected,
    /// The provider's stream breaks off after a few parts; answers that are not streamed stay whole.
    TruncatedStream,
}

impl Fault {
    /// The fault that a header names; nothing for a name that is none.
    pub fn parse(name: &str) -> Option<Self> {
        match name.trim() {
            "malformed-body" => Some(Self::MalformedBody),
            "rejected" => Some(Self::Rejected),
            "truncated-stream" => Some(Self::TruncatedStream),
            _ => None,
        }
    }

    /// The error that stands in place of any answer; nothing for a fault that strikes later.
    pub(super) fn before_answer(self) -> Option<ProviderError> {
        match self {
            Self::MalformedBody => {
                Some(ProviderError::Malformed("expected `,` or `}` at line 1 column 87".to_owned()))
            }
            Self::Rejected => {
                Some(ProviderError::Rejected("the model does not accept the given input".to_owned()))
            }
            Self::TruncatedStream => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_read_and_others_are_not() {
        assert_eq!(Fault::parse("malformed-body"), Some(Fault::MalformedBody));
        assert_eq!(Fault::parse(" rejected "), Some(Fault::Rejected));
        assert_eq!(Fault::parse("truncated-stream"), Some(Fault::TruncatedStream));
        assert_eq!(Fault::parse("Rejected"), None);
        assert_eq!(Fault::parse(""), None);
    }
}
