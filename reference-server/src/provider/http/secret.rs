use std::fmt;
use std::sync::Arc;

/// A credential: sent to the provider that it belongs to, and shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// The credential in a text; blanks around it, such as the line break at the end of a file, are not part of it.
    pub fn new(text: &str) -> Self {
        Self(text.trim().into())
    }

    /// The credential itself, to be sent.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_trimmed_and_not_shown() {
        let secret = Secret::new(" sk-upstream\n");
        assert_eq!(secret.reveal(), "sk-upstream");
        assert!(!format!("{secret:?}").contains("upstream"));
    }
}
