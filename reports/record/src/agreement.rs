use thiserror::Error;

use crate::{RunStarted, ShardRef, TargetRef};

/// What keeps two records from being told as one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disagreement {
    /// Other scenarios may stand behind the same ids.
    #[error("they were written by Plumbline {0} and {1}")]
    Plumbline(String, String),
    /// The same contract with other requirements, checks or schemas.
    #[error("the contract `{0}` is not the same in both: its version or its digest differs")]
    Contract(String),
    /// Another gateway, or another description of it.
    #[error("their targets are not the same: {0} and {1}")]
    Target(String, String),
    /// A failure was tried again in one of them only.
    #[error("they have {0} and {1} retries")]
    Retries(u32, u32),
    /// Something else was asked for.
    #[error("they were run with different arguments: `{0}` and `{1}`")]
    Arguments(String, String),
    /// Other failures were excused.
    #[error("they were run with different files of expected failures")]
    Expectations,
    /// Other scenarios were dealt out.
    #[error("they are shards of different selections of scenarios")]
    Selection,
    /// The same scenarios were dealt out to another number of shards.
    #[error("one is of {0} shards, the other of {1}")]
    Shards(usize, usize),
    /// The same shard ran twice.
    #[error("both are shard {0}")]
    Twice(String),
}

impl RunStarted {
    /// Whether what this run and another decided can be told together: the same was asked of the same gateway.
    ///
    /// # Errors
    /// With the first thing that tells them apart.
    pub fn agree(&self, other: &Self) -> Result<(), Disagreement> {
        if self.plumbline != other.plumbline {
            return Err(Disagreement::Plumbline(self.plumbline.clone(), other.plumbline.clone()));
        }
        if !self.target.is_same(&other.target) {
            let words = |target: &TargetRef| format!("`{}` at {}", target.name, target.url);
            return Err(Disagreement::Target(words(&self.target), words(&other.target)));
        }
        for contract in &self.contracts {
            if other.contracts.iter().any(|other| other.name == contract.name && other != contract) {
                return Err(Disagreement::Contract(contract.name.clone()));
            }
        }
        if self.retries != other.retries {
            return Err(Disagreement::Retries(self.retries, other.retries));
        }
        let (own, others) = (&self.arguments, &other.arguments);
        if own.len() != others.len() || own.iter().zip(others).any(|(one, other)| !is_same_place(one, other))
        {
            return Err(Disagreement::Arguments(own.join(" "), others.join(" ")));
        }
        if self.expectations != other.expectations {
            return Err(Disagreement::Expectations);
        }
        match (&self.shard, &other.shard) {
            (Some(one), Some(other)) => one.agree(other),
            _ => Ok(()),
        }
    }
}

impl ShardRef {
    /// Whether this part and another are of one selection that was dealt out in the same way.
    fn agree(&self, other: &Self) -> Result<(), Disagreement> {
        if self.of != other.of {
            Err(Disagreement::Shards(self.of, other.of))
        } else if (self.selected, &self.selection) != (other.selected, &other.selection) {
            Err(Disagreement::Selection)
        } else {
            Ok(())
        }
    }
}

impl TargetRef {
    /// Whether two runs were against one gateway.
    fn is_same(&self, other: &Self) -> bool {
        let Self { name, url, digest, configuration } = other;
        let known = (&self.name, &self.digest, &self.configuration) == (name, digest, configuration);
        known && is_same_place(&self.url, url)
    }
}

/// Whether two texts are equal, or two addresses of one gateway. On the loopback interface their ports may differ: there each
/// shard starts a gateway of its own, on a port that is free.
fn is_same_place(one: &str, other: &str) -> bool {
    one == other || on_loopback(one).is_some_and(|place| on_loopback(other) == Some(place))
}

/// The scheme, the host and the path of an address on the loopback interface.
fn on_loopback(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let is_port = |port: &str| port.bytes().all(|digit| digit.is_ascii_digit());
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        _ => authority,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]").then_some((scheme, host, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_loopback_interface_counts_as_such() {
        for url in [
            "http://127.0.0.1:4000/",
            "https://localhost:1/x",
            "http://localhost/",
            "http://[::1]:80/",
            "http://[::1]/",
        ] {
            assert!(on_loopback(url).is_some(), "{url}");
        }
        for url in ["http://localhost.example:80/", "http://10.0.0.1:80/", "http://example/127.0.0.1:1", "x"]
        {
            assert!(on_loopback(url).is_none(), "{url}");
        }
    }

    #[test]
    fn on_the_loopback_interface_nothing_but_the_port_may_differ() {
        let one = "http://127.0.0.1:4000/gateway";
        for (other, is_same) in [
            ("http://127.0.0.1:4001/gateway", true),
            ("http://127.0.0.1/gateway", true),
            ("http://127.0.0.1:4001/other", false),
            ("http://127.0.0.1:4001/", false),
            ("https://127.0.0.1:4001/gateway", false),
            ("http://localhost:4000/gateway", false),
            ("http://10.0.0.1:4000/gateway", false),
        ] {
            assert_eq!(is_same_place(one, other), is_same, "{other}");
        }
        assert!(!is_same_place("http://10.0.0.1:1/", "http://10.0.0.1:2/"));
    }
}
