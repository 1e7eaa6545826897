use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// A credential. It has no way to be printed but [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    name: Arc<str>,
    value: Arc<str>,
}

impl Secret {
    /// A credential and the name that stands for it wherever it would be shown.
    pub fn new(name: impl Into<Arc<str>>, value: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// The credential itself, to be sent.
    pub fn expose(&self) -> &str {
        &self.value
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[redacted:{}]", self.name)
    }
}

/// Shorter credentials are not looked for: they would redact half of every text.
const SHORTEST: usize = 6;

/// The credentials that must not be written anywhere.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    // Longest first, so that a credential that contains another is replaced as a whole.
    secrets: Vec<Secret>,
}

impl Secrets {
    /// Adds a credential.
    pub fn add(&mut self, secret: Secret) {
        if secret.value.len() >= SHORTEST && !self.secrets.contains(&secret) {
            self.secrets.push(secret);
            self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.value.len()));
        }
    }

    /// The length of the longest credential, in bytes.
    pub fn longest(&self) -> usize {
        self.secrets.first().map_or(0, |secret| secret.value.len())
    }

    /// The text with each credential in it replaced by `[redacted:NAME]`.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut redacted = Cow::Borrowed(text);
        for secret in &self.secrets {
            if redacted.contains(secret.expose()) {
                redacted = redacted.replace(secret.expose(), &format!("{secret:?}")).into();
            }
        }
        redacted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_secret_is_replaced_first_and_debug_shows_none() {
        let mut secrets = Secrets::default();
        secrets.add(Secret::new("SHORT", "sk-abc"));
        secrets.add(Secret::new("LONG", "sk-abc-def"));
        secrets.add(Secret::new("TINY", "ab"));
        assert_eq!(
            secrets.redact("Bearer sk-abc-def, sk-abc, ab"),
            "Bearer [redacted:LONG], [redacted:SHORT], ab"
        );
        assert!(!format!("{secrets:?}").contains("sk-abc"));
    }
}
