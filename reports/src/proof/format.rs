use serde::Deserialize;
use thiserror::Error;

use super::Proof;
use crate::harmless::harmless_document;

/// The version of a written proof. A reader refuses one of a later version.
pub const FORMAT: u32 = 1;

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
    /// When it is no proof, or one of a later version.
    pub fn from_json(text: &str) -> Result<Self, ProofError> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let Version { format } = serde_json::from_str(text)?;
        if format > FORMAT {
            return Err(ProofError::Format { found: format });
        }
        Ok(serde_json::from_value(harmless_document(serde_json::from_str(text)?))?)
    }
}
