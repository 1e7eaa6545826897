//! Secrets in stored documents. Only the two records that hold one write it, by `#[serde(with = "revealed")]`, so that
//! nothing else serializes a secret by being derived.

use serde::{Deserialize, Deserializer, Serializer};

use crate::provider::http::Secret;

/// Writes the secret itself.
pub(super) fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.reveal())
}

/// Reads it again.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(|text| Secret::new(&text))
}
