//! What authors may write, whatever the notation: plain structs, each value with its place.

pub mod contract_file;
pub mod dialect_file;
pub mod file;
mod lengths;
pub mod polling;
pub mod stream;
pub mod upstream;
mod upstream_forms;
pub mod wrappers;

/// The JSON Schema of a scenario file.
pub fn scenario_schema() -> schemars::Schema {
    schemars::schema_for!(file::ScenarioFile)
}

/// The JSON Schema of a `contract.yaml`.
pub fn contract_schema() -> schemars::Schema {
    schemars::schema_for!(contract_file::ContractFile)
}

/// The JSON Schema of the profile of a dialect.
pub fn dialect_schema() -> schemars::Schema {
    schemars::schema_for!(dialect_file::DialectFile)
}
