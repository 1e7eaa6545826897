use thiserror::Error;

use crate::{RunStarted, TargetRef};

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
        Ok(())
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

/// Whether two texts are equal, or two addresses of one gateway. On the loopback interface these may differ: there each shard
/// starts a gateway of its own, on a port that is free.
fn is_same_place(one: &str, other: &str) -> bool {
    one == other || is_loopback(one) && is_loopback(other)
}

fn is_loopback(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_loopback_interface_counts_as_such() {
        for url in
            ["http://127.0.0.1:4000/", "https://localhost:1/x", "http://localhost/", "http://[::1]:80/"]
        {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["http://localhost.example:80/", "http://10.0.0.1:80/", "http://example/127.0.0.1:1", "x"]
        {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
