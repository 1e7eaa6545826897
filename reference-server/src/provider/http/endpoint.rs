use std::time::Duration;

use url::Url;

/// Where a provider is, and how long it may take.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The address that its paths stand below, such as `https://api.openai.com/v1`.
    pub url: Url,
    /// How long it may take.
    pub timeouts: Timeouts,
}

/// How long a provider may take, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection to be made.
    pub connect: Duration,
    /// For the head of the answer to come, from when the call is begun.
    pub first_byte: Duration,
    /// Between one piece of the answer and the next.
    pub idle: Duration,
    /// For all of the answer, from when the call is begun.
    pub total: Duration,
}

impl Default for Timeouts {
    /// A model may think for minutes before its first word.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_mins(5),
            idle: Duration::from_mins(1),
            total: Duration::from_mins(10),
        }
    }
}

impl Endpoint {
    /// A provider at an address, with the usual time limits.
    pub fn new(url: Url) -> Self {
        Self { url, timeouts: Timeouts::default() }
    }

    /// The same provider as the simulator plays it, at a path below the simulator's address or one of its worlds'.
    #[must_use]
    pub fn below(&self, upstream: &Url, path: &str) -> Self {
        Self { url: below(upstream, path), timeouts: self.timeouts }
    }

    /// The address of a path of the provider's. What is percent-encoded in the path stays as it is.
    pub(crate) fn at(&self, path: &str) -> Url {
        below(&self.url, path)
    }
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(base: &str, path: &str) -> String {
        Endpoint::new(base.parse().unwrap()).at(path).to_string()
    }

    #[test]
    fn a_path_stands_below_the_address() {
        assert_eq!(
            at("https://api.openai.com/v1", "chat/completions"),
            "https://api.openai.com/v1/chat/completions"
        );
        assert_eq!(at("http://127.0.0.1:90/", "v1/messages"), "http://127.0.0.1:90/v1/messages");
        assert_eq!(at("http://h/a", "model/x%3A0/converse"), "http://h/a/model/x%3A0/converse");
    }

    #[test]
    fn the_simulator_has_a_path_for_each_provider() {
        let endpoint = Endpoint::new("https://api.openai.com/v1".parse().unwrap());
        for upstream in ["http://127.0.0.1:9090/~w/x", "http://127.0.0.1:9090/~w/x/"] {
            let moved = endpoint.below(&upstream.parse().unwrap(), "openai/v1");
            assert_eq!(moved.url.as_str(), "http://127.0.0.1:9090/~w/x/openai/v1");
            assert_eq!(moved.timeouts, endpoint.timeouts);
        }
    }
}
