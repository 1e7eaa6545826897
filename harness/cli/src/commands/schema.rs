use std::io::Write as _;

use plumbline_harness::expectation::expectations_schema;
use plumbline_harness::source::{gherkin, written};
use plumbline_harness::target::descriptor_schema;
use plumbline_record::ExitCode;
use plumbline_reference_server::config_schema;
use plumbline_reports::statement::statement_schema;

use super::markdown::markdown;
use crate::arguments::{Schema, SchemaFormat, SchemaOf};
use crate::diagnostics::Failure;
use crate::printer::Printer;

/// `plumbline schema`
pub(crate) fn schema(arguments: &Schema, printer: Printer) -> Result<ExitCode, Failure> {
    let schema = match arguments.of {
        SchemaOf::Scenario => Some(written::scenario_schema()),
        SchemaOf::Contract => Some(written::contract_schema()),
        SchemaOf::Dialect => Some(written::dialect_schema()),
        SchemaOf::Target => Some(descriptor_schema()),
        SchemaOf::Expectations => Some(expectations_schema()),
        SchemaOf::Statement => Some(statement_schema()),
        SchemaOf::Config => Some(config_schema()),
        // A feature becomes what a scenario file is; what is its own are its sentences.
        SchemaOf::Gherkin => None,
    };
    let text = match (schema, arguments.format) {
        (None, _) => gherkin::reference(),
        (Some(schema), SchemaFormat::Json) => {
            serde_json::to_string_pretty(&schema).map_err(Failure::configuration)? + "\n"
        }
        (Some(schema), SchemaFormat::Markdown) => markdown(schema.as_value()),
    };
    write!(printer.out(), "{text}").map_err(Failure::configuration)?;
    Ok(ExitCode::Conformant)
}
