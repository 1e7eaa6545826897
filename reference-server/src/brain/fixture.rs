use serde::de::DeserializeOwned;
use serde_saphyr::Spanned;

use super::BrainError;

/// A data file embedded in the binary, with the name that errors give it.
#[derive(Clone, Copy)]
pub(super) struct Fixture {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
}

macro_rules! embedded {
    ($file:literal) => {
        Fixture {
            name: concat!("fixtures/brain/", $file),
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/brain/", $file)),
        }
    };
}

pub(super) const RULES: Fixture = embedded!("rules.yaml");
pub(super) const FACTS: Fixture = embedded!("facts.yaml");
pub(super) const STYLES: Fixture = embedded!("styles.yaml");
pub(super) const IMAGES: Fixture = embedded!("images.yaml");

impl Fixture {
    /// The file's contents as the type that describes its shape.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, BrainError> {
        serde_saphyr::from_str(self.text)
            .map_err(|error| BrainError::Shape { file: self.name, problem: error.to_string() })
    }

    /// The error for an entry that makes no sense.
    pub(super) fn wrong(self, entry: &Spanned<String>, problem: impl Into<String>) -> BrainError {
        BrainError::Entry {
            file: self.name,
            line: entry.referenced.line(),
            column: entry.referenced.column(),
            entry: entry.value.clone(),
            problem: problem.into(),
        }
    }
}
