use std::cmp::Ordering;

use serde::Deserialize;
use thiserror::Error;

use super::Proof;
use crate::harmless::harmless_document;

/// The version of a written proof. A reader refuses one of another version.
pub const FORMAT: u32 = 2;

/// Why a proof could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProofError {
    /// It is not a proof.
    #[error("understand the proof: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It was written by a later version.
    #[error("read a proof of format {found}: this version knows {FORMAT}")]
    Format {
        /// The format that it states.
        found: u32,
    },
    /// It was written by an earlier version, and says nothing of steps: what they cover would be told as not covered.
    #[error(
        "read a proof of format {found}: it does not tell single steps; write it again with `plumbline prove --json`"
    )]
    Outdated {
        /// The format that it states.
        found: u32,
    },
}

impl Proof {
    /// The proof as JSON, to be read again.
    ///
    /// # Errors
    /// Where serde has something against it; nothing in a proof gives it reason to.
    pub fn to_json(&self) -> Result<String, ProofError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads a proof that was written as JSON.
    ///
    /// # Errors
    /// When it is no proof, or one of another version.
    pub fn from_json(text: &str) -> Result<Self, ProofError> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let Version { format } = serde_json::from_str(text)?;
        match format.cmp(&FORMAT) {
            Ordering::Less => return Err(ProofError::Outdated { found: format }),
            Ordering::Greater => return Err(ProofError::Format { found: format }),
            Ordering::Equal => {}
        }
        Ok(serde_json::from_value(harmless_document(serde_json::from_str(text)?))?)
    }
}
