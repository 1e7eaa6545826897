use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use url::Url;

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

    /// An address without user information, query and fragment, and with each credential in its path replaced, also where it
    /// is written as addresses write it.
    pub fn redact_address(&self, address: &Url) -> String {
        let mut address = address.clone();
        // Neither can fail on an address that has a host, and only such are read.
        let _ = address.set_username("");
        let _ = address.set_password(None);
        address.set_query(None);
        address.set_fragment(None);
        let mut redacted = self.redact(address.as_str()).into_owned();
        for secret in &self.secrets {
            address.set_path(secret.expose());
            let encoded = address.path().trim_start_matches('/');
            if encoded.len() >= SHORTEST {
                redacted = redacted.replace(encoded, &format!("{secret:?}"));
            }
        }
        redacted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_gives_access() {
        let mut secrets = Secrets::default();
        secrets.add(Secret::new("PLAIN", "sk-abc-def"));
        secrets.add(Secret::new("ODD", "a b/{c}ü"));
        secrets.add(Secret::new("SLASHES", "///////"));
        for (address, shown) in [
            ("http://jane:word@host:1/x?key=sk-abc-def#sk-abc-def", "http://host:1/x"),
            ("https://sk-abc-def@host/", "https://host/"),
            ("http://host/k/sk-abc-def/v1", "http://host/k/[redacted:PLAIN]/v1"),
            ("http://host/k/a b/{c}ü/v1", "http://host/k/[redacted:ODD]/v1"),
            ("http://host/other/v1", "http://host/other/v1"),
        ] {
            assert_eq!(secrets.redact_address(&Url::parse(address).unwrap()), shown, "{address}");
        }
    }

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
