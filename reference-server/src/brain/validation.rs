//! The validator of a schema.

use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

/// How many bytes a regular expression may take to remember what it has found out about texts.
const MEMORY: usize = 1024 * 1024;

/// The validator of a schema, each regular expression of which may take as many bytes as this.
///
/// # Errors
///
/// When it is no schema, or a regular expression in it takes more.
pub(super) fn validator(schema: &Value, room: usize) -> Result<Validator, ValidationError<'static>> {
    // With this engine a regular expression cannot take longer than its text is long.
    let patterns = PatternOptions::regex().size_limit(room).dfa_size_limit(MEMORY);
    jsonschema::options().offline().should_validate_formats(true).with_pattern_options(patterns).build(schema)
}

/// What is wrong and where, without the value that it is wrong of.
pub(super) fn told(error: &ValidationError<'_>) -> String {
    match error.instance_path().as_str() {
        "" => error.masked().to_string(),
        place => format!("{place}: {}", error.masked()),
    }
}
