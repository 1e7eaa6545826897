use std::sync::Arc;

use url::Url;

use super::Secret;
use super::scrubbed::scrubbed;
use crate::domain::inference::ProviderError;

/// What stands in place of what is taken out.
pub(super) const CONCEALED: &str = "[concealed]";
/// A shorter credential is none, and would be found in ordinary words.
const SHORTEST: usize = 8;

/// What is taken out of a provider's words before they are told to anybody: the credentials that it was sent, and where
/// it is.
#[derive(Clone)]
pub(super) struct Concealed {
    secrets: Arc<[String]>,
    address: Arc<[String]>,
}

impl Concealed {
    /// Hides an address and the credentials that are sent there.
    pub(super) fn new(url: &Url, secrets: &[&Secret]) -> Self {
        let secrets = secrets.iter().map(|secret| secret.reveal()).filter(|secret| secret.len() >= SHORTEST);
        let host = url.host_str().filter(|host| !host.is_empty());
        // The host with its port comes first, so that no port is left of it.
        let with_port = host.and_then(|host| Some(format!("{host}:{}", url.port()?)));
        Self {
            secrets: secrets.map(str::to_owned).collect(),
            address: with_port.into_iter().chain(host.map(str::to_owned)).collect(),
        }
    }

    /// An error that holds nothing of it. What callers are told holds nothing else of the provider's inside either.
    pub(super) fn error(&self, error: ProviderError) -> ProviderError {
        use ProviderError as E;
        match error {
            E::Rejected(told) => E::Rejected(self.sentence(&told)),
            E::Incapable(told) => E::Incapable(self.sentence(&told)),
            E::TooLong(told) => E::TooLong(self.sentence(&told)),
            E::UnknownModel(told) => E::UnknownModel(self.text(told)),
            E::Credentials(told) => E::Credentials(self.text(told)),
            E::OutOfCredit(told) => E::OutOfCredit(self.text(told)),
            E::RateLimited { message, retry_after } => {
                E::RateLimited { message: self.text(message), retry_after }
            }
            E::Unavailable { message, retry_after } => {
                E::Unavailable { message: self.text(message), retry_after }
            }
            E::TimedOut(told) => E::TimedOut(self.text(told)),
            E::Unreachable(told) => E::Unreachable(self.text(told)),
            E::Unmapped { status, body } => E::Unmapped { status, body: self.text(body) },
            E::Malformed(told) => E::Malformed(self.text(told)),
        }
    }

    /// The credentials go first, while they are whole: what looks like one may be no more than its beginning.
    fn sentence(&self, text: &str) -> String {
        without(&self.address, scrubbed(&without(&self.secrets, text.to_owned())))
    }

    fn text(&self, text: String) -> String {
        without(&self.address, without(&self.secrets, text))
    }
}

/// A text in which nothing is left of these.
fn without(hidden: &[String], text: String) -> String {
    hidden.iter().fold(
        text,
        |text, hidden| {
            if text.contains(hidden) { text.replace(hidden, CONCEALED) } else { text }
        },
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn neither_credentials_nor_the_address_are_left() {
        let url = "http://node-7.example:8443/v1".parse().unwrap();
        let hidden = Concealed::new(&url, &[&Secret::new("upstream-key"), &Secret::new("a")]);
        let told = || "Bearer upstream-key at node-7.example:8443, also node-7.example".to_owned();
        let expected = || "Bearer [concealed] at [concealed], also [concealed]".to_owned();
        assert_eq!(hidden.error(ProviderError::Rejected(told())), ProviderError::Rejected(expected()));
        assert_eq!(hidden.error(ProviderError::unavailable(told())), ProviderError::unavailable(expected()));
        let odd = Concealed::new(&url, &[&Secret::new("sk-0123456789=abc")]);
        let told = "sk-0123456789=abc at http://node-7.example:8443/v1".to_owned();
        let expected = "[concealed] at [concealed]".to_owned();
        assert_eq!(odd.error(ProviderError::Rejected(told)), ProviderError::Rejected(expected));
        let (message, retry_after) = ("a day".to_owned(), Some(Duration::ZERO));
        let harmless = ProviderError::RateLimited { message, retry_after };
        assert_eq!(hidden.error(harmless.clone()), harmless);
    }

    #[test]
    fn what_callers_are_told_names_no_other_machine_either() {
        let hidden = Concealed::new(&"http://h".parse().unwrap(), &[]);
        let told = "broken at node-8.internal".to_owned();
        let expected = "broken at [concealed]".to_owned();
        assert_eq!(hidden.error(ProviderError::Rejected(told.clone())), ProviderError::Rejected(expected));
        let logged = ProviderError::unavailable(told);
        assert_eq!(hidden.error(logged.clone()), logged);
    }
}
