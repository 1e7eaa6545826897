//! YAML: the first of the sources.

mod checks;
mod contract;
pub mod contract_file;
mod convert;
pub mod decode;
pub mod file;
mod lengths;
mod names;
mod node;
mod read;
mod steps;
pub mod wrappers;

pub use contract::contract;
pub use convert::scenarios;
pub use decode::decode;
pub use read::read_all;

/// The JSON Schema of a scenario file.
pub fn scenario_schema() -> schemars::Schema {
    schemars::schema_for!(file::ScenarioFile)
}

/// The JSON Schema of a `contract.yaml`.
pub fn contract_schema() -> schemars::Schema {
    schemars::schema_for!(contract_file::ContractFile)
}
