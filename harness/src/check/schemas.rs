use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;
use thiserror::Error;

use super::words::shorten;
use crate::target::Secrets;

/// Most violations that are told of one value.
const TOLD: usize = 5;

/// Why a JSON Schema cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// It is not JSON.
    #[error("read the JSON Schema `{name}`: {source}")]
    Json {
        /// The schema's name.
        name: String,
        /// The cause.
        source: serde_json::Error,
    },
    /// It is not a JSON Schema.
    #[error("compile the JSON Schema `{name}`: {message}")]
    Invalid {
        /// The schema's name.
        name: String,
        /// The cause.
        message: String,
    },
}

/// The JSON Schemas that scenarios name, compiled when first used.
#[derive(Debug, Default)]
pub struct Schemas {
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    source: Value,
    compiled: OnceLock<Result<Validator, String>>,
}

impl Schemas {
    /// Schemas from their names, such as `gsai/chat-completion`, and texts.
    ///
    /// # Errors
    /// When a text is not JSON.
    pub fn new<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, SchemaError> {
        let mut entries = BTreeMap::new();
        for (name, text) in texts {
            let source = serde_json::from_str(text)
                .map_err(|source| SchemaError::Json { name: name.to_owned(), source })?;
            entries.insert(name.to_owned(), Entry { source, compiled: OnceLock::new() });
        }
        Ok(Self { entries })
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The schemas of a contract, which are in its folder, and those of other folders that it names: names and sources,
    /// in order.
    pub(crate) fn of_contract(
        &self,
        contract: &str,
        named: &BTreeSet<&str>,
    ) -> impl Iterator<Item = (&str, &Value)> {
        let folder = format!("{contract}/");
        let is_used = move |name: &str| name.starts_with(&folder) || named.contains(name);
        let used = self.entries.iter().filter(move |(name, _)| is_used(name));
        used.map(|(name, entry)| (name.as_str(), &entry.source))
    }

    /// Compiles every schema now, to find one that is wrong.
    ///
    /// # Errors
    /// When one is not a JSON Schema.
    pub fn compile_all(&self) -> Result<(), SchemaError> {
        for (name, entry) in &self.entries {
            if let Err(message) = entry.validator() {
                return Err(SchemaError::Invalid { name: name.clone(), message: message.clone() });
            }
        }
        Ok(())
    }

    /// What a value violates, in words; nothing where it is valid.
    pub(super) fn violations(&self, name: &str, value: &Value, secrets: &Secrets) -> Option<String> {
        let Some(entry) = self.entries.get(name) else {
            return Some(format!("there is no JSON Schema `{name}`"));
        };
        let validator = match entry.validator() {
            Ok(validator) => validator,
            Err(message) => return Some(format!("the JSON Schema `{name}` is invalid: {message}")),
        };
        if validator.is_valid(value) {
            return None;
        }
        let mut errors = validator.iter_errors(value);
        let told: Vec<_> = errors
            .by_ref()
            .take(TOLD)
            .map(|error| match error.instance_path().as_str() {
                "" => error.to_string(),
                place => format!("{place}: {error}"),
            })
            .collect();
        let more = match errors.count() {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        Some(shorten(&told.join("; "), secrets) + &more)
    }
}

impl Entry {
    fn validator(&self) -> Result<&Validator, &String> {
        self.compiled
            .get_or_init(|| jsonschema::validator_for(&self.source).map_err(|error| error.to_string()))
            .as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_counted() {
        let schemas = Schemas::new([("texts", r#"{"items":{"type":"string"}}"#)]).unwrap();
        let told = |items: u32| {
            let items: Value = (0..items).collect();
            schemas.violations("texts", &items, &Secrets::default())
        };
        assert_eq!(told(0), None);
        assert!(!told(5).unwrap().contains("more"), "{told:?}", told = told(5));
        assert!(told(6).unwrap().ends_with("; and 1 more"), "{told:?}", told = told(6));
        assert!(told(900).unwrap().ends_with("; and 895 more"), "{told:?}", told = told(900));
    }
}
